"""The rows of params.yaml over seeds: the time of their training, and the errors of their runs."""

import numpy as np

from stages.networks.model_file import CARRIED, model_of
from stages.rollouts.metrics import count_steps
from stages.settings.model import NetworkRow, Row
from stages.signals.bound import forecast_rmse
from stages.train import Curve, train_sines
from tools.bench import measure as m
from tools.bench.blog import blog_seconds

SEEDS = {"stable": 10, "innovation": 10, "innovation_noisy": 5}  # other rows: their own seed only
HELD_OUT = 1000  # the first of the seeds that nobody looked at while making the recipes
BOUND = "Cramér–Rao bound"
HELD_OUT_SEEDS = "held-out seeds"


def measure(name: str, *, held_out: bool, quick: bool) -> list[m.Row]:
    """Train a row under all its seeds and judge it: one table row.

    time: of training, in units of the blog's own loop. attempts: networks drawn, for each seed.
    """
    row = m.settings().models[name]
    where = m.task(row.dataset, quick=quick)
    before, parts = blog_seconds(quick=quick), (where.train, where.validation)
    times, attempts, runs = [], [], []
    for seeded in seeds_of(name, row, held_out=held_out, quick=quick):
        taken, (tensors, facts) = m.seconds(
            lambda seeded=seeded: train_sines(name, seeded, *parts, Curve(name))
        )
        tensors.pop(CARRIED, None)
        model = model_of(facts, tensors)
        times.append(taken)
        attempts.append(str(facts.attempts))
        runs.append(m.judged(model, where))
    loop = np.mean([before, blog_seconds(quick=quick)])
    measured: m.Row = {"name": f"`{name}`", "units": getattr(row, "hidden_size", 0)}
    measured |= {"parameters": model.parameters, **m.over_seeds(runs)}
    measured |= {"attempts": ", ".join(attempts)}
    measured |= {"time": float(np.median(times)) / loop, "time_worst": max(times) / loop}
    return [measured | {"settings": HELD_OUT_SEEDS if held_out else "the row of params.yaml"}]


def seeds_of(name: str, row: Row, *, held_out: bool, quick: bool) -> list[Row]:
    """List a row under each of its seeds; the row alone where it has none."""
    if not isinstance(row, NetworkRow) or name not in SEEDS:
        return [row]
    first, count = HELD_OUT if held_out else 0, 1 if quick else SEEDS[name]
    return [row.model_copy(update={"seed": first + number}) for number in range(count)]


def measure_bound(name: str, *, quick: bool) -> list[m.Row]:
    """Compute the RMSEs of the Cramér–Rao bound for a task in noise: a table row."""
    where, row = m.task(name, quick=quick), {"name": BOUND, "units": 0, "parameters": 0}
    noise = {"noise": where.test.noise, "warmup": where.warmup}
    for n in (periods for periods in m.NAMED if periods <= where.periods):
        row[f"rmse_{n:g}"] = forecast_rmse(where.test, count_steps(where.test, n), **noise)
    return [row]
