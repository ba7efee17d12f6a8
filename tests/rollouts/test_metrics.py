"""Metrics against rollouts whose metrics are known in closed form."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from stages.rollouts import metrics
from stages.signals.sines import Sines
from tests.examples import TIME_STEP, any_sines, sines

Rollout = Callable[[np.ndarray], np.ndarray]
SINES = sines(6)
VARIED = any_sines(6)
HORIZONS = np.array([1.0, 10.0, 100.0])


def measure(
    sines: Sines, rollout: Rollout, block: int = 700, horizons: np.ndarray = HORIZONS
) -> metrics.FreeRun:
    """Measure rollout(steps after the warm-up) -> (batch, time), a block at a time."""
    meter = metrics.FreeRunMeter(sines, 20, horizons)
    while meter.seen < meter.steps:
        steps = np.arange(meter.seen, min(meter.seen + block, meter.steps))
        meter.add(rollout(steps))
    return meter.result()


@pytest.mark.parametrize("sines", [SINES, VARIED], ids=["one", "varied"])
def test_the_truth_has_no_error(sines: Sines) -> None:
    result = measure(sines, lambda steps: sines.truth(20 + steps))
    summary = metrics.summary(result, HORIZONS)
    assert summary["rmse_100_periods"] == 0.0
    assert summary["survivors"] == 1.0
    assert summary["valid_prediction_periods"] == {"median": 100.0, "min": 100.0}
    assert summary["phase_drift"] == pytest.approx(0, abs=1e-12)
    assert summary["amplitude_error"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("drift", [1e-6, 1e-3, -0.05, 0.4])
def test_a_drifting_phase_is_measured(drift: float) -> None:
    """A sine whose phase gains `drift` a period: the error is 2 sin(δ/2), the drift known."""

    def rollout(steps: np.ndarray) -> np.ndarray:
        late = drift * steps / SINES.steps_per_period[:, None]
        return np.sin(SINES.phase[:, None] + (20 + steps) * SINES.time_step + late)

    result = measure(SINES, rollout)
    summary = metrics.summary(result, HORIZONS)
    # A window of 31 steps is no whole number of periods: a ripple of 2θ remains in the phase.
    assert summary["phase_drift"] == pytest.approx(abs(drift), rel=0.02 * abs(drift) + 1e-3)
    # |error| ≤ 2 |sin(δ/2)|, which reaches 0.4 at δ = 2 asin 0.2.
    valid = 2 * math.asin(0.2) / abs(drift)
    if valid < 100:
        minimum = summary["valid_prediction_periods"]["min"]
        assert valid <= minimum <= valid + 1
        assert summary["survivors"] == 0.0
    else:
        assert summary["survivors"] == 1.0


def test_rmse_of_a_constant_error_is_that_error_at_every_horizon() -> None:
    result = measure(VARIED, lambda steps: VARIED.truth(20 + steps) + 0.125)
    np.testing.assert_allclose(result.rmse, 0.125, rtol=1e-12)


def test_rmse_pools_all_steps_of_all_sequences() -> None:
    """An error in the second sequence alone, from the eleventh period on."""
    meter = metrics.FreeRunMeter(SINES, 20, HORIZONS)
    steps = np.arange(meter.steps)
    wrong = SINES.truth(20 + steps)
    begin = metrics.count_steps(SINES, 10)[1]
    wrong[1, begin:] += 0.3
    meter.add(wrong)
    result = meter.result()
    assert result.rmse[0] == 0.0 and result.rmse[1] == 0.0
    share = (meter.steps - begin) / meter.steps / 6
    assert result.rmse[2] == pytest.approx(0.3 * math.sqrt(share), rel=1e-12)
    each = np.zeros(6)
    each[1] = 0.3 * math.sqrt(share * 6)
    np.testing.assert_allclose(result.rmse_of_each[2], each, rtol=1e-12)


@pytest.mark.parametrize("sines", [SINES, VARIED], ids=["one", "varied"])
def test_the_valid_time_ends_at_the_first_error_above_04_amplitudes(sines: Sines) -> None:
    def rollout(steps: np.ndarray) -> np.ndarray:
        share = np.where(steps == 99, 0.41, np.where(steps > 150, 9, 0.39))
        return sines.truth(20 + steps) + share * sines.amplitude[:, None]

    result = measure(sines, rollout)
    np.testing.assert_allclose(result.valid_periods, 100 / sines.steps_per_period)
    assert not result.survived.any()


def test_the_amplitude_error_is_that_of_the_last_period() -> None:
    def rollout(steps: np.ndarray) -> np.ndarray:
        return VARIED.truth(20 + steps) * np.where(steps > 500, 1.03, 1.5)

    assert metrics.summary(measure(VARIED, rollout), HORIZONS)["amplitude_error"] == pytest.approx(
        0.03
    )


@pytest.mark.parametrize("block", [1, 31, 64, 5000])
def test_blocks_change_nothing(block: int) -> None:
    def rollout(steps: np.ndarray) -> np.ndarray:
        angle = VARIED.phase[:, None] + VARIED.frequency[:, None] * (20 + steps) * TIME_STEP * 1.001
        return VARIED.amplitude[:, None] * np.sin(angle)

    horizons = np.array([1.0, 30.0])
    whole = measure(VARIED, rollout, 100_000, horizons)
    parts = measure(VARIED, rollout, block, horizons)
    np.testing.assert_allclose(parts.rmse, whole.rmse, rtol=1e-12)
    np.testing.assert_allclose(parts.rmse_of_each, whole.rmse_of_each, rtol=1e-12)
    np.testing.assert_allclose(parts.drift, whole.drift, rtol=1e-9)
    np.testing.assert_allclose(parts.amplitude_error, whole.amplitude_error, rtol=1e-9)
    np.testing.assert_array_equal(parts.valid_periods, whole.valid_periods)


def test_a_horizon_takes_the_steps_that_begin_within_it() -> None:
    """Steps k = 0, 1, … with k Δ < N 2π/ω, in exact arithmetic of whole periods."""
    for per_period, periods in itertools.product((7, 10, 49, 30), (1, 2, 10, 1000)):
        whole = sines(3, 5, time_step=2 * math.pi / per_period)
        assert metrics.count_steps(whole, periods).tolist() == [per_period * periods] * 3
    # 49/10 · 2π = 30.79 steps in a period: steps 0 to 30, and 0 to 307.
    assert metrics.count_steps(SINES, 1).tolist() == [31] * 6
    assert metrics.count_steps(SINES, 10).tolist() == [308] * 6
    assert metrics.count_steps(SINES, 1000).tolist() == [30788] * 6
    for periods in (0.5, 1, 3.7, 100):
        counts = metrics.count_steps(VARIED, periods)
        turned = VARIED.frequency * TIME_STEP / (2 * np.pi)
        assert ((counts - 1) * turned < periods).all() and (counts * turned >= periods).all()


def test_steps_after_a_sequences_horizon_do_not_count() -> None:
    """Each has its own end: what comes later is neither error, nor failure, nor phase."""
    ends = metrics.count_steps(VARIED, 100)[:, None]
    assert len(np.unique(ends)) == 6

    def rollout(steps: np.ndarray) -> np.ndarray:
        return VARIED.truth(20 + steps) + np.where(steps >= ends, 1e3, 0.0)

    result = measure(VARIED, rollout)
    assert (result.rmse == 0).all() and (result.rmse_of_each == 0).all()
    assert result.survived.all() and (result.valid_periods == 100).all()
    np.testing.assert_allclose(result.drift, 0, atol=1e-12)
    np.testing.assert_allclose(result.amplitude_error, 0, atol=1e-12)


def test_the_last_step_of_a_sequences_horizon_counts() -> None:
    ends = metrics.count_steps(VARIED, 100)[:, None]

    def rollout(steps: np.ndarray) -> np.ndarray:
        return VARIED.truth(20 + steps) + np.where(steps == ends - 1, 3.0, 0.0)

    result = measure(VARIED, rollout)
    np.testing.assert_allclose(result.rmse_of_each[-1], 3 / np.sqrt(ends[:, 0]), rtol=1e-12)
    assert (result.rmse[:-1] == 0).all() and not result.survived.any()
    np.testing.assert_allclose(result.valid_periods, 100, rtol=0, atol=0.1)


def test_each_sequence_has_its_own_drift_and_amplitude() -> None:
    """Different frequencies in one batch: each drift is per period of its own sequence."""
    drift, shrink = np.linspace(-0.02, 0.03, 6), np.linspace(0.8, 1.3, 6)

    def rollout(steps: np.ndarray) -> np.ndarray:
        late = drift[:, None] * steps / VARIED.steps_per_period[:, None]
        angle = VARIED.angle(20 + steps) + late
        return (shrink * VARIED.amplitude)[:, None] * np.sin(angle)

    result = measure(VARIED, rollout)
    np.testing.assert_allclose(result.drift, drift, rtol=0.03, atol=1e-5)
    np.testing.assert_allclose(result.amplitude_error, shrink - 1, rtol=0, atol=0.01)


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
    digits = {1.0: 0.0, 0.1: 1.0, 1e-7: 7.0, 3.2e-8: 7.5, 50.0: 0.0, 0.0: 16.0, 1e-20: 16.0}
    assert {error: metrics.correct_digits(error) for error in digits} == digits
    assert metrics.correct_digits(metrics.DIVERGED) == metrics.DIVERGED


def test_one_step_errors_are_those_of_the_definitions() -> None:
    errors = metrics.one_step(np.array([1.0, -3.0, 0.5]), np.array([0.0, 0.0, 0.5]))
    assert errors == {"mse": 3.33333, "rmse": 1.82574, "mae": 1.33333}
    assert metrics.one_step(np.array([np.inf]), np.zeros(1))["rmse"] == metrics.DIVERGED


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_is_a_number_or_a_word(value: float) -> None:
    assert metrics.metric(value) == metrics.DIVERGED
    assert metrics.metric(0.123456789) == 0.123457


def test_what_comes_after_the_horizon_counts_nowhere() -> None:
    """Left out, or wrong: the result is the same."""
    meters = [metrics.FreeRunMeter(VARIED, 20, HORIZONS) for _ in range(2)]
    for first in range(0, meters[0].steps, 100):
        outputs = VARIED.truth(20 + np.arange(first, first + 100)) + 1e-3
        goes_on = meters[0].ends > first
        meters[0].add(outputs[goes_on])
        outputs[~goes_on] = 7
        meters[1].add(outputs)
    assert not goes_on.all()
    for one, other in zip(*(vars(meter.result()).values() for meter in meters), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_unfinished_rollout_has_no_result() -> None:
    meter = metrics.FreeRunMeter(SINES, 20, HORIZONS)
    meter.add(SINES.truth(20 + np.arange(meter.steps - 1)))
    with pytest.raises(ValueError, match="expected 3079 steps, got 3078"):
        meter.result()


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e300])
def test_a_rollout_that_blows_up_is_reported_in_words(value: float) -> None:
    def rollout(steps: np.ndarray) -> np.ndarray:
        outputs = SINES.truth(20 + steps)
        outputs[:, steps > 400] = value
        return outputs

    summary = metrics.summary(measure(SINES, rollout), HORIZONS)
    assert summary["rmse_10_periods"] == 0.0
    assert summary["rmse_100_periods"] == metrics.DIVERGED
    assert summary["phase_drift"] == metrics.NO_OSCILLATION
    assert summary["survivors"] == 0.0
    assert summary["valid_prediction_periods"]["min"] == pytest.approx(402 / 30.788, rel=1e-3)


def test_a_rollout_that_dies_out_has_no_phase() -> None:
    summary = metrics.summary(measure(SINES, lambda s: SINES.truth(20 + s) * 0.97**s), HORIZONS)
    assert summary["phase_drift"] == metrics.NO_OSCILLATION
    assert summary["amplitude_error"] == pytest.approx(1.0)
