"""The rows of params.yaml over seeds: how long they train, and what they come to."""

from typing import Any

import numpy as np

from stages.networks.model_file import Model
from stages.networks.network import Network
from stages.settings.model import NetworkRow
from stages.train import train
from tools.bench.measure import (
    BlogLoop,
    Row,
    Task,
    bound,
    cpu_seconds,
    judged,
    over_seeds,
    settings,
    task,
)
from tools.bench.page import BOUND

SEEDS = {"stable": 10, "innovation": 10, "innovation_noisy": 5}  # of others one: the row's own
HELD_OUT = 1000  # the first of the seeds that nobody looked at while the recipe was made


def names() -> list[str]:
    """Return the rows of `models`."""
    return list(settings().models)


def measure(name: str, *, held_out: bool, quick: bool) -> list[Row]:
    """Return what a row comes to: one table row, over all its seeds.

    time: of training, in units of the blog's own loop. attempts: networks drawn for a seed.
    """
    row = settings().models[name]
    where = task(row.dataset, quick=quick)
    blog = BlogLoop(quick=quick)
    seconds, attempts, runs, parameters = [], [], [], 0
    for seed in seeds_of(name, row, held_out=held_out, quick=quick):
        seeded = row if seed is None else row.model_copy(update={"seed": seed})
        took, (model, _, curve) = cpu_seconds(
            lambda seeded=seeded: train(name, seeded, where.train, where.validation)
        )
        seconds.append(took)
        attempts.append(max((point["attempt"] for point in curve.rows), default=1))
        parameters = model.parameters
        runs.append(judged(in_double(model), where))
    whole = blog.seconds()
    found: Row = {"name": f"`{name}`", "units": getattr(row, "hidden_size", 0)}
    found |= {"parameters": parameters, **over_seeds(runs), "time": float(np.median(seconds))}
    found |= {"time_worst": max(seconds), "attempts": ", ".join(map(str, attempts))}
    found |= {key: found[key] / whole for key in ("time", "time_worst")}
    return [found | {"settings": "held-out seeds" if held_out else "the row of params.yaml"}]


def seeds_of(name: str, row: Any, *, held_out: bool, quick: bool) -> list[int | None]:
    """Return the seeds under which a row is trained; None for the row as it stands."""
    if not isinstance(row, NetworkRow) or name not in SEEDS:
        return [None]
    first = HELD_OUT if held_out else 0
    return list(range(first, first + (1 if quick else SEEDS[name])))


def in_double(model: Model) -> Model:
    """Return the model as `evaluate` takes it: in float64."""
    if not isinstance(model, Network):
        return model
    return model.replace({key: value.astype(np.float64) for key, value in model.weights.items()})


def measure_bound(where: Task) -> list[Row]:
    """Return what the Cramér–Rao bound leaves, in noise."""
    return [{"name": BOUND, "units": 0, "parameters": 0, **bound(where)}]
