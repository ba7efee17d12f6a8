"""The training data of a network, and batches of them for its phases."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.training.jacobian import Rollout

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sequences:
    """Values go in, targets are predicted: both (sequences, time, 1).

    In noise the targets are the values without it.
    """

    values: Floats
    targets: Floats


@dataclass(frozen=True)
class Batch:
    """Sequences of one iteration: inputs (batch, warmup, 1), targets (batch, residuals)."""

    inputs: Floats
    targets: Floats


def fixed_batch(
    data: Sequences, rollout: Rollout, sequences: int, noise: float, random: np.random.Generator
) -> Batch:
    """Take the first sequences, with noise of this standard deviation added to the inputs."""
    values = data.values[:sequences]
    inputs = values + noise * random.normal(size=values.shape)
    return Batch(inputs[:, : rollout.warmup], rollout.targets(data.targets[:sequences]))


@dataclass(frozen=True)
class Stream:
    """Draws other pieces of the sequences for every batch, begun anywhere, in new noise.

    targets: values without noise, (sequences, time, 1). amplitude_jitter: each piece is multiplied
    by a number within 1 ± this, so that the ends of a range are not its rarest part.
    """

    targets: Floats
    rollout: Rollout
    sequences: int
    noise: float
    amplitude_jitter: float
    random: np.random.Generator

    def draw(self) -> Batch:
        """Draw a batch, its sequences without replacement."""
        length = self.rollout.steps + 1
        count = min(self.sequences, len(self.targets))
        chosen = self.random.choice(len(self.targets), count, replace=False)
        last = self.targets.shape[1] - length
        first = self.random.integers(0, last, count, endpoint=True)
        pieces = self.targets[chosen[:, None], first[:, None] + np.arange(length)]
        jitter = self.amplitude_jitter
        pieces = pieces * self.random.uniform(1 - jitter, 1 + jitter, (count, 1, 1))
        true_past = pieces[:, : self.rollout.warmup]
        noise = self.noise * self.random.normal(size=true_past.shape)
        return Batch(true_past + noise, self.rollout.targets(pieces))
