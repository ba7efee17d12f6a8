"""Forecasts that repeat the past: the last value, the last season, the last season and its drift.

Source: Hyndman and Athanasopoulos, "Forecasting: principles and practice", "simple methods".
"""

from dataclasses import dataclass

import numpy as np

from stages.baselines.forecaster import Forecaster, check_past
from stages.signals.series import Series
from stages.signals.sines import Floats


@dataclass(frozen=True)
class Naive(Forecaster):
    """x̂(t+h) = x(t)."""

    def forecast(self, past: Floats, horizon: int) -> Floats:
        check_past(past, 1)
        return np.repeat(past[:, -1:], horizon, axis=1)


@dataclass(frozen=True)
class SeasonalNaive(Forecaster):
    """x̂(t+h) = x(t+h-km), with the least k for which that is known. m: season [values]."""

    season: int

    def forecast(self, past: Floats, horizon: int) -> Floats:
        check_past(past, self.season)
        return past[:, np.arange(horizon) % self.season - self.season]


@dataclass(frozen=True)
class Drift(Forecaster):
    """x̂(t+h) = x(t+h-km) + kd, with d the mean of x(s) - x(s-m) over the past."""

    season: int

    def forecast(self, past: Floats, horizon: int) -> Floats:
        m = self.season
        check_past(past, m + 1)
        d = (past[:, m:] - past[:, :-m]).mean(axis=1, keepdims=True)
        k = np.arange(horizon)[:, None] // m + 1
        return SeasonalNaive(m).forecast(past, horizon) + k * d


def fit_naive(series: Series) -> Naive:
    """Make the naive forecaster; nothing of it is fitted."""
    return Naive()


def fit_seasonal_naive(series: Series) -> SeasonalNaive:
    """Make the seasonal naive forecaster; nothing of it is fitted."""
    return SeasonalNaive(series.season)


def fit_drift(series: Series) -> Drift:
    """Make the seasonal naive forecaster with drift; nothing of it is fitted."""
    return Drift(series.season)
