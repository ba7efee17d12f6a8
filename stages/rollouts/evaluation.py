"""Evaluate a model on the test sequences of its task."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.baselines.model import Model
from stages.rollouts import metrics
from stages.rollouts.regimes import free_running, memory_wiped, teacher_forced
from stages.signals.bound import forecast_rmse
from stages.signals.sines import Floats, Sines

CURVE_POINTS = 60
COLD_STEPS = 49  # steps of the cold start: as many as in the blog's test


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

    @property
    def past(self) -> Floats:
        """The warm-up of all sequences: (batch, warmup, 1)."""
        return self.sines.values[:, : self.warmup]

    def horizons(self) -> Floats:
        """Choose the horizons [periods] of the RMSE curve: from one step to the whole horizon."""
        first = 1 / float(self.sines.steps_per_period.max())
        curve = np.geomspace(first, self.periods, CURVE_POINTS)
        return np.unique(np.concatenate((curve[:-1], self.named_horizons())))

    def named_horizons(self) -> list[float]:
        """Choose the horizons [periods] of the RMSE metrics: powers of ten, then the whole one."""
        powers = [10.0**k for k in range(6) if 10**k < self.periods]
        return [*powers, float(self.periods)]


def run_freely(subject: Subject) -> tuple[metrics.FreeRun, Floats, Floats]:
    """Measure the free run over the horizon.

    Returns its metrics, and the outputs (time,) and hidden states (time, hidden) of the first
    sequence.
    """
    ends = metrics.count_steps(subject.sines, subject.periods)
    outputs, hidden = free_running(subject.model, subject.past, ends)
    protocol = {"warmup": subject.warmup, "horizons": subject.horizons()}
    result = metrics.measure(subject.sines, outputs[:, :, 0], **protocol)
    return result, outputs[0, : ends[0], 0], hidden


def report(subject: Subject, result: metrics.FreeRun) -> dict[str, Any]:
    """Collect all metrics of a model, as metrics.json has them."""
    sines, named = subject.sines, subject.named_horizons()
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
    if sines.noise > 0:
        bounds = {}
        for n in named:
            counts = metrics.count_steps(sines, n)
            rmse = forecast_rmse(sines, counts, noise=sines.noise, warmup=subject.warmup)
            bounds[metrics.horizon_name(n)] = metrics.metric(rmse)
        collected["bound"] = bounds
    return collected


def one_step_metrics(subject: Subject) -> dict[str, Any]:
    """Measure one-step predictions, with the hidden state and with zeros, and the cold start.

    Errors are differences from the noise-free truth. The cold start is a free run after one true
    value, from the carried state if there is one.
    """
    values, after = subject.sines.values, slice(subject.warmup, None)
    x = values[:, :-1]
    truth = subject.sines.truth(np.arange(1, values.shape[1]))[:, after, None]
    predictions, _, _ = teacher_forced(subject.model, x)
    wiped = memory_wiped(subject.model, x)
    state = None
    if subject.carried is not None:
        state = np.repeat(subject.carried, len(values), axis=0)
    cold, _ = free_running(subject.model, values[:, :1], COLD_STEPS, state)
    cold_truth = subject.sines.truth(np.arange(1, COLD_STEPS + 1))[:, :, None]
    return {
        "teacher_forced": metrics.one_step(predictions[:, after], truth),
        "cold_start": {"mse": metrics.one_step(cold, cold_truth)["mse"]},
        "memory_wiped": {"rmse": metrics.one_step(wiped[:, after], truth)["rmse"]},
    }
