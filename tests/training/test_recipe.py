"""A recipe: phases in their order, drawn again on the word of the validation sequences alone."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stages.networks.network import Network
from stages.settings.model import NetworkRow
from stages.signals.sines import Sines
from stages.training import recipe
from tests.examples import any_sines, sines

LM = {"phase": "levenberg_marquardt", "warmup": 20, "sequences": 4, "iterations": 2}
ADAM = {"phase": "adam", "iterations": 3, "learning_rate": 0.01}
RIDGE = {"phase": "ridge", "sequences": 8}


def row(**changes: Any) -> NetworkRow:
    settings = {"dataset": "d", "cell": "rnn", "hidden_size": 4, "attempts": 1}
    return NetworkRow.model_validate(settings | changes)


def trained(settings: NetworkRow, drawn: Sines, validation: Sines | None = None) -> recipe.Trained:
    silent = lambda attempt, phase: lambda *_: None  # noqa: E731
    return recipe.train(settings, drawn, validation or sines(4, seed=9), silent)


def weights(found: recipe.Trained) -> np.ndarray:
    return np.concatenate([value.ravel() for value in found.network.weights.values()])


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the validation sequences say of each attempt, in order."""
    said: list[float] = []
    monkeypatch.setattr(recipe, "free_run_error", lambda *_: said.pop(0))
    return said


def attempt(number: int) -> np.ndarray:
    """Return the weights that an attempt of the row draws and trains."""
    sequences = recipe.Sequences(sines(8).values, sines(8).values)
    random = np.random.default_rng([0, number])
    network, _ = recipe.once(row(training=[RIDGE]), sequences, random, lambda _: lambda *_: None)
    return np.concatenate([value.ravel() for value in network.weights.values()])


@pytest.mark.parametrize(
    ("found", "kept", "left"),
    [
        ([1e-7, 1e-9], 0, 1),  # good enough: no more is drawn
        ([0.5, 1e-7, 1e-9], 1, 1),  # one that loses a sequence is drawn again
        ([1e-3, 0.5, 1e-2], 0, 0),  # none is good enough: the best is kept
        ([0.5, 0.7, 1e-2], 2, 0),
        ([1e-2, 1e-3, 1e-6], 2, 0),  # just good enough
        ([0.7, 0.5, 0.5], 1, 0),  # all fail: the least bad, the first of equals
    ],
)
def test_the_validation_sequences_decide_which_attempt_is_kept(
    errors: list[float], found: list[float], kept: int, left: int
) -> None:
    errors += found
    settings = row(training=[RIDGE], attempts=3, accept={"rmse": 1e-6})
    best = trained(settings, sines(8))
    assert best.error == found[kept]
    np.testing.assert_array_equal(weights(best), attempt(kept))
    assert len(errors) == left


def test_the_validation_sequences_are_run_as_the_row_accepts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(recipe, "free_run_error", lambda *a: asked.append(a[1:]) or 0.0)
    validation = sines(3)
    trained(row(training=[RIDGE], accept={"warmup": 7, "periods": 9}), sines(8), validation)
    assert asked == [(validation, 7, 9)]


def test_a_network_that_loses_a_validation_sequence_is_drawn_again() -> None:
    """No stub: six units are few, so four draws lose a sequence before one holds them roughly."""
    accept = {"warmup": 20, "periods": 20, "rmse": 2e-5}
    settings = row(hidden_size=6, training=[RIDGE], attempts=10, accept=accept)
    drawn, validation = sines(8), sines(4, seed=9)
    sequences = recipe.Sequences(drawn.values, drawn.values)
    errors = []
    for number in range(7):
        random = np.random.default_rng([0, number])
        network, _ = recipe.once(settings, sequences, random, lambda _: lambda *_: None)
        errors.append(recipe.free_run_error(network, validation, 20, 20))
    # One lost sequence of four, all wrong, leaves a half of the amplitude.
    assert min(errors[:4]) >= 0.5
    assert 2e-5 < errors[4] < errors[5] < 0.1 and errors[6] <= 2e-5
    assert trained(settings, drawn, validation).error == errors[6]
    fewer = settings.model_copy(update={"attempts": 6})
    assert trained(fewer, drawn, validation).error == errors[4]


def test_the_same_seed_gives_the_same_weights_and_another_gives_others() -> None:
    phases = [ADAM, LM]
    first, again, other = (
        trained(row(training=phases, seed=seed), any_sines(8)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(weights(first), weights(again))
    assert (weights(first) != weights(other)).all()


def test_phases_run_in_their_order_and_each_begins_where_the_last_one_ended() -> None:
    said: list[tuple[str, int, float]] = []

    def reports(attempt: int, phase: str) -> Any:
        return lambda iteration, seen, loss: said.append((phase, iteration, loss))

    drawn = sines(8)
    recipe.train(row(training=[ADAM, RIDGE, LM]), drawn, sines(4), reports)
    assert [phase for phase, _, _ in said] == [
        *["adam"] * 3,
        "ridge",
        *["levenberg_marquardt"] * 2,
    ]
    # The same phases one at a time.
    random = np.random.default_rng([0, 0])
    sequences = recipe.Sequences(drawn.values, drawn.truth(np.arange(50))[:, :, None])
    silent = lambda *_: None  # noqa: E731
    settings = row(training=[ADAM, RIDGE, LM])
    network = recipe.drawn(settings, random)
    network, _ = recipe.run_adam(network, settings.training[0], sequences, silent)
    network = recipe.run_ridge(network, settings.training[1], sequences, random, silent)
    problem = recipe.problem_of(settings.training[2], sequences, random)
    assert said[-1][2] < problem.at(network).loss / (4 * len(problem.rollout.counted))


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "innovation"])
def test_initial_weights_are_those_of_the_row(cell: str) -> None:
    def drawn(**initial: Any) -> Network:
        settings = row(cell=cell, training=[LM], initial=initial, products=5)
        return recipe.drawn(settings, np.random.default_rng(0))

    wide = drawn(method="uniform")
    assert all(np.abs(value).max() <= 0.5 for value in wide.weights.values())
    echo = drawn(method="echo_state", spectral_radius=0.7)
    matrix = echo.weights.get("rnn.weight_hh_l0", echo.weights.get("wave"))
    matrix = matrix[:, 2:6] if cell == "innovation" else matrix[:4]
    assert np.abs(np.linalg.eigvals(matrix)).max() == pytest.approx(0.7)
    if cell != "innovation":
        small = drawn(method="normal", sd=1e-5)
        assert 0 < np.abs(small.weights["rnn.weight_hh_l0"]).max() < 1e-4


def test_in_noise_the_targets_are_the_values_without_it() -> None:
    """A read-out fitted to the truth does better on it than one fitted to the noisy values."""
    noisy = replace(any_sines(8, 50, noise=0.2), phase=np.zeros(8))
    asked: list[recipe.Sequences] = []
    once = recipe.once

    def seen(settings: NetworkRow, sequences: recipe.Sequences, *rest: Any) -> Any:
        asked.append(sequences)
        return once(settings, sequences, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "once", seen)
        trained(row(training=[RIDGE]), noisy)
    np.testing.assert_array_equal(asked[0].values, noisy.values)
    np.testing.assert_array_equal(asked[0].targets[:, :, 0], noisy.truth(np.arange(50)))


def test_a_phase_of_levenberg_marquardt_is_the_problem_that_it_says() -> None:
    settings = row(training=[LM | {"noise": 0.1, "cap": 0.5, "free_steps": [1, 5]}])
    sequences = recipe.Sequences(sines(8).values, sines(8, seed=3).values)
    problem = recipe.problem_of(settings.training[0], sequences, np.random.default_rng(0))
    assert problem.rollout.warmup == 20 and problem.rollout.counted == (1, 5)
    assert problem.cap == 0.5
    np.testing.assert_array_equal(problem.targets, sequences.targets[:4])
    noise = problem.inputs - sequences.values[:4]
    assert abs(noise.std() - 0.1) < 5 * 0.1 / math.sqrt(2 * noise.size)


def test_a_phase_on_a_stream_takes_the_network_that_it_asks_for() -> None:
    phase = {"phase": "recursive_levenberg_marquardt", "warmup": 20, "free_steps": [-3, 1, 9]}
    phase |= {"sequences": 16, "noise": 0.1, "iterations": 2}
    settings = row(cell="innovation", products=2, training=[phase, phase | {"products": 5}])
    found, again = (trained(settings, any_sines(8)) for _ in range(2))
    assert found.network.products == 5
    np.testing.assert_array_equal(weights(found), weights(again))


@pytest.mark.parametrize(
    ("steps", "expected"), [([1, 1], "ascending"), ([-9, 1], "no step before")]
)
def test_a_phase_on_a_stream_counts_predictions_that_there_are(
    steps: list[int], expected: str
) -> None:
    phase = {"phase": "recursive_levenberg_marquardt", "warmup": 10, "free_steps": steps}
    with pytest.raises(ValueError, match=expected):
        row(cell="innovation", training=[phase | {"sequences": 4, "iterations": 1}])


@pytest.mark.parametrize("warmup", [11, 12, 40])
def test_without_free_steps_all_predictions_count_from_the_tenth_on(warmup: int) -> None:
    settings = row(training=[LM | {"warmup": warmup}])
    sequences = recipe.Sequences(sines(8).values, sines(8).values)
    problem = recipe.problem_of(settings.training[0], sequences, np.random.default_rng(0))
    assert problem.rollout.steps == warmup
    assert problem.rollout.rows == [*range(warmup - 1, 9, -1)]


def test_rows_without_a_recipe_train_as_stable_does() -> None:
    """The defaults of a row are what params.yaml spells out for `stable`."""
    from ruamel.yaml import YAML

    from tests.conftest import ROOT

    spelled = YAML(typ="safe").load(ROOT / "params.yaml")["models"]["stable"]
    short = {"dataset": spelled["dataset"], "cell": "rnn"}
    assert NetworkRow.model_validate(short) == NetworkRow.model_validate(spelled)
