"""A forecast of one's own values, by a model of sines or of a measured series."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from stages.signals.sines import Floats


@dataclass(frozen=True)
class Continuation:
    """Values (steps,) after the last one given, and the half widths of intervals around them.

    half_widths: by level [%], for as many steps as they were measured over. least: a lower bound of
    all values, if there is one.
    """

    values: Floats
    half_widths: Mapping[int, Floats] = field(default_factory=dict)
    least: float | None = None

    def interval(self, level: int) -> tuple[Floats, Floats]:
        """Compute the ends of an interval, (steps,) each; NaN where it was not measured."""
        widths = np.full(len(self.values), np.nan)
        measured = self.half_widths[level][: len(widths)]
        widths[: len(measured)] = measured
        return self.bounded(self.values - widths), self.bounded(self.values + widths)

    def bounded(self, values: Floats) -> Floats:
        """Raise values to the least that is possible."""
        return values if self.least is None else np.maximum(values, self.least)


def errors_of(forecast: Floats, came: Floats, given: Floats, season: int) -> dict[str, float]:
    """Compute the RMSE of a forecast, of the last value repeated, and of the last season."""
    guesses = {
        "forecast": forecast[: len(came)],
        "last value": np.full(len(came), given[-1]),
        f"last {season} values": np.resize(given[-season:], len(came)),
    }
    return {name: float(np.sqrt(np.mean((guess - came) ** 2))) for name, guess in guesses.items()}
