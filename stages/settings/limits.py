"""What no single value of params.yaml can show to be wrong: names, and what would need too much."""

import math
import re
from collections.abc import Iterator
from typing import Any

from stages.settings.dataset import Dataset, as_range
from stages.settings.document import Mistake, Place
from stages.settings.mistakes import known_keys
from stages.settings.model import (
    Adam,
    Fit,
    Lags,
    LevenbergMarquardt,
    ModelRow,
    NetworkRow,
    Phase,
    Ridge,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
RESERVED = ("cards", "datasets", "figures", "plots")  # other folders of reports/

MOST_NUMBERS = 200_000_000  # in memory at one time: 1.6 GB
MOST_STEPS = 100_000_000  # of a free run: about an hour for 64 sequences and 16 units
MOST_WEIGHTS = 50_000_000  # of a network; Adam keeps four numbers for each
MOST_FITTED = 10_000  # Levenberg–Marquardt keeps matrices of their square
BLOCK = 512  # steps of a free run that are in memory at one time
TOGETHER = 128  # sequences whose derivatives Levenberg–Marquardt has in memory at one time
DRAWN = 14  # periods of a free run that are kept for the figures
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def names(values: dict[str, Any]) -> Iterator[Mistake]:
    """Yield what is wrong with the names of rows, and with the names of datasets in `models`.

    values: all of params.yaml, in which anything may be wrong.
    """
    datasets, models = (rows_of(values, section) for section in ("datasets", "models"))
    yield from row_names("datasets", datasets, ())
    yield from row_names("models", models, RESERVED)
    for name, row in models.items():
        dataset = row.get("dataset") if isinstance(row, dict) else None
        if isinstance(dataset, str) and datasets and dataset not in datasets:
            expected = f"a row of datasets{known_keys(dataset, datasets)}"
            yield differs(("models", name, "dataset"), dataset, expected)


def rows_of(values: dict[str, Any], section: str) -> dict[str, Any]:
    rows = values.get(section)
    return rows if isinstance(rows, dict) else {}


def row_names(section: str, rows: dict[str, Any], reserved: tuple[str, ...]) -> Iterator[Mistake]:
    """Yield what is wrong with the names of rows: they become names of files and of stages."""
    seen: dict[str, str] = {}
    for name in rows:
        if not NAME.fullmatch(name):
            text = "is no name for a row; expected up to 100 of a to z, A to Z, 0 to 9, _ and -"
            yield (section, name), f"{text}, a letter or digit first"
        elif name.lower() in reserved:
            yield (section, name), "has the name of a folder of reports/; expected another"
        elif (other := seen.setdefault(name.lower(), name)) != name:
            text = f"differs from {other} in case alone; expected another name"
            yield (section, name), f"{text}, since some file systems take the two for one"


def sizes(datasets: dict[str, Dataset], models: dict[str, ModelRow]) -> Iterator[Mistake]:
    """Yield what does not fit the length of the sequences, or needs too much memory or time."""
    for dataset, data in datasets.items():
        wrong = list(dataset_sizes(("datasets", dataset), data))
        yield from wrong
        for name, row in models.items():
            if row.dataset == dataset and not wrong:
                yield from model_sizes(("models", name), row, data)


def dataset_sizes(place: Place, data: Dataset) -> Iterator[Mistake]:
    sequences = data.sequences + data.validation_sequences + data.test_sequences
    yield from memory((*place, "sequences"), data.sequences, 2 * sequences * data.steps)
    period = longest_period(data)
    if data.periods * period > MOST_STEPS:
        expected = f"{millions(MOST_STEPS)} steps at most: one period is {period:.4g} steps"
        yield differs((*place, "periods"), data.periods, expected)
    else:
        kept = data.test_sequences * 3 * max(period, BLOCK)
        yield from memory((*place, "test_sequences"), data.test_sequences, kept)


def longest_period(data: Dataset) -> float:
    """Return the steps of the longest period: 2π/(ωΔ)."""
    return 2 * math.pi / (as_range(data.frequency)[0] * data.time_step)


def model_sizes(place: Place, row: ModelRow, data: Dataset) -> Iterator[Mistake]:
    match row:
        case Lags(lags=lags):
            if lags >= data.steps:
                expected = f"less than the {data.steps} steps of datasets.{row.dataset}"
                yield differs((*place, "lags"), lags, expected)
            else:
                kept = data.sequences * data.steps * (lags + 1)
                yield from memory((*place, "lags"), lags, kept)
        case Fit():
            return
        case NetworkRow():
            yield from network_sizes(place, row, data)


def network_sizes(place: Place, row: NetworkRow, data: Dataset) -> Iterator[Mistake]:
    size = (*place, "hidden_size")
    weights = count_weights(row)
    if weights > MOST_WEIGHTS:
        expected = f"less: {millions(weights)} weights, {millions(MOST_WEIGHTS)} at most"
        yield differs(size, row.hidden_size, expected)
        return
    rolled_out = max(data.test_sequences, data.validation_sequences) * max(data.steps, BLOCK)
    kept = max(rolled_out, DRAWN * longest_period(data)) * units(row)
    mistakes = list(memory(size, row.hidden_size, kept))
    if row.accept.warmup > data.steps:
        expected = f"{data.steps} at most: the steps of datasets.{row.dataset}"
        mistakes.append(differs((*place, "accept", "warmup"), row.accept.warmup, expected))
    for i, phase in enumerate(row.training):
        mistakes += phase_sizes((*place, "training", i), phase, row, data)
    # One mistake of each key: what is too large is so in each phase.
    yield from {there: (there, text) for there, text in reversed(mistakes)}.values()


def phase_sizes(place: Place, phase: Phase, row: NetworkRow, data: Dataset) -> Iterator[Mistake]:
    """Yield what keeps a phase of training from running on a dataset."""
    size, weights = (*place[:2], "hidden_size"), count_weights(row)
    match phase:
        case Adam(batch=batch):
            yield from memory((*place, "batch"), batch, batch * data.steps * units(row))
        case Ridge(warmup=warmup):
            if warmup > data.steps - 2:
                yield differs((*place, "warmup"), warmup, at_most(data.steps - 2, row, data))
            yield from memory(size, row.hidden_size, 64 * data.steps * units(row))
        case LevenbergMarquardt(warmup=warmup, free_steps=free):
            last = free[-1] if free else 1
            steps, residuals = warmup + last - 1, len(free) or warmup
            if warmup + last > data.steps:
                yield differs((*place, "warmup"), warmup, at_most(data.steps - last, row, data))
            elif weights > MOST_FITTED:
                expected = f"less: {weights} weights, {MOST_FITTED} at most for {phase.phase}"
                yield differs(size, row.hidden_size, expected)
            else:
                sequences = min(phase.sequences, data.sequences, TOGETHER)
                kept = sequences * residuals * 2 * (steps * units(row) + weights)
                yield from memory(size, row.hidden_size, kept)


def units(row: NetworkRow) -> int:
    """Return how many numbers a network keeps of each step, about."""
    if row.cell == "innovation":
        return 4 * (row.hidden_size + row.memory_size + row.products)
    return row.num_layers * row.hidden_size * (GATES[row.cell] + 2)


def count_weights(row: NetworkRow) -> int:
    """Return the number of weights of the cell."""
    size, memory, products = row.hidden_size, row.memory_size, row.products
    if row.cell == "innovation":
        seen = 2 + size + memory
        return products * (1 + memory + seen) + (size + memory) * (seen + products)
    first, other = size * (size + 3), size * (2 * size + 2)
    return GATES[row.cell] * (first + (row.num_layers - 1) * other)


def at_most(most: int, row: NetworkRow, data: Dataset) -> str:
    return f"{most} at most: datasets.{row.dataset} has {data.steps} steps, and one must count"


def memory(place: Place, value: int, numbers: float) -> Iterator[Mistake]:
    """Yield that a value is too large for the memory; numbers: how many it takes."""
    if numbers > MOST_NUMBERS:
        most = f"{millions(MOST_NUMBERS)} at most"
        yield differs(place, value, f"less: {millions(numbers)} numbers in memory, {most}")


def millions(numbers: float) -> str:
    return f"{numbers / 1e6:.0f} million"


def differs(place: Place, value: object, expected: str) -> Mistake:
    return place, f"is {value}; expected {expected}"
