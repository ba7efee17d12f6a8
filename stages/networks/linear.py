"""The next value as a linear function of the last ones: no hidden state but the past itself."""

from dataclasses import dataclass

import numpy as np

from stages.networks.cells import Array


@dataclass(frozen=True)
class Lags:
    """x̂(t+1) = Σ weight[k]·x(t-k), without an intercept.

    weight: (lags,), of the latest value first. A state is the values before the current one,
    (batch, lags - 1), latest first.
    """

    weight: Array
    memory = slice(0, 0)

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return self.weight.size

    def initial_state(self, batch: int) -> Array:
        """Return the state before the first value, zeros: (batch, lags - 1)."""
        return np.zeros((batch, len(self.weight) - 1))

    def step(self, x: Array, state: Array) -> tuple[Array, Array]:
        """Take x(t), (batch, 1), and the state at t-1; return x̂(t+1) and the state at t."""
        window = np.concatenate((x, state), axis=1)
        return (window * self.weight).sum(axis=1, keepdims=True), window[:, :-1]

    def forward(self, values: Array, state: Array) -> tuple[Array, Array, Array]:
        """Take values (batch, time, 1); return predictions, hidden states and the last state."""
        predictions, hidden = [], []
        for x in values.swapaxes(0, 1):
            prediction, state = self.step(x, state)
            predictions.append(prediction)
            hidden.append(state)
        return np.stack(predictions, axis=1), np.stack(hidden, axis=1), state

    @np.errstate(over="ignore", invalid="ignore")  # a free run may blow up
    def run(self, output: Array, state: Array, steps: int) -> tuple[Array, Array, Array]:
        """Run freely from the last output (batch, 1); return what `forward` does."""
        outputs, hidden = [], []
        for _ in range(steps):
            output, state = self.step(output, state)
            outputs.append(output)
            hidden.append(state)
        return np.stack(outputs, axis=1), np.stack(hidden, axis=1), state
