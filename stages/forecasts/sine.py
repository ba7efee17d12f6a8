"""Forecasts by a model of sines: values are brought to the scale that it was trained on."""

from typing import NamedTuple

import numpy as np

from stages.baselines.model import Model
from stages.baselines.sine_fits import SineFit
from stages.rollouts.regimes import free_running
from stages.signals.sines import Floats

LEVELS = 10  # times that level and frequency are fitted in turn


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

    With an incomplete last period the mean is biased, so the level is fitted too: `SineFit` for the
    frequency, then least squares for the level, alternating. Raises ValueError where there are too
    few values for `SineFit`.
    """
    steps = np.arange(len(x)) - (len(x) - 1) / 2
    level = x.mean()
    for _ in range(LEVELS):
        amplitude, frequency, _, _ = SineFit().fit((x - level)[None, :, None])[0]
        waves = np.stack((np.ones_like(x), np.cos(frequency * steps), np.sin(frequency * steps)))
        shares = np.linalg.lstsq(waves.T, x, rcond=None)[0]
        # Of less than a period, a fit may put the level far away.
        level = np.clip(shares[0], x.min(), x.max())
    residual = np.std(x - shares @ waves) / amplitude
    return Sine(float(level), float(amplitude), float(2 * np.pi / frequency), float(residual))


@np.errstate(over="ignore", invalid="ignore")  # the free run may diverge
def continue_sine(
    model: Model, values: Floats, sine: Sine, *, amplitude: float, steps: int
) -> Floats:
    """Run a model freely after values (time,), scaled to level 0 and an amplitude: (steps,).

    The result is in the units of the values; it is not finite where the free run diverges.
    """
    scale = sine.amplitude / amplitude
    outputs, _ = free_running(model, (values - sine.level)[None, :, None] / scale, steps)
    return sine.level + scale * outputs[0, :, 0]
