"""Metrics of one-step predictions and of rollouts; the definitions stand in the README's glossary.

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

FLAT = 0.05  # × the true amplitude and × the outputs' RMS; below it a rollout has no phase


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

    A word stays what it is.
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

    horizons: periods, ascending; rmse: over the first so many periods, all sequences pooled.
    rmse_of_each: the same of each sequence alone: (horizons, batch).
    valid_periods: until |error| first exceeded 0.4 × amplitude, or the horizon: (batch,).
    survived: whether it never did: (batch,). drift: radians per period, infinite without a phase.
    amplitude_error: relative, in the last whole period: (batch,).
    """

    horizons: Floats
    rmse: Floats
    rmse_of_each: Floats
    valid_periods: Floats
    survived: np.ndarray
    drift: Floats
    amplitude_error: Floats


class FreeRunMeter:
    """Accumulates the errors of a rollout block by block.

    sines: the true sines; warmup: the step of the rollout's first value; horizons: periods,
    ascending, at which the RMSE is wanted, the last one the whole horizon.
    """

    def __init__(self, sines: Sines, warmup: int, horizons: Floats) -> None:
        self.sines = sines
        self.horizons = horizons
        self.seen = 0
        self._warmup = warmup
        self._ends = np.stack([count_steps(sines, periods) for periods in horizons])
        self._squares = np.zeros(len(sines.phase))
        self._squares_at = np.zeros(self._ends.shape)
        self._first_failure = np.full(len(sines.phase), np.inf)
        # Two windows if possible: a slope needs two points. At least two steps: p and q need two
        # values.
        longest = int(np.ceil(sines.steps_per_period.max()))
        window = max(min(longest, int(self._ends[-1].min()) // 2), 2)
        self._phases = PhaseMeter(sines, window, self._ends[-1])

    @property
    def ends(self) -> np.ndarray:
        """Steps that the rollout of each sequence needs to cover the horizon: (batch,)."""
        return self._ends[-1]

    @property
    def steps(self) -> int:
        """Steps that the longest of them needs."""
        return int(self.ends.max())

    def add(self, outputs: Floats) -> None:
        """Take the next outputs of the rollout: (batch, steps).

        The sequences whose horizon has ended may be left out.
        """
        if len(outputs) < len(self.ends):
            whole = np.full((len(self.ends), outputs.shape[1]), np.nan)
            whole[self.ends > self.seen] = outputs
            outputs = whole
        steps = self._warmup + np.arange(self.seen, self.seen + outputs.shape[1])
        angle = self.sines.angle(steps)
        sin = np.sin(angle)
        truth = self.sines.amplitude[:, None] * sin
        with np.errstate(over="ignore", invalid="ignore"):
            error = outputs - truth
            squares = self._squares[:, None] + np.cumsum(error**2, axis=1)
            failed = ~(np.abs(error) <= LOST * self.sines.amplitude[:, None])
        first = np.where(failed.any(axis=1), self.seen + 1 + failed.argmax(axis=1), np.inf)
        self._first_failure = np.minimum(self._first_failure, first)
        for row, ends in zip(self._squares_at, self._ends, strict=True):
            here = (ends > self.seen) & (ends <= self.seen + outputs.shape[1])
            row[here] = squares[here, ends[here] - self.seen - 1]
        self._squares = squares[:, -1]
        self._phases.add(np.stack((outputs, sin, np.cos(angle))))
        self.seen += outputs.shape[1]

    def result(self) -> FreeRun:
        """Finish; the rollout must have been seen up to its horizon."""
        if self.seen < self.steps:
            raise ValueError(f"expected {self.steps} steps, got {self.seen}")
        horizon = float(self.horizons[-1])
        survived = self._first_failure > self._ends[-1]
        valid = np.minimum(self._first_failure / self.sines.steps_per_period, horizon)
        with np.errstate(over="ignore", invalid="ignore"):
            rmse = np.sqrt(self._squares_at.sum(axis=1) / self._ends.sum(axis=1))
            each = np.sqrt(self._squares_at / self._ends)
        return FreeRun(
            horizons=self.horizons,
            rmse=rmse,
            rmse_of_each=each,
            valid_periods=np.where(survived, horizon, valid),
            survived=survived,
            drift=self._phases.drift(),
            amplitude_error=self._phases.amplitude_error(),
        )


class PhaseMeter:
    """Follows a rollout's phase relative to the truth, in windows of `window` steps.

    In each window p·sin θ + q·cos θ is fitted to the outputs by least squares, θ the true angle:
    exact for a sine of the true frequency, whatever the length of the window. A sequence counts up
    to its own end: (batch,) steps.
    """

    def __init__(self, sines: Sines, window: int, ends: np.ndarray) -> None:
        self._sines = sines
        self._window = window
        self._windows_of = ends // window
        self._pending = np.empty((3, len(ends), 0))
        self._seen = 0
        self._phase = np.zeros(len(ends))
        self._amplitude = np.full(len(ends), np.nan)
        self._rms = np.full(len(ends), np.nan)
        # Sums for the slope of the phase over the windows: Σφ, Σkφ.
        self._phi, self._k_phi = np.zeros((2, len(ends)))

    def add(self, part: Floats) -> None:
        """Take the next outputs, with the sine and cosine of the true angle: (3, batch, time)."""
        part = np.concatenate((self._pending, part), axis=2)
        whole = part.shape[2] // self._window * self._window
        for start in range(0, whole, self._window):
            self._fit(*part[:, :, start : start + self._window])
        self._pending = part[:, :, whole:]

    def _fit(self, outputs: Floats, sin: Floats, cos: Floats) -> None:
        ss, cc, sc = (sin * sin).sum(1), (cos * cos).sum(1), (sin * cos).sum(1)
        counts = self._seen < self._windows_of
        with np.errstate(over="ignore", invalid="ignore"):
            ys, yc = (outputs * sin).sum(1), (outputs * cos).sum(1)
            p = (ys * cc - yc * sc) / (ss * cc - sc * sc)
            q = (yc * ss - ys * sc) / (ss * cc - sc * sc)
            turn = np.arctan2(q, p) - self._phase
            turn -= 2 * np.pi * np.round(turn / (2 * np.pi))
            rms = np.sqrt((outputs * outputs).mean(1))
            self._phase = np.where(counts, self._phase + turn, self._phase)
            self._amplitude = np.where(counts, np.hypot(p, q), self._amplitude)
            self._rms = np.where(counts, rms, self._rms)
            self._phi += np.where(counts, self._phase, 0)
            self._k_phi += np.where(counts, self._seen * self._phase, 0)
        self._seen += 1

    def drift(self) -> Floats:
        """Fit the slope of the phase, radians per period: (batch,).

        Infinite without a phase, NaN if there was only one window.
        """
        n = self._windows_of.astype(np.float64)
        k, kk = n * (n - 1) / 2, n * (n - 1) * (2 * n - 1) / 6
        with np.errstate(invalid="ignore"):
            slope = (n * self._k_phi - k * self._phi) / (n * kk - k**2)
        alive = self._amplitude >= FLAT * np.maximum(self._sines.amplitude, self._rms)
        return np.where(alive, slope * self._sines.steps_per_period / self._window, np.inf)

    def amplitude_error(self) -> Floats:
        """Compute the relative error of the amplitude in the last whole window: (batch,)."""
        return self._amplitude / self._sines.amplitude - 1


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
