"""The model file: safetensors, with the facts that are needed to use it. Nothing executable."""

import hashlib
import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pydantic
import safetensors
from safetensors.numpy import save as to_safetensors

from stages import files
from stages.files import AGAIN, InputError
from stages.networks.cells import Array
from stages.networks.fits import Prony, SineFit
from stages.networks.linear import Lags
from stages.networks.network import Network, shapes


class Model(Protocol):
    """What every model can do, trained or not.

    parameters: number of trained values. memory: where memory units stand in the hidden state.
    """

    parameters: int
    memory: slice

    def initial_state(self, batch: int) -> Array: ...

    def forward(self, values: Array, state: Array) -> tuple[Array, Array, Array]: ...

    def run(self, output: Array, state: Array, steps: int) -> tuple[Array, Array, Array]: ...


class Facts(pydantic.BaseModel):
    """What a model file says of its model, and of what it was trained on.

    frequency [rad per unit of time], amplitude: the ranges of its training sequences.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    cell: str
    dataset: str
    time_step: pydantic.PositiveFloat
    frequency: list[pydantic.PositiveFloat]
    amplitude: list[pydantic.PositiveFloat]
    lags: pydantic.PositiveInt = 1
    hidden_size: pydantic.PositiveInt = 1
    num_layers: pydantic.PositiveInt = 1
    memory_size: pydantic.PositiveInt = 1
    products: pydantic.PositiveInt = 1

    @property
    def sizes(self) -> dict[str, int]:
        """Return the sizes of a network."""
        return self.model_dump(include={"hidden_size", "num_layers", "memory_size", "products"})


def save(path: Path, model: Model, carried: Array | None, facts: Facts) -> None:
    """Write a model to a path.

    carried: the state that training ended with, (1, size), where it was carried from one iteration
    into the next.
    """
    tensors = weights_of(model)
    if carried is not None:
        tensors["carried_state"] = carried
    tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    said = facts.model_dump()
    # One key: safetensors writes several in random order.
    said |= {"sha256": digest(said, tensors)}
    path.write_bytes(to_safetensors(tensors, {"model": json.dumps(said, sort_keys=True)}))


def weights_of(model: Model) -> dict[str, Array]:
    """Return the weights of a model by name; a fit has none."""
    match model:
        case Network():
            return dict(model.weights)
        case Lags():
            return {"weight": model.weight}
    return {}


def digest(facts: dict[str, Any], tensors: dict[str, Array]) -> str:
    """Return the SHA-256 of a model file's content: safetensors has no check sum of its own."""
    sha = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        sha.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        sha.update(tensor.tobytes())
    return sha.hexdigest()


def load(path: Path) -> tuple[Model, Array | None, Facts]:
    """Read a model in float64: the model, its carried state if it has one, its facts.

    Raises InputError where the file is missing, damaged, or not what `save` writes.
    """
    files.size(path)
    try:
        with safetensors.safe_open(path, "np") as archive:
            said = json.loads((archive.metadata() or {}).get("model", "{}"))
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}
    except (safetensors.SafetensorError, ValueError, TypeError, RecursionError, OSError) as error:
        reason = files.reason(error)
        raise InputError(f"{path}: is not a readable model file ({reason}); {AGAIN}") from None
    stored = said.pop("sha256", None) if isinstance(said, dict) else None
    if stored is None:
        raise InputError(f"{path}: does not say what model it holds; {AGAIN}")
    if stored != digest(said, tensors):
        raise InputError(f"{path}: is damaged: its content is not what was saved; {AGAIN}")
    try:
        facts = Facts.model_validate(said)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: its fact {name} is wrong: {first['msg']}; {AGAIN}") from None
    carried = tensors.pop("carried_state", None)
    _check_tensors(path, facts, tensors)
    tensors = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    model = _model(facts, tensors)
    return model, None if carried is None else carried.astype(np.float64), facts


def _model(facts: Facts, tensors: dict[str, Array]) -> Model:
    match facts.cell:
        case "linear":
            return Lags(tensors["weight"])
        case "prony":
            return Prony()
        case "sine_fit":
            return SineFit()
    return Network(facts.cell, **facts.sizes, weights=tensors)


def _check_tensors(path: Path, facts: Facts, tensors: dict[str, Array]) -> None:
    """Raise InputError unless the tensors are those of the model, all of them finite."""
    match facts.cell:
        case "linear":
            expected = {"weight": (facts.lags,)}
        case "prony" | "sine_fit":
            expected = {}
        case _ if facts.num_layers > len(tensors):  # or their shapes would take for ever
            raise InputError(
                f"{path}: tensors do not fit the facts: {len(tensors)} of them are not "
                f"{facts.num_layers} layers; {AGAIN}"
            )
        case "rnn" | "gru" | "lstm" | "innovation":
            expected = shapes(facts.cell, **facts.sizes)
        case _:
            raise InputError(f"{path}: its cell is {files.shown(facts.cell)}; {AGAIN}")
    found = {name: value.shape for name, value in tensors.items()}
    for name in sorted(expected | found):
        if expected.get(name) != found.get(name):
            raise InputError(
                f"{path}: tensors do not fit the facts: {files.shown(name)} has the shape "
                f"{found.get(name)}; expected {expected.get(name)}"
            )
        if tensors[name].dtype not in (np.float32, np.float64):
            raise InputError(f"{path}: {name} holds {tensors[name].dtype}; expected floats")
        if not np.isfinite(tensors[name]).all():
            raise InputError(f"{path}: {name} holds numbers that are not finite")
