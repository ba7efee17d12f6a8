"""Forecasts by a model of sines: values are brought to the scale that it was trained on."""

from typing import NamedTuple

import numpy as np

from stages.baselines.model import Model
from stages.baselines.sine_fits import SineFit
from stages.rollouts.regimes import free_running
from stages.signals.sines import Floats

ROUNDS = 10  # of fitting the frequency, then the level


class Sine(NamedTuple):
    """The least-squares sine around a level, in the units of the values.

    period [values]; residual: standard deviation of the residuals, as a share of the amplitude.
    """

    level: float
    amplitude: float
    period: float
    residual: float


def fit_sine(x: Floats) -> Sine:
    """Fit a sine around a level by least squares, to values (time,) that are not constant.

    The mean is no level: an incomplete last period biases it. So two fits alternate: `SineFit` for
    the frequency, least squares for the level. Raises ValueError where there are too few values for
    `SineFit`.
    """
    steps = np.arange(len(x)) - (len(x) - 1) / 2
    level = x.mean()
    for _ in range(ROUNDS):
        amplitude, frequency, _, _ = SineFit().fit((x - level)[None, :, None])[0]
        waves = np.stack((np.ones_like(x), np.cos(frequency * steps), np.sin(frequency * steps)))
        shares = np.linalg.lstsq(waves.T, x, rcond=None)[0]
        # A fit to less than a period may put the level far outside the values.
        level = np.clip(shares[0], x.min(), x.max())
    residual = np.std(x - shares @ waves) / amplitude
    return Sine(float(level), float(amplitude), float(2 * np.pi / frequency), float(residual))


@np.errstate(over="ignore", invalid="ignore")  # the free run may diverge
def continue_sine(
    model: Model, values: Floats, sine: Sine, *, amplitude: float, steps: int
) -> Floats:
    """Run a model freely after values (time,), and return its outputs in their units: (steps,).

    The values are scaled to level 0 and to `amplitude`, the outputs back. Outputs are not finite
    where the free run diverges.
    """
    scale = sine.amplitude / amplitude
    outputs, _ = free_running(model, (values - sine.level)[None, :, None] / scale, steps)
    return sine.level + scale * outputs[0, :, 0]
