"""Sine sequences with known phase, frequency and amplitude: the truth is known at any time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LOST = 0.4  # × amplitude: a sequence with a larger error is lost (Vlachas et al. 2020)


@dataclass(frozen=True)
class Sines:
    """Observed sequences and the sines behind them.

    values: (batch, time, feature), feature 1, with noise.
    phase [rad], frequency [rad per unit of time], amplitude: (batch,).
    time_step: Δ, units of time between two values. noise: its standard deviation.
    """

    values: Floats
    phase: Floats
    frequency: Floats
    amplitude: Floats
    time_step: float
    noise: float = 0.0

    @property
    def steps_per_period(self) -> Floats:
        """Time steps in one period, 2π/(ωΔ): (batch,)."""
        return 2 * np.pi / (self.frequency * self.time_step)

    def angle(self, steps: NDArray[np.int64]) -> Floats:
        """The angle φ + ωkΔ [rad] at the time steps k: (batch, time)."""
        return self.phase[:, None] + self.frequency[:, None] * (steps * self.time_step)

    def truth(self, steps: NDArray[np.int64]) -> Floats:
        """Noise-free values a·sin(φ + ωkΔ) at the time steps k: (batch, time)."""
        return self.amplitude[:, None] * np.sin(self.angle(steps))


def sample(
    seed: np.random.SeedSequence,
    *,
    sequences: int,
    steps: int,
    time_step: float,
    phase: Sequence[float] | None,
    frequency: tuple[float, float],
    amplitude: tuple[float, float],
    noise: float,
) -> Sines:
    """Draw sine sequences: values of shape (sequences, steps, 1).

    phase [rad]: the values to draw from, or None for uniform in [0, 2π). frequency [rad per unit
    of time] and amplitude: uniform in [low, high]. noise: its standard deviation in the values.
    Each quantity has a random stream of its own, so that changing one leaves the others unchanged.
    """
    phases, frequencies, amplitudes, noises = (
        np.random.default_rng(child) for child in seed.spawn(4)
    )
    sines = Sines(
        values=np.empty((sequences, steps, 1)),
        phase=(
            phases.uniform(0.0, 2 * np.pi, sequences)
            if phase is None
            else phases.choice(np.asarray(phase, dtype=np.float64), sequences)
        ),
        frequency=frequencies.uniform(*frequency, sequences),
        amplitude=amplitudes.uniform(*amplitude, sequences),
        time_step=time_step,
        noise=noise,
    )
    sines.values[:, :, 0] = sines.truth(np.arange(steps))
    if noise > 0:
        sines.values[:, :, 0] += noises.normal(0.0, noise, (sequences, steps))
    return sines
