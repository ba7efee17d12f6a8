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


class Sections(Schema):
    """The sections of params.yaml; a row of `datasets` or `models` goes by its name."""

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
    """Return the settings in a file; raises InputError, a line for each mistake.

    What is too long or too large is told when all values are good.
    """
    parsed = document.parse(path)
    values = parsed.values
    found = list(limits.names(values))
    try:
        sections = Sections.model_validate(values)
        found += limits.sizes(sections.datasets, sections.models)
    except pydantic.ValidationError as error:
        found += mistakes.explain(error, parsed, Sections.model_json_schema())
    if found:
        raise parsed.error(found)
    return Settings(sections.datasets, sections.models, sections.plot, values)
