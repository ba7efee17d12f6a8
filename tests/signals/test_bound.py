"""Laws of the Cramér–Rao bound."""

import numpy as np
import pytest

from stages.baselines.sine_fits import SineFit
from stages.signals import bound
from stages.signals.sines import Sines
from tests.examples import TIME_STEP, any_sines

NOISE, WARMUP = 0.05, 100


def drawn(batch: int, seed: int) -> Sines:
    return any_sines(batch, WARMUP, seed)


def repeated(sines: Sines, times: int) -> Sines:
    names = ("values", "phase", "frequency", "amplitude")
    arrays = {name: np.repeat(getattr(sines, name), times, axis=0) for name in names}
    return Sines(**arrays, time_step=sines.time_step)


def test_the_fisher_information_is_the_curvature_of_the_log_likelihood() -> None:
    """At the truth behind values without noise, where the observed and the expected one agree."""
    sines = drawn(3, seed=0)
    fisher = bound.fisher_information(sines, noise=NOISE, warmup=WARMUP)
    for i in range(3):
        truth = np.array([sines.amplitude[i], sines.frequency[i] * TIME_STEP, sines.phase[i]])
        x, k = sines.values[i, :, 0], np.arange(WARMUP)

        def log_likelihood(change: np.ndarray, truth=truth, x=x, k=k) -> float:
            a, w, phase = truth + change
            return -((x - a * np.sin(phase + w * k)) ** 2).sum() / (2 * NOISE**2)

        step = np.diag([1e-4, 1e-6, 1e-4])
        curvature = [
            [
                sum(s * t * log_likelihood(s * p + t * q) for s in (1, -1) for t in (1, -1))
                / (-4 * p.max() * q.max())
                for q in step
            ]
            for p in step
        ]
        scale = np.sqrt(np.outer(fisher[i].diagonal(), fisher[i].diagonal()))
        np.testing.assert_allclose(curvature / scale, fisher[i] / scale, atol=1e-4)


def test_the_maximum_likelihood_sine_reaches_the_bound() -> None:
    """500 noises over each of 3 sines: every error equals the bound within 4 standard errors."""
    trials, sines = 500, drawn(3, seed=1)
    many = repeated(sines, trials)
    values = many.values + np.random.default_rng(2).normal(0, NOISE, many.values.shape)
    fit = SineFit()
    state = fit.fit(values)
    deviations = np.sqrt(bound.covariance(sines, noise=NOISE, warmup=WARMUP)[:, [0, 1], [0, 1]])
    spread = state[:, :2].reshape(3, trials, 2).std(axis=1)
    np.testing.assert_allclose(spread / deviations, 1, atol=4 / np.sqrt(2 * trials))

    horizon = 400
    first = state[:, :1] * np.sin(state[:, 2:3])
    outputs = np.concatenate((first, fit.run(first, state, horizon - 1)[0][:, :, 0]), axis=1)
    squares = (outputs - many.truth(WARMUP + np.arange(horizon))) ** 2
    per_trial = squares.mean(axis=1).reshape(3, trials)
    expected = bound.forecast_squares(
        sines,
        bound.covariance(sines, noise=NOISE, warmup=WARMUP),
        WARMUP + np.arange(horizon),
    ).mean(axis=1)
    standard_error = per_trial.std(axis=1) / np.sqrt(trials)
    assert (np.abs(per_trial.mean(axis=1) - expected) < 4 * standard_error).all()


def test_forecasts_are_those_of_gaussian_estimates_also_where_the_phase_is_lost() -> None:
    """The closed form against estimates drawn from the Gaussian itself, errors small and large."""
    sines, trials = drawn(2, seed=3), 20_000
    steps = np.array([0, 100, 1000, 5000, 100_000])
    least = 4 * bound.covariance(sines, noise=NOISE, warmup=WARMUP)
    expected = bound.forecast_squares(sines, least, steps)
    random = np.random.default_rng(4)
    for i in range(2):
        truth = [sines.amplitude[i], sines.frequency[i] * TIME_STEP, sines.phase[i]]
        a, w, phase = random.multivariate_normal(truth, least[i], trials).T[:, :, None]
        squares = (a * np.sin(phase + w * steps) - sines.truth(steps)[i]) ** 2
        standard_error = squares.std(axis=0) / np.sqrt(trials)
        assert (np.abs(squares.mean(axis=0) - expected[i]) < 4 * standard_error).all()


def test_the_pooled_error_counts_each_sequence_up_to_its_own_horizon() -> None:
    sines, counts = drawn(3, seed=5), np.array([10, 2000, 300])
    least = bound.covariance(sines, noise=NOISE, warmup=WARMUP)
    squares = bound.forecast_squares(sines, least, WARMUP + np.arange(2000))
    kept = np.concatenate([row[:count] for row, count in zip(squares, counts, strict=True)])
    rmse = bound.forecast_rmse(sines, counts, noise=NOISE, warmup=WARMUP)
    assert rmse == pytest.approx(np.sqrt(kept.mean()), rel=1e-12)


@pytest.mark.parametrize(("noise", "warmup"), [(0.0, 100), (0.05, 2), (float("nan"), 100)])
def test_there_is_no_bound_without_noise_or_with_fewer_values_than_unknowns(
    noise: float, warmup: int
) -> None:
    with pytest.raises(ValueError, match="expected noise > 0 and warmup >= 3"):
        bound.fisher_information(drawn(1, seed=0), noise=noise, warmup=warmup)
