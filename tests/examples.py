"""Share networks and sines between the tests of several rooms."""

from typing import Any

import numpy as np
import torch

from stages.networks.network import Network, Sizes
from stages.networks.predictor import Predictor
from stages.signals.sines import Sines, sample
from stages.training import initial

TIME_STEP = 10 / 49
# torch's cells, with one layer and with two.
CELLS = [("rnn", 1), ("rnn", 2), ("gru", 1), ("gru", 2), ("lstm", 1), ("lstm", 2)]
NETWORKS = [*CELLS, ("innovation", 1)]
SIZES = {"memory_size": 2, "products": 3}  # of an innovation cell


def network(cell: str, layers: int = 1, hidden: int = 4, seed: int = 0, **sizes: Any) -> Network:
    """Draw a network in float64, its weights as torch draws them."""
    numbers = Sizes(hidden, layers, **(SIZES | sizes))
    return initial.as_torch(cell, numbers, np.random.default_rng(seed)).double()


def predictor(cell: str, layers: int = 1, *, scale: float = 1.0, **sizes: Any) -> Predictor:
    """Draw a network as the rollouts use it, its weights multiplied by a number."""
    drawn = network(cell, layers, **sizes)
    with torch.no_grad():
        for weight in drawn.parameters():
            weight *= scale
    return Predictor(drawn)


def sines(sequences: int = 4, steps: int = 50, seed: int = 0, **changes: Any) -> Sines:
    """Draw sines of amplitude 1, frequency 1 and uniform phase, or with other settings."""
    settings = {"phase": None, "frequency": (1.0, 1.0), "amplitude": (1.0, 1.0), "noise": 0.0}
    settings |= {"time_step": TIME_STEP}
    stream = np.random.SeedSequence(seed)
    return sample(stream, sequences=sequences, steps=steps, **(settings | changes))


def any_sines(sequences: int = 4, steps: int = 150, seed: int = 0, noise: float = 0.0) -> Sines:
    """Draw sines of many frequencies and amplitudes."""
    ranges = {"frequency": (0.5, 2.0), "amplitude": (0.5, 1.5), "noise": noise}
    return sines(sequences, steps, seed, **ranges)


def values(*shape: int, seed: int = 1) -> np.ndarray:
    """Draw numbers uniformly from 0 to 1."""
    return np.random.default_rng(seed).uniform(size=shape)
