"""Train GRU and LSTM as is usual, by Adam (Kingma and Ba 2015), with the pipeline's own phases.

One network is trained only one step ahead. Another is first trained one step ahead, then on free
runs of growing length. The learning rate is chosen on validation sequences. Within a phase, the
free run of the validation sequences is scored CHECKS times; the best network enters the next phase.
"""

import numpy as np

from stages.networks.network import Network
from stages.networks.predictor import Predictor
from stages.settings.model import NetworkRow
from stages.training import recipe
from stages.training.sequences import Sequences
from tools.bench import measure as m
from tools.bench.blog import blog_seconds

UNITS = 64
LEARNING_RATES = (1e-3, 3e-3, 1e-2)
PILOT = 0.1  # share of the iterations in the runs that compare learning rates
DECAY = 0.3  # factor on the learning rate over each phase
FREE_STEPS = (15, 30, 60)
CHECKS = 10  # scores on the validation sequences in each phase
FAR = 10.0  # periods of the free run that is scored
ITERATIONS = {"phases": 250, "sines": 500, "noisy": 750}  # in each of the phases
LABELS = ("one-step", "free-run")
PHASES = 1 + len(FREE_STEPS)


def row_of(cell: str, where: m.Task, *, rate: float, iterations: int, free: bool) -> NetworkRow:
    """Write the recipe: all iterations one step ahead, or a quarter and the rest on free runs."""
    adam = {"phase": "adam", "batch": 64, "clip": 1.0, "check_every": max(1, iterations // CHECKS)}
    if free:
        longest = where.train.values.shape[1] - where.warmup
        lengths = [0, *(min(steps, longest) for steps in FREE_STEPS)]
        adam |= {"iterations": iterations, "decay": DECAY, "warmup": where.warmup}
        training = [
            adam | {"learning_rate": rate * DECAY**number, "free_steps": steps}
            for number, steps in enumerate(lengths)
        ]
    else:
        adam |= {"iterations": PHASES * iterations, "decay": DECAY**PHASES}
        training = [adam | {"learning_rate": rate}]
    drawn = {"precision": "float32", "initial": {"method": "uniform"}, "attempts": 1}
    return NetworkRow.model_validate(
        {"dataset": where.name, "cell": cell, "hidden_size": UNITS, "training": training} | drawn
    )


def train(row: NetworkRow, where: m.Task) -> tuple[Network, float]:
    """Train a network; return it with the error of its free run on the validation sequences."""
    validation = m.some(where.validation, 64)

    def validate(network: Network) -> float:
        return m.capped_error(Predictor(network), validation, where.warmup, FAR)

    data = Sequences(where.train.values, m.truth(where.train))
    network = recipe.train(row, data, validate, lambda *_: lambda *_: None).network
    return network, validate(network)


def measure(cell: str, name: str, *, quick: bool) -> list[m.Row]:
    """Train a GRU or LSTM one step ahead, and another on its free run: a table row for each."""
    where = m.task(name, quick=quick)
    return [measure_one(cell, where, free=free, quick=quick) for free in (False, True)]


def measure_one(cell: str, where: m.Task, *, free: bool, quick: bool) -> m.Row:
    """Choose the learning rate, train and judge."""
    before, count = blog_seconds(quick=quick), 10 if quick else ITERATIONS[where.name]

    def fit(rate: float, iterations: int) -> tuple[float, tuple[Network, float]]:
        row = row_of(cell, where, rate=rate, iterations=iterations, free=free)
        return m.seconds(lambda: train(row, where))

    pilots = {rate: fit(rate, round(PILOT * count)) for rate in LEARNING_RATES}
    rate = min(pilots, key=lambda rate: pilots[rate][1][1])
    seconds, (network, _) = fit(rate, count)
    model = Predictor(network.double())  # as `evaluate` judges
    loop = np.mean([before, blog_seconds(quick=quick)])
    row: m.Row = {"name": f"{cell.upper()} {UNITS} {LABELS[free]}", "units": UNITS}
    row |= {"parameters": model.parameters, **m.over_seeds([m.judged(model, where)])}
    row |= {"time": seconds / loop, "search_time": sum(s for s, _ in pilots.values()) / loop}
    return row | {"settings": f"learning rate {rate:g}, {PHASES * count} iterations"}
