"""Metrics of a measured series: forecasts from rolling origins, scaled by the seasonal naive.

MASE and RMSSE are a forecast's mean absolute and root mean square error, in units of those of the
training part's x(t) - x(t-m). Source: Hyndman and Koehler 2006. A metric that cannot be computed is
a word instead of a number, as in `metrics`.
"""

import math
from typing import Protocol

import numpy as np

from stages.baselines.naive import SeasonalNaive
from stages.rollouts.metrics import Metric, metric, one_step
from stages.signals.series import Part, Series
from stages.signals.sines import Floats

NO_STEPS = "no such steps"
NO_SCALE = "no scale"  # the training part repeats exactly
ROUNDING = 1e-12  # × the largest value; a smaller scale is that of rounding
BLOCK = 1024  # one-step predictions that are in memory at one time

Metrics = dict[str, Metric | dict[str, Metric] | dict[str, Metric | dict[str, Metric]]]


class Forecaster(Protocol):
    """Continues a past; parameters: the number of trained values."""

    @property
    def parameters(self) -> int: ...

    def forecast(self, past: Floats, horizon: int) -> Floats: ...


def scales(series: Series) -> tuple[float, float]:
    """Compute two scales: mean absolute and root mean square x(t) - x(t-m), training part.

    NaN where the training part repeats exactly.
    """
    x, m = series.training, series.season
    change = x[m:] - x[:-m]
    if np.abs(change).max() <= ROUNDING * np.abs(x).max():
        return math.nan, math.nan
    return float(np.abs(change).mean()), _rms(change)


def errors(series: Series, forecaster: Forecaster, part: Part) -> Floats:
    """Compute forecast - value from the rolling origins of a part: (origins, horizon)."""
    origins = series.rolling_origins(part)
    return _errors(series, forecaster.forecast(series.past(origins), series.horizon), part)


def evaluate(series: Series, forecaster: Forecaster) -> Metrics:
    """Judge a forecaster on the test part."""
    origins = series.rolling_origins("test")
    forecasts = forecaster.forecast(series.past(origins), series.horizon)
    return {
        "parameters": forecaster.parameters,
        "teacher_forced": teacher_forced(series, forecaster),
        "forecast": forecast_metrics(series, forecasts),
    }


def teacher_forced(series: Series, forecaster: Forecaster) -> dict[str, Metric]:
    """Judge one-step predictions of every test value, each from the true values before it."""
    origins = series.every_origin("test", horizon=1)
    blocks = np.array_split(origins, -(-len(origins) // BLOCK))
    predictions = [forecaster.forecast(series.past(block), 1) for block in blocks]
    return one_step(np.concatenate(predictions), series.future(origins, 1))


def forecast_metrics(series: Series, forecasts: Floats) -> dict[str, Metric | dict[str, Metric]]:
    """Judge forecasts from the rolling origins of the test part: (origins, horizon, 1)."""
    error, m = _errors(series, forecasts, "test"), series.season
    naive = errors(series, SeasonalNaive(m), "test")
    absolute, square = scales(series)
    with np.errstate(over="ignore", invalid="ignore"):
        mae, rmse = float(np.abs(error).mean()), _rms(error)
        by_step = {
            "first": _scaled_mae(error[:, :1], absolute),
            "season": _scaled_mae(error[:, :m], absolute),
            "rest": _scaled_mae(error[:, m:], absolute),
        }
    naive_mae = float(np.abs(naive).mean())
    return {
        "mase": _scaled(mae, absolute),
        "rmsse": _scaled(rmse, square),
        "mae": metric(mae),
        "rmse": metric(rmse),
        "by_step": by_step,
        "skill": metric(1 - mae / naive_mae) if naive_mae > 0 else NO_SCALE,
    }


def _errors(series: Series, forecasts: Floats, part: Part) -> Floats:
    """Compare forecasts (origins, horizon, 1) with the true values: (origins, horizon)."""
    future = series.future(series.rolling_origins(part))
    if forecasts.shape != future.shape:
        raise ValueError(f"expected forecasts {future.shape}, got {forecasts.shape}")
    with np.errstate(invalid="ignore"):
        return (forecasts - future)[:, :, 0]


def _rms(values: Floats) -> float:
    return float(np.sqrt((values**2).mean()))


def _scaled_mae(error: Floats, scale: float) -> Metric:
    return _scaled(float(np.abs(error).mean()), scale) if error.size else NO_STEPS


def _scaled(value: float, scale: float) -> Metric:
    return NO_SCALE if math.isnan(scale) else metric(value / scale)
