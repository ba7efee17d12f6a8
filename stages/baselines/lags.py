"""The next value as a linear function of the last ones: no hidden state but the past itself."""

from dataclasses import dataclass

import numpy as np

from stages.baselines.model import Model
from stages.signals.sines import Floats


@dataclass(frozen=True)
class Lags(Model):
    """x̂(t+1) = Σ weight[k]·x(t-k), without an intercept.

    weight: (lags,), of the latest value first. A state is the values before the current one,
    (batch, lags - 1), latest first. It is the hidden state, too.
    """

    weight: Floats

    @property
    def parameters(self) -> int:
        return self.weight.size

    @property
    def state_size(self) -> int:
        return self.weight.size - 1

    def step(self, x: Floats, state: Floats) -> tuple[Floats, Floats, Floats]:
        window = np.concatenate((x, state), axis=1)
        state = window[:, :-1]
        return (window * self.weight).sum(axis=1, keepdims=True), state, state


def fit_lags(lags: int, values: Floats) -> tuple[Lags, float]:
    """Fit the linear model of the next value by least squares; return its MSE too.

    values: (batch, time, 1), time > lags.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values[:, :, 0], lags + 1, axis=1)
    windows = windows.reshape(-1, lags + 1)
    past, target = windows[:, -2::-1], windows[:, -1]
    weight = np.linalg.lstsq(past, target, rcond=None)[0]
    return Lags(weight), float(np.mean((past @ weight - target) ** 2))
