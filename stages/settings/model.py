"""The schema of a model and its training: one row of `models`."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from stages.settings.schema import Schema

Whole = Annotated[int, Field(ge=1, le=100_000)]
Weight = Annotated[float, Field(ge=0, lt=1)]
SETTLED = 10  # first predictions of a teacher-forced sequence, which do not count


Weight = Annotated[float, Field(ge=0, lt=1)]


class Normal(Schema):
    """Initial weights as the blog draws them."""

    method: Literal["normal"]
    sd: float = Field(gt=0, le=10)


class Uniform(Schema):
    """Initial weights as `torch.nn.RNN` draws them."""

    method: Literal["uniform"]


class EchoState(Schema):
    """Initial weights of an echo-state network (Jaeger 2001)."""

    method: Literal["echo_state"] = "echo_state"
    spectral_radius: float = Field(0.3, ge=0, le=10)
    input_scale: float = Field(0.5, gt=0, le=10)
    averages: list[Weight] = Field([], max_length=100)


Initial = Annotated[Normal | Uniform | EchoState, Field(discriminator="method")]


class Ridge(Schema):
    """The read-out solved by ridge regression; the cell stays as it was drawn."""

    phase: Literal["ridge"]
    sequences: Whole = 32
    warmup: int = Field(19, ge=0, le=1_000_000)
    noise: float = Field(1e-3, gt=0, le=10)
    noise_weight: float = Field(1e-5, gt=0, le=1)
    ridge: float = Field(1e-11, ge=1e-15, le=1)


class Adam(Schema):
    """Adam on the one-step error."""

    phase: Literal["adam"]
    iterations: int = Field(ge=1, le=10_000_000)
    learning_rate: float = Field(gt=0, le=10)
    batch: Whole = 1
    carry_hidden_state: bool = False


class LevenbergMarquardt(Schema):
    """Levenberg-Marquardt on the predictions of the network's own free run."""

    phase: Literal["levenberg_marquardt"]
    warmup: Whole
    free_steps: list[Whole] = Field([], max_length=1000, validate_default=True)
    sequences: Whole
    noise: float = Field(0.0, ge=0, le=10)
    cap: float | None = Field(None, gt=0, le=1e6)
    iterations: Whole

    @field_validator("free_steps")
    @classmethod
    def _some_count(cls, steps: list[int], info: ValidationInfo) -> list[int]:
        if not steps and info.data.get("warmup", math.inf) <= SETTLED:
            raise ValueError(f"expected steps of the free run, or a warmup above {SETTLED}")
        if sorted(set(steps)) != steps:
            raise ValueError("expected ascending steps, none of them twice")
        return steps


class RecursiveLevenbergMarquardt(Schema):
    """Levenberg-Marquardt on training sequences in noise that is drawn anew at each iteration."""

    phase: Literal["recursive_levenberg_marquardt"]
    products: Whole | None = None
    warmup: Whole
    free_steps: list[int] = Field(min_length=1, max_length=1000)
    sequences: Whole
    noise: float = Field(0.0, ge=0, le=10)
    scaling: float = Field(0.0, ge=0, lt=1)
    cap: float = Field(0.5, gt=0, le=1e6)
    balanced: bool = True
    forgetting: list[Weight] = Field([0.9, 0.9], min_length=2, max_length=2)
    iterations: Whole

    @field_validator("free_steps")
    @classmethod
    def _some_count(cls, steps: list[int], info: ValidationInfo) -> list[int]:
        if sorted(set(steps)) != steps:
            raise ValueError("expected ascending steps, none of them twice")
        first = 2 - info.data.get("warmup", math.inf)
        if steps[0] < first:
            raise ValueError(f"expected no step before {first}, the first prediction of all")
        return steps


Phase = Annotated[
    Ridge | Adam | LevenbergMarquardt | RecursiveLevenbergMarquardt,
    Field(discriminator="phase"),
]


class Accept(Schema):
    """When a trained network is good enough, on the validation sequences alone."""

    warmup: Whole = 20
    periods: Whole = 100
    rmse: float = Field(1e-7, gt=0, le=1e6)


class Lags(Schema):
    """The next value from the last `lags` values, by least squares."""

    cell: Literal["linear"]
    dataset: str = Field(description="the name of a row of `datasets`")
    lags: int = Field(1, ge=1, le=1000)


class Fit(Schema):
    """A law fitted to each sequence's own past; nothing is trained."""

    cell: Literal["prony", "sine_fit"]
    dataset: str = Field(description="the name of a row of `datasets`")


class NetworkRow(Schema):
    """A recurrent network; the defaults are the recipe of `stable`."""

    cell: Literal["rnn", "gru", "lstm", "innovation"]
    dataset: str = Field(description="the name of a row of `datasets`")
    hidden_size: int = Field(16, ge=1, le=4096)
    num_layers: int = Field(1, ge=1, le=64)
    memory_size: int = Field(1, ge=1, le=256)
    products: int = Field(8, ge=1, le=1024)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    precision: Literal["float32", "float64"] = "float64"
    attempts: int = Field(20, ge=1, le=1000)
    accept: Accept = Accept()
    initial: Initial = EchoState()
    training: list[Phase] = Field([Ridge(phase="ridge")], min_length=1, max_length=100)

    @field_validator("num_layers")
    @classmethod
    def _one_layer(cls, layers: int, info: ValidationInfo) -> int:
        if info.data.get("cell") == "innovation" and layers > 1:
            raise ValueError("expected 1: the cell innovation has one layer")
        return layers

    @field_validator("training")
    @classmethod
    def _exact_enough(cls, phases: list[Any], info: ValidationInfo) -> list[Any]:
        kinds = {phase.phase for phase in phases}
        if "levenberg_marquardt" in kinds and info.data.get("precision") == "float32":
            raise ValueError("runs levenberg_marquardt in float32; expected precision: float64")
        if info.data.get("cell") == "innovation" and "ridge" in kinds:
            raise ValueError("has a ridge phase; expected levenberg_marquardt or adam: the cell")
        return phases


ModelRow = Annotated[Lags | Fit | NetworkRow, Field(discriminator="cell")]
