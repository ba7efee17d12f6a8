"""A recipe: phases in their order, drawn again until validation accepts."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stages.networks.model_file import CARRIED
from stages.settings.model import NetworkRow, with_defaults
from stages.train import spans
from stages.training import recipe
from stages.training import sines as on_sines
from stages.training.recipe import Trained
from stages.training.sequences import Sequences
from tests.examples import any_sines, sines

LM = {"phase": "levenberg_marquardt", "warmup": 20, "sequences": 4, "iterations": 2}
FRESH = LM | {"fresh": True, "free_steps": [-3, 1, 9], "noise": 0.1}
ADAM = {"phase": "adam", "iterations": 3, "learning_rate": 0.01}
RIDGE = {"phase": "ridge", "sequences": 8}
X = sines(8).values


def row(**changes: Any) -> NetworkRow:
    settings = {"dataset": "d", "cell": "rnn", "hidden_size": 4, "attempts": 1}
    settings |= {"initial": {"method": "echo_state"}, "training": [RIDGE]}
    return NetworkRow.model_validate(settings | changes)


def silent(attempt: int, phase: str) -> Any:
    return lambda *_: None


def train(settings: NetworkRow, *errors: float) -> Trained:
    """Train with validation errors of one's choice, of each attempt."""
    said = iter(errors or [0.0])
    return recipe.train(settings, Sequences(X, X), lambda _: next(said), silent)


def weights(trained: Trained) -> np.ndarray:
    tensors = trained.network.weights.values()
    return np.concatenate([weight.detach().numpy().ravel() for weight in tensors])


@pytest.mark.parametrize(
    ("errors", "attempt", "accepted"),
    [
        ([1e-7], 1, True),  # the first that is accepted ends it: no further error is asked for
        ([0.5, 1e-7], 2, True),
        ([1e-2, 1e-3, 1e-6], 3, True),  # exactly as asked for
        ([1e-3, 0.5, 1e-2], 1, False),  # else the best
        ([0.7, 0.5, 0.5], 2, False),  # the first of equals
    ],
)
def test_validation_decides_between_attempts(
    errors: list[float], attempt: int, accepted: bool
) -> None:
    best = train(row(attempts=3, accept={"rmse": 1e-6}), *errors)
    assert (best.attempts, best.accepted, best.error) == (attempt, accepted, errors[attempt - 1])
    # Each attempt has a stream of its own.
    alone, _ = recipe.train_attempt(
        row(),
        Sequences(X, X),
        lambda _: 0.0,
        np.random.default_rng([0, attempt - 1]),
        lambda _: lambda *_: None,
    )
    np.testing.assert_array_equal(weights(best), weights(replace(best, network=alone)))


@pytest.mark.parametrize(
    "changes",
    [
        {"training": [ADAM, RIDGE, LM]},
        {"cell": "lstm", "training": [ADAM | {"warmup": 5, "free_steps": 5}, LM]},
        {"cell": "innovation", "products": 2, "training": [FRESH, FRESH | {"products": 5}]},
    ],
)
def test_a_seed_gives_the_same_weights_to_the_last_bit_and_another_gives_others(
    changes: dict[str, Any],
) -> None:
    first, again, other = (weights(train(row(seed=seed, **changes))) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.95


def test_phases_run_in_their_order_and_a_network_grows_where_asked() -> None:
    names: list[str] = []
    settings = row(training=[ADAM, RIDGE, LM])
    log = lambda attempt, phase: lambda i, seen, loss: names.append(f"{phase} {i}")  # noqa: E731
    recipe.train(settings, Sequences(X, X), lambda _: 0.0, log)
    lm = [f"levenberg_marquardt {i}" for i in (1, 2)]
    assert names == ["adam 1", "adam 2", "adam 3", "ridge 1", *lm]
    larger = row(cell="innovation", products=2, training=[FRESH | {"products": 5}])
    assert train(larger).network.sizes.products == 5


@pytest.mark.parametrize(
    ("phase", "counted"),
    [
        (LM | {"warmup": 12}, (0, 1)),  # all predictions within the warm-up from the tenth on
        (LM | {"free_steps": [1, 5]}, (1, 5)),
        (FRESH, (-3, 1, 9)),
    ],
)
def test_a_phase_of_levenberg_marquardt_predicts_the_steps_of_the_row(
    phase: dict[str, Any], counted: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(recipe, "levenberg_marquardt", lambda *a, **k: calls.append((a, k)))
    train(row(training=[phase | {"soft_limit": 0.5, "forgetting": [0.8, 0.9]}]))
    [((_, rollout, draw), settings)] = calls
    assert (rollout.warmup, rollout.counted) == (phase["warmup"], counted)
    assert settings["soft_limit"] == 0.5
    assert settings["forgetting"] == ((0.8, 0.9) if "fresh" in phase else None)
    one, two = draw(), draw()
    assert one.inputs.shape == (4, phase["warmup"], 1)
    assert (one.inputs != two.inputs).any() == ("fresh" in phase)


def test_sequences_in_noise_are_trained_towards_their_truth(monkeypatch) -> None:
    noisy, data, train = any_sines(8, 50, noise=0.2), [], recipe.train
    monkeypatch.setattr(recipe, "train", lambda *a: data.append(a[1]) or train(*a))
    adam = ADAM | {"carry_hidden_state": True, "batch": 2}
    settings = row(training=[adam], accept={"periods": 1, "rmse": 1e-9})
    trained = on_sines.train_on_sines(settings, noisy, sines(4), silent)
    np.testing.assert_array_equal(data[0].values, noisy.values)
    np.testing.assert_array_equal(data[0].targets[:, :, 0], noisy.truth(np.arange(50)))
    # The carried state of the last sequence stands beside the weights.
    assert trained.tensors[CARRIED].shape == (1, 4) and not trained.accepted
    assert trained.facts["attempts"] == 1 and trained.facts["hidden_size"] == 4


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "innovation"])
def test_a_row_without_training_grows_its_free_run_within_a_sequence(cell: str) -> None:
    for steps in range(3, 400):
        mine = NetworkRow(cell=cell, dataset="d")
        past, horizon = spans(mine, any_sines(2, steps))
        phases = with_defaults(mine, "any sine", past, horizon).training
        free = [phase for phase in phases if phase.free_steps]
        assert free[-1].warmup == past and free[-1].free_steps[-1] == horizon
        ends = [phase.warmup + phase.free_steps[-1] for phase in free]
        assert sorted(ends) == ends and ends[-1] <= steps
    large = NetworkRow(cell=cell, dataset="d", hidden_size=64)
    assert {p.phase for p in with_defaults(large, "in noise", 30, 30).training} == {"adam"}
