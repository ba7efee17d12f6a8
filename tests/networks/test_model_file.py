"""The model file gives back what was saved.

tests/test_bad_files.py has files that are damaged, or no model file.
"""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from stages.baselines.lags import Lags
from stages.baselines.model import Model
from stages.networks import model_file
from stages.networks.model_file import CARRIED, SINE_FITS, Facts, Tensors, tensors_of
from stages.networks.predictor import Predictor
from tests.examples import CELLS as TORCH_CELLS
from tests.examples import network, values
from tests.networks.layers import plain

TASK = {"dataset": "phases", "time_step": 0.1, "frequency": [1.0, 2.0], "amplitude": [0.5, 1.5]}
CELLS = ["linear", "prony", "sine_fit", "rnn", "gru", "lstm", "innovation"]


def model_of(cell: str) -> tuple[Model, Tensors, Facts]:
    """Make a model of a kind, with its tensors and its facts."""
    if cell == "linear":
        weight = np.array([0.5, 0.25, 0.125])
        return Lags(weight), {"weight": weight}, Facts(cell=cell, lags=3, **TASK)
    if cell in SINE_FITS:
        return SINE_FITS[cell](), {}, Facts(cell=cell, **TASK)
    net = network(cell, 1 if cell == "innovation" else 2)
    return Predictor(net), tensors_of(net), Facts(cell=cell, **vars(net.sizes), **TASK)


@pytest.mark.parametrize("cell", CELLS)
def test_a_file_gives_back_the_model_and_has_the_same_bytes(cell: str, tmp_path: Path) -> None:
    model, tensors, facts = model_of(cell)
    for name in ("a", "b"):
        model_file.save(tmp_path / name, tensors, facts)
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
    _, tensors, facts = model_of("lstm")
    single = {name: weight.astype(np.float32) for name, weight in tensors.items()}
    single[CARRIED] = values(1, 16).astype(np.float32)
    model_file.save(tmp_path / "m", single, facts)
    loaded, state, _ = model_file.load(tmp_path / "m")
    for name, weight in (tensors_of(loaded.network) | {CARRIED: state}).items():
        assert weight.dtype == np.float64
        np.testing.assert_array_equal(weight, single[name])
