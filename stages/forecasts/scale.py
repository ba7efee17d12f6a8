"""One's own values at the scale of a task, their free run, and back."""

from dataclasses import dataclass

import numpy as np

from stages.baselines.sine_fits import SineFit
from stages.networks.model_file import Model
from stages.rollouts.regimes import free_running
from stages.signals.sines import Floats

LEVELS = 10  # times that level and frequency are fitted in turn


@dataclass(frozen=True)
class Sine:
    """The least-squares sine around a level, in the units of the values.

    period [values]; rest: standard deviation of what it leaves, as a share of the amplitude.
    """

    level: float
    amplitude: float
    period: float
    rest: float


@dataclass(frozen=True)
class Scale:
    """A level that becomes zero, and a size that becomes one."""

    level: float
    size: float

    def to_task(self, values: Floats) -> Floats:
        """Scale values to the task."""
        return (values - self.level) / self.size

    def back(self, values: Floats) -> Floats:
        """Undo `to_task`."""
        return self.level + self.size * values


def dominant_sine(values: Floats) -> Sine:
    """Fit a sine around a level by least squares, to values (time,) that are not constant.

    With an incomplete last period the mean is biased, so the level is fitted too: `SineFit` for the
    frequency, then least squares for the level, alternating. Raises ValueError where there are too
    few values for `SineFit`.
    """
    unit = Scale((values.max() + values.min()) / 2, np.ptp(values) / 2)
    x = unit.to_task(values)
    steps = np.arange(len(x)) - (len(x) - 1) / 2
    level = float(x.mean())
    for _ in range(LEVELS):
        amplitude, frequency, _, _ = SineFit().fit((x - level)[None, :, None])[0]
        waves = np.stack((np.ones_like(x), np.cos(frequency * steps), np.sin(frequency * steps)))
        shares = np.linalg.lstsq(waves.T, x, rcond=None)[0]
        # Of less than a period, a fit may put the level far away.
        level = float(np.clip(shares[0], -1, 1))
    rest = float(np.std(x - shares @ waves) / amplitude)
    amplitude, period = float(unit.size * amplitude), 2 * np.pi / float(frequency)
    return Sine(float(unit.back(np.float64(level))), amplitude, period, rest)


@np.errstate(over="ignore", invalid="ignore")  # it may blow up
def continued(model: Model, values: Floats, steps: int, scale: Scale) -> Floats:
    """Run a model freely after values (time,), in their own units: (steps,).

    Numbers that are not finite, where it blows up.
    """
    run = free_running(model, scale.to_task(values)[None, :, None], steps)
    return scale.back(np.concatenate([outputs[0, :, 0] for outputs, _ in run]))
