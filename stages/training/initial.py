"""Initial weights."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stages.files import InputError
from stages.networks.cells import Innovation
from stages.networks.network import Network, Sizes
from stages.settings.model import EchoState, NetworkRow, Normal, ZeroReadOut

Floats = NDArray[np.float64]


@torch.no_grad()
def initial_network(row: NetworkRow, random: np.random.Generator) -> Network:
    """Draw the network of a row, on its device."""
    sizes = Sizes(row.hidden_size, row.num_layers, row.memory_size, row.products)
    network = as_torch(row.cell, sizes, random).double()
    match row.initial:
        case Normal(sd=sd):  # as the blog does
            for weight in network.rnn.parameters():
                draw(weight, sd, random)
        case EchoState() if row.cell == "innovation":
            draw_innovation(network, row.initial, random)
        case EchoState():
            draw_echo_state(network, row.initial, random)
        case ZeroReadOut():
            nn.init.zeros_(network.linear.weight)
            nn.init.zeros_(network.linear.bias)
    return network.to(row.device, getattr(torch, row.precision))


def as_torch(cell: str, sizes: Sizes, random: np.random.Generator) -> Network:
    """Make a network with weights as torch draws them: uniform within ±1/√hidden_size."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(random.integers(2**63)))
        return Network(cell, sizes)


def draw(weight: Tensor, sd: float, random: np.random.Generator) -> None:
    """Draw a weight, or a part of it, from N(0, sd²)."""
    weight.copy_(torch.from_numpy(random.normal(0, sd, tuple(weight.shape))))


def draw_echo_state(network: Network, initial: EchoState, random: np.random.Generator) -> None:
    """Draw the weights of an echo-state network (Jaeger 2001); biases and read-out are zero.

    Recurrent matrices are normal, scaled to the spectral radius; input matrices are uniform within
    ±input_scale/√inputs. Each layer and each gate has its own matrix.
    """
    for name, weight in network.weights.items():
        shape, values = tuple(weight.shape), np.zeros(tuple(weight.shape))
        if "weight_ih" in name:
            bound = initial.input_scale / math.sqrt(shape[1])
            values = random.uniform(-bound, bound, shape)
        elif "weight_hh" in name:
            gates = np.split(random.normal(size=shape), shape[0] // network.sizes.hidden_size)
            values = np.concatenate([of_radius(gate, initial.spectral_radius) for gate in gates])
        weight.copy_(torch.from_numpy(values))


def of_radius(matrix: Floats, spectral_radius: float) -> Floats:
    """Scale a square matrix to a spectral radius."""
    return matrix * (spectral_radius / np.abs(np.linalg.eigvals(matrix)).max())


def draw_innovation(network: Network, initial: EchoState, random: np.random.Generator) -> None:
    """Draw the weights of an innovation cell.

    The matrix between waves is scaled to the spectral radius. Weights from the input are
    N(0, input_scale²). Weights from the memory to the gates are N(0, 1), so that each product
    responds to the memory in a different way. All other weights are small. averages: decay factors
    of the last wave units. These begin as leaky averages of 1 + x/2: they count steps and average
    x.
    """
    cell, size = network.rnn, network.sizes.hidden_size
    for layer in (cell.C, cell.D, cell.O, cell.K, cell.w):
        draw(layer.bias, 0.1, random)
        draw(layer.weight, 0.1, random)
    draw(cell.C.bias, 1.0, random)
    draw(cell.C.weight, 1.0, random)
    cell.C.bias *= 0.3
    draw(cell.D.bias, 0.3, random)
    draw(cell.D.weight[:, 0], initial.input_scale, random)
    cell.O.bias.zero_()
    draw(cell.O.weight[:, 0], initial.input_scale, random)
    recurrent = of_radius(random.normal(size=(size, size)), initial.spectral_radius)
    cell.O.weight[:, 1 : 1 + size] = torch.from_numpy(recurrent)
    cell.O.weight[:, 1 + cell.state_size :] *= 3 / math.sqrt(network.sizes.products)
    for unit, share in enumerate(initial.averages, start=size - len(initial.averages)):
        cell.O.weight[unit] = 0
        cell.O.bias[unit] = 1 - share
        cell.O.weight[unit, 0], cell.O.weight[unit, 1 + unit] = (1 - share) / 2, share
    cell.w.weight *= 3
    cell.w.bias.zero_()


@torch.no_grad()
def grown(network: Network, products: int, random: np.random.Generator) -> Network:
    """Add product units to an innovation cell without changing its output.

    The new units are drawn as initial weights are; nothing reads them yet.
    Raises InputError for another cell, and where it has as many products already.
    """
    sizes = network.sizes
    if not isinstance(network.rnn, Innovation) or products <= sizes.products:
        raise InputError(
            f"training: products is {products}; "
            "expected more than before; only the cell innovation has products"
        )
    larger_sizes = Sizes(sizes.hidden_size, sizes.num_layers, sizes.memory_size, products)
    larger = as_torch(network.cell, larger_sizes, random).to(network.linear.weight)
    draw_innovation(larger, EchoState(spectral_radius=0.0), random)
    for name, weight in larger.weights.items():
        before = network.weights[name]
        if name.startswith(("rnn.O", "rnn.K")):  # they read the products
            weight.zero_()
        weight[tuple(map(slice, before.shape))] = before
    return larger
