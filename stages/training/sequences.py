"""The training data of a network, and the batches of Levenberg–Marquardt."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.settings.model import LevenbergMarquardt
from stages.training.jacobian import Rollout

Floats = NDArray[np.float64]
# Called after every iteration with its number, the time steps seen so far, and the loss.
Report = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Sequences:
    """Input values, and the targets to predict: both (sequences, time, 1).

    In noise the targets are the values without it.
    """

    values: Floats
    targets: Floats


class Batch(NamedTuple):
    """The sequences of an iteration: inputs (batch, warmup, 1), targets (batch, residuals)."""

    inputs: Floats
    targets: Floats


def fixed_batch(
    data: Sequences, rollout: Rollout, phase: LevenbergMarquardt, random: np.random.Generator
) -> Batch:
    """Take the first sequences, and add noise to the inputs."""
    values = data.values[: phase.sequences]
    inputs = values + phase.noise * random.normal(size=values.shape)
    return Batch(inputs[:, : rollout.warmup], rollout.targets(data.targets[: phase.sequences]))


def fresh_batch(
    data: Sequences, rollout: Rollout, phase: LevenbergMarquardt, random: np.random.Generator
) -> Batch:
    """Draw pieces of the noise-free sequences, begun anywhere, and add new noise to the inputs.

    Sequences are drawn without replacement. Each piece is multiplied by a random number within
    1 ± amplitude_jitter: this widens the range of amplitudes, so that its ends are trained too.
    """
    length, count = rollout.steps + 1, min(phase.sequences, len(data.targets))
    chosen = random.choice(len(data.targets), count, replace=False)
    first = random.integers(0, data.targets.shape[1] - length, count, endpoint=True)
    pieces = data.targets[chosen[:, None], first[:, None] + np.arange(length)]
    jitter = phase.amplitude_jitter
    pieces = pieces * random.uniform(1 - jitter, 1 + jitter, (count, 1, 1))
    past = pieces[:, : rollout.warmup]
    inputs = past + phase.noise * random.normal(size=past.shape)
    return Batch(inputs, rollout.targets(pieces))
