"""The whole of params.yaml, as one typed object that was checked once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pydantic
from pydantic import Field

from stages import files
from stages.files import InputError
from stages.settings import document, limits, mistakes
from stages.settings.dataset import Dataset
from stages.settings.model import ModelRow
from stages.settings.plot import Plot
from stages.settings.schema import Schema


class Rows(Schema):
    """The sections whose rows go by their names."""

    datasets: dict[str, Dataset] = {}
    models: dict[str, ModelRow] = {}


class Sections(Rows):
    """All sections of params.yaml."""

    datasets: dict[str, Dataset] = Field(min_length=1)
    models: dict[str, ModelRow] = Field(min_length=1)
    plot: Plot


@dataclass(frozen=True)
class Settings:
    """What params.yaml says. written: all of it as plain values, without defaults, to be shown."""

    datasets: dict[str, Dataset]
    models: dict[str, ModelRow]
    plot: Plot
    written: dict[str, Any]


Row = TypeVar("Row")


def row(rows: Mapping[str, Row], name: str) -> Row:
    """Return the row of a name; raises InputError where there is none."""
    if name not in rows:
        near = mistakes.known_keys(name, rows)
        raise InputError(f"params.yaml: has no row {files.shown(name)}{near}")
    return rows[name]


def read(path: Path) -> Settings:
    """Return the settings in a file; raises InputError with all mistakes, a line for each."""
    parsed = document.parse(path)
    values, found = parsed.values, []
    sections: Sections | Rows
    try:
        sections = Sections.model_validate(values)
    except pydantic.ValidationError as error:
        found += mistakes.explain(error, parsed, Sections.model_json_schema())
        sections = good_rows(values, error)
    found += limits.names(values)
    found += limits.sizes(sections.datasets, sections.models)
    if found:
        raise parsed.error(found)
    return Settings(sections.datasets, sections.models, sections.plot, values)


def good_rows(values: dict[str, Any], error: pydantic.ValidationError) -> Rows:
    """Return the rows that have no mistake: what is said of them as a whole is said at once too."""
    wrong = {item["loc"][:2] for item in error.errors()}
    return Rows.model_validate(
        {
            section: {name: row for name, row in rows.items() if (section, name) not in wrong}
            for section, rows in values.items()
            if section in Rows.model_fields and isinstance(rows, dict)
        }
    )
