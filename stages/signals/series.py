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
    validation, test: values of the two parts at the end. warmup: values before a forecast that it
    is given. horizon: values ahead. origins: forecasts in each part.
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
        """Locate a part: the index of its first value, and that after its last one."""
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


def check(series: Series) -> None:
    """Raise InputError where a series is too short for its protocol, or does not change.

    Two seasons of the past are the least from which a change between seasons is seen.
    """
    settings = ("season", "validation", "test", "warmup", "horizon", "origins")
    s, v, t, w, h, n = (getattr(series, setting) for setting in settings)
    for setting in settings:
        if getattr(series, setting) < 1:
            raise InputError(f"{setting} is {getattr(series, setting)}; expected 1 or more")
    needed, count = w + h + v + t, len(series.values)
    if series.values.ndim != 1 or not np.isfinite(series.values).all():
        raise InputError(f"{series.name}: expected finite values (time,)")
    if series.times is not None and len(series.times) != count:
        raise InputError(f"{series.name}: has {count} values and {len(series.times)} times")
    if w < 2 * s:
        raise InputError(f"warmup is {w}; expected {2 * s} or more: two seasons of {s}")
    for part, length in (("validation", v), ("test", t)):
        if length < h + n - 1:
            raise InputError(
                f"{part} is {length}; expected {h + n - 1} or more: {n} origins, each with a "
                f"horizon of {h}"
            )
    if count < needed:
        raise InputError(
            f"{series.name}: has {count} values; expected {needed} or more: warmup {w} + horizon "
            f"{h} + validation {v} + test {t}"
        )
    if np.ptp(series.training) == 0:
        raise InputError(
            f"{series.name}: expected values that change; all before the validation part are "
            f"{series.training[0]:g}"
        )
