"""Least squares for what is linear in the weights of a network: its read-out."""

from collections.abc import Iterator

import numpy as np

from stages.networks.network import READ_OUT, Network
from stages.signals.sines import Floats
from stages.training.triangle import least_squares, upper_triangle

BLOCK = 64  # sequences whose hidden states are in memory at one time


def fit_read_out(
    network: Network,
    values: Floats,
    *,
    targets: Floats,
    warmup: int,
    noise: float,
    noise_weight: float,
    ridge: float,
    random: np.random.Generator,
) -> tuple[Network, float]:
    """Return the network with its best read-out, and the weighted squared error per prediction.

    Ridge regression (Hoerl and Kennard 1970) on the hidden states, as for an echo-state network
    (Jaeger 2001). values: what goes in, targets: what is predicted, both (batch, time, 1). The
    first `warmup` predictions do not count, while the hidden state depends on the zeros that it
    began with. Half of the rows come from a noisy copy of the values, with clean targets: noise is
    its standard deviation, noise_weight how much a residual of the copy counts. Without the copy
    nothing tells the network what to do next to the orbit (Jaeger 2001; Bishop 1995). ridge:
    penalty on the weights, relative to the number of residuals.
    """
    noisy = values[:, :-1] + noise * random.normal(size=values[:, :-1].shape)

    def rows() -> Iterator[Floats]:
        for inputs, weight in ((values[:, :-1], 1.0), (noisy, noise_weight)):
            for first in range(0, len(inputs), BLOCK):
                here = slice(first, first + BLOCK)
                _, hidden, _ = network.forward(
                    inputs[here], network.initial_state(len(inputs[here]))
                )
                one = np.ones((*hidden.shape[:2], 1))
                block = np.concatenate((hidden, one, targets[here, 1:]), axis=2)[:, warmup:]
                yield weight * block.reshape(-1, block.shape[2])

    counted = len(values) * (values.shape[1] - 1 - warmup)
    triangle = upper_triangle(rows())
    weights = least_squares(triangle, ridge**2 * counted * (1 + noise_weight**2))
    loss = float(np.sum((triangle @ np.append(weights, -1)) ** 2) / counted)
    read_out = dict(zip(READ_OUT, (weights[None, :-1], weights[-1:]), strict=True))
    return network.replace(network.weights | read_out), loss
