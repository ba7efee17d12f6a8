"""Metrics of one-step predictions and of rollouts. `FreeRun` and the README define them.

A metric that cannot be computed is a word instead of a number, `DIVERGED` or `NO_OSCILLATION`:
JSON has no NaN, and DVC drops null.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stages.signals.sines import LOST, Floats, Sines

DIVERGED = "diverged"
NO_OSCILLATION = "no oscillation"
Metric = float | str

FLAT = 0.05  # a fitted amplitude below FLAT × the true amplitude, or × the RMS, has no phase


def one_step(predictions: Floats, targets: Floats) -> dict[str, Metric]:
    """Compute mse, rmse and mae of predictions of any shape."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = predictions - targets
        mse = float(np.mean(error**2))
        mae = float(np.mean(np.abs(error)))
    return {"mse": metric(mse), "rmse": metric(math.sqrt(mse)), "mae": metric(mae)}


def metric(value: float) -> Metric:
    """Round to six significant digits; `DIVERGED` where the value is not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else DIVERGED


def correct_digits(rmse: Metric) -> Metric:
    """Count the correct digits, −log10 of an error, from 0 to 16 with one decimal.

    A word, such as `DIVERGED`, is returned unchanged.
    """
    if isinstance(rmse, str):
        return rmse
    return round(min(max(-math.log10(max(rmse, 1e-16)), 0.0), 16.0), 1)


def count_steps(sines: Sines, periods: float) -> np.ndarray:
    """Count the steps of the first `periods` periods of each sequence: (batch,)."""
    return np.ceil(periods * sines.steps_per_period - 1e-9).astype(np.int64)


@dataclass(frozen=True)
class FreeRun:
    """Results of a rollout (batch, time); their size does not grow with its length.

    horizons: periods, ascending. rmse: up to each horizon, all sequences pooled: (horizons,).
    rmse_of_each: up to each horizon, for each sequence alone: (horizons, batch).
    valid_periods: until |error| first exceeds 0.4 × amplitude, at most the horizon: (batch,).
    survived: whether |error| never exceeds it: (batch,).
    drift: of the phase, radians per period; infinite without a phase: (batch,).
    amplitude_error: relative, in the last window of `follow`: (batch,).
    """

    horizons: Floats
    rmse: Floats
    rmse_of_each: Floats
    valid_periods: Floats
    survived: np.ndarray
    drift: Floats
    amplitude_error: Floats


def measure(sines: Sines, outputs: Floats, *, warmup: int, horizons: Floats) -> FreeRun:
    """Measure a rollout after a warm-up of true values.

    outputs: (batch, time); values after the horizon of a sequence are ignored. horizons: periods,
    ascending, up to which the RMSE is taken; the last one is the whole horizon.
    """
    ends = np.stack([count_steps(sines, periods) for periods in horizons])
    # At least two windows if possible: a slope needs two points. At least two steps in a window: p
    # and q are two unknowns.
    longest = int(np.ceil(sines.steps_per_period.max()))
    window = max(min(longest, int(ends[-1].min()) // 2), 2)
    squares, valid = np.empty(ends.shape), np.full(len(outputs), horizons[-1])
    survived = np.empty(len(outputs), dtype=bool)
    slope, fitted, rms = np.empty((3, len(outputs)))
    for i, end in enumerate(ends[-1]):
        angle = sines.phase[i] + sines.frequency[i] * ((warmup + np.arange(end)) * sines.time_step)
        sin, own = np.sin(angle), outputs[i, :end]
        with np.errstate(over="ignore", invalid="ignore"):
            error = own - sines.amplitude[i] * sin
            squares[:, i] = np.cumsum(error**2)[ends[:, i] - 1]
            failed = ~(np.abs(error) <= LOST * sines.amplitude[i])
        survived[i] = not failed.any()
        if not survived[i]:
            valid[i] = min((failed.argmax() + 1) / sines.steps_per_period[i], valid[i])
        windows = np.stack((own, sin, np.cos(angle)))[:, : end // window * window]
        slope[i], fitted[i], rms[i] = follow(*windows.reshape(3, -1, window))
    has_phase = fitted >= FLAT * np.maximum(sines.amplitude, rms)
    with np.errstate(over="ignore", invalid="ignore"):
        return FreeRun(
            horizons=horizons,
            rmse=np.sqrt(squares.sum(axis=1) / ends.sum(axis=1)),
            rmse_of_each=np.sqrt(squares / ends),
            valid_periods=valid,
            survived=survived,
            drift=np.where(has_phase, slope * sines.steps_per_period / window, np.inf),
            amplitude_error=fitted / sines.amplitude - 1,
        )


@np.errstate(over="ignore", invalid="ignore")  # a rollout may diverge; a single window gives 0/0
def follow(outputs: Floats, sin: Floats, cos: Floats) -> tuple[float, float, float]:
    """Follow the phase of outputs (windows, steps) relative to the true angle θ.

    Fits p·sin θ + q·cos θ to the outputs in each window by least squares. The fit is exact for a
    sine of the true frequency, at any window length. Returns the slope of the phase [rad per
    window], NaN for a single window; the fitted amplitude of the last window; and its RMS.
    """
    ss, cc, sc = (sin * sin).sum(1), (cos * cos).sum(1), (sin * cos).sum(1)
    ys, yc = (outputs * sin).sum(1), (outputs * cos).sum(1)
    p = (ys * cc - yc * sc) / (ss * cc - sc * sc)
    q = (yc * ss - ys * sc) / (ss * cc - sc * sc)
    k = np.arange(len(outputs)) - (len(outputs) - 1) / 2
    slope = (k * np.unwrap(np.arctan2(q, p))).sum() / (k * k).sum()
    return slope, np.hypot(p[-1], q[-1]), np.sqrt((outputs[-1] ** 2).mean())


def horizon_name(periods: float) -> str:
    """Name the RMSE over the first `periods` periods."""
    return f"rmse_{periods:g}_periods"


def summary(result: FreeRun, named: Iterable[float]) -> dict[str, Metric | dict[str, Metric]]:
    """Collect the `free_running` metrics; named: the horizons [periods] whose RMSE is reported."""
    rmse = dict(zip(result.horizons.tolist(), result.rmse.tolist(), strict=True))
    drift = float(np.median(np.abs(result.drift)))
    return {
        **{horizon_name(periods): metric(rmse[periods]) for periods in named},
        "valid_prediction_periods": {
            "median": metric(float(np.median(result.valid_periods))),
            "min": metric(float(result.valid_periods.min())),
        },
        "survivors": metric(float(result.survived.mean())),
        "phase_drift": metric(drift) if math.isfinite(drift) else NO_OSCILLATION,
        "amplitude_error": metric(float(np.median(np.abs(result.amplitude_error)))),
    }
