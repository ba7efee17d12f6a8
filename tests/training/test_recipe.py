"""A recipe: phases in their order, drawn again until validation accepts."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from stages.settings.model import NetworkRow, with_defaults
from stages.training import recipe
from stages.training.recipe import Trained
from stages.training.sequences import Sequences
from tests.examples import sines

LM = {"phase": "levenberg_marquardt", "warmup": 20, "sequences": 4, "iterations": 2}
FRESH = LM | {"fresh": True, "free_steps": [-3, 1, 9], "noise": 0.1}
ADAM = {"phase": "adam", "iterations": 3, "learning_rate": 0.01}
RIDGE = {"phase": "ridge", "sequences": 8}
X = sines(8).values
DATA = Sequences(X, X)


def row(**changes: Any) -> NetworkRow:
    settings = {"dataset": "d", "cell": "rnn", "hidden_size": 4, "attempts": 1}
    settings |= {"initial": {"method": "echo_state"}, "training": [RIDGE]}
    return NetworkRow.model_validate(settings | changes)


def silent(*_: Any) -> Any:
    return lambda *_: None


def train(settings: NetworkRow, errors: Sequence[float] = (0.0,)) -> Trained:
    """Train with these validation errors, one for each attempt."""
    remaining = iter(errors)
    return recipe.train(settings, DATA, lambda _: next(remaining), silent)


@pytest.mark.parametrize(
    ("errors", "attempt"),
    [
        ([1e-7], 1),  # the first that is accepted ends it: no further error is asked for
        ([0.5, 1e-7], 2),
        ([1e-2, 1e-3, 1e-6], 3),  # exactly as asked for
        ([1e-3, 0.5, 1e-2], 1),  # else the best
        ([0.7, 0.5, 0.5], 2),  # the first of equals
    ],
)
def test_validation_decides_between_attempts(errors: list[float], attempt: int) -> None:
    best, error = train(row(attempts=3, accept={"rmse": 1e-6}), errors), errors[attempt - 1]
    assert (best.attempts, best.error, best.accepted) == (attempt, error, error <= 1e-6)
    # Each attempt has a stream of its own.
    random = np.random.default_rng([0, attempt - 1])
    alone, _ = recipe.train_attempt(row(), DATA, lambda _: 0.0, random, silent)
    for name, weight in alone.weights.items():
        assert torch.equal(weight, best.network.weights[name])


def test_phases_run_in_their_order_and_a_network_grows_where_asked() -> None:
    names: list[str] = []
    settings = row(training=[ADAM, RIDGE, LM])
    log = lambda attempt, phase: lambda i, seen, loss: names.append(f"{phase} {i}")  # noqa: E731
    recipe.train(settings, DATA, lambda _: 0.0, log)
    lm = [f"levenberg_marquardt {i}" for i in (1, 2)]
    assert names == ["adam 1", "adam 2", "adam 3", "ridge 1", *lm]
    larger = row(cell="innovation", products=2, training=[FRESH | {"products": 5}])
    assert train(larger).network.sizes.products == 5


def test_a_row_without_training_grows_its_free_run_within_a_sequence() -> None:
    mine, large = row(training=None), row(training=None, hidden_size=64)
    for past, short in itertools.product(range(1, 134), (True, False)):
        horizon = 1 if short else min(past, 80)
        phases = with_defaults(mine, "any sine", past, horizon).training
        free = [phase for phase in phases if phase.free_steps]
        assert (free[-1].warmup, free[-1].free_steps[-1]) == (past, horizon)
        ends = [phase.warmup + phase.free_steps[-1] for phase in free]
        assert sorted(ends) == ends
    assert {p.phase for p in with_defaults(large, "in noise", 30, 30).training} == {"adam"}
