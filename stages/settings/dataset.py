"""The schema of a task: one row of `datasets`."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from stages.settings.schema import Schema

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Number = Annotated[float, Field(ge=1e-6, le=1e6)]
Phase = Annotated[float, Field(ge=-1e6, le=1e6)]


def _ascending(bounds: list[float]) -> list[float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"expected [low, high], got {bounds[0]:g} above {bounds[1]:g}")
    return bounds


Phases = Annotated[
    Literal["uniform"] | Annotated[list[Phase], Field(min_length=1)],
    Field(description="rad"),
]
Range = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_ascending)]


class Dataset(Schema):
    """One row of `datasets` in params.yaml: sequences, and how every model of them is judged."""

    seed: int = Field(0, ge=0, le=2**32 - 1)
    sequences: int = Field(64, ge=1, le=10_000_000)
    validation_sequences: Count = 64
    test_sequences: Count = 64
    steps: int = Field(50, ge=3, le=1_000_000)
    span: Number = Field(10.0, description="units of time")
    phase: Phases = "uniform"
    frequency: Number | Range = Field(
        1.0, validate_default=True, description="rad per unit of time"
    )
    amplitude: Number | Range = 1.0
    noise: float = Field(0.0, ge=0, le=1e3)
    test_seed: int | None = Field(None, ge=0, le=2**32 - 1)
    test_phase: Phases | None = None
    warmup: int = Field(20, ge=1, le=1_000_000, validate_default=True)
    periods: int = Field(1000, ge=1, le=100_000)

    @property
    def time_step(self) -> float:
        """Units of time between two values: `steps` values spread evenly over `span`."""
        return self.span / (self.steps - 1)

    @property
    def protocol(self) -> tuple[object, ...]:
        """List what fixes the errors: the test sequences, the warm-up and the horizon."""
        seed = self.seed if self.test_seed is None else self.test_seed
        phase = self.test_phase or self.phase
        sequences = (self.test_sequences, self.steps, self.span, self.frequency, self.amplitude)
        return seed, phase, *sequences, self.noise, self.warmup, self.periods

    @property
    def kind(self) -> str:
        """Classify the task: one sine, any sine, or any sine in noise."""
        if self.noise > 0:
            return "in noise"
        return (
            "one sine" if as_range(self.frequency)[0] == as_range(self.frequency)[1] else "any sine"
        )

    @field_validator("warmup")
    @classmethod
    def _one_counts(cls, warmup: int, info: ValidationInfo) -> int:
        steps = info.data.get("steps", math.inf)
        if warmup > steps - 2:
            raise ValueError(f"expected {steps - 2} at most: of {steps} steps, one must count")
        return warmup

    @field_validator("frequency")
    @classmethod
    def _below_nyquist(
        cls, frequency: float | list[float], info: ValidationInfo
    ) -> float | list[float]:
        if {"steps", "span"} <= info.data.keys():  # else they have mistakes of their own
            steps, span = info.data["steps"], info.data["span"]
            nyquist, highest = math.pi * (steps - 1) / span, as_range(frequency)[1]
            if highest >= nyquist:
                raise ValueError(
                    f"expected less than {nyquist:.4g}, the Nyquist frequency of "
                    f"{steps} steps over a span of {span:g}"
                )
        return frequency


class Measured(Schema):
    """One row of `datasets` in params.yaml: a measured series, and how its forecasts are judged."""

    csv: str = Field(min_length=1, description="the path of a CSV file")
    column: str = Field(min_length=1, description="the name of the column of values")
    time: str | None = Field(None, min_length=1, description="the name of the column of times")
    season: int = Field(ge=1, le=100_000, description="values in a season, 1 for none")
    validation: Count = Field(description="values")
    test: Count = Field(description="values")
    warmup: int = Field(ge=2, le=1_000_000, description="values before a forecast")
    horizon: int = Field(ge=1, le=100_000, description="values ahead")
    origins: int = Field(20, ge=1, le=100_000, description="forecasts in each part")

    @field_validator("warmup")
    @classmethod
    def _two_seasons(cls, warmup: int, info: ValidationInfo) -> int:
        least = 2 * info.data.get("season", 1)
        if warmup < least:
            raise ValueError(f"expected {least} or more: two seasons")
        return warmup

    @field_validator("horizon")
    @classmethod
    def _inside_the_parts(cls, horizon: int, info: ValidationInfo) -> int:
        most = min(info.data.get(part, math.inf) for part in ("validation", "test"))
        if horizon > most:
            raise ValueError(f"expected {most} at most: the shorter of validation and test")
        return horizon

    @field_validator("origins")
    @classmethod
    def _fit_the_parts(cls, origins: int, info: ValidationInfo) -> int:
        parts = [info.data[part] for part in ("validation", "test") if part in info.data]
        most = min(parts, default=math.inf) - info.data.get("horizon", math.nan) + 1
        if origins > most:  # never where the horizon has a mistake of its own
            raise ValueError(
                f"expected {most} at most, so that each horizon ends inside the shorter of "
                "validation and test"
            )
        return origins


def as_range(setting: float | list[float]) -> tuple[float, float]:
    """Read a value or a range as (low, high)."""
    return (setting[0], setting[1]) if isinstance(setting, list) else (setting, setting)
