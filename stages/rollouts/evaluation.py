"""Evaluate a model on the test sequences of its task."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.networks.model_file import Model
from stages.rollouts import metrics
from stages.rollouts.regimes import free_running, memory_wiped, teacher_forced
from stages.signals.bound import forecast_rmse
from stages.signals.sines import Floats, Sines

CURVE_POINTS = 60
EARLY_PERIODS = 12  # of a free run that are kept for the figures
LATE_PERIODS = 2
COLD_STEPS = 49  # of the blog's own test


@dataclass(frozen=True)
class Subject:
    """A model on the test sequences of its task.

    carried: the state (1, size) that training ended with, if it was carried through the training.
    warmup: steps of the true past; periods: horizon of the free run.
    """

    model: Model
    carried: Floats | None
    sines: Sines
    warmup: int
    periods: int

    def horizons(self) -> Floats:
        """Choose the periods at which the RMSE is taken: from one step to the horizon."""
        first = 1 / float(self.sines.steps_per_period.max())
        curve = np.geomspace(first, self.periods, CURVE_POINTS)
        return np.unique(np.concatenate((curve[:-1], self.named_horizons())))

    def named_horizons(self) -> list[float]:
        """Choose the periods whose RMSE is a metric: powers of ten up to the horizon, and it."""
        powers = [10.0**k for k in range(6) if 10**k < self.periods]
        return [*powers, float(self.periods)]


@dataclass(frozen=True)
class Shown:
    """The part of the first test sequence's free run that is drawn.

    steps: counted from the end of the warm-up; outputs: (time,); hidden: (time, hidden).
    """

    steps: np.ndarray
    outputs: Floats
    hidden: Floats


def run_freely(subject: Subject) -> tuple[metrics.FreeRun, Shown]:
    """Measure the free run over the horizon, and keep its first and last periods."""
    meter = metrics.FreeRunMeter(subject.sines, subject.warmup, subject.horizons())
    early, late, horizon = shown_steps(subject)
    steps, outputs, hidden = [], [], []
    past = subject.sines.values[:, : subject.warmup]
    for block, states in free_running(subject.model, past, meter.ends):
        here = np.arange(meter.seen, meter.seen + block.shape[1])
        shown = ((here < early) | (here >= late)) & (here < horizon)
        if shown.any():  # kept pieces, however small, would scatter the memory of the blocks
            steps.append(here[shown])
            outputs.append(block[0, shown, 0].copy())
            hidden.append(states[0, shown].copy())
        meter.add(block[:, :, 0])
    return meter.result(), Shown(*(np.concatenate(part) for part in (steps, outputs, hidden)))


def shown_steps(subject: Subject) -> tuple[int, int, int]:
    """Locate the end of the first periods in figures, and begin and end of the last ones.

    Counted from the end of the warm-up, for the first test sequence.
    """
    early, late, horizon = (
        int(metrics.count_steps(subject.sines, periods)[0])
        for periods in (EARLY_PERIODS, LATE_PERIODS, subject.periods)
    )
    return min(early, horizon), max(horizon - late, 0), horizon


def report(subject: Subject, result: metrics.FreeRun) -> dict[str, Any]:
    """Collect all metrics of a model, as metrics.json has them."""
    named = subject.named_horizons()
    one_step = one_step_metrics(subject)
    free = metrics.summary(result, named)
    errors = {"one_step": one_step["teacher_forced"]["rmse"]}
    errors |= {f"{n:g}_periods": free[metrics.horizon_name(n)] for n in named}
    collected = {
        "parameters": subject.model.parameters,
        **one_step,
        "free_running": free,
        "correct_digits": {name: metrics.correct_digits(rmse) for name, rmse in errors.items()},
    }
    if subject.sines.noise > 0:
        noise = {"noise": subject.sines.noise, "warmup": subject.warmup}
        collected["bound"] = {
            metrics.horizon_name(n): metrics.metric(
                forecast_rmse(subject.sines, metrics.count_steps(subject.sines, n), **noise)
            )
            for n in named
        }
    return collected


def one_step_metrics(subject: Subject) -> dict[str, Any]:
    """Measure the regimes in which the true past is given, and the cold start.

    Errors count against the noise-free truth.
    """
    values, after = subject.sines.values, slice(subject.warmup, None)
    x = values[:, :-1]
    truth = subject.sines.truth(np.arange(1, values.shape[1]))[:, :, None]
    predictions, _, _ = teacher_forced(subject.model, x)
    wiped = memory_wiped(subject.model, x)
    state = None
    if subject.carried is not None:
        state = np.repeat(subject.carried, len(values), axis=0)
    cold = free_running(subject.model, values[:, :1], COLD_STEPS, state)
    outputs = np.concatenate([block for block, _ in cold], axis=1)
    cold_truth = subject.sines.truth(np.arange(1, COLD_STEPS + 1))[:, :, None]
    return {
        "teacher_forced": metrics.one_step(predictions[:, after], truth[:, after]),
        "cold_start": {"mse": metrics.one_step(outputs, cold_truth)["mse"]},
        "memory_wiped": {"rmse": metrics.one_step(wiped[:, after], truth[:, after])["rmse"]},
    }
