"""The trend and the season of values, where no model states them."""

import numpy as np

from stages.signals.sines import Floats

LEAST_CORRELATION = 0.2  # of values a season apart, for a season to be one
TREND = 0.5  # share of the variance that a straight line explains, for a trend to be one


def detrended(values: Floats) -> Floats:
    """Subtract the least-squares line from values (time,)."""
    steps = np.arange(len(values)) - (len(values) - 1) / 2
    slope = float(steps @ values) / max(float(steps @ steps), 1.0)
    return values - values.mean() - slope * steps


def has_trend(values: Floats) -> bool:
    """Tell whether a straight line explains more than half of the variance."""
    return float(np.var(detrended(values))) < (1 - TREND) * float(np.var(values))


def season_of(values: Floats) -> int:
    """Find the lag with the largest autocorrelation of all local maxima; 1 where none is large.

    values: (time,). The trend is subtracted first, and a season must be seen twice.
    """
    x = detrended(values)
    power = float(x @ x)
    if power == 0:
        return 1
    lags = range(1, len(x) // 2 + 1)
    correlation = np.array([float(x[lag:] @ x[:-lag]) / power for lag in lags])
    inner = correlation[1:-1]
    peaks = np.flatnonzero((inner > correlation[:-2]) & (inner >= correlation[2:])) + 1
    if not len(peaks):
        return 1
    best = int(peaks[np.argmax(correlation[peaks])])
    return best + 1 if correlation[best] >= LEAST_CORRELATION else 1
