"""Tables for the figures of a forecaster: its last test forecast, and its errors."""

from typing import Any

import numpy as np

from stages.networks.forecaster_file import Trained
from stages.rollouts import forecasts, metrics
from stages.signals.intervals import coverage
from stages.signals.series import Series
from stages.signals.sines import Floats

Table = dict[str, Any]  # columns of one length, by name
SEASONS_SHOWN = 3  # of the past before a forecast


def report(series: Series, trained: Trained) -> dict[str, Any]:
    """Compute all metrics of a forecaster, as metrics.json has them."""
    errors = forecasts.errors(series, trained.forecaster, "test")
    intervals = {
        f"coverage_{level}": metrics.metric(coverage(errors, widths))
        for level, widths in trained.half_widths.items()
    }
    return {**forecasts.evaluate(series, trained.forecaster), "intervals": intervals}


def tables(series: Series, trained: Trained) -> dict[str, Table]:
    """Make the tables by file name."""
    errors = np.abs(forecasts.errors(series, trained.forecaster, "test"))
    scale = forecasts.scales(series)[0]
    origins = series.rolling_origins("test")
    times = series.times or [""] * len(series.values)
    return {
        "rollout.csv": last_forecast(series, trained, times),
        "horizon.csv": {
            "step": np.arange(1, series.horizon + 1),
            "mase": errors.mean(axis=0) / scale,
        },
        "sequences.csv": {
            "origin": origins,
            "time": [times[origin] for origin in origins],
            "mase": errors.mean(axis=1) / scale,
        },
    }


def last_forecast(series: Series, trained: Trained, times: Any) -> Table:
    """Write the last test forecast with its intervals, after some seasons of its past."""
    origin = series.rolling_origins("test")[-1:]
    values = trained.forecaster.forecast(series.past(origin), series.horizon)[0, :, 0]
    first = max(0, int(origin[0]) - max(SEASONS_SHOWN * series.season, series.horizon))
    here = np.arange(first, int(origin[0]) + series.horizon)
    ahead = here - int(origin[0]) + 1
    columns = {
        "step": ahead,
        "time": [times[place] for place in here],
        "value": series.values[here],
        "forecast": later(ahead, values),
    }
    for level, widths in trained.half_widths.items():
        columns[f"low_{level}"] = later(ahead, values - widths)
        columns[f"high_{level}"] = later(ahead, values + widths)
    return columns


def later(steps: np.ndarray, values: Floats) -> Floats:
    """Put values at the steps from 1 on, NaN at those before."""
    return np.concatenate((np.full(int((steps < 1).sum()), np.nan), values))
