"""The schema of a dataset: one row of `datasets`."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.core.params import Schema

Range = Annotated[list[float], Field(min_length=2, max_length=2)]


class Dataset(Schema):
    """One row of `datasets` in params.yaml."""

    seed: int = Field(0, ge=0, lt=2**32, description="a whole number from 0 to 4294967295")
    sequences: int = Field(64, ge=1, le=10_000_000, description="a whole number from 1 to 10000000")
    validation_sequences: int = Field(
        64, ge=1, le=1_000_000, description="a whole number from 1 to 1000000"
    )
    test_sequences: int = Field(
        64, ge=1, le=1_000_000, description="a whole number from 1 to 1000000"
    )
    steps: int = Field(50, ge=3, le=1_000_000, description="a whole number from 3 to 1000000")
    span: float = Field(10.0, gt=0, le=1e6, description="a number above 0 and up to 1e6")
    phase: Literal["uniform"] | Annotated[list[float], Field(min_length=1)] = Field(
        "uniform", description="`uniform` or a list of numbers to draw from [rad]"
    )
    frequency: float | Range = Field(
        1.0, description="a number above 0, or [low, high] [rad per unit of time]"
    )
    amplitude: float | Range = Field(1.0, description="a number above 0, or [low, high]")
    noise: float = Field(0.0, ge=0, le=1e3, description="a number from 0 to 1000")

    @property
    def time_step(self) -> float:
        """Units of time between two values: `steps` values spread evenly over `span`."""
        return self.span / (self.steps - 1)

    @model_validator(mode="after")
    def _ranges(self) -> "Dataset":
        for name in ("frequency", "amplitude"):
            low, high = as_range(getattr(self, name))
            if not 0 < low <= high:
                raise ValueError(f"{name} is [{low:g}, {high:g}]; expected 0 < low <= high")
        nyquist = math.pi / self.time_step
        highest = as_range(self.frequency)[1]
        if highest >= nyquist:
            raise ValueError(
                f"frequency {highest:g} is at or above the Nyquist frequency {nyquist:g} "
                f"of {self.steps} steps over a span of {self.span:g}; expected a lower one"
            )
        return self


def as_range(setting: float | list[float]) -> tuple[float, float]:
    """Return (low, high) of a setting that is a value or a range."""
    return (setting[0], setting[1]) if isinstance(setting, list) else (setting, setting)
