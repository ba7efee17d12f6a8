"""The model file gives back what was saved. Damaged ones: test_bad_files."""

from pathlib import Path

import numpy as np
import pytest
import safetensors

from stages.files import InputError
from stages.networks import model_file
from stages.networks.fits import Prony, SineFit
from stages.networks.linear import Lags
from stages.networks.model_file import Facts, Model
from tests.examples import network, values

TASK = {"dataset": "phases", "time_step": 0.1, "frequency": [1.0, 2.0], "amplitude": [0.5, 1.5]}


def model_of(cell: str) -> tuple[Model, Facts]:
    """Return a model of a kind, with its facts."""
    match cell:
        case "linear":
            return Lags(np.array([0.5, 0.25, 0.125])), Facts(cell=cell, lags=3, **TASK)
        case "prony":
            return Prony(), Facts(cell=cell, **TASK)
        case "sine_fit":
            return SineFit(), Facts(cell=cell, **TASK)
    layers = 1 if cell == "innovation" else 2
    sizes = {"hidden_size": 4, "num_layers": layers, "memory_size": 2, "products": 3}
    return network(cell, layers), Facts(cell=cell, **sizes, **TASK)


CELLS = ["linear", "prony", "sine_fit", "rnn", "gru", "lstm", "innovation"]


@pytest.mark.parametrize("cell", CELLS)
def test_a_model_file_gives_back_the_model(cell: str, tmp_path: Path) -> None:
    model, facts = model_of(cell)
    for name in ("a", "b"):
        model_file.save(tmp_path / name, model, None, facts)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    loaded, carried, stored = model_file.load(tmp_path / "a")
    assert stored == facts and carried is None
    assert type(loaded) is type(model)
    assert loaded.parameters == model.parameters and loaded.memory == model.memory
    x = values(2, 7, 1)
    for one, other in zip(
        model.forward(x, model.initial_state(2)),
        loaded.forward(x, loaded.initial_state(2)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_a_carried_state_comes_back_beside_the_weights(tmp_path: Path) -> None:
    model, facts = model_of("lstm")
    carried = values(1, 16).astype(np.float32)
    model_file.save(tmp_path / "m", model, carried, facts)
    loaded, state, _ = model_file.load(tmp_path / "m")
    assert state.dtype == np.float64
    np.testing.assert_array_equal(state, carried)
    assert loaded.parameters == model.parameters


def test_weights_of_single_precision_are_read_in_double(tmp_path: Path) -> None:
    model, facts = model_of("gru")
    single = model.replace({name: w.astype(np.float32) for name, w in model.weights.items()})
    model_file.save(tmp_path / "m", single, None, facts)
    loaded, _, _ = model_file.load(tmp_path / "m")
    assert loaded.dtype == np.float64
    for name, w in single.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], w)


def test_a_changed_weight_or_fact_is_found_out(tmp_path: Path) -> None:
    """A flipped bit of a weight is a number still; a digit of a fact is one too."""
    model, facts = model_of("rnn")
    model_file.save(tmp_path / "m", model, None, facts)
    content = (tmp_path / "m").read_bytes()
    weight = model.weights["linear.bias"].tobytes()
    assert content.count(weight) == 1
    for old, new in ((weight, bytes((weight[0] ^ 1, *weight[1:]))), (b"phases", b"phasfs")):
        (tmp_path / "m").write_bytes(content.replace(old, new))
        with pytest.raises(InputError, match="is damaged"):
            model_file.load(tmp_path / "m")


def test_the_file_is_plain_safetensors(tmp_path: Path) -> None:
    model, facts = model_of("innovation")
    model_file.save(tmp_path / "m", model, None, facts)
    with safetensors.safe_open(tmp_path / "m", "np") as archive:
        assert set(archive.keys()) == set(model.weights)
        assert [*archive.metadata()] == ["model"]
