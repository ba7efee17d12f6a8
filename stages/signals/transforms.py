"""Transforms of a measured series to network inputs, and of forecasts back.

Their numbers are computed on the training part alone. Values are (batch, time, 1). `apply` takes
the `warmup` values of a past, and in training the values after it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stages.signals.sines import Floats

Name = Literal["seasonal_difference", "window"]


@dataclass(frozen=True)
class SeasonalDifference:
    """d(t) = (x(t) − x(t − season) − mean) / scale.

    A network that predicts zero repeats the last season, plus the mean change between seasons. The
    first `season` values of the past have no difference.
    """

    season: int
    scale: float
    mean: float

    def apply(self, values: Floats, warmup: int) -> Floats:
        """Difference values (batch, time, 1) to (batch, time - season, 1)."""
        return (values[:, self.season :] - values[:, : -self.season] - self.mean) / self.scale

    def undo(self, past: Floats, outputs: Floats) -> Floats:
        """Add outputs (batch, horizon, 1) to the value or the forecast a season before."""
        values = np.concatenate((past, outputs * self.scale + self.mean), axis=1)
        for step in range(past.shape[1], values.shape[1]):
            values[:, step] += values[:, step - self.season]
        return values[:, past.shape[1] :]


@dataclass(frozen=True)
class Window:
    """y(t) = (x(t) − the mean of the past's last season) / scale."""

    season: int
    scale: float

    def apply(self, values: Floats, warmup: int) -> Floats:
        """Subtract the mean of the past's last season; the past is the first `warmup` values."""
        return (values - self._level(values[:, :warmup])) / self.scale

    def undo(self, past: Floats, outputs: Floats) -> Floats:
        """Add the level of the past to outputs (batch, horizon, 1)."""
        return outputs * self.scale + self._level(past)

    def _level(self, past: Floats) -> Floats:
        return past[:, -self.season :].mean(axis=1, keepdims=True)


Transform = SeasonalDifference | Window


def fit_transform(name: Name, training: Floats, season: int) -> Transform:
    """Fit a transform to the training part of a series, (time,)."""
    if name == "seasonal_difference":
        differences = training[season:] - training[:-season]
        return SeasonalDifference(season, _scale(differences), float(differences.mean()))
    ends = np.cumsum(np.concatenate(([0.0], training)))
    levels = (ends[season:] - ends[:-season]) / season
    return Window(season, _scale(training[season - 1 :] - levels))


def _scale(values: Floats) -> float:
    return float(values.std()) or 1.0


def tensors_of(transform: Transform) -> dict[str, Floats]:
    """Name the numbers of a transform for a model file."""
    numbers = {name: number for name, number in vars(transform).items() if name != "season"}
    return {f"transform.{name}": np.array(number) for name, number in numbers.items()}


def from_tensors(name: Name, season: int, tensors: dict[str, Floats]) -> Transform:
    """Build the transform that `tensors_of` wrote."""
    scale = tensors["transform.scale"].item()
    if name == "window":
        return Window(season, scale)
    return SeasonalDifference(season, scale, tensors["transform.mean"].item())
