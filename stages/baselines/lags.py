"""The next value as a linear function of the last ones: no hidden state but the past itself."""

from dataclasses import dataclass

import numpy as np

from stages.signals.sines import Floats


@dataclass(frozen=True)
class Lags:
    """x̂(t+1) = Σ weight[k]·x(t-k), without an intercept.

    weight: (lags,), of the latest value first. A state is the values before the current one,
    (batch, lags - 1), latest first.
    """

    weight: Floats
    memory = slice(0, 0)

    @property
    def parameters(self) -> int:
        """The number of trained values."""
        return self.weight.size

    def initial_state(self, batch: int) -> Floats:
        """Begin before the first value, with zeros: (batch, lags - 1)."""
        return np.zeros((batch, len(self.weight) - 1))

    def step(self, x: Floats, state: Floats) -> tuple[Floats, Floats]:
        """Take x(t), (batch, 1), and the state at t-1 to x̂(t+1) and the state at t."""
        window = np.concatenate((x, state), axis=1)
        return (window * self.weight).sum(axis=1, keepdims=True), window[:, :-1]

    def forward(self, values: Floats, state: Floats) -> tuple[Floats, Floats, Floats]:
        """Step through values (batch, time, 1) to predictions, hidden states and the last state."""
        predictions, hidden = [], []
        for x in values.swapaxes(0, 1):
            prediction, state = self.step(x, state)
            predictions.append(prediction)
            hidden.append(state)
        return np.stack(predictions, axis=1), np.stack(hidden, axis=1), state

    @np.errstate(over="ignore", invalid="ignore")  # a free run may blow up
    def run(self, output: Floats, state: Floats, steps: int) -> tuple[Floats, Floats, Floats]:
        """Run freely from the last output (batch, 1); the result is as `forward`'s."""
        outputs, hidden = [], []
        for _ in range(steps):
            output, state = self.step(output, state)
            outputs.append(output)
            hidden.append(state)
        return np.stack(outputs, axis=1), np.stack(hidden, axis=1), state


def fit_lags(lags: int, values: Floats) -> tuple[Lags, float]:
    """Fit the linear model of the next value by least squares; return its MSE too.

    values: (batch, time, 1), time > lags.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values[:, :, 0], lags + 1, axis=1)
    windows = windows.reshape(-1, lags + 1)
    past, target = windows[:, -2::-1], windows[:, -1]
    weight = np.linalg.lstsq(past, target, rcond=None)[0]
    return Lags(weight), float(np.mean((past @ weight - target) ** 2))
