"""Batches consist of the pieces and the noise that a phase asks for."""

from typing import Any

import numpy as np
import pytest

from stages.settings.model import LevenbergMarquardt
from stages.training.jacobian import Rollout
from stages.training.sequences import Batch, Sequences, fixed_batch, fresh_batch
from tests.examples import values

ROLLOUT = Rollout(8, (-2, 1, 5))  # pieces of 13 values
DATA = Sequences(values(50, 24, 1), values(50, 24, 1, seed=2))


def phase(**changes: Any) -> LevenbergMarquardt:
    settings = {"phase": "levenberg_marquardt", "warmup": 8, "sequences": 50, "iterations": 1}
    return LevenbergMarquardt.model_validate(
        settings | {"free_steps": [1], "fresh": True} | changes
    )


def fresh(seed: int = 1, **changes: Any) -> Batch:
    return fresh_batch(DATA, ROLLOUT, phase(**changes), np.random.default_rng(seed))


def test_a_fresh_batch_has_pieces_of_the_targets_begun_anywhere() -> None:
    batch = fresh()
    pieces = np.lib.stride_tricks.sliding_window_view(DATA.targets[:, :, 0], 13, axis=1)
    same = (pieces[..., :8] == batch.inputs[:, None, None, :, 0]).all(axis=3)
    places = np.argwhere(same)[:, 1:]
    assert sorted(places[:, 0]) == [*range(50)]  # no sequence twice
    assert set(places[:, 1]) == {*range(12)}
    np.testing.assert_array_equal(batch.targets, pieces[*places.T][:, [5, 8, 12]])
    assert (fresh(seed=2).inputs != batch.inputs).any()
    assert len(fresh(sequences=3).inputs) == 3


def test_noise_is_on_the_inputs_and_jitter_multiplies_a_whole_piece() -> None:
    plain, noisy, batch = fresh(), fresh(noise=0.1), fresh(amplitude_jitter=0.2)
    np.testing.assert_array_equal(plain.targets, noisy.targets)
    assert (noisy.inputs - plain.inputs).std() == pytest.approx(0.1, rel=0.15)
    factors = batch.targets / plain.targets
    np.testing.assert_allclose(factors, factors[:, :1].repeat(3, axis=1), rtol=1e-12)
    np.testing.assert_allclose(batch.inputs, plain.inputs * factors[:, :1, None], rtol=1e-12)
    assert 0.8 <= factors.min() < 0.85 and 1.15 < factors.max() <= 1.2


def test_a_fixed_batch_is_the_first_sequences() -> None:
    five = phase(sequences=5, noise=0.1, fresh=False)
    batch = fixed_batch(DATA, ROLLOUT, five, np.random.default_rng(0))
    np.testing.assert_array_equal(batch.targets, DATA.targets[:5, [5, 8, 12], 0])
    assert batch.inputs.shape == (5, 8, 1)
    assert (batch.inputs - DATA.values[:5, :8]).std() == pytest.approx(0.1, rel=0.3)
