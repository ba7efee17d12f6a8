"""Batches are made of the sequences that they are said to be made of."""

import numpy as np
import pytest

from stages.training.jacobian import Rollout
from stages.training.sequences import Sequences, Stream, fixed_batch
from tests.examples import values

ROLLOUT = Rollout(8, (-2, 1, 5))  # pieces of 13 values


def stream(**changes: float) -> Stream:
    settings = {"sequences": 50, "noise": 0.0, "amplitude_jitter": 0.0} | changes
    return Stream(values(50, 24, 1), ROLLOUT, random=np.random.default_rng(1), **settings)


def test_a_stream_draws_pieces_begun_anywhere_and_other_ones_each_time() -> None:
    whole = stream()
    batch, second = whole.draw(), whole.draw()
    pieces = np.lib.stride_tricks.sliding_window_view(whole.targets[:, :, 0], 13, axis=1)
    same = (pieces[..., :8] == batch.inputs[:, None, None, :, 0]).all(axis=3)
    places = np.argwhere(same)[:, 1:]
    assert sorted(places[:, 0]) == [*range(50)]  # no sequence twice
    assert set(places[:, 1]) == {*range(12)}
    np.testing.assert_array_equal(batch.targets, pieces[*places.T][:, [5, 8, 12]])
    assert (second.inputs != batch.inputs).any()
    assert len(stream(sequences=3).draw().inputs) == 3


def test_noise_is_on_the_inputs_and_jitter_multiplies_a_whole_piece() -> None:
    plain, noisy, batch = (
        stream(**changes).draw() for changes in ({}, {"noise": 0.1}, {"amplitude_jitter": 0.2})
    )
    np.testing.assert_array_equal(plain.targets, noisy.targets)
    assert (noisy.inputs - plain.inputs).std() == pytest.approx(0.1, rel=0.15)
    factors = batch.targets / plain.targets
    np.testing.assert_allclose(factors, factors[:, :1].repeat(3, axis=1), rtol=1e-12)
    np.testing.assert_allclose(batch.inputs, plain.inputs * factors[:, :1, None], rtol=1e-12)
    assert 0.8 <= factors.min() < 0.85 and 1.15 < factors.max() <= 1.2


def test_a_fixed_batch_is_the_first_sequences() -> None:
    data = Sequences(values(50, 24, 1), values(50, 24, 1, seed=2))
    batch = fixed_batch(data, ROLLOUT, 5, 0.1, np.random.default_rng(0))
    np.testing.assert_array_equal(batch.targets, data.targets[:5, [5, 8, 12], 0])
    assert batch.inputs.shape == (5, 8, 1)
    assert (batch.inputs - data.values[:5, :8]).std() == pytest.approx(0.1, rel=0.3)
