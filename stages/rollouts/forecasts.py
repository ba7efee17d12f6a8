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
    """Return the mean absolute and the root mean square of x(t) - x(t-m), of the training part.

    NaN where the training part repeats exactly.
    """
    x, m = series.training, series.season
    change = x[m:] - x[:-m]
    if np.abs(change).max() <= ROUNDING * np.abs(x).max():
        return math.nan, math.nan
    return float(np.abs(change).mean()), _rms(change)


def errors(series: Series, forecaster: Forecaster, part: Part) -> Floats:
    """Return forecast - value from the rolling origins of a part: (origins, horizon)."""
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


def interval_half_widths(errors: Floats, level: float) -> Floats:
    """Return half widths of forecast intervals by split-conformal prediction: (horizon,).

    errors: (origins, horizon), on the validation part. A new error of a step lies within its half
    width with a probability of at least `level`, where it is exchangeable with those errors: the
    half width is the ⌈(n + 1)·level⌉-th smallest of n absolute errors. Infinite where n is too
    small. Source: Vovk, Gammerman and Shafer 2005.
    """
    if errors.ndim != 2 or not len(errors) or not 0 < level < 1:
        raise ValueError(f"expected errors (origins, horizon), 0 < level < 1, got {errors.shape}")
    rank = math.ceil((len(errors) + 1) * level - 1e-9)
    if rank > len(errors):
        return np.full(errors.shape[1], np.inf)
    return np.sort(np.abs(errors), axis=0)[rank - 1]


def coverage(errors: Floats, half_widths: Floats) -> float:
    """Return the share of errors (origins, horizon) that lie within half widths (horizon,)."""
    if errors.ndim != 2 or errors.shape[1:] != half_widths.shape:
        raise ValueError(f"expected errors (origins, {len(half_widths)}), got {errors.shape}")
    return float((np.abs(errors) <= half_widths).mean())


def _errors(series: Series, forecasts: Floats, part: Part) -> Floats:
    """Compare forecasts (origins, horizon, 1) with what came: (origins, horizon)."""
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
