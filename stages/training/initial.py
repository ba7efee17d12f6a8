"""Initial weights."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stages.networks.cells import Innovation
from stages.networks.network import Network, Sizes

Floats = NDArray[np.float64]


def as_torch(cell: str, sizes: Sizes, random: np.random.Generator) -> Network:
    """Make a network with weights as torch draws them: uniform within ±1/√hidden_size."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(random.integers(2**63)))
        return Network(cell, sizes)


@torch.no_grad()
def normal(network: Network, sd: float, random: np.random.Generator) -> None:
    """Draw the weights of the cell from N(0, sd²), as the blog does."""
    for weight in network.rnn.parameters():
        weight.copy_(torch.from_numpy(random.normal(0, sd, tuple(weight.shape))))


@torch.no_grad()
def zero_read_out(network: Network) -> None:
    """Set the read-out to zero: the network begins by predicting zero."""
    for weight in network.linear.parameters():
        weight.zero_()


@torch.no_grad()
def echo_state(
    network: Network, *, spectral_radius: float, input_scale: float, random: np.random.Generator
) -> None:
    """Draw the weights of an echo-state network (Jaeger 2001); biases and read-out are zero.

    Recurrent matrices are normal, scaled to the spectral radius; input matrices are uniform within
    ±input_scale/√inputs. Both for each layer and gate.
    """
    for name, weight in network.weights.items():
        shape, values = tuple(weight.shape), np.zeros(tuple(weight.shape))
        if "weight_ih" in name:
            bound = input_scale / math.sqrt(shape[1])
            values = random.uniform(-bound, bound, shape)
        elif "weight_hh" in name:
            gates = np.split(random.normal(size=shape), shape[0] // network.sizes.hidden_size)
            values = np.concatenate([of_radius(gate, spectral_radius) for gate in gates])
        weight.copy_(torch.from_numpy(values))


def of_radius(matrix: Floats, spectral_radius: float) -> Floats:
    """Scale a square matrix to a spectral radius."""
    return matrix * (spectral_radius / np.abs(np.linalg.eigvals(matrix)).max())


@torch.no_grad()
def innovation(
    network: Network,
    *,
    spectral_radius: float,
    input_scale: float,
    random: np.random.Generator,
    averages: Sequence[float] = (),
) -> None:
    """Draw the weights of an innovation cell.

    The waves feed back with the spectral radius. Inputs come in through N(0, input_scale²). Gates
    take the memory through N(0, 1), so that products differ in where they respond to it. All else
    is small. averages: decay factors of the last wave units, which begin as leaky averages of 1 +
    x/2: a step counter and a running mean.
    """
    cell, size = network.rnn, network.sizes.hidden_size
    for layer in (cell.C, cell.D, cell.O, cell.K, cell.w):
        draw(layer, random, 0.1)
    draw(cell.C, random, 1.0)
    cell.C.bias *= 0.3
    cell.D.bias.copy_(torch.from_numpy(random.normal(0, 0.3, network.sizes.products)))
    cell.D.weight[:, 0] = torch.from_numpy(random.normal(0, input_scale, network.sizes.products))
    cell.O.bias.zero_()
    cell.O.weight[:, 0] = torch.from_numpy(random.normal(0, input_scale, size))
    recurrent = of_radius(random.normal(size=(size, size)), spectral_radius)
    cell.O.weight[:, 1 : 1 + size] = torch.from_numpy(recurrent)
    cell.O.weight[:, 1 + cell.state_size :] *= 3 / math.sqrt(network.sizes.products)
    for unit, share in enumerate(averages, start=size - len(averages)):
        cell.O.weight[unit] = 0
        cell.O.bias[unit] = 1 - share
        cell.O.weight[unit, 0], cell.O.weight[unit, 1 + unit] = (1 - share) / 2, share
    cell.w.weight *= 3
    cell.w.bias.zero_()


def draw(layer: nn.Linear, random: np.random.Generator, sd: float) -> None:
    """Draw the weights and biases of a linear map from N(0, sd²)."""
    for weight in (layer.bias, layer.weight):
        weight.copy_(torch.from_numpy(random.normal(0, sd, tuple(weight.shape))))


def grown(network: Network, products: int, random: np.random.Generator) -> Network:
    """Add product units to an innovation cell without changing its output.

    The new units are drawn as initial weights are; nothing reads them yet.
    Raises ValueError where the cell has as many already, or is another.
    """
    old, sizes = network.rnn, network.sizes
    if not isinstance(old, Innovation) or products <= sizes.products:
        raise ValueError(f"expected an innovation cell with fewer than {products} products")
    new_sizes = Sizes(sizes.hidden_size, sizes.num_layers, sizes.memory_size, products)
    larger = as_torch(network.cell, new_sizes, random).to(network.linear.weight)
    innovation(larger, spectral_radius=0.0, input_scale=0.5, random=random)
    with torch.no_grad():
        for name, weight in larger.weights.items():
            before = network.weights[name]
            if name.startswith(("rnn.O", "rnn.K")):  # they read the products
                weight.zero_()
            weight[tuple(map(slice, before.shape))] = before
    return larger
