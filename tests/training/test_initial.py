"""Initial weights have the distributions that they say."""

import math

import numpy as np
import pytest
import torch

from stages.networks.network import Network
from stages.training import initial
from tests.examples import CELLS, NETWORKS, SIZES, network


def zero(cell: str, layers: int = 1, hidden: int = 40, **sizes: object) -> Network:
    sizes = SIZES | sizes
    return initial.empty(cell, hidden_size=hidden, num_layers=layers, **sizes)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def standard_error(sd: float, count: int) -> float:
    """Of the standard deviation of so many draws: σ/√(2n) where they are normal."""
    return sd / math.sqrt(2 * count)


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_uniform_weights_are_within_torchs_bound_and_fill_it(cell: str, layers: int) -> None:
    torch.manual_seed(0)
    theirs = torch.nn.RNN(1, 40).weight_hh_l0.detach().numpy()
    for name, weight in initial.uniform(zero(cell, layers), random()).weights.items():
        assert np.abs(weight).max() <= 1 / math.sqrt(40), name
        if weight.size >= 1600:  # the largest of so many is within 1 % of the bound
            assert np.abs(weight).max() > 0.99 / math.sqrt(40)
            assert weight.std() == pytest.approx(theirs.std(), rel=0.1)


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_normal_weights_are_the_blogs(cell: str, layers: int) -> None:
    """N(0, sd²) in the cell; `nn.Linear` draws within ±1/√inputs."""
    weights = initial.normal(zero(cell, layers), 0.001, random()).weights
    for name, weight in weights.items():
        if name.startswith("linear."):
            assert 0.002 < np.abs(weight).max() <= 1 / math.sqrt(40)
        else:
            assert abs(weight.std() - 0.001) < 5 * standard_error(0.001, weight.size)


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_every_gate_of_an_echo_state_network_has_its_spectral_radius(
    cell: str, layers: int
) -> None:
    settings = {"spectral_radius": 0.3, "input_scale": 0.5}
    weights = initial.echo_state(zero(cell, layers), random=random(), **settings).weights
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    for name, weight in weights.items():
        if "weight_hh" in name:
            assert weight.shape == (gates * 40, 40)
            for gate in np.split(weight, gates):
                assert np.abs(np.linalg.eigvals(gate)).max() == pytest.approx(0.3)
        elif "weight_ih" in name:
            bound = 0.5 / math.sqrt(weight.shape[1])
            assert 0.8 * bound < np.abs(weight).max() <= bound
        else:
            assert not weight.any(), name


def test_the_waves_of_an_innovation_cell_have_their_spectral_radius() -> None:
    settings = {"spectral_radius": 0.5, "input_scale": 0.25}
    net = zero("innovation", memory_size=2, products=400)
    weights = initial.innovation(net, random=random(), **settings).weights
    wave, signal = weights["wave"], weights["signal"]
    assert np.abs(np.linalg.eigvals(wave[:, 2:42])).max() == pytest.approx(0.5)
    assert not wave[:, 0].any() and weights["read_out"][0, -1] == 0
    for received in (signal[:, 1], wave[:, 1]):
        assert abs(received.std() - 0.25) < 5 * standard_error(0.25, len(received))
    # Gates take the memory through N(0, 1).
    gate = weights["gate"][:, 1:]
    assert abs(gate.std() - 1) < 5 * standard_error(1, gate.size)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_a_seed_gives_the_same_weights_and_another_gives_others(cell: str, layers: int) -> None:
    first, again, other = (network(cell, layers, seed=seed).weights for seed in (0, 0, 1))
    for name, weight in first.items():
        np.testing.assert_array_equal(weight, again[name])
        assert (weight != other[name]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_weights_have_the_precision_asked_for(cell: str, layers: int, dtype: str) -> None:
    net = zero(cell, layers, dtype=dtype)
    echo = {"spectral_radius": 0.3, "input_scale": 0.5}
    for drawn in (
        initial.uniform(net, random()),
        initial.normal(net, 0.1, random()),
        initial.echo_state(net, random=random(), **echo),
    ):
        assert {str(weight.dtype) for weight in drawn.weights.values()} == {dtype}


def test_wave_units_begin_as_leaky_averages_where_asked() -> None:
    """Of 1 + x/2, in closed form: (1 + x/2)·(1 - kept^t) where x is constant."""
    network = initial.innovation(
        zero("innovation"),
        spectral_radius=0.5,
        input_scale=0.5,
        averages=[0.9, 0.97],
        random=random(),
    )
    x = np.array([[[0.4]], [[-1.0]]]).repeat(20, axis=1)
    _, hidden, _ = network.forward(x, network.initial_state(2))
    for unit, kept in ((-2, 0.9), (-1, 0.97)):
        expected = (1 + x[:, :, 0] / 2) * (1 - kept ** np.arange(1, 21))
        waves = hidden[:, :, : network.hidden_size]
        np.testing.assert_allclose(waves[:, :, unit], expected, rtol=1e-12)
