"""Predictions of a free run, and their derivatives by all weights."""

from typing import Any, NamedTuple

import numpy as np

from stages.networks.cells import Array
from stages.networks.network import Network


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

    The derivatives are (residuals, batch, weights), the weights in their order in the network. One
    pass forward keeps what each step did. One pass back carries the derivatives of all predictions
    at once, each from its own step on (back-propagation through time, Werbos 1990), through the
    outputs that were fed back too. A weight matrix gets Σ_t delta(t) ⊗ inputs(t).
    """
    kept: list[Any] = []
    predicted = _forward(network, values, rollout, kept)
    batch, rows = len(values), rollout.rows
    by_state = np.zeros((len(rows), *network.initial_state(batch).shape))
    by_output = np.zeros((len(rows), batch, 1))
    used: dict[str, list[tuple[int, Array | None, Array]]] = {n: [] for n in network.weights}
    active = 0
    for step in reversed(range(rollout.steps)):
        while active < len(rows) and rows[active] == step:
            by_output[active] = 1
            active += 1
        by_x, by_state[:active], products = network.back(
            kept.pop(), by_output[:active].copy(), by_state[:active].copy()
        )
        by_output[:active] = by_x if step >= rollout.warmup else 0
        for product in products:
            used[product.weight].append((active, product.inputs, product.delta))
    return predicted, np.concatenate([_outer(parts, len(rows)) for parts in used.values()], axis=2)


def _forward(network: Network, values: Array, rollout: Rollout, kept: list[Any] | None) -> Array:
    state, output, outputs = network.initial_state(len(values)), values[:, 0], []
    for step in range(rollout.steps):
        x = values[:, step] if step < rollout.warmup else output
        output, state, left = network.step_keeping(x, state)
        outputs.append(output[:, 0])
        if kept is not None:
            kept.append(left)
    return np.stack([outputs[row] for row in rollout.rows])


def _outer(parts: list[tuple[int, Array | None, Array]], residuals: int) -> Array:
    """Return Σ_t delta(t) ⊗ inputs(t), flat: (residuals, batch, rows·columns).

    parts: of each step, how many of the residuals were active, inputs (batch, columns) or None for
    a bias, and delta (active, batch, rows).
    """
    _, batch, rows = parts[0][2].shape
    deltas = np.zeros((batch, residuals * rows, len(parts)))
    by_residual = deltas.reshape(batch, residuals, rows, len(parts))
    for step, (active, _, delta) in enumerate(parts):
        by_residual[:, :active, :, step] = delta.transpose(1, 0, 2)
    if parts[0][1] is None:
        return deltas.sum(axis=2).reshape(batch, residuals, rows).transpose(1, 0, 2)
    inputs = np.stack([inputs for _, inputs, _ in parts], axis=1)
    return (deltas @ inputs).reshape(batch, residuals, -1).transpose(1, 0, 2)
