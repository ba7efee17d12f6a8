"""Whether the free run comes back to its orbit: the multipliers of the closed loop."""

import math

import numpy as np
import torch
from torch import Tensor

from stages.networks.network import Model
from stages.signals.sines import Floats

LEADING = 8  # multipliers that are followed
TRANSIENT = 20  # periods in which the directions settle
AVERAGED = 80  # periods over which growth is averaged after that
MOST_STEPS = 5_000  # of both together: a period may have any number of steps
NEAR = 1e-6  # distance of the neighbours that are carried along


@torch.no_grad()
def multipliers(model: Model, output: Tensor, state: Tensor, steps_per_period: float) -> Floats:
    """Return by how much small departures from the free run grow in one period, largest first.

    output (1, 1) and state (part, layer, 1, hidden): where the free run stands. Neighbours on
    both sides of it, along orthonormal directions, take each step with it, and are brought near
    and made orthonormal again after it (Benettin et al. 1980). On a closed orbit the growths are
    the moduli of its Floquet multipliers: one is 1, the phase, which nothing pulls back; where all
    others are below 1, a free run that was pushed off its orbit comes back to it.
    Infinite where the free run blows up.
    """
    transient = min(round(TRANSIENT * steps_per_period), MOST_STEPS // 5)
    averaged = min(round(AVERAGED * steps_per_period), MOST_STEPS - transient)
    point = torch.cat((output.flatten(), state.flatten())).numpy()
    count = min(LEADING, len(point))
    # Directions that no symmetry makes orthogonal to what grows.
    mixed = np.eye(len(point), count) + 1 / (2 + np.arange(len(point)))[:, None]
    directions = np.linalg.qr(mixed)[0].T
    growth = np.zeros(count)
    for step in range(transient + averaged):
        around = np.concatenate((point + NEAR * directions, point - NEAR * directions))
        ahead = closed_loop(model, np.concatenate((point[None], around)), state)
        if not np.isfinite(ahead).all():
            return np.full(count, math.inf)
        point, above, below = ahead[0], ahead[1 : count + 1], ahead[count + 1 :]
        orthonormal, triangle = np.linalg.qr((above - below).T / (2 * NEAR))
        directions = orthonormal.T
        if step >= transient:
            with np.errstate(divide="ignore"):
                growth += np.log(np.abs(np.diag(triangle)))
    with np.errstate(over="ignore"):
        return np.sort(np.exp(growth / averaged * steps_per_period))[::-1]


def closed_loop(model: Model, points: Floats, like: Tensor) -> Floats:
    """Take one step of the free run from points (batch, 1 + size of a state like `like`)."""
    parts, layers, _, hidden = like.shape
    output, state = torch.from_numpy(points).split((1, points.shape[1] - 1), dim=1)
    state = state.reshape(len(points), parts, layers, hidden).permute(1, 2, 0, 3)
    output, state = model.step(output, state)
    state = state.permute(2, 0, 1, 3).reshape(len(points), -1)
    return torch.cat((output, state), dim=1).numpy()
