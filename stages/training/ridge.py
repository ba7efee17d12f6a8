"""Ridge regression of the read-out, the part of a network that is linear in its weights."""

import numpy as np
import torch

from stages.networks.network import Network
from stages.networks.predictor import Predictor
from stages.settings.model import Ridge
from stages.training.sequences import Floats, Sequences


def fit_read_out(
    network: Network, data: Sequences, phase: Ridge, random: np.random.Generator
) -> float:
    """Solve for the read-out of a network; return the weighted squared error per prediction.

    Ridge regression (Hoerl and Kennard 1970) on the hidden states, as for an echo-state network
    (Jaeger 2001). The first `warmup` predictions are left out: there the hidden state depends on
    its initial zeros. Half of the rows come from a noisy copy of the values, with clean targets.
    Without it the network does not learn to return to the sine after an error (Bishop 1995).
    """
    values, targets = data.values[: phase.sequences], data.targets[: phase.sequences, 1:]
    noisy = values[:, :-1] + phase.noise * random.normal(size=values[:, :-1].shape)
    counted = targets[:, phase.warmup :].size
    clean_rows = rows(network, values[:, :-1], targets, phase.warmup)
    noisy_rows = phase.noise_weight * rows(network, noisy, targets, phase.warmup)
    table = np.concatenate((clean_rows, noisy_rows))
    penalty = phase.ridge * np.sqrt(counted * (1 + phase.noise_weight**2))
    size = table.shape[1] - 1
    # A QR decomposition does not square the condition number, as JᵀJ would.
    upper = np.linalg.qr(np.concatenate((table, penalty * np.eye(size, size + 1))), mode="r")
    weights = np.linalg.solve(upper[:size, :size], upper[:size, size])
    with torch.no_grad():
        network.linear.weight.copy_(torch.from_numpy(weights[None, :-1]))
        network.linear.bias.copy_(torch.from_numpy(weights[-1:]))
    return float(np.sum((table[:, :size] @ weights - table[:, size]) ** 2) / counted)


def rows(network: Network, values: Floats, targets: Floats, warmup: int) -> Floats:
    """Write a row for each prediction: its hidden state, a one, and the target."""
    predictor = Predictor(network)
    _, hidden, _ = predictor.forward(values, predictor.initial_state(len(values)))
    one = np.ones((*hidden.shape[:2], 1))
    table = np.concatenate((hidden, one, targets), axis=2)[:, warmup:]
    return table.reshape(-1, table.shape[2])
