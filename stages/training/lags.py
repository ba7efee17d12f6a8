"""Least squares for the linear model."""

import numpy as np

from stages.networks.linear import Lags
from stages.signals.sines import Floats


def fit_lags(lags: int, values: Floats) -> tuple[Lags, float]:
    """Return the linear model of the next value with the least squares, and its mean square.

    values: (batch, time, 1), time > lags.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values[:, :, 0], lags + 1, axis=1)
    windows = windows.reshape(-1, lags + 1)
    past, target = windows[:, -2::-1], windows[:, -1]
    weight = np.linalg.lstsq(past, target, rcond=None)[0]
    return Lags(weight), float(np.mean((past @ weight - target) ** 2))
