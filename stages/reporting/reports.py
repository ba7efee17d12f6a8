"""The reports of models and datasets: read, checked against their cards, put into sections."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import AliasChoices, Field, ValidationError

from stages import files
from stages.files import AGAIN, InputError
from stages.settings.dataset import Dataset as Sines
from stages.settings.dataset import Measured
from stages.settings.model import Row as ModelRow
from stages.settings.schema import Schema

METHODS = {  # cells without a network
    "linear": "least squares on the last values",
    "prony": "two lags, fitted to each past",
    "sine_fit": "the most likely sine of each past",
    "naive": "repeats the last value",
    "seasonal_naive": "repeats the last season",
    "drift": "season + drift",
    "ets": "exponential smoothing",
    "ar": "autoregression",
}
TABLES = ("training", "rollout", "horizon", "sequences", "hidden", "multipliers", "settling")
WORDS = {  # the words that each word column of a dataset's table holds
    "part": {"training", "validation", "test"},
    "quantity": {"phase", "frequency", "amplitude"},
}


class Card(Schema):
    """The card that `evaluate` writes for a row of `models`.

    task: the row of `datasets`. sha256: the digest of each report, by file name. horizon [periods],
    of a measured series [values]. season, warmup [values].
    """

    kind: Literal["sines", "measured"]
    task: str
    sha256: dict[str, str]
    horizon: int = Field(validation_alias=AliasChoices("periods", "horizon"))
    season: int = 1
    warmup: int = 0


@dataclass(eq=False)
class Report:
    """The reports of a row of `models`.

    metrics: as in metrics.json; a word replaces a number that could not be computed. Each table is
    the CSV file of its name. Where a rollout diverged, its numbers are infinite or missing. Columns
    `periods` begin at the end of the warm-up. hidden, multipliers, settling: empty for a measured
    series. training: with one more column, `part`, which numbers the phases of all attempts.
    colour, dash: of the model's lines in all figures.
    """

    name: str
    cell: str
    card: Card
    metrics: dict[str, Any]
    training: pd.DataFrame
    rollout: pd.DataFrame
    horizon: pd.DataFrame
    sequences: pd.DataFrame
    hidden: pd.DataFrame = field(default_factory=pd.DataFrame)
    multipliers: pd.DataFrame = field(default_factory=pd.DataFrame)
    settling: pd.DataFrame = field(default_factory=pd.DataFrame)
    colour: str = "black"
    dash: Any = "-"

    @property
    def measured(self) -> bool:
        return self.card.kind == "measured"

    @property
    def simple(self) -> bool:
        """Whether the method has no network."""
        return self.cell in METHODS

    @property
    def line(self) -> dict[str, Any]:
        """Look of the model's lines, for matplotlib."""
        return {"color": self.colour, "linestyle": self.dash}

    @property
    def spans(self) -> list[str]:
        """List the RMSE metrics of a free run of sines, the one over the whole horizon last."""
        return [name for name in self.metrics["free_running"] if name.startswith("rmse_")]

    @property
    def error_key(self) -> str:
        """Name the metric that models of a task are ranked by: over the whole horizon."""
        return "forecast.mase" if self.measured else f"free_running.{self.spans[-1]}"

    @property
    def error(self) -> float:
        return self.number(self.error_key)

    def metric(self, key: str) -> float | str:
        """Look up a metric by its dotted key."""
        return reduce(lambda part, name: part[name], key.split("."), self.metrics)

    def number(self, key: str) -> float:
        """Look up a metric as a number: infinite where a word stands for it."""
        metric = self.metric(key)
        return np.inf if isinstance(metric, str) else metric


@dataclass
class Section:
    """Models that may be compared, as all are judged on the same test data.

    reports: methods without a network first. column: the name of a measured series' values.
    """

    title: str
    reports: list[Report]
    column: str = ""

    @property
    def measured(self) -> bool:
        return self.reports[0].measured

    def best(self, *, simple: bool) -> Report | None:
        """Choose the method without a network (simple), or the network, with the least error."""
        chosen = [report for report in self.reports if report.simple == simple]
        return min(chosen, key=lambda report: report.error, default=None)

    @property
    def leaders(self) -> list[Report]:
        """List the best method without a network and the best network, as far as there are any."""
        return [row for simple in (True, False) if (row := self.best(simple=simple))]


@dataclass
class Dataset:
    """The reports of a row of `datasets`.

    sequences: for sines, a few training sequences with their noise-free values; times are in
    periods of the median frequency. For a measured series, each value with its part. distributions:
    for sines, a histogram of each quantity: the share of the sequences between low and high. Empty
    for a measured series. column: as in `Section`.
    """

    name: str
    sequences: pd.DataFrame
    distributions: pd.DataFrame
    column: str = ""

    @property
    def measured(self) -> bool:
        return "part" in self.sequences


def load_models(reports: Path, cards: Path, rows: Mapping[str, ModelRow]) -> list[Report]:
    """Read the reports of all rows of `models`, in their order."""
    return [load(reports / name, cards / f"{name}.json", row.cell) for name, row in rows.items()]


def load(folder: Path, card_path: Path, cell: str) -> Report:
    """Read the reports of a model; raises InputError where they differ from their card."""
    try:
        card = Card.model_validate_json(files.content(card_path))
    except ValidationError:
        raise InputError(f"{card_path}: is not the card of a model; {AGAIN}") from None
    contents = {}
    for name in ("metrics.json", *(f"{table}.csv" for table in TABLES)):
        contents[name] = files.content(folder / name)
        if hashlib.sha256(contents[name]).hexdigest() != card.sha256.get(name):
            raise InputError(
                f"{folder / name}: is not the file that {card_path} names; "
                f"make both with `dvc repro --force evaluate@{folder.name}`"
            )
    tables = {
        name: pd.read_csv(io.BytesIO(content), dtype={"time": str})
        for name in TABLES
        if (content := contents[f"{name}.csv"]).strip()
    }
    tables["training"] = in_parts(tables["training"])
    return Report(folder.name, cell, card, json.loads(contents["metrics.json"]), **tables)


def in_parts(curve: pd.DataFrame) -> pd.DataFrame:
    """Add the column `part` to a training curve: it counts the phases of all attempts."""
    begins = (curve.attempt != curve.attempt.shift()) | (curve.iteration <= curve.iteration.shift())
    return curve.assign(part=begins.cumsum())


def load_dataset(folder: Path, row: Sines | Measured) -> Dataset:
    """Read the reports of a row of `datasets`; raises InputError where one is damaged."""
    path = folder / "sequences.csv"
    if isinstance(row, Measured):
        table = read_table(path, ["step", "time", "value", "part"])
        return Dataset(folder.name, table, pd.DataFrame(), row.column)
    table = read_table(path, ["sequence", "periods", "value", "truth"])
    shares = read_table(folder / "distributions.csv", ["quantity", "low", "high", "share"])
    return Dataset(folder.name, table, shares)


def read_table(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read columns of a CSV table.

    Raises InputError for a table without rows, and for a number that is not finite. A column of
    words must hold all of its WORDS and no others.
    """
    numbers = [column for column in columns if column not in ("time", *WORDS)]
    types = {"time": str, **dict.fromkeys(numbers, float)}
    try:
        table = pd.read_csv(io.BytesIO(files.content(path)), usecols=columns, dtype=types)
    except ValueError:
        table = pd.DataFrame(columns=columns)
    words = all(set(table[column]) == WORDS[column] for column in WORDS if column in columns)
    if table.empty or not words or not np.isfinite(table[numbers]).all(axis=None):
        listed = ", ".join(columns)
        raise InputError(f"{path}: expected rows with finite numbers in {listed}; {AGAIN}")
    return table


def sections(reports: Sequence[Report], tasks: Mapping[str, Sines | Measured]) -> list[Section]:
    """Group reports by task, in the order of `datasets`.

    Tasks of sines with the same test data share a section. Its title is the kind of its sines: one
    sine, any sine, in noise. If the kind is taken, the name of the dataset is added. The title of a
    measured series is the name of its dataset.
    """
    groups: dict[str, Section] = {}
    for task, row in tasks.items():
        mine = [report for report in reports if report.card.task == task]
        if mine and isinstance(row, Measured):
            groups[task] = Section(task, mine, row.column)
        elif mine:
            taken = row.kind in [section.title for section in groups.values()]
            title = f"{row.kind} ({task})" if taken else row.kind
            groups.setdefault(str(row.protocol), Section(title, [])).reports.extend(mine)
    for section in groups.values():
        section.reports.sort(key=lambda report: (not report.simple, reports.index(report)))
    return list(groups.values())
