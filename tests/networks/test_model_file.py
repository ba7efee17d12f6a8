"""The model file gives back what was saved, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

from stages.baselines.lags import Lags
from stages.baselines.sine_fits import Prony, SineFit
from stages.files import InputError
from stages.networks import model_file
from stages.networks.model_file import CARRIED, Facts, Model, Tensors, tensors_of
from stages.networks.predictor import Predictor
from tests.examples import CELLS as TORCH_CELLS
from tests.examples import network, values
from tests.networks.layers import plain

TASK = {"dataset": "phases", "time_step": 0.1, "frequency": [1.0, 2.0], "amplitude": [0.5, 1.5]}
CELLS = ["linear", "prony", "sine_fit", "rnn", "gru", "lstm", "innovation"]


def model_of(cell: str) -> tuple[Model, Facts]:
    """Make a model of a kind, with its facts."""
    match cell:
        case "linear":
            return Lags(np.array([0.5, 0.25, 0.125])), Facts(cell=cell, lags=3, **TASK)
        case "prony":
            return Prony(), Facts(cell=cell, **TASK)
        case "sine_fit":
            return SineFit(), Facts(cell=cell, **TASK)
    net = network(cell, 1 if cell == "innovation" else 2)
    return Predictor(net), Facts(cell=cell, **vars(net.sizes), **TASK)


def tensors(model: Model) -> Tensors:
    """Read the tensors of a model."""
    if isinstance(model, Predictor):
        return tensors_of(model.network)
    return {"weight": model.weight} if isinstance(model, Lags) else {}


@pytest.mark.parametrize("cell", CELLS)
def test_a_file_gives_back_the_model_and_has_the_same_bytes(cell: str, tmp_path: Path) -> None:
    model, facts = model_of(cell)
    for name in ("a", "b"):
        model_file.save(tmp_path / name, tensors(model), facts)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    loaded, carried, stored = model_file.load(tmp_path / "a")
    assert stored == facts and carried is None and type(loaded) is type(model)
    assert loaded.parameters == model.parameters and loaded.memory == model.memory
    x, start = values(2, 7, 1), model.initial_state(2)
    for one, other in zip(model.forward(x, start), loaded.forward(x, start), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("cell", "layers"), TORCH_CELLS)
def test_the_file_is_that_of_the_blogs_net(cell: str, layers: int, tmp_path: Path) -> None:
    """The weights load strictly into a plain `nn.RNN` and `nn.Linear`, which predict the same."""
    net = network(cell, layers)
    facts = Facts(cell=cell, **vars(net.sizes), **TASK)
    model_file.save(tmp_path / "m", tensors_of(net), facts)
    rnn, linear = plain(cell, net.sizes, safetensors.torch.load_file(tmp_path / "m"))
    x = torch.from_numpy(values(3, 12, 1))
    assert torch.equal(linear(rnn(x)[0]), net(x)[0])


def test_a_carried_state_is_stored_beside_weights_of_single_precision(tmp_path: Path) -> None:
    model, facts = model_of("lstm")
    carried = values(1, 16).astype(np.float32)
    single = {name: w.astype(np.float32) for name, w in tensors(model).items()}
    model_file.save(tmp_path / "m", single | {CARRIED: carried}, facts)
    loaded, state, _ = model_file.load(tmp_path / "m")
    np.testing.assert_array_equal(state, carried)
    assert state.dtype == np.float64 and loaded.parameters == model.parameters
    for name, weight in tensors(loaded).items():
        assert weight.dtype == np.float64
        np.testing.assert_array_equal(weight, single[name])


def changed(facts: dict[str, Any], **others: Any) -> Callable[[Path], None]:
    """Make a change of facts and tensors under a digest that fits; None removes a tensor."""

    def change(path: Path) -> None:
        with safetensors.safe_open(path, "np") as archive:
            stated = json.loads(archive.metadata()["model"]) | facts
            tensors = {n: archive.get_tensor(n) for n in archive.keys()} | others
        tensors = {n: tensor for n, tensor in tensors.items() if tensor is not None}
        del stated["sha256"]
        stated["sha256"] = model_file.digest(stated, tensors)
        safetensors.numpy.save_file(tensors, path, {"model": json.dumps(stated)})

    return change


def write(content: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Make a change of the bytes of a file."""
    return lambda path: path.write_bytes(content(path.read_bytes()))


BIAS = tensors(model_of("rnn")[0])["linear.bias"].tobytes()
FLIPPED = bytes((BIAS[0] ^ 1, *BIAS[1:]))
FOREIGN = safetensors.numpy.save({"a": np.ones(1)})
MISTAKES = {
    "a flipped bit": (write(lambda old: old.replace(BIAS, FLIPPED)), "is damaged"),
    "another fact": (write(lambda old: old.replace(b"phases", b"phasfs")), "is damaged"),
    "truncated": (write(lambda old: old[:-9]), "not a readable model file"),
    "empty": (write(lambda old: b""), "not a readable model file"),
    "no safetensors": (write(lambda old: b"a,b\n1,2\n"), "not a readable model file"),
    "foreign": (write(lambda old: FOREIGN), "does not say what model it holds"),
    "an unknown cell": (changed({"cell": "elman"}), "the cell is elman; expected one of rnn"),
    "another cell": (changed({"cell": "gru"}), "has the shape"),
    "another size": (changed({"hidden_size": 3}), "has the shape"),
    "too many layers": (changed({"num_layers": 10**9}), "too few"),
    "a tensor less": (changed({}, **{"linear.bias": None}), "linear.bias has the shape None"),
    "a tensor more": (changed({}, more=np.ones(2)), "more has the shape"),
    "not finite": (changed({}, **{"linear.bias": np.array([np.nan])}), "not finite"),
    "no number": (changed({"time_step": "long"}), "the fact time_step"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_file_that_is_no_model_gives_one_line(mistake: str, tmp_path: Path) -> None:
    (change, message), (model, facts) = MISTAKES[mistake], model_of("rnn")
    path = tmp_path / "m"
    model_file.save(path, tensors(model), facts)
    change(path)
    with pytest.raises(InputError, match=message) as error:
        model_file.load(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
