"""Metrics against rollouts whose metrics are known in closed form."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from stages.rollouts import metrics
from stages.signals.sines import Sines
from tests.examples import TIME_STEP, any_sines, sines

SINES = sines(6)
VARIED = any_sines(6)
HORIZONS = np.array([1.0, 10.0, 100.0])
ENDS = metrics.count_steps(VARIED, 100)[:, None]


def steps_of(of: Sines) -> np.ndarray:
    """Count the steps of a rollout over a hundred periods, from the end of the warm-up."""
    return np.arange(metrics.count_steps(of, 100).max())


def truth(of: Sines) -> np.ndarray:
    return of.truth(20 + steps_of(of))


def measure(of: Sines, outputs: np.ndarray) -> metrics.FreeRun:
    return metrics.measure(of, outputs, warmup=20, horizons=HORIZONS)


def summary(of: Sines, outputs: np.ndarray) -> dict[str, Any]:
    return metrics.summary(measure(of, outputs), HORIZONS)


@pytest.mark.parametrize("drift", [1e-6, 1e-3, -0.05, 0.4])
def test_a_drifting_phase_is_measured(drift: float) -> None:
    """A sine whose phase gains `drift` a period: the error is 2 sin(δ/2), the drift known."""
    steps = steps_of(SINES)
    late = drift * steps / SINES.steps_per_period[:, None]
    measured = summary(SINES, np.sin(SINES.angle(20 + steps) + late))
    # A window of 31 steps is no whole number of periods: a ripple of 2θ remains in the phase.
    assert measured["phase_drift"] == pytest.approx(abs(drift), rel=0.02 * abs(drift) + 1e-3)
    # |error| ≤ 2 |sin(δ/2)|, which reaches 0.4 at δ = 2 asin 0.2.
    valid = 2 * math.asin(0.2) / abs(drift)
    assert measured["survivors"] == (valid >= 100)
    minimum = measured["valid_prediction_periods"]["min"]
    assert min(valid, 100) <= minimum <= valid + 1


def test_each_sequence_has_its_own_drift_per_period_and_amplitude() -> None:
    """The amplitude is that of the last period."""
    drift, shrink, steps = np.linspace(-0.02, 0.03, 6), np.linspace(0.8, 1.3, 6), steps_of(VARIED)
    late = drift[:, None] * steps / VARIED.steps_per_period[:, None]
    amplitude = np.where(steps > 500, shrink[:, None], 1.5) * VARIED.amplitude[:, None]
    result = measure(VARIED, amplitude * np.sin(VARIED.angle(20 + steps) + late))
    np.testing.assert_allclose(result.drift, drift, rtol=0.03, atol=1e-5)
    np.testing.assert_allclose(result.amplitude_error, shrink - 1, rtol=0, atol=0.01)


def test_rmse_pools_all_steps_of_all_sequences() -> None:
    """An error in the second sequence alone, from the eleventh period on."""
    outputs, begin = truth(SINES), metrics.count_steps(SINES, 10)[1]
    outputs[1, begin:] += 0.3
    result = measure(SINES, outputs)
    share = 1 - begin / outputs.shape[1]
    expected = [0, 0, 0.3 * math.sqrt(share / 6)]
    np.testing.assert_allclose(result.rmse, expected, rtol=1e-12)
    each = [0, 0.3 * math.sqrt(share), 0, 0, 0, 0]
    np.testing.assert_allclose(result.rmse_of_each[2], each, rtol=1e-12)


def test_the_valid_time_ends_at_the_first_error_above_04_amplitudes() -> None:
    steps = steps_of(VARIED)
    share = np.where(steps == 99, 0.41, np.where(steps > 150, 9, 0.39))
    result = measure(VARIED, truth(VARIED) + share * VARIED.amplitude[:, None])
    np.testing.assert_allclose(result.valid_periods, 100 / VARIED.steps_per_period)
    assert not result.survived.any()


def test_a_horizon_takes_the_steps_that_begin_within_it() -> None:
    """Steps k = 0, 1, … with k Δ < N 2π/ω, in exact arithmetic of whole periods."""
    for per_period, periods in itertools.product((7, 10, 49, 30), (1, 2, 10, 1000)):
        whole = sines(3, 5, time_step=2 * math.pi / per_period)
        assert metrics.count_steps(whole, periods).tolist() == [per_period * periods] * 3
    # 49/10 · 2π = 30.79 steps in a period: steps 0 to 30, and 0 to 307.
    for periods, count in ((1, 31), (10, 308), (1000, 30788)):
        assert metrics.count_steps(SINES, periods).tolist() == [count] * 6
    for periods in (0.5, 1, 3.7, 100):
        counts = metrics.count_steps(VARIED, periods)
        cycles = VARIED.frequency * TIME_STEP / (2 * np.pi)
        assert ((counts - 1) * cycles < periods).all() and (counts * cycles >= periods).all()


@pytest.mark.parametrize("wrong", [1e3, np.nan])
def test_steps_after_a_sequences_horizon_do_not_count(wrong: float) -> None:
    """Each has its own end: later steps are neither error, nor failure, nor phase."""
    assert len(np.unique(ENDS)) == 6
    result = measure(VARIED, np.where(steps_of(VARIED) >= ENDS, wrong, truth(VARIED)))
    assert (result.rmse_of_each == 0).all() and result.survived.all()
    assert (result.valid_periods == 100).all()
    np.testing.assert_allclose(result.drift, 0, atol=1e-12)
    np.testing.assert_allclose(result.amplitude_error, 0, atol=1e-12)


def test_the_last_step_of_a_sequences_horizon_counts() -> None:
    result = measure(VARIED, truth(VARIED) + np.where(steps_of(VARIED) == ENDS - 1, 3.0, 0.0))
    np.testing.assert_allclose(result.rmse_of_each[-1], 3 / np.sqrt(ENDS[:, 0]), rtol=1e-12)
    assert (result.rmse[:-1] == 0).all() and not result.survived.any()
    np.testing.assert_allclose(result.valid_periods, 100, rtol=0, atol=0.1)


def test_the_summary_takes_medians_and_the_least() -> None:
    result = metrics.FreeRun(
        horizons=np.array([1.0, 10.0]),
        rmse=np.array([1e-7, 2e-3]),
        rmse_of_each=np.zeros((2, 3)),
        valid_periods=np.array([10.0, 2.5, 7.0]),
        survived=np.array([True, False, False]),
        drift=np.array([-0.3, 0.1, np.inf]),
        amplitude_error=np.array([0.01, -0.5, 0.02]),
    )
    assert metrics.summary(result, [1.0, 10.0]) == {
        "rmse_1_periods": 1e-7,
        "rmse_10_periods": 2e-3,
        "valid_prediction_periods": {"median": 7.0, "min": 2.5},
        "survivors": 0.333333,
        "phase_drift": 0.3,
        "amplitude_error": 0.02,
    }


def test_correct_digits_are_the_decimal_places_of_an_error() -> None:
    digits = {1.0: 0.0, 0.1: 1.0, 1e-7: 7.0, 3.2e-8: 7.5, 50.0: 0.0, 0.0: 16.0}
    assert {error: metrics.correct_digits(error) for error in digits} == digits
    assert metrics.correct_digits(metrics.DIVERGED) == metrics.DIVERGED


def test_one_step_errors_are_those_of_the_definitions() -> None:
    errors = metrics.one_step(np.array([1.0, -3.0, 0.5]), np.array([0.0, 0.0, 0.5]))
    assert errors == {"mse": 3.33333, "rmse": 1.82574, "mae": 1.33333}
    assert metrics.one_step(np.array([np.inf]), np.zeros(1))["rmse"] == metrics.DIVERGED


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.inf, np.nan, 1e300])
def test_a_rollout_that_diverges_is_reported_in_words(value: float) -> None:
    outputs = np.where(steps_of(SINES) > 400, value, truth(SINES))
    measured = summary(SINES, outputs)
    assert measured["rmse_10_periods"] == 0.0
    assert measured["rmse_100_periods"] == metrics.DIVERGED
    assert measured["phase_drift"] == metrics.NO_OSCILLATION
    assert measured["survivors"] == 0.0
    assert measured["valid_prediction_periods"]["min"] == pytest.approx(402 / 30.788, rel=1e-3)


def test_a_rollout_that_dies_out_has_no_phase() -> None:
    measured = summary(SINES, truth(SINES) * 0.97 ** steps_of(SINES))
    assert measured["phase_drift"] == metrics.NO_OSCILLATION
    assert measured["amplitude_error"] == pytest.approx(1.0)
