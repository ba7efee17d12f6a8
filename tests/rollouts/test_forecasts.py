"""Laws of the metrics of a measured series, and of conformal intervals."""

import json
from typing import Any

import numpy as np
import pytest

from stages.baselines.forecaster import Drift, Forecaster, Naive, SeasonalNaive
from stages.rollouts import forecasts
from stages.rollouts.metrics import DIVERGED
from stages.signals import intervals
from stages.signals.series import Series
from tests.measured import seasonal, series

MADE = series(seasonal())
SEASONAL = SeasonalNaive(12)


class Constant(Forecaster):
    """Forecasts one value, whatever the past."""

    def __init__(self, value: float) -> None:
        self.value = value

    def forecast(self, past: np.ndarray, horizon: int) -> np.ndarray:
        return np.full((len(past), horizon, 1), self.value)


def report(made: Series, forecaster: Forecaster) -> dict[str, Any]:
    return forecasts.report(made, forecaster, forecasts.forecast(made, forecaster), {})


def metrics(made: Series, forecaster: Forecaster) -> dict[str, Any]:
    return report(made, forecaster)["forecast"]


def test_the_seasonal_naive_has_mase_1_on_the_training_part() -> None:
    """With a horizon of one season, from the end of each season."""
    seasons = MADE.training.reshape(-1, 12, 1)
    errors = SEASONAL.forecast(seasons[:-1], 12) - seasons[1:]
    absolute, square = forecasts.scales(MADE)
    assert np.abs(errors).mean() == pytest.approx(absolute, rel=1e-12)
    assert np.sqrt((errors**2).mean()) == pytest.approx(square, rel=1e-12)


def test_metrics_are_those_of_their_formulas() -> None:
    result = report(MADE, Constant(3.0))
    errors = np.stack([3.0 - MADE.values[o : o + 24] for o in MADE.rolling_origins("test")])
    seasons = np.stack([MADE.values[o - 12 : o] for o in MADE.rolling_origins("test")])
    naive_errors = np.tile(seasons, 2) - (3.0 - errors)
    change = MADE.values[12:180] - MADE.values[:168]
    scale = np.abs(change).mean()
    expected = {
        "mase": np.abs(errors).mean() / scale,
        "rmsse": np.sqrt((errors**2).mean() / (change**2).mean()),
        "mae": np.abs(errors).mean(),
        "rmse": np.sqrt((errors**2).mean()),
        "skill": 1 - np.abs(errors).mean() / np.abs(naive_errors).mean(),
    }
    steps = {"first": errors[:, 0], "season": errors[:, :12], "rest": errors[:, 12:]}
    by_step = {name: np.abs(error).mean() / scale for name, error in steps.items()}
    assert {name: result["forecast"][name] for name in expected} == pytest.approx(expected, 1e-5)
    assert result["forecast"]["by_step"] == pytest.approx(by_step, 1e-5)
    assert result["teacher_forced"]["mse"] == pytest.approx(((3 - MADE.values[240:]) ** 2).mean())


def test_one_step_predictions_are_given_the_true_past() -> None:
    """Also where they come in blocks."""
    made = series(seasonal(3000), test=2500)
    change = np.diff(made.values)[-2500:]
    result = forecasts.teacher_forced(made, Naive())
    assert result["mae"] == pytest.approx(np.abs(change).mean(), rel=1e-5)


@pytest.mark.filterwarnings("error")
def test_a_metric_that_cannot_be_computed_is_a_word() -> None:
    short = metrics(series(seasonal(), horizon=12), SEASONAL)
    assert short["by_step"]["rest"] == forecasts.NO_STEPS
    periodic = metrics(series(1e9 + np.sin(2 * np.pi * np.arange(300) / 12)), Naive())
    assert periodic["mase"] == periodic["by_step"]["first"] == forecasts.NO_SCALE
    diverged = metrics(MADE, Constant(np.inf))
    assert diverged["mase"] == diverged["skill"] == DIVERGED
    json.dumps([short, periodic, diverged], allow_nan=False)


def test_tables_have_the_errors_of_the_metrics_and_the_last_forecast() -> None:
    made, widths = forecasts.forecast(MADE, Drift(12)), {80: np.arange(24.0)}
    tables = forecasts.tables(MADE, made, widths)
    mase = metrics(MADE, Drift(12))["mase"]
    for name in ("horizon.csv", "sequences.csv"):
        assert tables[name]["mase"].mean() == pytest.approx(mase, rel=1e-5)
    rollout = tables["rollout.csv"]
    assert rollout["step"].tolist() == [*range(-35, 25)]
    np.testing.assert_array_equal(rollout["value"], MADE.values[-60:])
    for name, expected in {"forecast": made[-1], "low_80": made[-1] - widths[80]}.items():
        assert np.isnan(rollout[name][:36]).all()
        np.testing.assert_array_equal(rollout[name][36:], expected)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_intervals_cover_exchangeable_errors_at_their_level(level: float) -> None:
    """On average over many draws: at least the level, at most 1/(n + 1) more."""
    errors = np.random.default_rng(0).standard_t(3, size=(4000, 40, 5))
    calibration, new = errors[:, :39], errors[:, 39:]
    widths = [intervals.interval_half_widths(part, level) for part in calibration]
    shares = [intervals.coverage(*pair) for pair in zip(new, widths, strict=True)]
    rank = np.ceil(40 * level) / 40
    assert np.mean(shares) == pytest.approx(rank, abs=0.01) and rank >= level


def test_few_errors_leave_an_interval_without_end() -> None:
    errors = np.random.default_rng(0).normal(size=(18, 3))
    assert np.isinf(intervals.interval_half_widths(errors, 0.95)).all()
    nineteen = np.concatenate((errors, errors[:1]))
    widths = intervals.interval_half_widths(nineteen, 0.95)
    np.testing.assert_array_equal(widths, np.abs(errors).max(axis=0))
    with pytest.raises(ValueError, match="0 < level < 1"):
        intervals.interval_half_widths(errors, 1.0)
