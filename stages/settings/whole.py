"""The whole of params.yaml as typed objects, parsed once and checked once."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from stages import files
from stages.files import InputError
from stages.settings.dataset import Dataset, Measured, as_range
from stages.settings.document import Document, Mistake, Place, parse, suggest, validate
from stages.settings.model import (
    ROWS,
    Adam,
    Forecaster,
    Lags,
    LevenbergMarquardt,
    NetworkRow,
    Ridge,
)
from stages.settings.model import Row as ModelRow
from stages.settings.plot import Plot
from stages.settings.schema import Schema

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")  # of a row, and so of files and stages
FOLDERS = ("cards", "datasets", "figures", "plots")  # of reports/, beside those of the models
MAX_STEPS = 100_000_000  # of a free run: about an hour for 64 sequences and 16 units
Row = TypeVar("Row")


class Sections(Schema):
    """The sections of params.yaml; each row is validated on its own."""

    datasets: dict[Any, Any] = Field(min_length=1)
    models: dict[Any, Any] = Field(min_length=1)
    plot: Plot


@dataclass(frozen=True)
class Settings:
    """A checked params.yaml. written: its plain values, without defaults."""

    datasets: dict[str, Dataset | Measured]
    models: dict[str, ModelRow]
    plot: Plot
    written: dict[str, Any]
    document: Document = Document(Path("params.yaml"), {})

    def mistake(self, place: Place, text: str) -> InputError:
        """Make an error about a value: file, line, dotted key, text."""
        return self.document.error([(place, text)])


def row(rows: Mapping[str, Row], name: str) -> Row:
    """Look up a row by its name; raises InputError where there is none."""
    if name not in rows:
        raise InputError(f"params.yaml: has no row {files.shown(name)}{suggest(name, rows)}")
    return rows[name]


def schema_of_dataset(row: Mapping[str, Any]) -> type[Dataset | Measured]:
    """Choose the schema of a row of `datasets`: one with the key `csv` is a measured series."""
    return Measured if "csv" in row else Dataset


def schema_of_model(row: Mapping[str, Any]) -> type[ModelRow]:
    """Choose the schema of a row of `models` by its cell."""
    cell = row.get("cell")
    return ROWS.get(cell, NetworkRow) if isinstance(cell, str) else NetworkRow


def read(path: Path) -> Settings:
    """Read and check params.yaml; raises InputError with a line for each mistake."""
    document = parse(path)
    sections, mistakes = validate(Sections, document.values)
    rows: dict[str, dict[str, Any]] = {"datasets": {}, "models": {}}
    for section, schema_of in (("datasets", schema_of_dataset), ("models", schema_of_model)):
        written = document.values.get(section)
        for name, values in written.items() if isinstance(written, dict) else ():
            schema = schema_of(values if isinstance(values, dict) else {})
            rows[section][name], wrong = validate(schema, values, (section, name))
            mistakes += wrong
        mistakes += names(section, rows[section])
    mistakes += lengths(**rows)
    if mistakes:
        raise document.error(mistakes)
    return Settings(**rows, plot=sections.plot, written=document.values, document=document)


def names(section: str, rows: Iterable[Any]) -> Iterator[Mistake]:
    """Yield the names of rows that cannot be names of files and stages."""
    taken = {name: f"reports/{name}" for name in FOLDERS}
    for name in rows:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            expected = "up to 100 of a to z, A to Z, 0 to 9, _ and -, a number in quotes"
            yield (section, name), f"cannot name a row; expected {expected}"
        elif (other := taken.setdefault(name.lower(), name)) != name:
            yield (
                (section, name),
                f"names the files of {other} on some disks; expected another name",
            )


def lengths(datasets: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield unknown datasets, endless horizons, and lengths beyond those of the sequences."""
    sines = {name: data for name, data in datasets.items() if isinstance(data, Dataset)}
    for name, data in sines.items():
        period = 2 * math.pi / (as_range(data.frequency)[0] * data.time_step)
        if data.periods * period > MAX_STEPS:
            most = f"{int(MAX_STEPS / period)} at most: one of them is {period:.4g} steps"
            yield ("datasets", name, "periods"), f"is {data.periods}; expected {most}"
    for name, model in models.items():
        needed: dict[Place, int] = {}  # steps of a sequence
        if isinstance(model, Lags):
            needed["lags",] = model.lags + 1
        elif isinstance(model, NetworkRow):
            needed["accept", "warmup"] = model.accept.warmup
            for i, phase in enumerate(model.training or ()):
                needed["training", i, "warmup"] = phase.warmup + steps_after(phase)
        if model and datasets and model.dataset not in datasets:
            text = f"is {files.shown(model.dataset)}; expected a row of datasets"
            yield ("models", name, "dataset"), text + suggest(model.dataset, datasets)
        elif model and (data := datasets.get(model.dataset)):
            other = "sines" if isinstance(data, Dataset) else "a measured series"
            if model.cell in ROWS and isinstance(model, Forecaster) == isinstance(data, Dataset):
                text = f"is {model.cell}; expected another: {model.dataset} is {other}"
                yield ("models", name, "cell"), text
        if model and model.dataset in sines:
            steps = sines[model.dataset].steps
            for keys, count in needed.items():
                if count > steps:
                    text = f"needs {count} steps; expected {steps}, those of {model.dataset}"
                    yield ("models", name, *keys), text


def steps_after(phase: Adam | LevenbergMarquardt | Ridge) -> int:
    """Count the values that a phase predicts after its warm-up."""
    if isinstance(phase, Adam):
        return phase.free_steps
    return 2 if isinstance(phase, Ridge) else max(1, *phase.free_steps, 1)
