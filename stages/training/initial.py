"""Initial weights."""

import math
from collections.abc import Sequence

import numpy as np

from stages.networks.cells import Array, Weights
from stages.networks.network import Network, shapes


def empty(
    cell: str, *, hidden_size: int, num_layers: int, memory_size: int, products: int, dtype: str
) -> Network:
    """Return a network whose weights are zero."""
    sizes = {
        "hidden_size": hidden_size,
        "num_layers": num_layers,
        "memory_size": memory_size,
        "products": products,
    }
    weights = {name: np.zeros(shape, dtype) for name, shape in shapes(cell, **sizes).items()}
    return Network(cell, **sizes, weights=weights)


def uniform(network: Network, random: np.random.Generator) -> Network:
    """Return weights as torch draws them: uniform within ±1/√hidden_size."""
    bound = 1 / math.sqrt(network.hidden_size)
    return network.replace(
        {
            name: random.uniform(-bound, bound, value.shape).astype(value.dtype)
            for name, value in network.weights.items()
        }
    )


def normal(network: Network, sd: float, random: np.random.Generator) -> Network:
    """Return cell weights drawn from N(0, sd²), as the blog does, and a read-out as torch's."""
    drawn = uniform(network, random).weights
    return network.replace(
        {
            name: random.normal(0, sd, value.shape).astype(value.dtype)
            if name.startswith("rnn.")
            else value
            for name, value in drawn.items()
        }
    )


def echo_state(
    network: Network, *, spectral_radius: float, input_scale: float, random: np.random.Generator
) -> Network:
    """Return the weights of an echo-state network (Jaeger 2001); biases and read-out are zero.

    Recurrent matrices are normal, scaled to the spectral radius; input matrices are uniform within
    ±input_scale/√inputs. Both for each layer and gate.
    """
    weights: Weights = {}
    for name, value in network.weights.items():
        weights[name] = value
        if "weight_ih" in name:
            bound = input_scale / math.sqrt(value.shape[1])
            weights[name] = random.uniform(-bound, bound, value.shape).astype(value.dtype)
        elif "weight_hh" in name:
            gates = np.split(random.normal(size=value.shape), len(value) // network.hidden_size)
            scaled = [of_radius(gate, spectral_radius) for gate in gates]
            weights[name] = np.concatenate(scaled).astype(value.dtype)
    return network.replace(weights)


def of_radius(matrix: Array, spectral_radius: float) -> Array:
    """Return a square matrix scaled to a spectral radius."""
    return matrix * (spectral_radius / np.abs(np.linalg.eigvals(matrix)).max())


def innovation(
    network: Network,
    *,
    spectral_radius: float,
    input_scale: float,
    random: np.random.Generator,
    averages: Sequence[float] = (),
) -> Network:
    """Return the weights of an innovation cell.

    The waves feed back with the spectral radius. Inputs come in through N(0, input_scale²). Gates
    take the memory through N(0, 1), so that products differ in where they respond to it. All else
    is small. averages: the last wave units begin as leaky averages of 1 + x/2, a clock and a mean,
    that keep so much of themselves at each step.
    """
    size, memory = network.hidden_size, network.memory_size
    w = {name: random.normal(0, 0.1, value.shape) for name, value in network.weights.items()}
    w["gate"] = random.normal(0, 1, w["gate"].shape)
    w["gate"][:, 0] *= 0.3
    w["signal"][:, 0] = random.normal(0, 0.3, network.products)
    w["signal"][:, 1] = random.normal(0, input_scale, network.products)
    wave = w["wave"]
    wave[:, 0] = 0
    wave[:, 1] = random.normal(0, input_scale, size)
    wave[:, 2 : 2 + size] = of_radius(random.normal(size=(size, size)), spectral_radius)
    wave[:, 2 + size + memory :] *= 3 / math.sqrt(network.products)
    for unit, share in enumerate(averages, start=size - len(averages)):
        wave[unit] = 0
        wave[unit, [0, 1, 2 + unit]] = 1 - share, (1 - share) / 2, share
    w["read_out"] *= 3
    w["read_out"][0, -1] = 0
    return network.replace(w)
