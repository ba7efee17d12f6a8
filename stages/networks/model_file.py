"""The model file: safetensors, with the facts that are needed to use it. Nothing executable."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydantic
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import save as to_safetensors

from stages import files
from stages.baselines.lags import Lags
from stages.baselines.model import Model
from stages.baselines.sine_fits import Prony, SineFit
from stages.files import AGAIN, InputError
from stages.signals.sines import Floats
from stages.signals.transforms import Name as Transform

if TYPE_CHECKING:
    from stages.networks.network import Network

Tensors = dict[str, NDArray[Any]]
CARRIED = "carried_state"
SINE_FITS = {"prony": Prony, "sine_fit": SineFit}


class AnyFacts(pydantic.BaseModel):
    """The facts that every model file states: the cell, its task, and the sizes of a network."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    cell: str
    dataset: str
    hidden_size: pydantic.PositiveInt = 1
    num_layers: pydantic.PositiveInt = 1
    memory_size: pydantic.PositiveInt = 1
    products: pydantic.PositiveInt = 1


class Facts(AnyFacts):
    """The facts of a model of sines.

    frequency [rad per unit of time], amplitude: the ranges of its training sequences. attempts,
    accepted: the number of the attempt that was chosen, and whether its error met `accept.rmse`.
    """

    time_step: pydantic.PositiveFloat
    frequency: list[pydantic.PositiveFloat]
    amplitude: list[pydantic.PositiveFloat]
    lags: pydantic.PositiveInt = 1
    attempts: pydantic.PositiveInt = 1
    accepted: bool = True


class SeriesFacts(AnyFacts):
    """The facts of a model of a measured series.

    column: the name of the column of values. season, warmup, horizon: numbers of values, as in the
    task. transform, ensemble: the inputs of its networks, and their number. options: settings of a
    method without a network.
    """

    column: str
    season: pydantic.PositiveInt
    warmup: pydantic.PositiveInt
    horizon: pydantic.PositiveInt
    transform: Transform | None = None
    ensemble: pydantic.PositiveInt = 1
    options: dict[str, str | int] = {}


def save(path: Path, tensors: Tensors, facts: AnyFacts) -> None:
    """Write the tensors of a model to a path, with its facts."""
    tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    stated = facts.model_dump()
    # One key: safetensors writes several in random order.
    stated |= {"sha256": digest(stated, tensors)}
    path.write_bytes(to_safetensors(tensors, {"model": json.dumps(stated, sort_keys=True)}))


def tensors_of(network: "Network") -> Tensors:
    """Read the weights of a network by their names in torch."""
    return {name: weight.detach().cpu().numpy() for name, weight in network.weights.items()}


def digest(facts: dict[str, Any], tensors: Tensors) -> str:
    """Compute the SHA-256 of a model file's content: safetensors has no check sum of its own."""
    sha = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        sha.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        sha.update(tensor.tobytes())
    return sha.hexdigest()


def read(path: Path) -> tuple[Tensors, Facts | SeriesFacts]:
    """Read the tensors and the facts of a model file, the tensors in float64.

    Raises InputError where the file is missing, damaged, or not what `save` writes.
    """
    files.size(path)
    try:
        with safetensors.safe_open(path, "np") as archive:
            stated = json.loads((archive.metadata() or {}).get("model", "{}"))
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}
    except (safetensors.SafetensorError, ValueError, TypeError, RecursionError, OSError) as error:
        reason = files.reason(error)
        raise InputError(f"{path}: is not a readable model file ({reason}); {AGAIN}") from None
    stored = stated.pop("sha256", None) if isinstance(stated, dict) else None
    if stored is None:
        raise InputError(f"{path}: has no facts about its model; {AGAIN}")
    if stored != digest(stated, tensors):
        raise InputError(f"{path}: is damaged: its SHA-256 does not fit its content; {AGAIN}")
    try:
        facts = (SeriesFacts if "season" in stated else Facts).model_validate(stated)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: the fact {name}: {first['msg']}; {AGAIN}") from None
    return {name: tensor.astype(np.float64) for name, tensor in tensors.items()}, facts


def load(path: Path) -> tuple[Model, Floats | None, Facts]:
    """Read a model of sines: the model, the state that it carried through training, its facts.

    Raises InputError as `read` does, and where the tensors are not those of the model.
    """
    tensors, facts = read(path)
    if not isinstance(facts, Facts):
        raise InputError(f"{path}: forecasts the series {facts.dataset}; expected a model of sines")
    carried = tensors.pop(CARRIED, None)
    try:
        return model_of(facts, tensors), carried, facts
    except ValueError as error:
        raise InputError(f"{path}: tensors do not fit the facts: {error}; {AGAIN}") from None


def model_of(facts: Facts, tensors: Tensors) -> Model:
    """Build a model of sines; raises ValueError if its tensors do not fit."""
    if facts.cell == "linear":
        check(tensors, {"weight": (facts.lags,)})
        return Lags(tensors["weight"])
    if facts.cell in SINE_FITS:
        check(tensors, {})
        return SINE_FITS[facts.cell]()
    from stages.networks.predictor import Predictor  # loads torch

    return Predictor(network_of(facts, tensors))


def network_of(facts: AnyFacts, tensors: Tensors) -> "Network":
    """Build a network; raises ValueError if its tensors do not fit."""
    import torch

    from stages.networks.cells import CELLS
    from stages.networks.network import Network, Sizes

    if facts.cell not in CELLS:
        raise ValueError(f"the cell is {facts.cell}; expected one of {', '.join(CELLS)}")
    sizes = Sizes(facts.hidden_size, facts.num_layers, facts.memory_size, facts.products)
    values = sum(map(np.size, tensors.values()))
    if max(facts.hidden_size, facts.num_layers, facts.memory_size, facts.products) > values:
        # A network of these sizes might not fit into memory.
        raise ValueError(f"{values} values are too few for the sizes")
    network = Network(facts.cell, sizes).double()
    check(tensors, {name: tuple(weight.shape) for name, weight in network.weights.items()})
    loaded = {name: torch.from_numpy(value) for name, value in tensors.items()}
    network.load_state_dict(loaded, strict=False)  # a cell may name `linear` a second time
    return network


def check(tensors: Tensors, expected: dict[str, tuple[int, ...]]) -> None:
    """Raise ValueError unless the tensors have these names and shapes, and are finite."""
    shapes = {name: value.shape for name, value in tensors.items()}
    for name in sorted(expected | shapes):
        if expected.get(name) != shapes.get(name):
            raise ValueError(
                f"{files.shown(name)} has the shape {shapes.get(name)}; "
                f"expected {expected.get(name)}"
            )
        if not np.isfinite(tensors[name]).all():
            raise ValueError(f"{name} holds numbers that are not finite")
