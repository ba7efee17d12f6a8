"""The multipliers of the closed loop: stability of the orbit of the free run."""

import math

import numpy as np

from stages.networks.model_file import Model
from stages.signals.sines import Floats

LEADING = 8  # multipliers that are followed
TRANSIENT = 20  # periods in which the directions settle
AVERAGED = 80  # periods over which growth is averaged after that
MOST_STEPS = 5_000  # of both together: a period may have any number of steps
NEAR = 1e-6  # distance of the neighbours that are carried along


def multipliers(model: Model, output: Floats, state: Floats, steps_per_period: float) -> Floats:
    """Measure the growth of small departures from the free run in a period, largest first.

    output (1, 1) and state (1, size): where the free run stands. Neighbours on both sides of it,
    along orthonormal directions, take each step with it. Then they are brought near again and made
    orthonormal (Benettin et al. 1980). On a closed orbit the growths are the moduli of its Floquet
    multipliers. One is 1, the phase, which nothing pulls back. Where all others are below 1, a free
    run that was pushed off its orbit comes back to it. Infinite where the free run blows up.
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
