"""Measured series that the tests of several rooms look at."""

from dataclasses import replace
from typing import Any

import numpy as np

from stages.signals.series import Series, check

SETTINGS = {"season": 12, "validation": 60, "test": 60, "warmup": 36, "horizon": 24, "origins": 10}


def series(values: np.ndarray, **changes: Any) -> Series:
    """Make a series that passes the checks."""
    made = Series("value", values, None, **(SETTINGS | changes))
    check(made, "series")
    return made


def seasonal(count: int = 300, trend: float = 0.1, noise: float = 1.0, level: float = 50) -> Any:
    """Make a trend, a season of 12 and noise: (count,)."""
    k = np.arange(count)
    season = np.random.default_rng(1).normal(0, 5, 12)[k % 12]
    return level + trend * k + season + noise * np.random.default_rng(2).normal(size=count)


def other_test(made: Series) -> Series:
    """Make a series with other values in its test part alone."""
    values = made.values.copy()
    values[made.bounds("test")[0] :] = np.random.default_rng(5).normal(9, 99, made.test)
    return replace(made, values=values)
