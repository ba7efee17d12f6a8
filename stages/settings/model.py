"""The schema of a model and its training: one row of `models`."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from stages.settings.schema import Schema

Count = Annotated[int, Field(ge=1, le=100_000)]
Factor = Annotated[float, Field(ge=0, lt=1)]
MOST_UNITS = 24  # hidden units for Levenberg-Marquardt by default; beyond it, Adam
UNSETTLED = 10  # first predictions of a teacher-forced sequence; the loss leaves them out


class Normal(Schema):
    """Initial weights as the blog draws them."""

    method: Literal["normal"]
    sd: float = Field(gt=0, le=10)


class Uniform(Schema):
    """Initial weights as `torch.nn.RNN` draws them."""

    method: Literal["uniform"] = "uniform"


class EchoState(Schema):
    """Initial weights of an echo-state network (Jaeger 2001)."""

    method: Literal["echo_state"] = "echo_state"
    spectral_radius: float = Field(0.3, ge=0, le=10)
    input_scale: float = Field(0.5, gt=0, le=10)
    averages: list[Factor] = Field([], max_length=100)


class ZeroReadOut(Schema):
    """Initial weights as torch draws them, but for a read-out of zeros: it predicts zero."""

    method: Literal["zero_read_out"] = "zero_read_out"


Initial = Annotated[Normal | Uniform | EchoState | ZeroReadOut, Field(discriminator="method")]


class Ridge(Schema):
    """The read-out solved by ridge regression; the cell stays as it was drawn."""

    phase: Literal["ridge"]
    sequences: Count = 32
    warmup: int = Field(19, ge=0, le=1_000_000)
    noise: float = Field(1e-3, gt=0, le=10)
    noise_weight: float = Field(1e-5, gt=0, le=1)
    ridge: float = Field(1e-11, ge=1e-15, le=1)


class Adam(Schema):
    """Adam on the one-step error, or on the error of the network's own free run."""

    phase: Literal["adam"]
    iterations: int = Field(ge=1, le=10_000_000)
    learning_rate: float = Field(0.01, gt=0, le=10)
    decay: float = Field(1.0, gt=0, le=1)
    batch: Count = 1
    carry_hidden_state: bool = False
    warmup: Count = 1
    free_steps: int = Field(0, ge=0, le=100_000)
    noise: float = Field(0.0, ge=0, le=10)
    clip: float | None = Field(None, gt=0, le=1e6)
    check_every: Count | None = None

    @field_validator("free_steps")
    @classmethod
    def _carries_or_runs(cls, steps: int, info: ValidationInfo) -> int:
        if steps and info.data.get("carry_hidden_state"):
            raise ValueError("expected 0: carry_hidden_state trains on one-step predictions")
        return steps


class LevenbergMarquardt(Schema):
    """Levenberg-Marquardt on the predictions of the network's own free run."""

    phase: Literal["levenberg_marquardt"]
    warmup: Count
    free_steps: list[int] = Field([], max_length=1000, validate_default=True)
    sequences: Count
    noise: float = Field(0.0, ge=0, le=10)
    fresh: bool = False
    amplitude_jitter: float = Field(0.0, ge=0, lt=1)
    soft_limit: float | None = Field(None, gt=0, le=1e6)
    normalise_by_step: bool = False
    forgetting: list[Factor] = Field([0.9], min_length=1, max_length=2)
    products: Count | None = None
    iterations: Count

    @field_validator("free_steps")
    @classmethod
    def _some_predictions(cls, steps: list[int], info: ValidationInfo) -> list[int]:
        warmup = info.data.get("warmup", math.inf)
        if not steps and warmup <= UNSETTLED:
            raise ValueError(f"expected steps of the free run, or a warmup above {UNSETTLED}")
        if sorted(set(steps)) != steps or min(steps, default=1) < 2 - warmup:
            raise ValueError(f"expected ascending steps from {2 - warmup}, none of them twice")
        return steps

    @field_validator("amplitude_jitter")
    @classmethod
    def _needs_fresh(cls, jitter: float, info: ValidationInfo) -> float:
        if jitter and not info.data.get("fresh"):
            raise ValueError("expected 0, or fresh: true")
        return jitter


Phase = Annotated[Ridge | Adam | LevenbergMarquardt, Field(discriminator="phase")]


class Accept(Schema):
    """The bound on the validation error of a trained network, and the free runs behind it."""

    warmup: Count = 20
    periods: Count = 100
    rmse: float = Field(1e-3, gt=0, le=1e6)


class Row(Schema):
    """One row of `models` in params.yaml."""

    cell: str
    dataset: str


class Lags(Row):
    """The next value from the last `lags` values, by least squares."""

    lags: int = Field(1, ge=1, le=1000)


class Fit(Row):
    """A sine fitted to each sequence's own past; nothing is trained."""


class Forecaster(Row):
    """A method for a measured series that needs no network, and no settings."""


class NetworkRow(Row):
    """A recurrent network. `with_defaults` fills in missing keys for the task."""

    hidden_size: int = Field(16, ge=1, le=4096)
    num_layers: int = Field(1, ge=1, le=64)
    memory_size: int = Field(1, ge=1, le=256)
    products: int = Field(8, ge=1, le=1024)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    precision: Literal["float32", "float64"] = "float64"
    device: str = "cpu"
    transform: Literal["seasonal_difference", "window"] = "seasonal_difference"
    ensemble: int = Field(1, ge=1, le=100)
    attempts: int | None = Field(None, ge=1, le=1000)
    accept: Accept = Accept()
    initial: Initial | None = None
    training: list[Phase] | None = Field(None, min_length=1, max_length=100)

    @field_validator("num_layers")
    @classmethod
    def _one_layer(cls, layers: int, info: ValidationInfo) -> int:
        if info.data.get("cell") not in TORCH_CELLS and layers > 1:
            raise ValueError("expected 1: only torch's cells are stacked in layers")
        return layers

    @field_validator("training")
    @classmethod
    def _not_ridge(cls, phases: list[Any] | None, info: ValidationInfo) -> list[Any] | None:
        if info.data.get("cell") == "innovation" and any(p.phase == "ridge" for p in phases or ()):
            raise ValueError("expected phases of levenberg_marquardt or adam for this cell")
        return phases


TORCH_CELLS = ("rnn", "gru", "lstm")
ROWS: dict[str, type[Row]] = {
    "linear": Lags,
    **dict.fromkeys(("prony", "sine_fit"), Fit),
    **dict.fromkeys(("naive", "seasonal_naive", "drift", "ets", "ar"), Forecaster),
}  # a row of any other cell is a network


def with_defaults(row: NetworkRow, kind: str, warmup: int, horizon: int) -> NetworkRow:
    """Fill in the training that a row does not give, for a task of this kind.

    kind: as `Dataset.kind`, or "measured". warmup: values that the network is given before a
    forecast; horizon: values to forecast. One sine, torch's cells: ridge. A series: Adam on the
    free run. All else: Levenberg-Marquardt on a free run that grows; beyond `MOST_UNITS`, Adam. On
    a series, the default fills in the keys that a row's own phase of Adam does not give.
    """
    initial, attempts = Uniform(), 1
    one_step = {"phase": "adam", "learning_rate": 0.01, "batch": 32, "clip": 1.0}
    free_run = one_step | {"warmup": warmup, "free_steps": horizon, "decay": 0.05}
    if kind == "one sine" and row.cell in TORCH_CELLS:
        initial, training, attempts = EchoState(), [Ridge(phase="ridge")], 20
    elif kind == "measured":
        initial, training = ZeroReadOut(), [Adam(**free_run, iterations=200, check_every=20)]
    elif row.hidden_size * row.num_layers <= MOST_UNITS:
        training = growing_free_run(warmup, horizon)
    else:
        free_run |= {"learning_rate": 0.005, "iterations": 1000, "check_every": 100}
        training = [Adam(**one_step, iterations=500), Adam(**free_run)]
    given = row.training
    if given and kind == "measured":
        given = [filled(phase, training[0]) for phase in given]
    chosen = {
        "initial": row.initial or initial,
        "training": given or training,
        # Only the default training has several attempts by default.
        "attempts": row.attempts or (attempts if row.training is None else 1),
    }
    return row.model_copy(update=chosen)


def growing_free_run(warmup: int, horizon: int) -> list[Phase]:
    """Build Levenberg-Marquardt phases whose free runs grow to a horizon, as those of `elman`."""
    rows = (  # share of the warm-up, shares of the horizon, sequences, noise, iterations
        (0.4, (), 64, 1e-2, 15),
        (0.4, (1 / 16, 1 / 8, 1 / 4), 128, 1e-2, 20),
        (0.6, (3 / 16, 3 / 8, 5 / 8), 128, 1e-2, 20),
        (1.0, (1 / 4, 1 / 2, 1), 256, 1e-3, 25),
    )
    phases = []
    for part, shares, sequences, noise, iterations in rows:
        steps = {max(1, round(share * horizon)) for share in shares}
        row = {"warmup": max(1, round(part * warmup)), "sequences": sequences, "noise": noise}
        row |= {"free_steps": sorted(steps | {1}) if steps else [], "iterations": iterations}
        if steps or row["warmup"] > UNSETTLED:
            phases.append(LevenbergMarquardt(phase="levenberg_marquardt", soft_limit=0.5, **row))
    return phases


def filled(phase: Phase, default: Adam) -> Phase:
    """Fill in, from a default, the keys that a phase of Adam does not give."""
    if not isinstance(phase, Adam):
        return phase
    own = phase.model_dump(exclude_unset=True)
    if phase.carry_hidden_state:
        own["free_steps"] = 0  # it trains on one-step predictions
    return default.model_copy(update=own)
