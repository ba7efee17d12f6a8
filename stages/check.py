"""Check the whole of params.yaml: every section by its schema, and what no single one can see.

No stage depends on this module in dvc.yaml: it can refuse to run, and never changes a result.
"""

import argparse
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from stages.core.rules import Gate
from stages.settings import document, entry, params
from stages.settings.dataset import Dataset, as_range
from stages.settings.document import Mistake, Part
from stages.settings.evaluation import BLOCK, SHOWN_PERIODS, Evaluation
from stages.settings.model import CHECKED, LevenbergMarquardt, ModelRow
from stages.settings.plot import Appearance

REQUIRED = ("datasets", "models", "evaluate", "plot")
SECTIONS = (*REQUIRED, "gate")
RESERVED = {
    "datasets": (),
    "models": ("cards", "datasets", "figures", "plots"),
}  # other folders of reports/
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

MOST_NUMBERS = 200_000_000  # in memory at one time: 1.6 GB
MOST_WEIGHTS = 50_000_000  # of a network; Adam keeps four numbers for each
MOST_FITTED = 10_000  # weights of a cell; Levenberg-Marquardt keeps matrices of their square
MOST_STEPS = 100_000_000  # of a free run: about an hour for 64 sequences and 16 units
GATES = {"rnn": 1, "gru": 3, "lstm": 4}

Row = TypeVar("Row", Dataset, ModelRow)


def check(path: Path) -> None:
    """Raise InputError, one line a mistake, unless every stage can run with this file."""
    root, mistakes = document.parse(path)
    mistakes = [*mistakes, *section_names(root)]
    datasets = rows(root, "datasets", Dataset, mistakes)
    models = rows(root, "models", ModelRow, mistakes)
    for part, data in datasets.values():
        mistakes += data_fits(part, data)
    trained = []
    for part, model in models.values():
        wrong = []
        if model.dataset in datasets:
            wrong = list(training_fits(part, model, datasets[model.dataset][1]))
        mistakes += wrong
        trained += [] if wrong else [(part, model)]  # one mistake is told once
    if "evaluate" in root.parts:
        part = root.parts["evaluate"]
        evaluation, wrong = params.validate(part, Evaluation)
        mistakes += [*wrong, *dataset_known(part, root)]
        if evaluation and evaluation.dataset in datasets:
            mistakes += evaluation_fits(part, evaluation, *datasets[evaluation.dataset])
            for row, model in trained:
                mistakes += rollout_fits(row, model, evaluation, datasets)
    if "plot" in root.parts:
        mistakes += params.validate(root.parts["plot"], Appearance)[1]
    if "gate" in root.parts:
        mistakes += params.validate(root.parts["gate"], Gate)[1]
    if mistakes:
        raise document.input_error(mistakes)


def section_names(root: Part) -> Iterator[Mistake]:
    """Yield what is wrong with the names at the top level."""
    misspelt = set()
    for name, part in root.parts.items():
        if name not in SECTIONS:
            misspelt.add(params.nearest(str(name), SECTIONS))
            yield part.mistake(f"is not a section{params.known_keys(str(name), SECTIONS)}")
    for name in REQUIRED:
        if name not in root.parts and name not in misspelt:
            yield root.mistake(f"has no section {name}; expected {', '.join(REQUIRED)}")


def rows(
    root: Part, section: str, schema: type[Row], mistakes: list[Mistake]
) -> dict[str, tuple[Part, Row]]:
    """Return the rows of a section that have no mistake, and add the mistakes of the others."""
    found: dict[str, tuple[Part, Row]] = {}
    if section not in root.parts:
        return found
    part = root.parts[section]
    if not isinstance(part.value, dict) or not part.parts:
        mistakes.append(part.differs("rows, each a name with its settings below it"))
        return found
    mistakes += row_names(part, RESERVED[section])
    for name, row in part.parts.items():
        checked, wrong = params.validate(row, schema)
        mistakes += [*wrong, *dataset_known(row, root)]
        if checked:
            found[str(name)] = row, checked
    return found


def row_names(part: Part, reserved: tuple[str, ...]) -> Iterator[Mistake]:
    """Yield what is wrong with the names of rows: they become names of files and of stages."""
    lines: dict[str, tuple[str, int]] = {}
    for key, row in part.parts.items():
        name = str(key)
        if not NAME.fullmatch(name):
            yield row.mistake(
                "is no name for a row; expected up to 100 of the letters a to z, digits, _ and -, "
                "a letter or digit first"
            )
        elif name.lower() in reserved:
            yield row.mistake("has the name of a folder of reports/; expected another")
        other, line = lines.setdefault(name.lower(), (name, row.line))
        if other != name:
            yield row.mistake(
                f"differs from {other} on line {line} in case alone; "
                "expected another name, since some file systems take the two for one"
            )


def setting(part: Part, keys: str, value: object, expected: str) -> Mistake:
    """Say that a setting is not what was expected, where it is written down or has its default."""
    *outer, last = keys.split(".")
    for key in outer:
        part = part.parts.get(key, part)
    if last in part.parts:
        return part.parts[last].differs(expected)
    return part.mistake(f"has {last} {value} by default; expected {expected}")


def dataset_known(part: Part, root: Part) -> Iterator[Mistake]:
    """Yield that the dataset of a section or row is none of `datasets`."""
    dataset, datasets = part.parts.get("dataset"), root.parts.get("datasets")
    if dataset and isinstance(dataset.value, str) and datasets and datasets.parts:
        if dataset.value not in datasets.parts:
            near = params.known_keys(dataset.value, datasets.parts)
            yield dataset.differs(f"a row of datasets{near}")


def data_fits(part: Part, data: Dataset) -> Iterator[Mistake]:
    """Yield that a dataset is too large to be held in memory."""
    others = data.validation_sequences + data.test_sequences
    room = MOST_NUMBERS // 2 // data.steps - others
    if data.sequences > room:
        expected = f"{room} at most, of {data.steps} steps beside {others} for validation and test"
        if room < 1:
            expected = f"fewer steps than {data.steps}, or fewer validation and test sequences"
        yield setting(part, "sequences", data.sequences, f"{expected}: memory")


def training_fits(part: Part, model: ModelRow, data: Dataset) -> Iterator[Mistake]:
    """Yield what makes a dataset too short for a model's training, or too large."""
    steps, name = data.steps, f"datasets.{model.dataset}"
    if model.cell == "linear":
        room = MOST_NUMBERS // (data.sequences * steps) - 1
        if model.lags >= steps:
            expected = f"less than the {steps} steps of {name}"
            yield setting(part, "lags", model.lags, expected)
        elif model.lags > room:
            expected = f"{room} at most for the {data.sequences} sequences of {name}: memory"
            yield setting(part, "lags", model.lags, expected)
        return
    size, weights = model.hidden_size, count_weights(model)
    units = size * model.num_layers * (GATES[model.cell] + 2)
    room = MOST_NUMBERS // (steps * units)
    if weights > MOST_WEIGHTS:
        expected = (
            f"fewer units: with num_layers {model.num_layers} the network has {weights} weights, "
            f"and {MOST_WEIGHTS} are the most"
        )
        yield setting(part, "hidden_size", size, expected)
    elif min(CHECKED, data.sequences) > room:
        expected = f"fewer units, or fewer than the {steps} steps of {name}: memory"
        yield setting(part, "hidden_size", size, expected)
    elif (adam := model.training.adam) and adam.batch > room:
        expected = f"{room} at most for this network: memory"
        yield setting(part, "training.adam.batch", adam.batch, expected)
    elif least := model.training.levenberg_marquardt:
        yield from least_squares_fits(part, model, least, data)


def least_squares_fits(
    part: Part, model: ModelRow, least: LevenbergMarquardt, data: Dataset
) -> Iterator[Mistake]:
    """Yield what keeps Levenberg-Marquardt from running on a dataset."""
    place, name = "training.levenberg_marquardt", f"datasets.{model.dataset}"
    size, weights, steps = model.hidden_size, count_weights(model), data.steps - 1
    counted = steps - least.warmup
    if counted < 1:
        expected = f"{steps - 1} at most: a sequence of {name} has {steps} predictions"
        yield setting(part, f"{place}.warmup", least.warmup, f"{expected}, and one must count")
        return
    # Of each counted prediction, derivatives by all weights and by all that the layers receive.
    derivatives = max(weights, 2 * steps * GATES[model.cell] * size * model.num_layers)
    room = MOST_NUMBERS // (2 * counted * derivatives)
    if weights > MOST_FITTED:
        expected = (
            f"fewer units: the network has {weights} weights, and levenberg_marquardt takes "
            f"{MOST_FITTED} at most; train a larger one with adam"
        )
        yield setting(part, "hidden_size", size, expected)
    elif room < 1:
        expected = f"fewer units, or fewer than the {data.steps} steps of {name}: memory"
        yield setting(part, "hidden_size", size, expected)
    elif min(least.sequences, data.sequences) > room:
        expected = f"{room} at most for this network and {name}: memory"
        yield setting(part, f"{place}.sequences", least.sequences, expected)


def count_weights(model: ModelRow) -> int:
    """Return the number of weights of the cell."""
    size, gates = model.hidden_size, GATES[model.cell]
    first, other = size * (size + 3), size * (2 * size + 2)
    return gates * (first + (model.num_layers - 1) * other)


def evaluation_fits(
    part: Part, evaluation: Evaluation, row: Part, data: Dataset
) -> Iterator[Mistake]:
    """Yield what makes the test sequences too short for the warm-up, or the horizon too long.

    row: the part of the dataset.
    """
    most, period = data.steps - 2, longest_period(data)
    if evaluation.warmup > most:
        expected = f"{most} at most: a sequence of {row.location} has {most + 1} predictions"
        yield setting(part, "warmup", evaluation.warmup, f"{expected}, and one must count")
    if evaluation.periods * period > MOST_STEPS:
        expected = (
            f"{int(MOST_STEPS / period)} at most: one period of {row.location} is {period:.4g} "
            f"steps, and a free run takes {MOST_STEPS} steps at most"
        )
        yield setting(part, "periods", evaluation.periods, expected)
    elif data.test_sequences > (room := int(MOST_NUMBERS / max(period, BLOCK))):
        expected = f"{room} at most, since evaluate.dataset is {evaluation.dataset}: memory"
        yield setting(row, "test_sequences", data.test_sequences, expected)


def rollout_fits(
    part: Part,
    model: ModelRow,
    evaluation: Evaluation,
    datasets: dict[str, tuple[Part, Dataset]],
) -> Iterator[Mistake]:
    """Yield what keeps a model from being evaluated: its time step, or too many states."""
    data = datasets[evaluation.dataset][1]
    trained = datasets[model.dataset][1] if model.dataset in datasets else data
    if trained.time_step != data.time_step:
        yield part.parts["dataset"].differs(
            f"a row with the time step of evaluate.dataset {evaluation.dataset}, "
            f"{data.time_step:.6g}, got {trained.time_step:.6g}: give both the same steps and span"
        )
    key = "lags" if model.cell == "linear" else "hidden_size"
    size = getattr(model, key)
    kept = max(data.test_sequences * max(data.steps, BLOCK), SHOWN_PERIODS * longest_period(data))
    room = int(MOST_NUMBERS / kept)
    if 1 <= room < size:  # with none for any size, the dataset has a mistake of its own
        expected = (
            f"{room} at most for the {data.test_sequences} test sequences of evaluate.dataset: "
            "memory"
        )
        yield setting(part, key, size, expected)


def longest_period(data: Dataset) -> float:
    """Return the steps of the longest period: 2π/(ωΔ)."""
    return 2 * math.pi / (as_range(data.frequency)[0] * data.time_step)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.check",
        description=__doc__,
        epilog="Exit codes: 0 no mistake in params.yaml, 2 mistakes, one a line.",
    )
    parser.add_argument("file", type=Path, nargs="?", default="params.yaml", help="file to check")
    path = parser.parse_args().file
    check(path)
    print(f"{path}: no mistakes")


if __name__ == "__main__":
    entry.run(main)
