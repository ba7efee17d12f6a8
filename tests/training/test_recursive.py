"""Laws of Levenberg–Marquardt on a stream."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stages.networks.network import Network
from stages.training import initial, recursive
from stages.training.jacobian import Rollout
from stages.training.levenberg_marquardt import flat, with_weights

ROLLOUT = Rollout(8, (-2, 1, 5))


def drawn(seed: int = 0) -> Network:
    sizes = {"hidden_size": 3, "num_layers": 1, "memory_size": 1, "products": 2}
    network = initial.empty("innovation", **sizes, dtype="float64")
    random = np.random.default_rng(seed)
    return initial.innovation(network, spectral_radius=0.5, input_scale=0.5, random=random)


def stream(sequences: int = 20, noise: float = 0.1) -> recursive.Stream:
    """Sines of 24 values, so that a piece of 13 can begin at twelve places."""
    frequency = np.linspace(0.2, 0.5, 50)[:, None]
    truth = np.sin(frequency * np.arange(24) + np.arange(50)[:, None])[:, :, None]
    return recursive.Stream(truth, ROLLOUT, sequences, noise)


def scale(error: float = 0.2, cap: float = 0.5) -> recursive.Scale:
    return recursive.Scale(cap, error * np.array([[1.0], [2.0], [3.0]]))


def test_a_batch_is_made_of_pieces_of_the_stream_and_noise() -> None:
    plain, noisy = (stream(50, noise).draw(np.random.default_rng(1)) for noise in (0.0, 0.1))
    assert plain.inputs.shape == (50, 8, 1)
    truth = stream().truth[:, :, 0]
    pieces = np.lib.stride_tricks.sliding_window_view(truth, 13, axis=1)
    rows = ROLLOUT.rows
    for inputs, targets in zip(plain.inputs[:, :, 0], plain.targets.T, strict=True):
        found = np.flatnonzero((pieces[..., :8] == inputs).all(axis=2).ravel())
        assert len(found) == 1
        piece = pieces.reshape(-1, 13)[found[0]]
        np.testing.assert_array_equal(targets, [piece[row + 1] for row in rows])
    np.testing.assert_array_equal(plain.targets, noisy.targets)
    assert (noisy.inputs - plain.inputs).std() == pytest.approx(0.1, rel=0.15)


def test_scaling_multiplies_a_whole_piece_by_a_number_near_one() -> None:
    plain = stream(50, 0.0)
    scaled = replace(plain, scaling=0.2)
    batch = scaled.draw(np.random.default_rng(1))
    same = plain.draw(np.random.default_rng(1))
    factors = batch.targets / same.targets
    np.testing.assert_allclose(factors, factors[:1].repeat(3, axis=0), rtol=1e-12)
    np.testing.assert_allclose(batch.inputs[:, :, 0], same.inputs[:, :, 0] * factors[0][:, None])
    assert 0.8 <= factors.min() < 0.85 and 1.15 < factors.max() <= 1.2


def test_a_step_that_lessens_nothing_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    before: list[float] = []
    measured = recursive.quadratic

    def noted(*arguments: Any) -> tuple[recursive.Quadratic, np.ndarray]:
        found, errors = measured(*arguments)
        before.append(found.loss)
        return found, errors

    monkeypatch.setattr(recursive, "quadratic", noted)
    monkeypatch.setattr(recursive, "loss", lambda *_: before[-1] * (1 + 1e-9))
    network = drawn()
    trained = recursive.recursive_levenberg_marquardt(
        network,
        stream(),
        iterations=3,
        forgetting=(0.9, 0.9),
        cap=0.5,
        balanced=False,
        random=np.random.default_rng(0),
        report=lambda *_: None,
    )
    assert len(before) == 3
    for name, value in network.weights.items():
        np.testing.assert_array_equal(trained.weights[name], value)


def test_a_residual_counts_as_asinh_of_it_at_every_size() -> None:
    x = np.array([0.0, 1e-300, 1e-12, 1e-8, 1e-3, 0.3, 1.0, 7.0, 1e8, 1e154, 1e200, 1e307])
    x = np.concatenate((-x[::-1], x))
    counted, slopes = recursive.Scale(0.5, np.ones((1, 1))).count(x[None])
    expected = 0.5 * np.arcsinh(2 * x)
    np.testing.assert_allclose(counted[0], expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(slopes[0], 1 / np.hypot(1, 2 * x), rtol=1e-14)
    endless, _ = recursive.Scale(0.5, np.ones((1, 1))).count(np.array([[np.nan, np.inf, -np.inf]]))
    assert np.isfinite(endless).all() and endless[0, 1] == -endless[0, 2] > expected[-1]


def test_the_quadratic_has_the_slope_of_the_loss_in_any_blocks(monkeypatch) -> None:
    network, batch = drawn(), stream().draw(np.random.default_rng(2))
    found, errors = recursive.quadratic(network, ROLLOUT, batch, scale())
    weights, slopes = flat(network), []
    for step in 1e-6 * np.eye(len(weights)):
        above, below = (
            recursive.loss(with_weights(network, weights + s), ROLLOUT, batch, scale())
            for s in (step, -step)
        )
        slopes.append((above - below) / 2e-6)
    np.testing.assert_allclose(2 * found.gradient, slopes, rtol=1e-5, atol=1e-5)
    assert found.loss == pytest.approx(recursive.loss(network, ROLLOUT, batch, scale()))
    monkeypatch.setattr(recursive, "BLOCK", 7)
    again, same = recursive.quadratic(network, ROLLOUT, batch, scale())
    np.testing.assert_allclose(again.matrix, found.matrix, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(same, errors)


def test_with_perfect_memory_linear_steps_reach_the_least_squares_of_all_that_was_seen() -> None:
    """Recursive least squares (Ljung 1999): each step solves for all rows up to now."""
    random = np.random.default_rng(3)
    rows, values = random.normal(size=(60, 4)), random.normal(size=60)
    weights, past = np.zeros(4), None
    for first in range(0, 60, 10):
        a, b = rows[first : first + 10], values[first : first + 10]
        residuals = a @ weights - b
        here = recursive.Quadratic(residuals @ residuals, a.T @ residuals, a.T @ a)
        both = here if past is None else past.plus(here)
        step = both.damped_step(0.0)
        weights, past = weights + step, both.moved(step, weight=1.0)
        expected = np.linalg.lstsq(rows[: first + 10], values[: first + 10], rcond=None)[0]
        np.testing.assert_allclose(weights, expected, rtol=1e-9)
        total = ((rows[: first + 10] @ weights - values[: first + 10]) ** 2).sum()
        assert past.loss == pytest.approx(total)


def test_what_counts_of_a_residual_has_its_slope_and_what_blows_up_has_none() -> None:
    residuals = np.array([[-3.0, 1e-3], [0.2, 1.0], [50.0, 0.0]])
    counted, slopes = scale().count(residuals)
    above, below = (scale().count(residuals + step)[0] for step in (1e-6, -1e-6))
    np.testing.assert_allclose(slopes, (above - below) / 2e-6, rtol=1e-6)
    np.testing.assert_allclose(counted[0, 1], 1e-3 / 0.2, rtol=1e-5)
    counted, slopes = scale().count(np.array([[np.inf], [np.nan], [-np.inf]]))
    assert np.isfinite(counted).all() and np.isfinite(slopes).all()


def test_it_learns_and_does_the_same_twice() -> None:
    def trained() -> tuple[Network, list[float]]:
        losses: list[float] = []
        network = recursive.recursive_levenberg_marquardt(
            drawn(),
            stream(),
            iterations=25,
            forgetting=(0.7, 0.9),
            cap=0.5,
            balanced=True,
            random=np.random.default_rng(4),
            report=lambda iteration, seen, loss: losses.append(loss),
        )
        return network, losses

    network, losses = trained()
    batch = stream(50).draw(np.random.default_rng(5))
    before, after = (recursive.loss(n, ROLLOUT, batch, scale()) for n in (drawn(), network))
    assert after < 0.3 * before
    assert len(losses) == 25
    np.testing.assert_array_equal(flat(network), flat(trained()[0]))


def test_forgetting_goes_from_the_first_weight_to_the_last() -> None:
    weights = [recursive.kept(i, 10, (0.8, 0.95)) for i in range(11)]
    assert weights[0] == pytest.approx(0.8) and weights[-1] == pytest.approx(0.95)
    assert sorted(weights) == weights
    assert recursive.kept(3, 10, (0.9, 0.9)) == pytest.approx(0.9)
