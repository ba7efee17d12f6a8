"""What the stages do between the rooms and the files."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages import evaluate, train
from stages.files import InputError
from stages.generate import distributions, generate, shown_sequences
from stages.networks import model_file
from stages.settings.dataset import Dataset
from stages.settings.model import Lags, NetworkRow
from stages.settings.params_file import Settings
from stages.settings.plot import Plot
from stages.signals import dataset_file
from tests.examples import any_sines, sines


def dataset(**changes: Any) -> Dataset:
    return Dataset.model_validate({"warmup": 20, "periods": 5} | changes)


def test_splits_are_disjoint_and_their_streams_independent() -> None:
    counts = {"sequences": 500, "validation_sequences": 500, "test_sequences": 500}
    drawn = generate(dataset(**counts, steps=30, frequency=[0.5, 1.5], noise=0.1))
    assert {split.values.shape for split in drawn.values()} == {(500, 30, 1)}
    for quantity in ("phase", "frequency"):
        values = [getattr(drawn[split], quantity) for split in dataset_file.SPLITS]
        assert len(np.unique(np.concatenate(values))) == 1500
        for one, other in itertools.combinations(values, 2):
            assert abs(np.corrcoef(one, other)[0, 1]) < 4 / math.sqrt(500)
    noises = [drawn[s].values[:, 0, 0] - drawn[s].truth(np.zeros(1))[:, 0] for s in drawn]
    for one, other in itertools.combinations(noises, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / math.sqrt(500)


def test_test_sequences_can_be_those_of_another_row() -> None:
    """The blog's network is judged on phases that it was not trained on."""
    phases = generate(dataset(seed=2, test_sequences=9))
    blog = generate(
        dataset(seed=1, test_sequences=9, phase=[0, 1, 2], test_seed=2, test_phase="uniform")
    )
    np.testing.assert_array_equal(blog["test"].values, phases["test"].values)
    assert set(blog["train"].phase) == set(blog["validation"].phase) == {0.0, 1.0, 2.0}
    other = generate(dataset(seed=3, test_sequences=9))
    for split in dataset_file.SPLITS:
        assert not np.isin(phases[split].phase, other[split].phase).any()


def test_shown_sequences_are_the_first_that_differ() -> None:
    split = sines(200, 9, phase=[0, 1, 2])
    shown = np.array(list(shown_sequences(split)))
    numbers = np.unique(shown[:, 0]).astype(int) - 1
    assert sorted(split.phase[numbers]) == [0, 1, 2]
    firsts = [int(np.flatnonzero(split.phase == phase)[0]) for phase in (0, 1, 2)]
    assert sorted(firsts) == numbers.tolist()
    for number in numbers:
        _, periods, values, truth = shown[shown[:, 0] == number + 1].T
        np.testing.assert_array_equal(values, split.values[number, :, 0])
        np.testing.assert_array_equal(truth, values)
        np.testing.assert_allclose(periods, np.arange(9) / split.steps_per_period[0])


def test_distributions_share_out_all_sequences() -> None:
    collected: dict[str, list[tuple[float, ...]]] = {}
    split = any_sines(1000, 3)
    for quantity, *row in distributions(split):
        collected.setdefault(quantity, []).append(tuple(row))
    assert set(collected) == {"phase", "frequency", "amplitude"}
    for quantity, rows in collected.items():
        lows, highs, shares = np.array(rows).T
        values = getattr(split, quantity)
        assert shares.sum() == pytest.approx(1)
        assert lows[0] == values.min() and highs[-1] == values.max()
        np.testing.assert_array_equal(lows[1:], highs[:-1])
    few = [row for row in distributions(sines(100, 3, phase=[0, 2])) if row[0] == "phase"]
    assert [row[1:3] for row in few] == [(0.0, 0.0), (2.0, 2.0)]


def test_the_training_curve_counts_steps_over_phases_and_attempts() -> None:
    curve = train.Curve("row")
    adam = curve.report(0, "adam")
    for iteration in range(1, 201):
        adam(iteration, iteration * 49, 1 / iteration)
    ridge = curve.report(1, "ridge")
    ridge(1, 5000, 1e-6)
    table = curve.table()
    # Every iteration up to the hundredth, then every hundredth.
    assert table["attempt"] == [1] * 101 + [2]
    assert table["phase"] == ["adam"] * 101 + ["ridge"]
    assert table["iteration"] == [*range(1, 101), 200, 1]
    assert table["steps_seen"][-3:] == [4900, 9800, 14800]
    assert table["loss"][-3:] == [1 / 100, 1 / 200, 1e-6]


def test_facts_say_what_the_model_was_trained_on() -> None:
    phase = {"phase": "levenberg_marquardt", "warmup": 12, "iterations": 1, "sequences": 3}
    training = [phase, phase | {"products": 5}]
    row = NetworkRow.model_validate(
        {"dataset": "d", "cell": "innovation", "products": 3, "training": training}
    )
    split = any_sines(9)
    _, facts = train.train_sines("row", row, split, split, train.Curve("row"))
    # It grew in training.
    assert (facts.cell, facts.dataset, facts.products, facts.lags) == ("innovation", "d", 5, 1)
    assert facts.time_step == split.time_step
    assert facts.frequency == [split.frequency.min(), split.frequency.max()]
    assert facts.amplitude == [split.amplitude.min(), split.amplitude.max()]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A model file and the dataset file of its task, `d`."""
    splits = generate(dataset(sequences=4, test_sequences=5))
    dataset_file.save(tmp_path / "d.npz", splits)
    row = Lags.model_validate({"dataset": "d", "cell": "linear", "lags": 2})
    parts = splits["train"], splits["validation"]
    model_file.save(tmp_path / "m", *train.train_sines("row", row, *parts, train.Curve("row")))
    return tmp_path / "m", tmp_path / "d.npz"


def settings(**tasks: Dataset) -> Settings:
    return Settings(tasks, {}, Plot(), {})


def test_a_model_is_judged_on_the_test_sequences_of_its_own_task(files: tuple[Path, Path]) -> None:
    tasks = settings(a=dataset(warmup=3, periods=2), d=dataset(warmup=7, periods=9))
    subject, facts = evaluate.load(*files, tasks)
    assert (facts.dataset, subject.warmup, subject.periods) == ("d", 7, 9)
    expected = generate(dataset(sequences=4, test_sequences=5))["test"]
    np.testing.assert_array_equal(subject.sines.values, expected.values)


def test_a_dataset_that_the_model_does_not_fit_is_refused(files: tuple[Path, Path]) -> None:
    model, data = files
    with pytest.raises(InputError, match="expected 22 at least"):
        dataset_file.save(data, generate(dataset(steps=21, span=10 / 49 * 20, warmup=19)))
        evaluate.load(model, data, settings(d=dataset()))
    with pytest.raises(InputError, match="time_step is 0.25; expected 0.204082"):
        dataset_file.save(data, generate(dataset(steps=41)))
        evaluate.load(model, data, settings(d=dataset()))
    with pytest.raises(InputError, match="has no row d"):
        evaluate.load(model, data, settings(other=dataset()))


@pytest.mark.parametrize("device", ["meta", "gpu0", "xpu"])
def test_a_device_that_torch_does_not_have_here_is_refused(device: str) -> None:
    row = NetworkRow(cell="rnn", dataset="phases", device=device)
    with pytest.raises(InputError, match=f"is {device}; expected a device that torch has here"):
        train.check_network("mine", row, Settings({}, {"mine": row}, Plot(), {}))
