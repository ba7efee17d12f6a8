"""Generate tasks, measure CPU seconds and evaluate models, for all measurements.

Times are CPU seconds of this process, which has one thread. Only ratios within one measurement
mean anything.
"""

import contextlib
import io
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from stages.baselines.model import Model
from stages.generate import generate
from stages.rollouts import metrics
from stages.rollouts.metrics import count_steps
from stages.rollouts.regimes import free_running
from stages.settings.params_file import Settings, read
from stages.signals.dataset_file import ARRAYS
from stages.signals.sines import Sines
from tools.project import ROOT

NAMED = (1.0, 10.0, 100.0)  # periods over which the RMSE is reported, beside the horizon
HOLDING = 0.5  # the run goes on if a larger share of the sequences holds the NAMED periods
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


@cache
def settings() -> Settings:
    """Read params.yaml."""
    return read(ROOT / "params.yaml")


def task(name: str, *, quick: bool = False) -> Task:
    """Generate a task; quick: with few sequences and a short horizon, for a smoke test."""
    row = settings().datasets[name]
    splits, periods = generate(row), row.periods
    if quick:
        splits = {split: some(sines, QUICK_SEQUENCES) for split, sines in splits.items()}
        periods = QUICK_PERIODS
    return Task(name, **splits, warmup=row.warmup, periods=periods)


def some(sines: Sines, count: int) -> Sines:
    """Take the first sequences."""
    return replace(sines, **{name: getattr(sines, name)[:count] for name in ARRAYS})


def truth(sines: Sines) -> np.ndarray:
    """Compute the values without noise: (batch, time, 1)."""
    return sines.truth(np.arange(sines.values.shape[1]))[:, :, None]


def seconds(
    work: Callable[[], Any], clock: Callable[[], float] = time.process_time
) -> tuple[float, Any]:
    """Run some work with its output hidden; return its CPU seconds and its result."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        start = clock()
        result = work()
        return clock() - start, result


def in_turns(
    works: dict[str, Callable[[], Any]], repeats: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Run works in turns, so that slow minutes slow all; return the median seconds of each."""
    rounds = [{n: seconds(work, clock)[0] for n, work in works.items()} for _ in range(repeats)]
    return {name: statistics.median(r[name] for r in rounds) for name in works}


def judged(model: Model, where: Task) -> Row:
    """Measure a model on the test sequences of a task.

    `held_N`: share of the sequences that held N periods. `rmse_N`: over the first N periods, all
    sequences pooled. The run goes on to the horizon only if more than half of the sequences hold
    the longest of the NAMED periods.
    """
    named = [periods for periods in NAMED if periods < where.periods]
    for horizons in (named, [*named, float(where.periods)]):
        ends = count_steps(where.test, horizons[-1])
        outputs, _ = free_running(model, where.test.values[:, : where.warmup], ends)
        protocol = {"warmup": where.warmup, "horizons": np.array(horizons)}
        run = metrics.measure(where.test, outputs[:, :, 0], **protocol)
        if run.survived.mean() <= HOLDING and where.periods > max(NAMED):
            break
    row: Row = {"vpt_median": float(np.median(run.valid_periods))}
    row["vpt_min"] = float(run.valid_periods.min())
    for periods, rmse in zip(run.horizons.tolist(), run.rmse.tolist(), strict=True):
        row[f"held_{periods:g}"] = float((run.valid_periods >= periods - 1e-9).mean())
        row[f"rmse_{periods:g}"] = rmse
    return row | {f"held_{run.horizons[-1]:g}": float(run.survived.mean())}


def over_seeds(runs: list[Row]) -> Row:
    """Compute the median and the worst over seeds of each number that `judged` measures."""
    row: Row = {"seeds": len(runs)}
    for key in dict.fromkeys(key for run in runs for key in run):
        values = np.array([run[key] for run in runs if key in run])
        row[key] = float(np.median(values))
        row[f"{key}_worst"] = float(values.max() if key.startswith("rmse") else values.min())
    return row


def capped_error(model: Model, sines: Sines, warmup: int, periods: float) -> float:
    """Compute the RMSE by which settings are chosen: of the free run, with errors clipped at 1.

    It is taken over some periods of each sequence, in units of the amplitude of the sequence. The
    clipping keeps one lost sequence from hiding the others.
    """
    ends = count_steps(sines, periods)
    steps = np.arange(ends.max())
    outputs = free_running(model, sines.values[:, :warmup], len(steps))[0][:, :, 0]
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(outputs - sines.truth(warmup + steps)) / sines.amplitude[:, None]
    error = np.where(error <= 1, error, 1)[steps < ends[:, None]]
    return float(np.sqrt(np.mean(error**2)))
