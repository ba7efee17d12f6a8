"""What no single value of params.yaml can show to be wrong: names, lengths and memory."""

import math
import re
from collections.abc import Iterator
from typing import Any

from stages import files
from stages.settings.dataset import Dataset, as_range
from stages.settings.document import Mistake, Place
from stages.settings.mistakes import known_keys
from stages.settings.model import (
    Adam,
    Lags,
    LevenbergMarquardt,
    ModelRow,
    NetworkRow,
    Ridge,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
RESERVED = {"datasets": (), "models": ("cards", "datasets", "figures", "plots")}  # in reports/

MOST_NUMBERS = 200_000_000  # in memory at one time: 1.6 GB
MOST_STEPS = 100_000_000  # of a free run: about an hour for 64 sequences and 16 units
BLOCK = 512  # steps of a free run that are in memory at one time, at most
READ_OUT_BLOCK, JACOBIAN_BLOCK = 64, 128  # sequences that are in memory at one time
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def names(values: dict[str, Any]) -> Iterator[Mistake]:
    """Yield what is wrong with the names of rows, and of datasets in `models`.

    Rows become names of files and of stages. values: all of params.yaml, with any mistake in it.
    """
    rows = {key: section for key, section in values.items() if isinstance(section, dict)}
    for section, reserved in RESERVED.items():
        seen: dict[str, str] = {}
        for name in rows.get(section, ()):
            text = ""
            if not NAME.fullmatch(name):
                text = "is no name of a row; expected up to 100 of a to z, A to Z, 0 to 9, _ and -"
            elif name.lower() in reserved:
                text = "has the name of a folder of reports/; expected another"
            elif (other := seen.setdefault(name.lower(), name)) != name:
                text = f"differs from {other} in case alone, which some file systems ignore"
            if text:
                yield (section, name), text
    for name, row in rows.get("models", {}).items():
        dataset, known = row.get("dataset") if isinstance(row, dict) else None, rows.get("datasets")
        if isinstance(dataset, str) and known and dataset not in known:
            expected = f"a row of datasets{known_keys(dataset, known)}"
            yield ("models", name, "dataset"), f"is {files.shown(dataset)}; expected {expected}"


def sizes(datasets: dict[str, Dataset], models: dict[str, ModelRow]) -> Iterator[Mistake]:
    """Yield what is longer than the sequences, or takes too much memory or time."""
    for dataset, data in datasets.items():
        period = 2 * math.pi / (as_range(data.frequency)[0] * data.time_step)
        if data.periods * period > MOST_STEPS:
            most = f"{int(MOST_STEPS / period)} at most: one of them is {period:.4g} steps"
            yield ("datasets", dataset, "periods"), f"is {data.periods}; expected {most}"
            continue
        sequences = data.sequences + data.validation_sequences + data.test_sequences
        kept = max(2 * sequences * data.steps, 3 * data.test_sequences * max(period, BLOCK))
        yield from memory(("datasets", dataset), kept)
        for name, row in models.items():
            if row.dataset == dataset and kept <= MOST_NUMBERS:
                for keys, value, most in lengths(row, data):
                    most = f"{most} at most: datasets.{dataset} has {data.steps} steps"
                    text = f"is {value}; expected {most}, and one must be left to predict"
                    yield ("models", name, *keys), text
                yield from memory(("models", name), numbers(row, data))


def memory(place: Place, kept: float) -> Iterator[Mistake]:
    if kept > MOST_NUMBERS:
        most = f"{MOST_NUMBERS // 10**6} million at most: fewer or shorter sequences, fewer units"
        yield place, f"needs {kept / 1e6:.0f} million numbers in memory; expected {most}"


def lengths(row: ModelRow, data: Dataset) -> Iterator[tuple[Place, int, int]]:
    """Yield the keys of settings with their values, and the most that the sequences allow."""
    found: list[tuple[Place, int, int]] = []
    if isinstance(row, Lags):
        found = [(("lags",), row.lags, data.steps - 1)]
    elif isinstance(row, NetworkRow):
        found = [(("accept", "warmup"), row.accept.warmup, data.steps)]
        for i, phase in enumerate(row.training):
            if isinstance(phase, Ridge):
                found.append((("training", i, "warmup"), phase.warmup, data.steps - 2))
            elif isinstance(phase, LevenbergMarquardt):
                last = max((phase.free_steps or [1])[-1], 1)
                found.append((("training", i, "warmup"), phase.warmup, data.steps - last))
    yield from (length for length in found if length[1] > length[2])


def numbers(row: ModelRow, data: Dataset) -> float:
    """Return about how many numbers a model has in memory at one time."""
    if isinstance(row, Lags):
        return data.sequences * data.steps * (row.lags + 1)
    if not isinstance(row, NetworkRow):
        return 0
    units, weights = units_and_weights(row)
    rolled_out = max(data.test_sequences, data.validation_sequences) * max(data.steps, BLOCK)
    kept = [rolled_out * units, 4 * weights]
    for phase in row.training:
        match phase:
            case Adam(batch=batch):
                kept.append(batch * data.steps * units)
            case Ridge():
                kept.append(READ_OUT_BLOCK * data.steps * units)
            case LevenbergMarquardt(warmup=warmup, free_steps=free):
                steps, residuals = warmup + max((free or [1])[-1], 1), len(free) or warmup
                sequences = min(phase.sequences, data.sequences, JACOBIAN_BLOCK)
                kept.append(2 * sequences * residuals * (steps * units + weights))
                kept.append(2 * weights**2)
    return max(kept)


def units_and_weights(row: NetworkRow) -> tuple[int, int]:
    """Return about how many numbers a step of a cell leaves, and how many weights it has."""
    size, memory = row.hidden_size, row.memory_size
    grown = [p.products or 0 for p in row.training if isinstance(p, LevenbergMarquardt)]
    products = max(row.products, *grown, 0)
    if row.cell == "innovation":
        seen = 2 + size + memory
        weights = products * (1 + memory + seen) + (size + memory) * (seen + products)
        return 4 * (size + memory + products), weights
    gates, others = GATES[row.cell], row.num_layers - 1
    weights = gates * size * (size + 3 + others * (2 * size + 2))
    return row.num_layers * size * (gates + 2), weights
