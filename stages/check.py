"""Check the whole of params.yaml: every section by its schema, and what no single one can see.

No stage depends on this module in dvc.yaml: it can refuse to run, and never changes a result.
"""

import argparse
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from stages.core import document, entry, params
from stages.core.appearance import Appearance
from stages.core.dataset import Dataset, as_range
from stages.core.document import Mistake, Part
from stages.core.protocol import Evaluation
from stages.core.recipe import LevenbergMarquardt, ModelRow
from stages.core.rules import Gate

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
BLOCK = 1024  # steps of a free run that are in memory at one time
SHOWN_PERIODS = 12  # of a free run that are kept
CHECKED = 64  # sequences whose free run is compared with their teacher-forced states
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
    for part, model in models.values():
        mistakes += network_fits(part, model)
        if model.dataset in datasets:
            mistakes += training_fits(part, model, datasets[model.dataset][1])
    if "evaluate" in root.parts:
        part = root.parts["evaluate"]
        evaluation, wrong = params.validate(part, Evaluation)
        mistakes += [*wrong, *dataset_known(part, root)]
        if evaluation and evaluation.dataset in datasets:
            data = datasets[evaluation.dataset][1]
            mistakes += evaluation_fits(part, evaluation, data)
            for row, model in models.values():
                mistakes += rollout_fits(row, model, data)
                if model.dataset in datasets:
                    mistakes += steps_agree(row, datasets[model.dataset][1], evaluation, data)
    if "plot" in root.parts:
        mistakes += params.validate(root.parts["plot"], Appearance)[1]
    if "gate" in root.parts:
        mistakes += params.validate(root.parts["gate"], Gate)[1]
    if mistakes:
        raise document.input_error(mistakes)


def section_names(root: Part) -> Iterator[Mistake]:
    """Yield what is wrong with the names at the top level."""
    for name, part in root.parts.items():
        if name not in SECTIONS:
            yield part.mistake(f"is not a section{params.nearest(name, SECTIONS)}")
    for name in REQUIRED:
        if name not in root.parts:
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
            yield row.mistake(f"has the name of a folder of reports/; expected none of {reserved}")
        other, line = lines.setdefault(name.lower(), (name, row.line))
        if other != name:
            yield row.mistake(
                f"differs from {other} on line {line} in case alone; "
                "expected another name, since some file systems take the two for one"
            )


def at(part: Part, *keys: str) -> Part:
    """Return the part at nested keys, or the nearest around it that is written down."""
    for key in keys:
        if key not in part.parts:
            break
        part = part.parts[key]
    return part


def dataset_known(part: Part, root: Part) -> Iterator[Mistake]:
    """Yield that the dataset of a section or row is none of `datasets`."""
    name = at(part, "dataset").value
    known = [str(row) for row in at(root, "datasets").parts] if "datasets" in root.parts else []
    if isinstance(name, str) and known and name not in known:
        text = f"a row of datasets{params.nearest(name, known)}"
        yield at(part, "dataset").differs(text)


def data_fits(part: Part, data: Dataset) -> Iterator[Mistake]:
    """Yield that a dataset is too large to be held in memory."""
    sequences = data.sequences + data.validation_sequences + data.test_sequences
    if sequences * data.steps * 2 > MOST_NUMBERS:
        most = MOST_NUMBERS // 2 // data.steps
        yield at(part, "sequences").mistake(
            f"is one of {sequences} sequences of {data.steps} steps; expected {most} sequences of "
            "all three kinds together, for all are held in memory"
        )


def training_fits(part: Part, model: ModelRow, data: Dataset) -> Iterator[Mistake]:
    """Yield what makes a dataset too short for a model's training, or too large."""
    steps, name = data.steps, f"datasets.{model.dataset}"
    if model.cell == "linear":
        if model.lags >= steps:
            yield at(part, "lags").differs(f"less than the {steps} steps of {name}")
        elif data.sequences * steps * (model.lags + 1) > MOST_NUMBERS:
            most = MOST_NUMBERS // (data.sequences * steps) - 1
            yield at(part, "lags").differs(
                f"{most} at most for the {data.sequences} sequences of {name}: memory"
            )
        return
    units = model.hidden_size * model.num_layers * (GATES[model.cell] + 2)
    if CHECKED * steps * units > MOST_NUMBERS:
        yield at(part, "hidden_size").differs(
            f"fewer units for the {steps} steps of {name}: all states are held in memory"
        )
    if (adam := model.training.adam) and adam.batch * steps * units > MOST_NUMBERS:
        yield at(part, "training", "adam", "batch").differs(
            f"{MOST_NUMBERS // (steps * units)} at most for this network: memory"
        )
    if least := model.training.levenberg_marquardt:
        yield from least_squares_fits(part, model, least, data)


def least_squares_fits(
    part: Part, model: ModelRow, least: LevenbergMarquardt, data: Dataset
) -> Iterator[Mistake]:
    """Yield what keeps Levenberg-Marquardt from running on a dataset."""
    place = ("training", "levenberg_marquardt")
    warmup = at(part, *place, "warmup")
    if least.warmup > data.steps - 2:
        yield warmup.differs(
            f"{data.steps - 2} at most: a sequence of datasets.{model.dataset} has "
            f"{data.steps - 1} predictions, and one at least must count"
        )
        return
    weights = count_weights(model)
    if weights > MOST_FITTED:
        yield at(part, "hidden_size").differs(
            f"fewer units: the network has {weights} weights, and levenberg_marquardt takes "
            f"{MOST_FITTED} at most; train a larger one with adam"
        )
        return
    rows = 2 * min(least.sequences, data.sequences) * (data.steps - 1 - least.warmup)
    received = 2 * (data.steps - 1) * GATES[model.cell] * model.hidden_size * model.num_layers
    if rows * max(received, weights) > MOST_NUMBERS:
        most = least.sequences * MOST_NUMBERS // (rows * max(received, weights))
        yield at(part, *place, "sequences").differs(
            f"{most} at most for this network and datasets.{model.dataset}: memory"
        )


def count_weights(model: ModelRow) -> int:
    """Return the number of weights of the cell."""
    size, gates = model.hidden_size, GATES[model.cell]
    first, other = size * (size + 3), size * (2 * size + 2)
    return gates * (first + (model.num_layers - 1) * other)


def network_fits(part: Part, model: ModelRow) -> Iterator[Mistake]:
    """Yield that a network has more weights than there is room for."""
    if model.cell != "linear" and (weights := count_weights(model)) > MOST_WEIGHTS:
        yield at(part, "hidden_size").differs(
            f"fewer units: with num_layers {model.num_layers} the network has {weights} weights, "
            f"and {MOST_WEIGHTS} are the most"
        )


def evaluation_fits(part: Part, evaluation: Evaluation, data: Dataset) -> Iterator[Mistake]:
    """Yield what makes the test sequences too short for the warm-up, or the horizon too long."""
    name = f"datasets.{evaluation.dataset}"
    if evaluation.warmup > data.steps - 2:
        yield at(part, "warmup").differs(
            f"{data.steps - 2} at most: {name} has {data.steps} steps, "
            "and one prediction at least must count"
        )
    period = longest_period(data)
    if evaluation.periods * period > MOST_STEPS:
        yield at(part, "periods").differs(
            f"{MOST_STEPS / period:.3g} at most: one period of {name} is {period:.4g} steps, "
            f"and a free run takes {MOST_STEPS} steps at most"
        )
    if data.test_sequences * max(period, BLOCK) > MOST_NUMBERS:
        yield at(part, "dataset").differs(
            f"one with {MOST_NUMBERS / max(period, BLOCK):.0f} test sequences at most, "
            f"of {period:.4g} steps a period: memory"
        )


def rollout_fits(part: Part, model: ModelRow, data: Dataset) -> Iterator[Mistake]:
    """Yield that the states of a model's free run are too many to be held in memory."""
    key, size = ("lags", model.lags) if model.cell == "linear" else ("hidden_size", 0)
    size = size or model.hidden_size
    kept = max(data.test_sequences * max(data.steps, BLOCK), SHOWN_PERIODS * longest_period(data))
    if size * kept > MOST_NUMBERS:
        yield at(part, key).differs(
            f"{MOST_NUMBERS / kept:.0f} at most for the {data.test_sequences} test sequences "
            "of evaluate.dataset: memory"
        )


def longest_period(data: Dataset) -> float:
    """Return the steps of the longest period: 2π/(ωΔ)."""
    return 2 * math.pi / (as_range(data.frequency)[0] * data.time_step)


def steps_agree(
    row: Part, trained: Dataset, evaluation: Evaluation, data: Dataset
) -> Iterator[Mistake]:
    """Yield that a model is trained with another time step than it is evaluated with."""
    if trained.time_step != data.time_step:
        yield at(row, "dataset").mistake(
            f"has a time step of {trained.time_step:.6g}; expected {data.time_step:.6g}, "
            f"that of evaluate.dataset {evaluation.dataset}: give both the same steps and span"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stages.check", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default="params.yaml", help="file to check")
    path = parser.parse_args().file
    check(path)
    print(f"{path}: no mistakes")


if __name__ == "__main__":
    entry.run(main)
