"""What all measurements share: tasks, CPU seconds, the blog's own loop, and how a model is judged.

Times are CPU seconds of this process, which has one thread: what else runs on the machine hardly
counts. Only ratios within one measurement mean anything.
"""

import contextlib
import io
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from stages.generate import generate
from stages.networks.model_file import Model
from stages.rollouts.metrics import FreeRun, FreeRunMeter, count_steps
from stages.rollouts.regimes import free_running
from stages.settings.whole import Settings, read
from stages.signals.bound import forecast_rmse
from stages.signals.sines import Sines
from tests.training.blog import blog_losses

torch.set_num_threads(1)

ROOT = Path(__file__).parents[2]
NAMED = (1.0, 10.0, 100.0)  # periods whose RMSE is told, beside the horizon
HOLDING = 0.5  # share of the sequences that must hold the named periods for the run to go on
QUICK_SEQUENCES, QUICK_PERIODS = 8, 10

Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """A row of `datasets`: its sequences, and how every model of them is judged."""

    name: str
    train: Sines
    validation: Sines
    test: Sines
    warmup: int
    periods: int

    @property
    def truth(self) -> np.ndarray:
        """Return what the training values are without noise: (batch, time, 1)."""
        return self.train.truth(np.arange(self.train.values.shape[1]))[:, :, None]


@cache
def settings() -> Settings:
    """Return what params.yaml says."""
    return read(ROOT / "params.yaml")


def task(name: str, *, quick: bool = False) -> Task:
    """Return a task; quick: with few sequences and a short horizon, for a smoke test."""
    row = settings().datasets[name]
    splits = generate(row)
    periods = row.periods
    if quick:
        splits = {split: some(sines, QUICK_SEQUENCES) for split, sines in splits.items()}
        periods = QUICK_PERIODS
    return Task(name, **splits, warmup=row.warmup, periods=periods)


def some(sines: Sines, count: int) -> Sines:
    """Return the first sequences."""
    arrays = ("values", "phase", "frequency", "amplitude")
    return replace(sines, **{name: getattr(sines, name)[:count] for name in arrays})


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds that some work took, and what it returned; its output is dropped."""
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.process_time()
        result = work()
        return time.process_time() - start, result


def in_turns(works: dict[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Return the median of the seconds that each returns.

    They take turns, so that a slow minute of the machine meets all of them.
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            taken[name].append(work())
    return {name: statistics.median(found) for name, found in taken.items()}


def against(medians: dict[str, float], base: str) -> list[Row]:
    """Return a table row for each, with its ratio to one of them."""
    return [
        {"what": name, "seconds": found, "ratio": found / medians[base]}
        for name, found in medians.items()
    ]


class BlogLoop:
    """The blog's own training loop, timed when a measurement begins and again when it ends."""

    def __init__(self, *, quick: bool = False) -> None:
        self._iterations = 100 if quick else 1500
        self._sequences = generate(settings().datasets["blog"])["train"].values[:, :, 0]
        self._whole = len(self._sequences)
        self._run(50)
        self._first = self._run(self._iterations)

    def _run(self, iterations: int) -> float:
        torch.manual_seed(0)
        parts = nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1)
        seconds, _ = cpu_seconds(lambda: blog_losses(*parts, self._sequences[:iterations]))
        return seconds / iterations * self._whole

    def seconds(self) -> float:
        """Return the CPU seconds of the whole loop: the mean of before and now."""
        return (self._first + self._run(self._iterations)) / 2


def free_run(model: Model, sines: Sines, warmup: int, horizons: list[float]) -> FreeRun:
    """Return what a free run over the last of the horizons [periods] comes to."""
    meter = FreeRunMeter(sines, warmup, np.array(horizons))
    for block, _ in free_running(model, sines.values[:, :warmup], meter.ends):
        meter.add(block[:, :, 0])
    return meter.result()


def judged(model: Model, where: Task) -> Row:
    """Return the metrics of a model on the test sequences of a task.

    `held_N`: share of the sequences that held N periods; `rmse_N`: over the first N, pooled. The
    run goes on to the horizon where more than half of the sequences hold the named periods; else
    what is beyond them is not measured.
    """
    named = [periods for periods in NAMED if periods < where.periods]
    first = free_run(model, where.test, where.warmup, named)
    found = first
    if where.periods <= 100 or first.survived.mean() > HOLDING:
        found = free_run(model, where.test, where.warmup, [*named, float(where.periods)])
    row: Row = {}
    for periods, rmse in zip(found.horizons.tolist(), found.rmse.tolist(), strict=True):
        held = found.valid_periods >= periods - 1e-9
        if periods == found.horizons[-1]:
            held = found.survived
        row[f"held_{periods:g}"] = float(held.mean())
        row[f"rmse_{periods:g}"] = rmse
    row["vpt_median"] = float(np.median(found.valid_periods))
    row["vpt_min"] = float(found.valid_periods.min())
    return row


def bound(where: Task) -> Row:
    """Return the errors that the Cramér–Rao bound leaves, in noise."""
    named = [periods for periods in NAMED if periods <= where.periods]
    noise = {"noise": where.test.noise, "warmup": where.warmup}
    return {
        f"rmse_{n:g}": forecast_rmse(where.test, count_steps(where.test, n), **noise) for n in named
    }


def over_seeds(runs: list[Row]) -> Row:
    """Return medians and the worst over seeds of what `judged` returns of each."""
    row: Row = {"seeds": len(runs)}
    for key in dict.fromkeys(key for run in runs for key in run):
        values = [run.get(key, np.nan) for run in runs]
        if np.isnan(values).all():
            continue
        known = np.array([value for value in values if not np.isnan(value)])
        row[key] = float(np.median(known))
        row[f"{key}_worst"] = float(known.max() if key.startswith("rmse") else known.min())
    return row


def capped_error(model: Model, sines: Sines, warmup: int, periods: float) -> float:
    """Return the error of a free run by which settings are chosen: no error counts above 1.

    The root mean square over some periods of each sequence, in units of its amplitude. The cap
    keeps one lost sequence from hiding how the others fare.
    """
    ends = count_steps(sines, periods)
    squares, first = 0.0, 0
    for block, _ in free_running(model, sines.values[:, :warmup], int(ends.max())):
        steps = np.arange(first, first + block.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.abs(block[:, :, 0] - sines.truth(warmup + steps)) / sines.amplitude[:, None]
        error = np.where(error <= 1, error, 1)
        squares += float((np.where(steps < ends[:, None], error, 0) ** 2).sum())
        first += len(steps)
    return float(np.sqrt(squares / ends.sum()))
