"""The base of forecasters: fields that are arrays are stored as tensors, all others as facts."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from stages.signals.sines import Floats


@dataclass(frozen=True)
class Forecaster:
    """Continues a past; a subclass has `forecast`, and one field for each fitted number or fact."""

    @property
    def parameters(self) -> int:
        """Count the trained values."""
        return sum(tensor.size for tensor in self.tensors().values())

    def forecast(self, past: Floats, horizon: int) -> Floats:
        """Continue pasts (batch, time, 1) by a horizon: (batch, horizon, 1)."""
        raise NotImplementedError

    def tensors(self) -> dict[str, Floats]:
        """Collect the fitted numbers by name."""
        return {name: value for name, value in self._all().items() if isinstance(value, np.ndarray)}

    def facts(self) -> dict[str, str | int]:
        """Collect the options and sizes that the fitted numbers need, by name."""
        return {name: value for name, value in self._all().items() if name not in self.tensors()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Floats], facts: dict[str, str | int]) -> Self:
        """Build a forecaster from its `tensors` and `facts`."""
        return cls(**facts, **tensors)

    def _all(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def check_past(past: Floats, least: int) -> None:
    """Raise ValueError unless a past is (batch, time, 1) with enough values."""
    if past.ndim != 3 or past.shape[1] < least or past.shape[2] != 1:
        raise ValueError(f"expected a past (batch, time >= {least}, 1), got {past.shape}")
