"""Initial weights have the distributions that they are said to have."""

import math

import numpy as np
import pytest
import torch

from stages.files import InputError
from stages.networks.network import Sizes
from stages.networks.predictor import Predictor
from stages.settings.model import EchoState, NetworkRow
from stages.training import initial
from stages.training.adam import free_run
from tests.examples import CELLS, NETWORKS, network, values

ECHO = {"spectral_radius": 0.3, "input_scale": 0.5}


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(method: str, cell: str, layers: int = 1, **settings: object) -> dict:
    """Draw a network of 40 units, and give its weights as arrays."""
    sizes = {"hidden_size": 40, "num_layers": layers, "memory_size": 2, "products": 400}
    row = {"dataset": "d", "cell": cell, "initial": {"method": method} | settings}
    net = initial.initial_network(NetworkRow.model_validate(row | sizes), random())
    return {name: weight.detach().numpy() for name, weight in net.weights.items()}


def radius(matrix: np.ndarray) -> float:
    return np.abs(np.linalg.eigvals(matrix)).max()


def close(sample: np.ndarray, sd: float) -> bool:
    """Tell whether a standard deviation is within five standard errors σ/√(2n)."""
    return abs(sample.std() - sd) < 5 * sd / math.sqrt(2 * sample.size)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_a_seed_decides_the_weights_and_torchs_own_seed_stays(cell: str, layers: int) -> None:
    state = torch.random.get_rng_state()
    first, again, other = (
        initial.as_torch(cell, Sizes(40, layers), random(seed)).weights for seed in (0, 0, 1)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, weight in first.items():
        assert torch.equal(weight, again[name]) and not torch.equal(weight, other[name])
        if cell != "innovation":  # uniform within torch's bound
            assert 0.5 < weight.abs().max() * math.sqrt(40) <= 1 + 1e-6


def test_normal_weights_are_the_blogs() -> None:
    """N(0, sd²) in the cell; the read-out stays as `nn.Linear` draws it."""
    uniform = drawn("uniform", "rnn")
    for name, weight in drawn("normal", "rnn", sd=0.001).items():
        if name.startswith("rnn."):
            assert close(weight, 0.001)
        else:
            np.testing.assert_array_equal(weight, uniform[name])


def test_a_read_out_of_zeros_leaves_the_cell_as_torch_draws_it() -> None:
    zeros, uniform = drawn("zero_read_out", "lstm"), drawn("uniform", "lstm")
    for name, weight in zeros.items():
        np.testing.assert_array_equal(weight, 0 if name.startswith("linear.") else uniform[name])


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_every_gate_of_an_echo_state_has_its_spectral_radius(cell: str, layers: int) -> None:
    for name, weight in drawn("echo_state", cell, layers, **ECHO).items():
        if "weight_hh" in name:
            gates = np.split(weight, {"rnn": 1, "gru": 3, "lstm": 4}[cell])
            assert [radius(gate) for gate in gates] == pytest.approx([0.3] * len(gates))
        elif "weight_ih" in name:
            bound = 0.5 / math.sqrt(weight.shape[1])
            assert 0.8 * bound < np.abs(weight).max() <= bound
        else:
            assert not weight.any(), name


def test_the_waves_of_an_innovation_cell_have_their_spectral_radius() -> None:
    weights = drawn("echo_state", "innovation", **ECHO)
    O, D = weights["rnn.O.weight"], weights["rnn.D.weight"]  # noqa: E741
    assert radius(O[:, 1:41]) == pytest.approx(0.3)
    assert not weights["rnn.O.bias"].any() and not weights["linear.bias"].any()
    assert close(D[:, 0], 0.5) and close(O[:, 0], 0.5) and close(weights["rnn.C.weight"], 1)


def test_wave_units_begin_as_leaky_averages() -> None:
    """Of 1 + x/2: (1 + x/2)·(1 - shareᵗ) where x is constant."""
    net = network("innovation", hidden=40)
    with torch.no_grad():
        initial.draw_innovation(net, EchoState(averages=[0.9, 0.97]), random())
    x, predictor = np.array([[[0.4]], [[-1.0]]]).repeat(20, axis=1), Predictor(net)
    _, hidden, _ = predictor.forward(x, predictor.initial_state(2))
    for unit, share in ((38, 0.9), (39, 0.97)):
        expected = (1 + x[:, :, 0] / 2) * (1 - share ** np.arange(1, 21))
        np.testing.assert_allclose(hidden[:, :, unit], expected, rtol=1e-12)


def test_new_products_change_no_output() -> None:
    net, x = network("innovation"), values(5, 12, 1)
    larger = initial.grown(net, 7, random(2))
    assert larger.sizes == Sizes(4, 1, 2, 7)
    assert all(larger.weights[f"rnn.{name}.weight"][3:].all() for name in "CD")
    before, after = (free_run(net, torch.from_numpy(x), 10) for net in (net, larger))
    torch.testing.assert_close(after, before, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("cell", "products"), [("innovation", 3), ("innovation", 2), ("gru", 7)])
def test_nothing_shrinks_and_no_other_cell_grows(cell: str, products: int) -> None:
    with pytest.raises(InputError, match=f"products is {products}; expected more than before"):
        initial.grown(network(cell), products, random())
