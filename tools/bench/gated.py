"""GRU and LSTM as people train them, by Adam (Kingma and Ba 2015), with the pipeline's own phases.

One network is trained one step ahead alone, another then on its own free run, which grows longer.
The learning rate is chosen on validation sequences. At every look the free run of the validation
sequences is scored, and the best network of a phase goes on.
"""

import numpy as np

from stages.networks.network import Network
from stages.networks.predictor import Predictor
from stages.settings.model import NetworkRow
from stages.training import recipe
from stages.training.sequences import Sequences
from tools.bench.blog import blog_seconds
from tools.bench.measure import (
    Row,
    Task,
    capped_error,
    cpu_seconds,
    judged,
    over_seeds,
    some,
    truth,
)

UNITS = 64
LEARNING_RATES = (1e-3, 3e-3, 1e-2)
PILOT = 0.1  # share of the iterations with which the learning rates are compared
DECAY = 0.3  # of the learning rate in each of the phases
FREE_STEPS = (15, 30, 60)
LOOKS = 10  # at the validation sequences, in each phase
FAR = 10.0  # periods of the free run that is scored
ITERATIONS = {"phases": 250, "sines": 500, "noisy": 750}  # in each of the phases
PHASES = 1 + len(FREE_STEPS)


def row_of(cell: str, where: Task, rate: float, iterations: int, *, free: bool) -> NetworkRow:
    """Write the recipe: all iterations one step ahead, or a quarter and the rest on free runs."""
    adam = {"phase": "adam", "batch": 64, "clip": 1.0, "check_every": max(1, iterations // LOOKS)}
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


def train(row: NetworkRow, where: Task) -> recipe.Trained:
    """Train a network, scored by its free run of the validation sequences."""
    validation = some(where.validation, 64)

    def validate(network: Network) -> float:
        return capped_error(Predictor(network), validation, where.warmup, FAR)

    data = Sequences(where.train.values, truth(where.train))
    return recipe.train(row, data, validate, lambda *_: lambda *_: None)


def measure(cell: str, where: Task, *, quick: bool) -> list[Row]:
    """Train a GRU or LSTM one step ahead, and another on its free run: a table row for each."""
    count = 2 if quick else ITERATIONS[where.name]
    rows = []
    for how, free in ("one-step", False), ("free-run", True):
        before = blog_seconds(quick=quick)

        def fit(rate: float, share: float, free: bool = free) -> recipe.Trained:
            iterations = max(1, round(share * count))
            return train(row_of(cell, where, rate, iterations, free=free), where)

        searching, rate = cpu_seconds(
            lambda fit=fit: min(LEARNING_RATES, key=lambda rate: fit(rate, PILOT).error)
        )
        seconds, trained = cpu_seconds(lambda fit=fit, rate=rate: fit(rate, 1.0))
        model = Predictor(trained.network.double())  # as `evaluate` judges
        loop = np.mean([before, blog_seconds(quick=quick)])
        row: Row = {"name": f"{cell.upper()} {UNITS} {how}", "units": UNITS}
        row |= {"parameters": model.parameters, **over_seeds([judged(model, where)])}
        row |= {"time": seconds / loop, "search_time": searching / loop}
        rows.append(row | {"settings": f"learning rate {rate:g}, {PHASES * count} iterations"})
    return rows
