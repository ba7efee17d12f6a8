"""Metrics of one-step predictions and of rollouts; the definitions stand in the README's glossary.

A metric that cannot be computed is a word instead of a number, `DIVERGED` or `NO_OSCILLATION`:
JSON has no NaN, and DVC drops null.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stages.signals.sines import Floats, Sines

DIVERGED = "diverged"
NO_OSCILLATION = "no oscillation"
Metric = float | str

VALID_ERROR = 0.4  # × amplitude, as for the valid prediction time of Vlachas et al. 2020
FLAT = 0.05  # × the true amplitude and × the outputs' RMS; below it a rollout has no phase


def one_step(predictions: Floats, targets: Floats) -> dict[str, Metric]:
    """Return mse, rmse and mae of predictions of any shape."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = predictions - targets
        mse = float(np.mean(error**2))
        mae = float(np.mean(np.abs(error)))
    return {"mse": metric(mse), "rmse": metric(math.sqrt(mse)), "mae": metric(mae)}


def metric(value: float) -> Metric:
    """Return the value with six significant digits, or `DIVERGED` where it is not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else DIVERGED


def count_steps(sines: Sines, periods: float) -> np.ndarray:
    """Return how many steps the first `periods` periods of each sequence take: (batch,)."""
    return np.ceil(periods * sines.steps_per_period - 1e-9).astype(np.int64)


@dataclass(frozen=True)
class FreeRun:
    """What a rollout of (batch, time) came to; nothing in it grows with its length.

    horizons: periods, ascending; rmse: over the first so many periods, all sequences pooled.
    valid_periods: until |error| first exceeded 0.4 × amplitude, or the horizon: (batch,).
    survived: whether it never did: (batch,). drift: radians per period, infinite without a phase.
    amplitude_error: relative, in the last whole period: (batch,).
    """

    horizons: Floats
    rmse: Floats
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
        # Two windows at least: a slope needs two points.
        window = min(int(np.ceil(sines.steps_per_period.max())), self.steps // 2)
        self._phases = PhaseMeter(sines, window)

    @property
    def steps(self) -> int:
        """Steps that the longest of the rollouts needs to cover the horizon."""
        return int(self._ends[-1].max())

    def add(self, outputs: Floats) -> None:
        """Take the next outputs of the rollout: (batch, steps)."""
        steps = np.arange(self.seen, self.seen + outputs.shape[1])
        truth = self.sines.truth(self._warmup + steps)
        with np.errstate(over="ignore", invalid="ignore"):
            error = outputs - truth
            squares = self._squares[:, None] + np.cumsum(error**2, axis=1)
            failed = ~(np.abs(error) <= VALID_ERROR * self.sines.amplitude[:, None])
        first = np.where(failed.any(axis=1), self.seen + 1 + failed.argmax(axis=1), np.inf)
        self._first_failure = np.minimum(self._first_failure, first)
        for row, ends in zip(self._squares_at, self._ends, strict=True):
            here = (ends > self.seen) & (ends <= self.seen + outputs.shape[1])
            row[here] = squares[here, ends[here] - self.seen - 1]
        self._squares = squares[:, -1]
        self._phases.add(outputs, self._warmup + steps)
        self.seen += outputs.shape[1]

    def result(self) -> FreeRun:
        """Return the result; the rollout must have been seen up to its horizon."""
        if self.seen < self.steps:
            raise ValueError(f"expected {self.steps} steps, got {self.seen}")
        horizon = float(self.horizons[-1])
        survived = self._first_failure > self._ends[-1]
        valid = np.minimum(self._first_failure / self.sines.steps_per_period, horizon)
        with np.errstate(over="ignore", invalid="ignore"):
            rmse = np.sqrt(self._squares_at.sum(axis=1) / self._ends.sum(axis=1))
        return FreeRun(
            horizons=self.horizons,
            rmse=rmse,
            valid_periods=np.where(survived, horizon, valid),
            survived=survived,
            drift=self._phases.drift(),
            amplitude_error=self._phases.amplitude_error(),
        )


class PhaseMeter:
    """Follows a rollout's phase relative to the truth, in windows of about one period.

    In each window p·sin θ + q·cos θ is fitted to the outputs by least squares, θ the true angle:
    exact for a sine of the true frequency, whatever the length of the window.
    """

    def __init__(self, sines: Sines, window: int) -> None:
        self._sines = sines
        self._window = window
        self._pending = np.empty((len(sines.phase), 0))
        self._windows = 0
        self._last_phase = np.zeros(len(sines.phase))
        self._amplitude = np.full(len(sines.phase), np.nan)
        self._rms = np.full(len(sines.phase), np.nan)
        # Sums for the slope of the phase over the windows: Σk, Σk², Σφ, Σkφ.
        self._k, self._kk = 0.0, 0.0
        self._phi, self._k_phi = np.zeros((2, len(sines.phase)))

    def add(self, outputs: Floats, steps: np.ndarray) -> None:
        """Take the next outputs (batch, time) at the true sines' time steps `steps`."""
        outputs = np.concatenate((self._pending, outputs), axis=1)
        first = int(steps[0]) - self._pending.shape[1]
        whole = outputs.shape[1] // self._window * self._window
        for start in range(0, whole, self._window):
            self._fit(outputs[:, start : start + self._window], first + start)
        self._pending = outputs[:, whole:]

    def _fit(self, outputs: Floats, first: int) -> None:
        sines = self._sines
        steps = np.arange(first, first + self._window) * sines.time_step
        angle = sines.phase[:, None] + sines.frequency[:, None] * steps
        sin, cos = np.sin(angle), np.cos(angle)
        ss, cc, sc = (sin * sin).sum(1), (cos * cos).sum(1), (sin * cos).sum(1)
        with np.errstate(over="ignore", invalid="ignore"):
            ys, yc = (outputs * sin).sum(1), (outputs * cos).sum(1)
            p = (ys * cc - yc * sc) / (ss * cc - sc * sc)
            q = (yc * ss - ys * sc) / (ss * cc - sc * sc)
            turn = np.arctan2(q, p) - self._last_phase
            phase = self._last_phase + turn - 2 * np.pi * np.round(turn / (2 * np.pi))
            self._amplitude = np.hypot(p, q)
            self._rms = np.sqrt((outputs * outputs).mean(1))
        k = self._windows
        self._k, self._kk = self._k + k, self._kk + k * k
        self._phi, self._k_phi = self._phi + phase, self._k_phi + k * phase
        self._last_phase, self._windows = phase, k + 1

    def drift(self) -> Floats:
        """Return the slope of the phase, radians per period; infinite without a phase: (batch,)."""
        n = self._windows
        slope = (n * self._k_phi - self._k * self._phi) / (n * self._kk - self._k**2)
        alive = self._amplitude >= FLAT * np.maximum(self._sines.amplitude, self._rms)
        return np.where(alive, slope * self._sines.steps_per_period / self._window, np.inf)

    def amplitude_error(self) -> Floats:
        """Return the relative error of the amplitude in the last whole window: (batch,)."""
        return self._amplitude / self._sines.amplitude - 1


def horizon_name(periods: float) -> str:
    """Return the name of the RMSE over the first `periods` periods."""
    return f"rmse_{periods:g}_periods"


def summary(result: FreeRun, named: Iterable[float]) -> dict[str, Metric | dict[str, Metric]]:
    """Return the `free_running` metrics; named: the horizons [periods] whose RMSE is reported."""
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
