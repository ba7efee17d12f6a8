"""Laws of the Cramér–Rao bound."""

from dataclasses import replace

import numpy as np
import pytest

from stages.baselines.sine_fits import SineFit
from stages.signals import bound
from stages.signals.dataset_file import ARRAYS
from tests.examples import TIME_STEP, any_sines

NOISE, WARMUP = 0.05, 100


def test_the_fisher_information_is_that_of_the_derivatives_of_the_sine() -> None:
    """In Gaussian noise it is JᵀJ/σ²; J here by central differences."""
    sines, h = any_sines(3, WARMUP), 1e-6
    truth = np.stack((sines.amplitude, sines.frequency * TIME_STEP, sines.phase))

    def values(change: np.ndarray) -> np.ndarray:
        a, w, phase = (truth + change[:, None])[:, :, None]
        return a * np.sin(phase + w * np.arange(WARMUP))

    jacobian = np.stack([values(h * e) - values(-h * e) for e in np.eye(3)], axis=-1) / (2 * h)
    expected = np.einsum("btp,btq->bpq", jacobian, jacobian) / NOISE**2
    fisher = bound.fisher_information(sines, noise=NOISE, warmup=WARMUP)
    np.testing.assert_allclose(fisher, expected, rtol=1e-6, atol=1e-6 * fisher.max())


def test_the_maximum_likelihood_sine_reaches_the_bound() -> None:
    """500 noises over each of 3 sines: every error equals the bound within 4 standard errors."""
    trials, sines = 500, any_sines(3, WARMUP, seed=1)
    arrays = {name: np.repeat(getattr(sines, name), trials, axis=0) for name in ARRAYS}
    many = replace(sines, **arrays)
    values = many.values + np.random.default_rng(2).normal(0, NOISE, many.values.shape)
    fit = SineFit()
    state = fit.fit(values)
    covariances = bound.covariance(sines, noise=NOISE, warmup=WARMUP)
    deviations = np.sqrt(covariances[:, [0, 1], [0, 1]])
    spread = state[:, :2].reshape(3, trials, 2).std(axis=1)
    np.testing.assert_allclose(spread / deviations, 1, atol=4 / np.sqrt(2 * trials))

    horizon = 400
    first = state[:, :1] * np.sin(state[:, 2:3])
    outputs = np.concatenate((first, fit.run(first, state, horizon - 1)[0][:, :, 0]), axis=1)
    steps = WARMUP + np.arange(horizon)
    per_trial = ((outputs - many.truth(steps)) ** 2).mean(axis=1).reshape(3, trials)
    expected = bound.forecast_squares(sines, covariances, steps).mean(axis=1)
    standard_error = per_trial.std(axis=1) / np.sqrt(trials)
    assert (np.abs(per_trial.mean(axis=1) - expected) < 4 * standard_error).all()


def test_forecasts_are_those_of_gaussian_estimates_also_where_the_phase_is_lost() -> None:
    """The closed form against estimates drawn from the Gaussian itself, errors small and large."""
    sines, trials = any_sines(2, WARMUP, seed=3), 20_000
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
    sines, counts = any_sines(3, WARMUP, seed=5), np.array([10, 2000, 300])
    least = bound.covariance(sines, noise=NOISE, warmup=WARMUP)
    squares = bound.forecast_squares(sines, least, WARMUP + np.arange(2000))
    counted = np.concatenate([row[:count] for row, count in zip(squares, counts, strict=True)])
    rmse = bound.forecast_rmse(sines, counts, noise=NOISE, warmup=WARMUP)
    assert rmse == pytest.approx(np.sqrt(counted.mean()), rel=1e-12)


@pytest.mark.parametrize(("noise", "warmup"), [(0.0, 100), (0.05, 2), (float("nan"), 100)])
def test_no_noise_or_fewer_values_than_unknowns_are_refused(noise: float, warmup: int) -> None:
    with pytest.raises(ValueError, match="expected noise > 0 and warmup >= 3"):
        bound.fisher_information(any_sines(1), noise=noise, warmup=warmup)
