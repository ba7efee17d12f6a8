"""Metrics against rollouts whose metrics are known in closed form."""

import math

import numpy as np
import pytest

from stages.generate import generate
from stages.rollouts import metrics
from stages.settings.dataset import Dataset
from stages.signals.sines import Sines

SINES = generate(Dataset(test_sequences=6))["test"]
VARIED = generate(Dataset(test_sequences=6, frequency=[0.7, 1.3], amplitude=[0.5, 2]))["test"]
HORIZONS = np.array([1.0, 10.0, 100.0])


def measure(sines: Sines, rollout, block: int = 700, horizons=HORIZONS) -> metrics.FreeRun:
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
        return np.sin(SINES.phase[:, None] + (20 + steps) * SINES.time_step * 1.001)

    whole = measure(SINES, rollout, 100_000)
    parts = measure(SINES, rollout, block)
    np.testing.assert_allclose(parts.rmse, whole.rmse, rtol=1e-12)
    np.testing.assert_allclose(parts.drift, whole.drift, rtol=1e-9)
    np.testing.assert_array_equal(parts.valid_periods, whole.valid_periods)


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
