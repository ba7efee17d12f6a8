"""The free run of an innovation cell in one piece, and the way back through it.

In a free run the memory is constant. A step is then linear in s = [h, 1], and so is a prediction:
s' = P s and ŷ = r·s. Doubling gives all of Pⁿ s and r Pⁿ in log n products of small matrices. The
prediction r Pⁿ s has the derivatives Σ_j (r Pⁿ⁻¹⁻ʲ) ⊗ (Pʲ s), j < n, by P.
"""

from typing import Any, NamedTuple

import numpy as np

from stages.networks.cells import Array, Products
from stages.networks.network import Network


class FreeRun(NamedTuple):
    """A free run, with what the way back needs.

    matrix: P, (batch, units, units); states: Pⁿ s from n = 0 on, (batch, units, steps + 1). P was
    found by a step from each unit: units is what was read out, (units, batch · units), kept what
    these steps left.
    """

    matrix: Array
    states: Array
    units: Array
    kept: list[Any]


def free_run(network: Network, state: Array, steps: int) -> FreeRun:
    """Return the free run of so many steps from a state (size, batch)."""
    hidden, batch = network.hidden_size, state.shape[1]
    units = np.eye(hidden + 1, dtype=state.dtype)
    units[-1] = 1  # s = 0 cannot be: its last element is 1
    units = np.repeat(units, batch, axis=1)
    x = network.weights["read_out"] @ units
    memory = np.tile(state[hidden:-1], hidden + 1)
    _, after, kept = network.step_keeping(x, np.concatenate((units[:-1], memory, x)))
    columns = after[:hidden].reshape(hidden, hidden + 1, batch).transpose(2, 0, 1)
    matrix = np.zeros((batch, hidden + 1, hidden + 1), state.dtype)
    matrix[:, :-1] = columns
    matrix[:, :-1, :-1] -= columns[:, :, -1:]
    matrix[:, -1, -1] = 1
    start = np.concatenate((state[:hidden], np.ones_like(state[:1]))).T[:, :, None]
    return FreeRun(matrix, doubled(matrix, start, steps), units, kept)


def doubled(matrix: Array, start: Array, steps: int) -> Array:
    """Return Pⁿ s for n from 0 to `steps`: (batch, units, steps + 1). start: (batch, units, 1)."""
    found, power = start, matrix
    while found.shape[2] <= steps:
        found = np.concatenate((found, power @ found), axis=2)
        power = power @ power
    return found[:, :, : steps + 1]


def outputs(network: Network, run: FreeRun) -> Array:
    """Return the predictions, (steps + 1, batch), the one after the warm-up first."""
    return (network.weights["read_out"] @ run.states)[:, 0].T


def back(network: Network, run: FreeRun, counted: list[int]) -> tuple[Array, list[list[Products]]]:
    """Return derivatives by the state before the free run, and what each weight multiplied.

    counted: the steps whose predictions count. Their derivatives are (size, predictions, batch).
    """
    hidden, read_out = network.hidden_size, network.weights["read_out"]
    batch, size = len(run.matrix), network.initial_state(1).size
    predictions = len(counted)
    start = np.broadcast_to(read_out.T, (batch, hidden + 1, 1))
    reading = doubled(run.matrix.transpose(0, 2, 1), start, max(counted))
    by_matrix = np.stack(
        [reading[:, :-1, n - 1 :: -1] @ run.states[:, :, :n].transpose(0, 2, 1) for n in counted]
    )
    # (hidden, predictions, units, batch), in float64: what follows takes differences
    by_columns = by_matrix.astype(np.float64).transpose(2, 0, 3, 1)
    by_columns[:, :, -1] -= by_columns[:, :, :-1].sum(axis=2)
    by_after = np.zeros((size, predictions, (hidden + 1) * batch))
    by_after[:hidden] = by_columns.reshape(hidden, predictions, -1)
    by_x, by_before, products = network.back(run.kept, np.zeros_like(by_after[:1]), by_after)
    products.append(Products("read_out", None, run.units, by_x + by_before[-1:]))
    by_state = np.zeros((size, predictions, batch))
    by_state[:hidden] = reading[:, :-1, counted].transpose(1, 2, 0)
    by_memory = by_before[hidden:-1].reshape(-1, predictions, hidden + 1, batch)
    by_state[hidden:-1] = by_memory.sum(axis=2)
    used = [split(product, hidden + 1) for product in products]
    seeds = np.broadcast_to(np.eye(predictions)[:, :, None], (predictions, predictions, batch))
    read = [
        [Products("read_out", None, run.states[:, :, n].T, seed[None])]
        for n, seed in zip(counted, seeds, strict=True)
    ]
    return by_state, used + read


def split(product: Products, pieces: int) -> list[Products]:
    """Return a product of a batch made of pieces as one for each piece."""
    weight, bias, inputs, delta = product
    both = zip(np.split(inputs, pieces, axis=-1), np.split(delta, pieces, axis=-1), strict=True)
    return [Products(weight, bias, *piece) for piece in both]
