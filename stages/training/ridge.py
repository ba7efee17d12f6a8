"""Least squares for what is linear in the weights: a read-out, and linear models."""

import math

import numpy as np
import scipy.linalg

from stages.networks.linear import Lags
from stages.networks.network import READ_OUT, Network
from stages.signals.sines import Floats


def fit_lags(lags: int, values: Floats) -> tuple[Lags, float]:
    """Return the linear model of the next value with the least squares, and its mean square.

    values: (batch, time, 1), time > lags.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values[:, :, 0], lags + 1, axis=1)
    windows = windows.reshape(-1, lags + 1)
    past, target = windows[:, -2::-1], windows[:, -1]
    weight = np.linalg.lstsq(past, target, rcond=None)[0]
    return Lags(weight), float(np.mean((past @ weight - target) ** 2))


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
    """Return the network with its best read-out, and the mean squared one-step error.

    Ridge regression (Hoerl and Kennard 1970) on the hidden states, as for an echo-state network
    (Jaeger 2001). values: what goes in, targets: what is predicted, both (batch, time, 1). The
    first `warmup` predictions do not count, while the hidden state depends on the zeros that it
    began with. Half of the rows come from a noisy copy of the values, with clean targets: noise is
    its standard deviation, noise_weight how much a residual of the copy counts. Without the copy
    nothing tells the network what to do next to the orbit (Jaeger 2001; Bishop 1995). ridge:
    penalty on the weights, relative to the number of residuals.
    """
    rows, wanted = [], []
    for sd, weight in ((0.0, 1.0), (noise, noise_weight)):
        inputs = values[:, :-1] + sd * random.normal(size=values[:, :-1].shape)
        _, hidden, _ = network.forward(inputs, network.initial_state(len(inputs)))
        hidden = hidden[:, warmup:].reshape(-1, network.hidden_size)
        rows.append(weight * np.pad(hidden, ((0, 0), (0, 1)), constant_values=1))
        wanted.append(weight * targets[:, warmup + 1 :].reshape(-1))
    counted = len(wanted[0]) * (1 + noise_weight**2)
    size = network.hidden_size + 1
    rows.append(ridge * math.sqrt(counted) * np.eye(size))
    wanted.append(np.zeros(size))
    basis, triangle = scipy.linalg.qr(np.concatenate(rows), mode="economic")
    weights = scipy.linalg.solve_triangular(triangle, basis.T @ np.concatenate(wanted))
    loss = float(np.mean((rows[0] @ weights - wanted[0]) ** 2))
    read_out = dict(zip(READ_OUT, (weights[None, :-1], weights[-1:]), strict=True))
    return network.replace(network.weights | read_out), loss
