"""Measure the multipliers of the free run: whether its orbit is stable."""

import math

import numpy as np

from stages.networks.model_file import Model
from stages.signals.sines import Floats

LEADING = 8  # the largest multipliers, at most so many
TRANSIENT = 20  # periods until the directions have settled
AVERAGED = 80  # periods after them, over which the growth is averaged
MOST_STEPS = 5_000  # of both together: a period may have any number of steps
NEAR = 1e-6  # distance of the neighbours from the free run


def multipliers(model: Model, output: Floats, state: Floats, steps_per_period: float) -> Floats:
    """Measure the growth factors of small disturbances of the free run per period, largest first.

    output (1, 1) and state (1, size): the point where the free run begins. At each step, pairs of
    neighbours at ±NEAR along orthonormal directions take the step too. Then their differences are
    made orthonormal again by QR (Benettin et al. 1980). On a closed orbit the growth factors are
    the moduli of its Floquet multipliers. One of them is 1: a shift in phase neither grows nor
    decays. If all others are below 1, the orbit is stable. All are infinite if the free run
    diverges.
    """
    transient = min(round(TRANSIENT * steps_per_period), MOST_STEPS // 5)
    averaged = min(round(AVERAGED * steps_per_period), MOST_STEPS - transient)
    point = np.concatenate((output, state), axis=1)[0]
    count = min(LEADING, len(point))
    # Asymmetric, so that no growing direction is orthogonal to all.
    mixed = np.eye(len(point), count) + 1 / (2 + np.arange(len(point)))[:, None]
    directions = np.linalg.qr(mixed)[0].T
    growth = np.zeros(count)
    for step in range(transient + averaged):
        around = np.concatenate((point + NEAR * directions, point - NEAR * directions))
        points = np.concatenate((point[None], around))
        output, _, state = model.run(points[:, :1], points[:, 1:], 1)
        ahead = np.concatenate((output[:, 0], state), axis=1)
        if not np.isfinite(ahead).all():
            return np.full(count, math.inf)
        point, above, below = ahead[0], ahead[1 : count + 1], ahead[count + 1 :]
        orthonormal, upper = np.linalg.qr((above - below).T / (2 * NEAR))
        directions = orthonormal.T
        if step >= transient:
            with np.errstate(divide="ignore"):
                growth += np.log(np.abs(np.diag(upper)))
    with np.errstate(over="ignore"):
        return np.sort(np.exp(growth / averaged * steps_per_period))[::-1]
