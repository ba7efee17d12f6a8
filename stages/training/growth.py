"""A network of innovation cells with more products than before, which does what it did before."""

import numpy as np

from stages.networks.network import Network
from stages.training import initial

INPUT_SCALE = 0.5  # of the new products' weights from the input, as in initial weights


def grown(network: Network, products: int, random: np.random.Generator) -> Network:
    """Return a network with `products` products: new ones are drawn, and nothing reads them yet.

    Raises ValueError where it already has as many, or is of another cell.
    """
    added = products - network.products
    if network.cell != "innovation" or added < 1:
        raise ValueError(
            f"expected an innovation cell with fewer than {products} products, got "
            f"{network.cell} with {network.products}"
        )
    empty = initial.empty(
        network.cell,
        hidden_size=network.hidden_size,
        num_layers=1,
        memory_size=network.memory_size,
        products=added,
        dtype=str(network.dtype),
    )
    drawn = initial.innovation(empty, spectral_radius=0.0, input_scale=INPUT_SCALE, random=random)
    weights = dict(network.weights)
    for name in ("gate", "signal"):
        weights[name] = np.concatenate((weights[name], drawn.weights[name]))
    for name in ("wave", "gain"):
        weights[name] = np.pad(weights[name], ((0, 0), (0, added)))
    sizes = {"hidden_size": network.hidden_size, "memory_size": network.memory_size}
    return Network(network.cell, num_layers=1, products=products, weights=weights, **sizes)
