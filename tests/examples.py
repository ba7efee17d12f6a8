"""Networks and sines that the tests of several rooms look at."""

from typing import Any

import numpy as np

from stages.networks.network import Network
from stages.signals.sines import Sines, sample
from stages.training import initial

TIME_STEP = 10 / 49
# Every cell, with one layer and, where it can have them, with two.
CELLS = [("rnn", 1), ("rnn", 2), ("gru", 1), ("gru", 2), ("lstm", 1), ("lstm", 2)]
NETWORKS = [*CELLS, ("innovation", 1)]
SIZES = {"memory_size": 2, "products": 3, "dtype": "float64"}


def network(cell: str, layers: int = 1, hidden: int = 4, seed: int = 0, **sizes: Any) -> Network:
    """Return a network with weights as torch draws them."""
    sizes = SIZES | sizes
    zero = initial.empty(cell, hidden_size=hidden, num_layers=layers, **sizes)
    return initial.uniform(zero, np.random.default_rng(seed))


def sines(sequences: int = 4, steps: int = 50, seed: int = 0, **changes: Any) -> Sines:
    """Return sines of amplitude 1 and frequency 1, or as asked for; their phases are uniform."""
    settings = {"phase": None, "frequency": (1.0, 1.0), "amplitude": (1.0, 1.0), "noise": 0.0}
    settings |= {"time_step": TIME_STEP}
    stream = np.random.SeedSequence(seed)
    return sample(stream, sequences=sequences, steps=steps, **(settings | changes))


def any_sines(sequences: int = 4, steps: int = 150, seed: int = 0, noise: float = 0.0) -> Sines:
    """Return sines of many frequencies and amplitudes."""
    ranges = {"frequency": (0.5, 2.0), "amplitude": (0.5, 1.5), "noise": noise}
    return sines(sequences, steps, seed, **ranges)


def values(*shape: int, seed: int = 1) -> np.ndarray:
    """Return numbers from 0 to 1 that are no sine."""
    return np.random.default_rng(seed).uniform(size=shape)
