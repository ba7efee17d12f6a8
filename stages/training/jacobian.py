"""Predictions of a free run, and their derivatives by all weights."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from stages.networks.cells import Array, Products
from stages.networks.network import Network
from stages.training import powers

# Of each step, the last one first: what a weight multiplied, and the derivatives that came back.
Multiplied = list[tuple[Array, Array]]


class Rollout(NamedTuple):
    """Which predictions count: `warmup` true values go in, then the network's own outputs.

    counted: which predictions, as steps of the free run, ascending: 1 is the first one after the
    warm-up. 0 and below are those made within the warm-up, from true values alone.
    """

    warmup: int
    counted: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Steps that the network takes."""
        return self.warmup + max(self.counted[-1], 1) - 1

    @property
    def rows(self) -> list[int]:
        """Return the steps whose predictions count, from zero, the last one first."""
        return [self.warmup + step - 2 for step in reversed(self.counted)]

    def targets(self, values: Array) -> Array:
        """Return the values (residuals, batch) that are predicted, of values (batch, time, 1)."""
        return np.stack([values[:, row + 1, 0] for row in self.rows])


@np.errstate(over="ignore", invalid="ignore")  # a weight that is too large is not kept
def predictions(network: Network, values: Array, rollout: Rollout) -> Array:
    """Return the predictions that count (residuals, batch), of values (batch, time, 1)."""
    return _forward(network, values, rollout, None)


@np.errstate(over="ignore", invalid="ignore")
def jacobian(network: Network, values: Array, rollout: Rollout) -> tuple[Array, Array]:
    """Return the predictions that count, (residuals, batch), and their derivatives.

    The derivatives are (batch, residuals, weights), the weights in their order in the network. One
    pass forward keeps what each step did; the free run of an innovation cell is one piece. One pass
    back carries the derivatives of all predictions at once (back-propagation through time, Werbos
    1990). Each prediction joins at its own step. Outputs that were fed back are gone through too.
    A weight matrix gets Σ_t delta(t) ⊗ inputs(t).
    """
    kept: list[Any] = []
    predicted = _forward(network, values, rollout, kept)
    residuals, batch = predicted.shape
    slopes: dict[str, Array] = {}
    used: dict[tuple[str, str | None], Multiplied] = defaultdict(list)
    for products in _back(network, kept, rollout, batch):
        for weight, bias, inputs, delta in products:
            used[weight, bias].append((inputs, delta))
    for (weight, bias), multiplied in used.items():
        slopes[weight], deltas = _outer(multiplied, residuals)
        if bias is not None:
            slopes[bias] = deltas.sum(axis=0)
    return predicted, np.concatenate([slopes[name] for name in network.weights], axis=2)


def _forward(network: Network, values: Array, rollout: Rollout, kept: list[Any] | None) -> Array:
    inputs = values[:, : rollout.warmup, 0].T.astype(network.dtype, order="C")[:, None]
    state, output, outputs = network.initial_state(len(values)).T, inputs[0], []
    linear = network.cell == "innovation"
    for step in range(rollout.warmup if linear else rollout.steps):
        x = inputs[step] if step < rollout.warmup else output
        output, state, left = network.step_keeping(x, state)
        outputs.append(output[0])
        if kept is not None:
            kept.append(left)
    if linear and rollout.steps > rollout.warmup:
        run = powers.free_run(network, state, rollout.steps - rollout.warmup)
        outputs += list(powers.outputs(network, run)[1:])
        if kept is not None:
            kept.append(run)
    return np.stack([outputs[row] for row in rollout.rows])


def _back(
    network: Network, kept: list[Any], rollout: Rollout, batch: int
) -> Iterator[list[Products]]:
    """Go back from the last step to the first; yield what the weights of each step multiplied.

    batch: sequences. Residuals whose step was not met yet are left out.
    """
    rows, seen = rollout.rows, 0
    residuals = len(rows)
    size, dtype = network.initial_state(1).size, network.dtype
    by_state = np.zeros((size, residuals, batch), dtype)
    by_output = np.zeros((1, residuals, batch), dtype)
    if isinstance(kept[-1], powers.FreeRun):
        counted = [row - rollout.warmup + 1 for row in rows if row >= rollout.warmup]
        seen = len(counted)
        by_state[:, :seen], used = powers.back(network, kept.pop(), counted)
        yield from used
    for step in reversed(range(len(kept))):
        if seen < residuals and rows[seen] == step:
            by_output[0, seen] += 1
            seen += 1
        by_x, by_state[:, :seen], products = network.back(
            kept.pop(), by_output[:, :seen].copy(), by_state[:, :seen]
        )
        by_output[:, :seen] = by_x if step >= rollout.warmup else 0
        yield products


def _outer(multiplied: Multiplied, residuals: int) -> tuple[Array, Array]:
    """Return Σ_t delta(t) ⊗ inputs(t), (batch, residuals, rows·columns), and the deltas.

    The deltas are (steps, batch, residuals, rows): zero for residuals that had not gone in.
    """
    (first, last), steps = multiplied[0], len(multiplied)
    rows, batch = len(last), last.shape[2]
    inputs = np.empty((steps, batch, len(first)), first.dtype)
    deltas = np.zeros((steps, batch, residuals, rows), last.dtype)
    for step, (multiplicand, delta) in enumerate(multiplied):
        inputs[step] = multiplicand.T
        deltas[step, :, : delta.shape[1]] = delta.T
    flat = deltas.reshape(steps, batch, -1)
    outer = flat.transpose(1, 2, 0) @ inputs.transpose(1, 0, 2)
    return outer.reshape(batch, residuals, -1), deltas
