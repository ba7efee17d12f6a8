"""A measured series: its training, validation and test parts, and the origins of its forecasts."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stages.files import InputError
from stages.signals.sines import Floats

Part = Literal["validation", "test"]
LARGEST = 1e100  # the squares of larger values overflow
Origins = NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """Values evenly spaced in time, and the protocol by which their forecasts are judged.

    values: (time,). times: as the file writes them. season: values in a season, 1 for none.
    validation, test: values in the two parts at the end. warmup: values that a forecast is given.
    horizon: values to forecast. origins: forecasts in each part.
    """

    name: str
    values: Floats
    times: tuple[str, ...] | None
    season: int
    validation: int
    test: int
    warmup: int
    horizon: int
    origins: int

    @property
    def training(self) -> Floats:
        """The values before the validation part: (time,)."""
        return self.values[: self.bounds("validation")[0]]

    def bounds(self, part: Part) -> tuple[int, int]:
        """Locate a part: its start and its end, as for a slice."""
        end = len(self.values) - (self.test if part == "validation" else 0)
        return end - (self.validation if part == "validation" else self.test), end

    def rolling_origins(self, part: Part) -> Origins:
        """Spread origins evenly over a part, each with its whole horizon inside: (origins,).

        An origin is the index of the first value that is forecast. The first origin is the start of
        the part, the last one its end - horizon.
        """
        start, end = self.bounds(part)
        gaps = max(self.origins - 1, 1)
        return start + np.arange(self.origins) * (end - self.horizon - start) // gaps

    def every_origin(self, part: Part, horizon: int | None = None) -> Origins:
        """List all origins of a part whose horizon lies inside: (origins,)."""
        start, end = self.bounds(part)
        return np.arange(start, end - (horizon or self.horizon) + 1)

    def past(self, origins: Origins) -> Floats:
        """Gather the values that forecasts are given: (origins, warmup, 1)."""
        return self.values[origins[:, None] + np.arange(-self.warmup, 0), None]

    def future(self, origins: Origins, horizon: int | None = None) -> Floats:
        """Gather the true values: (origins, horizon, 1)."""
        return self.values[origins[:, None] + np.arange(horizon or self.horizon), None]


def check(series: Series, source: str) -> None:
    """Raise InputError, naming the file `source`, where a series does not fit its protocol.

    The settings of the protocol are checked against each other when params.yaml is read.
    """
    needed = series.warmup + series.horizon + series.validation + series.test
    if len(series.values) < needed:
        raise InputError(
            f"{source}: has {len(series.values)} values; expected {needed} or more: warmup "
            f"{series.warmup} + horizon {series.horizon} + validation {series.validation} + test "
            f"{series.test}"
        )
    if np.ptp(series.training) == 0:
        raise InputError(
            f"{source}: expected values that change; all before the validation part are "
            f"{series.training[0]:g}"
        )
