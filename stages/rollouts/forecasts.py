"""Metrics and tables of a measured series: forecasts from rolling origins.

The MASE is the mean absolute error, divided by the mean |x(t) - x(t-m)| of the training part. The
RMSSE is the same for root mean squares. m: values in a season. Source: Hyndman and Koehler 2006.
A metric that cannot be computed is a word instead of a number, as in `metrics`.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from stages.baselines.forecaster import Forecaster, SeasonalNaive
from stages.rollouts.metrics import Metric, metric, one_step
from stages.rollouts.tables import padded
from stages.signals.intervals import coverage
from stages.signals.series import Series
from stages.signals.sines import Floats

NO_STEPS = "no such steps"
NO_SCALE = "no scale"  # the training part repeats exactly
ROUNDING = 1e-12  # × the largest |value|: smaller changes over a season are rounding errors
BLOCK = 1024  # one-step predictions in memory at a time
SEASONS_SHOWN = 3  # of the past before a forecast

Widths = Mapping[int, Floats]  # half widths (horizon,) of intervals, by their level [%]


def forecast(series: Series, forecaster: Forecaster) -> Floats:
    """Forecast from the rolling origins of the test part: (origins, horizon)."""
    past = series.past(series.rolling_origins("test"))
    return forecaster.forecast(past, series.horizon)[:, :, 0]


@np.errstate(invalid="ignore")
def errors(series: Series, forecasts: Floats) -> Floats:
    """Compute forecast - value: (origins, horizon)."""
    return forecasts - series.future(series.rolling_origins("test"))[:, :, 0]


def scales(series: Series) -> tuple[float, float]:
    """Compute the mean absolute and the root mean square x(t) - x(t-m) of the training part.

    Both are NaN if the training part repeats exactly.
    """
    x, m = series.training, series.season
    change = x[m:] - x[:-m]
    if np.abs(change).max() <= ROUNDING * np.abs(x).max():
        return math.nan, math.nan
    return float(np.abs(change).mean()), _rms(change)


def report(
    series: Series, forecaster: Forecaster, forecasts: Floats, half_widths: Widths
) -> dict[str, Any]:
    """Collect all metrics of a forecaster, as metrics.json has them."""
    error = errors(series, forecasts)
    return {
        "parameters": forecaster.parameters,
        "teacher_forced": teacher_forced(series, forecaster),
        "forecast": forecast_metrics(series, error),
        "intervals": {
            f"coverage_{level}": metric(coverage(error, widths))
            for level, widths in half_widths.items()
        },
    }


def teacher_forced(series: Series, forecaster: Forecaster) -> dict[str, Metric]:
    """Judge one-step predictions of every test value, each from the true values before it."""
    origins = series.every_origin("test", horizon=1)
    blocks = np.array_split(origins, -(-len(origins) // BLOCK))
    predictions = [forecaster.forecast(series.past(block), 1) for block in blocks]
    return one_step(np.concatenate(predictions), series.future(origins, 1))


def forecast_metrics(series: Series, error: Floats) -> dict[str, Any]:
    """Judge errors from the rolling origins of the test part: (origins, horizon)."""
    m, (absolute, square) = series.season, scales(series)
    naive = errors(series, forecast(series, SeasonalNaive(m)))
    naive_mae = float(np.abs(naive).mean())
    with np.errstate(over="ignore", invalid="ignore"):
        mae, rmse = float(np.abs(error).mean()), _rms(error)
        by_step = {
            "first": _scaled_mae(error[:, :1], absolute),
            "season": _scaled_mae(error[:, :m], absolute),
            "rest": _scaled_mae(error[:, m:], absolute),
        }
    return {
        "mase": _scaled(mae, absolute),
        "rmsse": _scaled(rmse, square),
        "mae": metric(mae),
        "rmse": metric(rmse),
        "by_step": by_step,
        "skill": metric(1 - mae / naive_mae) if naive_mae > 0 else NO_SCALE,
    }


def _rms(values: Floats) -> float:
    return float(np.sqrt((values**2).mean()))


def _scaled_mae(error: Floats, scale: float) -> Metric:
    return _scaled(float(np.abs(error).mean()), scale) if error.size else NO_STEPS


def _scaled(value: float, scale: float) -> Metric:
    return NO_SCALE if math.isnan(scale) else metric(value / scale)


def tables(series: Series, forecasts: Floats, half_widths: Widths) -> dict[str, dict[str, Any]]:
    """Make the tables for the figures: dictionaries of columns, by file name."""
    scaled = np.abs(errors(series, forecasts)) / scales(series)[0]
    origins = series.rolling_origins("test")
    times = np.array(series.times or [""] * len(series.values))
    return {
        "rollout.csv": last_forecast(series, forecasts[-1], half_widths, times),
        "horizon.csv": {"step": np.arange(1, series.horizon + 1), "mase": scaled.mean(axis=0)},
        "sequences.csv": {
            "origin": origins,
            "time": times[origins],
            "mase": scaled.mean(axis=1),
        },
    }


def last_forecast(
    series: Series, values: Floats, half_widths: Widths, times: np.ndarray
) -> dict[str, Any]:
    """Tabulate the last test forecast, its intervals, and some seasons before it.

    values: the forecast (horizon,). times: of all values of the series.
    """
    origin = int(series.rolling_origins("test")[-1])
    first = max(0, origin - max(SEASONS_SHOWN * series.season, series.horizon))
    here = np.arange(first, origin + series.horizon)
    columns = {"forecast": values}
    for level, widths in half_widths.items():
        columns |= {f"low_{level}": values - widths, f"high_{level}": values + widths}
    return {
        "step": here - origin + 1,
        "time": times[here],
        "value": series.values[here],
        **{name: padded(part, origin - first, len(here)) for name, part in columns.items()},
    }
