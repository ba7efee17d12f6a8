"""The reports of models and datasets: read, checked against their cards, put into sections."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages import files
from stages.files import AGAIN, InputError
from stages.settings.dataset import Dataset as Task
from stages.settings.model import Row as ModelRow

SIMPLE = ("linear", "prony", "sine_fit", "naive", "seasonal_naive", "drift", "ets", "ar")
# By kind of task: the whole numbers on its cards, and the columns of its tables.
FACTS = {"sines": ("periods",), "measured": ("season", "horizon")}
TABLES = {
    "sines": {
        "training": "attempt phase iteration steps_seen loss",
        "rollout": "step periods truth value teacher_forced memory_wiped free_running",
        "horizon": "periods rmse",
        "hidden": "regime step periods pc1 pc2",
        "multipliers": "order multiplier",
        "sequences": "frequency amplitude valid_periods rmse",
        "settling": "frequency step",
    },
    "measured": {
        "training": "attempt phase iteration steps_seen loss",
        "rollout": "step time value forecast low_80 high_80 low_95 high_95",
        "horizon": "step mase",
        "sequences": "origin time mase",
    },
}
DATASETS = {
    "sines": {
        "sequences": "sequence periods value truth",
        "distributions": "quantity low high share",
    },
    "measured": {"sequences": "step time value part"},
}
MAY_BE_EMPTY = ("training", "settling")  # of a model that is not trained, or has no memory
WORDS = ("part", "phase", "quantity", "regime", "time")  # columns without numbers


@dataclass(frozen=True)
class Row:
    """The reports of a row of `models`, of any task.

    task: the row of `datasets` that judges it. metrics: as in metrics.json, where a word stands
    for a number that could not be computed. training: as in training.csv, and as `in_parts` adds.
    """

    name: str
    task: str
    cell: str
    metrics: dict[str, Any]
    training: pd.DataFrame

    @property
    def simple(self) -> bool:
        """Tell a method without a network from a network."""
        return self.cell in SIMPLE


@dataclass(frozen=True)
class Report(Row):
    """The reports of a model of sines.

    periods: the horizon. The tables hold infinite and missing numbers where a rollout diverged;
    their periods are counted from the end of the warm-up.
    """

    periods: int
    rollout: pd.DataFrame
    horizon: pd.DataFrame
    hidden: pd.DataFrame
    multipliers: pd.DataFrame
    sequences: pd.DataFrame
    settling: pd.DataFrame

    @property
    def spans(self) -> list[str]:
        """List the metrics that are RMSEs of the free run, the longest last: at the horizon."""
        return [name for name in self.metrics["free_running"] if name.startswith("rmse_")]

    @property
    def error(self) -> float:
        """Look up the RMSE of the free run at the horizon."""
        return number(self.metrics["free_running"][self.spans[-1]])


@dataclass(frozen=True)
class Forecasts(Row):
    """The reports of a model of a measured series.

    season: values in a season. ahead: values in the horizon. rollout: the last test origin, with
    the past at steps up to 0.
    """

    season: int
    ahead: int
    rollout: pd.DataFrame
    horizon: pd.DataFrame
    sequences: pd.DataFrame

    @property
    def error(self) -> float:
        """Look up the MASE over the horizon."""
        return number(self.metrics["forecast"]["mase"])


@dataclass(frozen=True)
class Section:
    """Models that may be compared: all are judged on the same test data.

    reports: methods without a network first. column: the name of a series' values.
    """

    title: str
    reports: list[Any]
    column: str = ""

    @property
    def measured(self) -> bool:
        return isinstance(self.reports[0], Forecasts)

    def best(self, *, simple: bool) -> Any:
        """Find the method without a network, or the network, of the least error; perhaps None."""
        chosen = [report for report in self.reports if report.simple == simple]
        return min(chosen, key=lambda report: report.error, default=None)

    @property
    def leaders(self) -> list[Any]:
        """List the best method without a network and the best network, where there are such."""
        return [row for simple in (True, False) if (row := self.best(simple=simple))]


@dataclass(frozen=True)
class Dataset:
    """The reports of a row of `datasets`.

    sequences: of sines, a few training sequences and the truth behind them, against periods of
    the median frequency; of a measured series, its values and the part of each. distributions:
    of each quantity of sines, shares of the sequences from low to high. column: as in `Section`.
    """

    name: str
    sequences: pd.DataFrame
    distributions: pd.DataFrame
    column: str = ""

    @property
    def measured(self) -> bool:
        return "part" in self.sequences


def load_models(reports: Path, cards: Path, rows: Mapping[str, ModelRow]) -> list[Row]:
    """Read the reports of all rows of `models`, in their order."""
    return [load(reports / name, cards / f"{name}.json", row.cell) for name, row in rows.items()]


def load(folder: Path, card_path: Path, cell: str) -> Report | Forecasts:
    """Read the reports of a model; raises InputError where they differ from their card."""
    card = parse_json(card_path)
    kind, digests, task = card.get("kind", "sines"), card.get("sha256"), card.get("task")
    facts = [card.get(key) for key in FACTS.get(kind, ("",))]
    if not (isinstance(digests, dict) and isinstance(task, str)) or not all(
        isinstance(fact, int) for fact in facts
    ):
        raise InputError(f"{card_path}: is not the card of a model; {AGAIN}")
    for name in ("metrics.json", *(f"{table}.csv" for table in TABLES[kind])):
        if hashlib.sha256(read(folder / name)).hexdigest() != digests.get(name):
            raise InputError(
                f"{folder / name}: is not the file that {card_path} names; "
                f"make both with `dvc repro --force evaluate@{folder.name}`"
            )
    tables = parse_tables(folder, TABLES[kind])
    metrics = parse_json(folder / "metrics.json")
    training = in_parts(tables.pop("training"))
    made = Forecasts if kind == "measured" else Report
    return made(folder.name, task, cell, metrics, training, *facts, **tables)


def in_parts(curve: pd.DataFrame) -> pd.DataFrame:
    """Add the column `part` to a training curve: it counts the phases of all attempts."""
    begins = (curve.attempt != curve.attempt.shift()) | (curve.iteration <= curve.iteration.shift())
    return curve.assign(part=begins.cumsum())


def load_dataset(folder: Path, row: Any) -> Dataset:
    """Read the reports of a row of `datasets`; raises InputError where one is damaged."""
    if hasattr(row, "csv"):
        tables = parse_tables(folder, DATASETS["measured"])
        return Dataset(folder.name, tables["sequences"], pd.DataFrame(), row.column)
    tables = parse_tables(folder, DATASETS["sines"])
    shares = tables["distributions"]
    known = set(shares.quantity) == {"phase", "frequency", "amplitude"}
    if not known or not np.isfinite(shares[["low", "high", "share"]]).all(axis=None):
        raise InputError(
            f"{folder / 'distributions.csv'}: expected finite shares of phase, frequency and "
            f"amplitude; {AGAIN}"
        )
    return Dataset(folder.name, **tables)


def sections(reports: Sequence[Any], tasks: Mapping[str, Any]) -> list[Section]:
    """Group reports by task, in the order of `datasets`.

    The title of sines says what the past determines: one sine, any sine, any sine in noise. A
    second section of one kind has the name of its dataset too. A measured series has its name.
    """
    groups: dict[str, tuple[str, list[Any], str]] = {}
    for task, row in tasks.items():
        mine = [report for report in reports if report.task == task]
        if mine and hasattr(row, "csv"):
            groups[task] = (task, mine, row.column)
        elif mine:
            taken = row.kind in [title for title, *_ in groups.values()]
            title = f"{row.kind} ({task})" if taken else row.kind
            groups.setdefault(protocol(row), (title, [], ""))[1].extend(mine)
    order = {report.name: place for place, report in enumerate(reports)}
    return [
        Section(title, sorted(mine, key=lambda r: (not r.simple, order[r.name])), column)
        for title, mine, column in groups.values()
    ]


def protocol(row: Task) -> str:
    """Digest the conditions under which errors of sines can be compared."""
    return hashlib.sha256(repr(row.protocol).encode()).hexdigest()[:16]


def number(metric: float | str) -> float:
    """Turn a metric into a float: infinite where a word says that it could not be computed."""
    return np.inf if isinstance(metric, str) else metric


def read(path: Path) -> bytes:
    """Read the bytes of a report; raises InputError where there is none."""
    files.size(path)
    return path.read_bytes()


def parse_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises InputError where there is none."""
    try:
        value = json.loads(read(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({files.reason(error)}); {AGAIN}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object")
    return value


def parse_tables(folder: Path, tables: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """Read CSV tables, each with its columns; raises InputError where one has others."""
    return {
        name: parse_csv(folder / f"{name}.csv", columns.split(), name in MAY_BE_EMPTY)
        for name, columns in tables.items()
    }


def parse_csv(path: Path, columns: Sequence[str], may_be_empty: bool) -> pd.DataFrame:
    """Read a CSV table; raises InputError where a column is missing or holds no numbers."""
    try:
        table = pd.read_csv(io.BytesIO(read(path)), dtype={"time": str})
    except ValueError as error:
        raise InputError(f"{path}: is not a CSV table ({files.reason(error)}); {AGAIN}") from None
    if not set(columns) <= set(table) or (table.empty and not may_be_empty):
        raise InputError(f"{path}: expected rows with the columns {', '.join(columns)}")
    for column in columns:
        words = table.empty or column in WORDS
        if not words and not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{path}: the column {column} holds other than numbers; {AGAIN}")
    return table
