"""The whole of params.yaml as typed objects, parsed once and checked once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from stages import files
from stages.files import InputError
from stages.settings.dataset import Dataset, Measured
from stages.settings.document import Document, Mistake, Place, parse, suggest, validate
from stages.settings.model import ROWS, Adam, Forecaster, Lags, NetworkRow, Ridge, Row
from stages.settings.plot import Plot
from stages.settings.schema import Schema

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # of a row, and so of files and stages
NO_NAME = "cannot name a row; expected text of letters, digits, - and _"
AnyRow = TypeVar("AnyRow")


class Sections(Schema):
    """The sections of params.yaml; each row is validated on its own."""

    datasets: dict[Any, Any] = Field(min_length=1)
    models: dict[Any, Any] = Field(min_length=1)
    plot: Plot


@dataclass(frozen=True)
class Settings:
    """A checked params.yaml. written: its plain values, without defaults."""

    datasets: dict[str, Dataset | Measured]
    models: dict[str, Row]
    plot: Plot
    written: dict[str, Any]
    document: Document = Document(Path("params.yaml"), {})

    def mistake(self, place: Place, text: str) -> InputError:
        """Make an error about a value: file, line, dotted key, text."""
        return self.document.error([(place, text)])


def row(rows: Mapping[str, AnyRow], name: str) -> AnyRow:
    """Look up a row by its name; raises InputError where there is none."""
    if name not in rows:
        raise InputError(f"params.yaml: has no row {files.shown(name)}{suggest(name, rows)}")
    return rows[name]


def read(path: Path) -> Settings:
    """Read and check params.yaml; raises InputError with a line for each mistake."""
    document = parse(path)
    sections, mistakes = validate(Sections, document.values)
    rows: dict[str, dict[str, Any]] = {"datasets": {}, "models": {}}
    for section, checked in rows.items():
        written = document.values.get(section)
        for name, values in written.items() if isinstance(written, dict) else ():
            place = (section, name)
            if not isinstance(name, str) or not NAME.fullmatch(name):
                mistakes.append((place, NO_NAME))
            checked[name], more = validate(schema_of(section, values), values, place)
            mistakes += more
    mistakes += misfits(**rows)
    if mistakes:
        raise document.error(mistakes)
    return Settings(**rows, plot=sections.plot, written=document.values, document=document)


def schema_of(section: str, row: Any) -> type[Schema]:
    """Choose the schema of a row: of `datasets` by its key `csv`, of `models` by its cell."""
    keys = row if isinstance(row, dict) else {}
    if section == "datasets":
        return Measured if "csv" in keys else Dataset
    return ROWS.get(str(keys.get("cell")), NetworkRow)


def misfits(datasets: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield models whose dataset is missing, is of another kind, or has too few steps.

    A row that has a mistake of its own is None.
    """
    for name, model in models.items():
        if model is None:
            continue
        data = datasets.get(model.dataset)
        if model.dataset not in datasets:
            text = f"is {files.shown(model.dataset)}; expected a row of datasets"
            yield ("models", name, "dataset"), text + suggest(model.dataset, datasets)
        elif data and model.cell in ROWS:
            kind = "a measured series" if isinstance(data, Measured) else "sines"
            if isinstance(model, Forecaster) != isinstance(data, Measured):
                text = f"is {model.cell}; expected a cell for {kind}: {model.dataset}"
                yield ("models", name, "cell"), text
        if isinstance(data, Dataset):
            for place, count in steps_needed(model):
                if count > data.steps:
                    text = f"needs {count} steps; expected at most {data.steps}"
                    yield ("models", name, *place), f"{text}, as in {model.dataset}"


def steps_needed(model: Row) -> Iterator[tuple[Place, int]]:
    """Yield the keys of a row that need a minimum number of steps, and that number."""
    if isinstance(model, Lags):
        yield ("lags",), model.lags + 1
    elif isinstance(model, NetworkRow):
        yield ("accept", "warmup"), model.accept.warmup
        for i, phase in enumerate(model.training or ()):
            if isinstance(phase, Adam):
                predicted = phase.free_steps
            else:
                predicted = 2 if isinstance(phase, Ridge) else max([1, *phase.free_steps])
            yield ("training", i, "warmup"), phase.warmup + predicted
