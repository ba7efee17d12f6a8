"""The schema of a task: one row of `datasets`."""

import math
from typing import Annotated, Any, Literal

from annotated_types import Len, Predicate
from pydantic import Field, ValidationError, ValidationInfo, WrapValidator, field_validator

from stages.settings.schema import Schema

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Number = Annotated[float, Field(ge=1e-6, le=1e6)]
MOST_VALUES = 2e8  # in the free runs of a test part together: 1.6 GB


def one_message(expected: str) -> WrapValidator:
    """Report a wrong value of a union once, instead of once for each member."""

    def validate(value: Any, validate_members: Any) -> Any:
        try:
            return validate_members(value)
        except ValidationError:
            raise ValueError(f"expected {expected}") from None

    return WrapValidator(validate)


Phases = Annotated[
    Literal["uniform"] | Annotated[list[float], Len(1)],
    one_message("uniform, or a list of numbers"),
]
Range = Annotated[
    Number | Annotated[list[Number], Len(2, 2), Predicate(lambda ends: ends[0] <= ends[1])],
    one_message("a number from 1e-6 to 1e6, or a range [low, high]"),
]


class Dataset(Schema):
    """One row of `datasets` in params.yaml: sine sequences, and how their models are judged."""

    seed: int = Field(0, ge=0, le=2**32 - 1)
    sequences: int = Field(64, ge=1, le=10_000_000)
    validation_sequences: Count = 64
    test_sequences: Count = 64
    steps: int = Field(50, ge=3, le=1_000_000)
    span: Number = 10.0
    phase: Phases = "uniform"
    frequency: Range = Field(1.0, validate_default=True)
    amplitude: Range = 1.0
    noise: float = Field(0.0, ge=0, le=1e3)
    test_seed: int | None = Field(None, ge=0, le=2**32 - 1)
    test_phase: Phases | None = None
    warmup: int = Field(20, ge=1, le=1_000_000, validate_default=True)
    periods: int = Field(1000, ge=1, le=100_000, validate_default=True)

    @property
    def time_step(self) -> float:
        """Units of time between two values: `steps` values spread evenly over `span`."""
        return self.span / (self.steps - 1)

    @property
    def protocol(self) -> tuple[object, ...]:
        """List the settings that decide a model's errors: test sequences, warm-up, horizon."""
        seed = self.seed if self.test_seed is None else self.test_seed
        phase = self.test_phase or self.phase
        sequences = (self.test_sequences, self.steps, self.span, self.frequency, self.amplitude)
        return seed, phase, *sequences, self.noise, self.warmup, self.periods

    @property
    def kind(self) -> str:
        """Classify the task: one sine, any sine, or any sine in noise."""
        if self.noise > 0:
            return "in noise"
        low, high = as_range(self.frequency)
        return "one sine" if low == high else "any sine"

    @field_validator("warmup")
    @classmethod
    def _leave_a_prediction(cls, warmup: int, info: ValidationInfo) -> int:
        steps = info.data.get("steps", math.inf)
        if warmup > steps - 2:
            text = f"at least one of {steps - 1} predictions must follow the warm-up"
            raise ValueError(f"expected {steps - 2} at most: {text}")
        return warmup

    @field_validator("periods")
    @classmethod
    def _fit_into_memory(cls, periods: int, info: ValidationInfo) -> int:
        data = info.data
        if {"steps", "span", "frequency", "test_sequences"} <= data.keys():
            step = as_range(data["frequency"])[0] * data["span"] / (data["steps"] - 1)  # rad
            most = int(MOST_VALUES / data["test_sequences"] * step / (2 * math.pi))
            if periods > most:
                text = f"to fit into memory: a period is {2 * math.pi / step:.4g} steps"
                raise ValueError(f"expected {most} at most, {text}")
        return periods

    @field_validator("frequency")
    @classmethod
    def _below_nyquist(cls, frequency: Range, info: ValidationInfo) -> Range:
        if {"steps", "span"} <= info.data.keys():  # missing where they are invalid
            nyquist = math.pi * (info.data["steps"] - 1) / info.data["span"]
            if as_range(frequency)[1] >= nyquist:
                raise ValueError(
                    f"expected less than {nyquist:.4g}, π (steps - 1) / span (Nyquist)"
                )
        return frequency


class Measured(Schema):
    """One row of `datasets` in params.yaml: a measured series, and how its forecasts are judged."""

    csv: str = Field(min_length=1)
    column: str = Field(min_length=1)
    time: str | None = Field(None, min_length=1)
    season: int = Field(ge=1, le=100_000)
    validation: Count
    test: Count
    warmup: int = Field(ge=2, le=1_000_000)
    horizon: int = Field(ge=1, le=100_000)
    origins: int = Field(20, ge=1, le=100_000, validate_default=True)

    @field_validator("warmup")
    @classmethod
    def _two_seasons(cls, warmup: int, info: ValidationInfo) -> int:
        least = 2 * info.data.get("season", 1)
        if warmup < least:
            raise ValueError(f"expected {least} or more: two seasons")
        return warmup

    @field_validator("horizon", "origins")
    @classmethod
    def _inside_the_parts(cls, count: int, info: ValidationInfo) -> int:
        shorter = min(info.data.get(part, math.inf) for part in ("validation", "test"))
        used = 0 if info.field_name == "horizon" else info.data.get("horizon", math.nan) - 1
        if count > (most := shorter - used):
            text = "at most, so that each horizon ends inside the shorter of validation and test"
            raise ValueError(f"expected {most} {text}")
        return count


def as_range(setting: float | list[float]) -> tuple[float, float]:
    """Read a value or a range as (low, high)."""
    return (setting[0], setting[1]) if isinstance(setting, list) else (setting, setting)
