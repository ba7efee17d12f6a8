"""Forecasters of a measured series: their base, and those that repeat the past.

Source: Hyndman and Athanasopoulos, "Forecasting: principles and practice", "simple methods".
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from stages.signals.series import Series
from stages.signals.sines import Floats


class Forecaster:
    """Continues a past. Its fields stand in a model file: arrays as tensors, others as options."""

    @classmethod
    def fit(cls, series: Series) -> Self:
        """Fit to the training part; options may be chosen on the validation part.

        Raises ValueError where nothing can be fitted.
        """
        raise NotImplementedError

    def forecast(self, past: Floats, horizon: int) -> Floats:
        """Continue pasts (batch, time, 1) by a horizon: (batch, horizon, 1)."""
        raise NotImplementedError

    @property
    def parameters(self) -> int:
        """Count the trained values."""
        return sum(tensor.size for tensor in self.tensors().values())

    def tensors(self) -> dict[str, Floats]:
        """Collect the fitted arrays, as a model file names them."""
        return {f"fit.{n}": v for n, v in vars(self).items() if isinstance(v, np.ndarray)}

    def options(self) -> dict[str, str | int]:
        """Collect the fields that are names or sizes."""
        return {n: v for n, v in vars(self).items() if isinstance(v, str | int)}


@dataclass(frozen=True)
class Naive(Forecaster):
    """x̂(t+h) = x(t)."""

    @classmethod
    def fit(cls, series: Series) -> Self:
        return cls()

    def forecast(self, past: Floats, horizon: int) -> Floats:
        return np.repeat(past[:, -1:], horizon, axis=1)


@dataclass(frozen=True)
class SeasonalNaive(Forecaster):
    """x̂(t+h) = x(t+h-km), with the least k for which that is known. m: season [values]."""

    season: int

    @classmethod
    def fit(cls, series: Series) -> Self:
        return cls(series.season)

    def forecast(self, past: Floats, horizon: int) -> Floats:
        check_past(past, self.season)
        return past[:, np.arange(horizon) % self.season - self.season]


@dataclass(frozen=True)
class Drift(SeasonalNaive):
    """x̂(t+h) = x(t+h-km) + kd, with d the mean of x(s) - x(s-m) over the past."""

    def forecast(self, past: Floats, horizon: int) -> Floats:
        m = self.season
        check_past(past, m + 1)
        d = (past[:, m:] - past[:, :-m]).mean(axis=1, keepdims=True)
        k = np.arange(horizon)[:, None] // m + 1
        return super().forecast(past, horizon) + k * d


def check_past(past: Floats, least: int) -> None:
    """Raise ValueError unless a past is (batch, time, 1) with enough values."""
    if past.ndim != 3 or past.shape[1] < least or past.shape[2] != 1:
        raise ValueError(f"expected a past (batch, time >= {least}, 1), got {past.shape}")
