"""The schema of a model and its training: one row of `models`."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from stages.settings.schema import Schema

CHECKED = 64  # sequences whose teacher-forced states are compared with the free run's


class Normal(Schema):
    """Initial weights as the blog draws them."""

    method: Literal["normal"]
    sd: float = Field(gt=0, le=10, description="a number above 0 and up to 10")


class Uniform(Schema):
    """Initial weights as `torch.nn.RNN` draws them."""

    method: Literal["uniform"]


class EchoState(Schema):
    """Initial weights of an echo-state network (Jaeger 2001)."""

    method: Literal["echo_state"] = "echo_state"
    spectral_radius: float = Field(0.3, ge=0, le=10, description="a number from 0 to 10")
    input_scale: float = Field(0.5, gt=0, le=10, description="a number above 0 and up to 10")


Initial = Annotated[Normal | Uniform | EchoState, Field(discriminator="method")]


class Adam(Schema):
    """Adam on the one-step error."""

    iterations: int = Field(ge=1, le=10_000_000, description="a whole number from 1 to 10000000")
    learning_rate: float = Field(gt=0, le=10, description="a number above 0 and up to 10")
    batch: int = Field(1, ge=1, le=100_000, description="a whole number from 1 to 100000")
    carry_hidden_state: bool = Field(False, description="true or false")


class LevenbergMarquardt(Schema):
    """Levenberg-Marquardt on the one-step error, in float64; the defaults are `stable`'s."""

    iterations: int = Field(20, ge=1, le=100_000, description="a whole number from 1 to 100000")
    sequences: int = Field(32, ge=1, le=100_000, description="a whole number from 1 to 100000")
    warmup: int = Field(19, ge=0, le=1_000_000, description="a whole number from 0 to 1000000")
    noise: float = Field(1e-3, gt=0, le=10, description="a number above 0 and up to 10")
    noise_weight: float = Field(1e-5, gt=0, le=1, description="a number above 0 and up to 1")
    ridge: float = Field(1e-11, ge=1e-15, le=1, description="a number from 1e-15 to 1")


class Training(Schema):
    """The phases of training, in this order; one that is not named is left out."""

    adam: Adam | None = Field(None, description="the settings of Adam")
    levenberg_marquardt: LevenbergMarquardt | None = Field(
        None, description="the settings of Levenberg-Marquardt"
    )

    @field_validator("adam", "levenberg_marquardt", mode="before")
    @classmethod
    def _not_empty(cls, phase: Any) -> Any:
        if phase is None:
            raise ValueError("expected settings, or {} for those of `stable`")
        return phase

    @model_validator(mode="after")
    def _one_at_least(self) -> "Training":
        if not (self.adam or self.levenberg_marquardt):
            raise ValueError("names no phase; expected adam, levenberg_marquardt, or both")
        return self


class ModelRow(Schema):
    """One row of `models` in params.yaml; the defaults are the recipe of `stable`."""

    dataset: str = Field(description="the name of a row of `datasets`")
    cell: Literal["linear", "rnn", "gru", "lstm"] = Field(
        "rnn", description="one of linear, rnn, gru, lstm"
    )
    lags: int = Field(1, ge=1, le=1000, description="a whole number from 1 to 1000")
    hidden_size: int = Field(16, ge=1, le=4096, description="a whole number from 1 to 4096")
    num_layers: int = Field(1, ge=1, le=64, description="a whole number from 1 to 64")
    seed: int = Field(0, ge=0, lt=2**32, description="a whole number from 0 to 4294967295")
    precision: Literal["float32", "float64"] = Field("float64", description="float32 or float64")
    attempts: int = Field(4, ge=1, le=1000, description="a whole number from 1 to 1000")
    initial: Initial = Field(EchoState(), description="the initial weights and their `method`")
    training: Training = Field(
        Training(levenberg_marquardt=LevenbergMarquardt()),
        validate_default=True,
        description="the phases of training",
    )

    @field_validator("training")
    @classmethod
    def _exact_enough(cls, training: Training, info: ValidationInfo) -> Training:
        if training.levenberg_marquardt and info.data.get("precision") == "float32":
            raise ValueError("runs levenberg_marquardt in float32; expected precision: float64")
        return training
