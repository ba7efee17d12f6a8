"""The reports of a model, as `evaluate` wrote them and its card has them, and of a dataset."""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages import files
from stages.files import AGAIN, InputError
from stages.settings.dataset import Dataset as Task

TABLES = {
    "training": ("attempt", "phase", "iteration", "steps_seen", "loss"),
    "rollout": (
        *("step", "periods", "truth", "value"),
        *("teacher_forced", "memory_wiped", "free_running"),
    ),
    "late": ("step", "periods", "truth", "free_running"),
    "horizon": ("periods", "rmse"),
    "hidden": ("regime", "step", "periods", "pc1", "pc2"),
    "multipliers": ("order", "multiplier"),
    "sequences": ("frequency", "amplitude", "valid_periods", "rmse"),
    "settling": ("frequency", "step"),
}
MAY_BE_EMPTY = ("training", "settling")  # of a model that is not trained, or has no memory
WORDS = ("name", "phase", "protocol", "quantity", "regime", "task")  # columns without numbers


@dataclass(frozen=True)
class Report:
    """What there is to see of one row of `models`.

    task: the row of `datasets` that it is judged by; periods: the horizon. metrics: as in
    metrics.json, where a word stands for a number that could not be computed. The tables hold
    infinite and missing numbers where a rollout blew up; periods are counted from the end of the
    warm-up. training: as in training.csv, and as `in_parts` adds.
    """

    name: str
    task: str
    periods: int
    metrics: dict[str, Any]
    training: pd.DataFrame
    rollout: pd.DataFrame
    late: pd.DataFrame
    horizon: pd.DataFrame
    hidden: pd.DataFrame
    multipliers: pd.DataFrame
    sequences: pd.DataFrame
    settling: pd.DataFrame


@dataclass(frozen=True)
class Section:
    """The models that are judged alike, on the same test sequences: they may be compared."""

    title: str
    reports: list[Report]


def sections(reports: list[Report], tasks: dict[str, Task]) -> list[Section]:
    """Return the reports by what they are judged by, in the order of `datasets`.

    A title says what the past has to tell: one sine, any sine, or any sine in noise. A second
    section of one kind has the name of its dataset too.
    """
    found: dict[str, Section] = {}
    titles: list[str] = []
    for task, row in tasks.items():
        mine = [report for report in reports if report.task == task]
        if not mine:
            continue
        key = protocol(row)
        if key not in found:
            title = f"{row.kind} ({task})" if row.kind in titles else row.kind
            titles.append(title)
            found[key] = Section(title, [])
        found[key].reports.extend(mine)
    order = {report.name: place for place, report in enumerate(reports)}
    for section in found.values():
        section.reports.sort(key=lambda report: order[report.name])
    return list(found.values())


@dataclass(frozen=True)
class Dataset:
    """What there is to see of one row of `datasets`, of its training sequences.

    sequences: the first that differ, their values and the truth behind them, against periods of the
    median frequency. distributions: of each quantity, shares of the sequences from low to high.
    """

    name: str
    sequences: pd.DataFrame
    distributions: pd.DataFrame


def load_dataset(folder: Path) -> Dataset:
    """Read the reports of a dataset; raises InputError where one is missing or damaged."""
    sequences, distributions = (
        parse_csv(folder / name, read(folder / name), columns)
        for name, columns in (
            ("sequences.csv", ("sequence", "periods", "value", "truth")),
            ("distributions.csv", ("quantity", "low", "high", "share")),
        )
    )
    drawn = set(distributions.quantity) == {"phase", "frequency", "amplitude"}
    if not drawn or not np.isfinite(distributions[["low", "high", "share"]]).all(axis=None):
        raise InputError(
            f"{folder / 'distributions.csv'}: expected finite shares of phase, frequency and "
            f"amplitude; {AGAIN}"
        )
    return Dataset(folder.name, sequences, distributions)


def protocol(row: Task) -> str:
    """Return a digest of what errors are compared under."""
    return hashlib.sha256(repr(row.protocol).encode()).hexdigest()[:16]


def load_peers(path: Path, tasks: dict[str, Task]) -> pd.DataFrame:
    """Read what others reach under the protocols as they are now: nothing if nobody measured it.

    Columns task, name, periods and rmse.
    """
    columns = ("task", "name", "periods", "rmse", "protocol")
    if not path.exists():
        return pd.DataFrame(columns=columns)
    table = parse_csv(path, read(path), columns)
    known = {task: protocol(row) for task, row in tasks.items()}
    return table[table.protocol == table.task.map(known)]


def load(folder: Path, card_path: Path) -> Report:
    """Read the reports in `folder`.

    Raises InputError where one is missing or damaged, or is not the one that the card names.
    """
    card = parse_json(card_path, read(card_path))
    digests, task, periods = (card.get(key) for key in ("sha256", "task", "periods"))
    if not isinstance(digests, dict) or not isinstance(task, str) or not isinstance(periods, int):
        raise InputError(f"{card_path}: is no card of a model; {AGAIN}")
    contents = {}
    for name in ("metrics.json", *(f"{table}.csv" for table in TABLES)):
        contents[name] = read(folder / name)
        if hashlib.sha256(contents[name]).hexdigest() != digests.get(name):
            raise InputError(
                f"{folder / name}: is not the file that {card_path} names; "
                f"make both with `dvc repro --force evaluate@{folder.name}`"
            )
    tables = {
        table: parse_csv(
            folder / f"{table}.csv", contents[f"{table}.csv"], columns, table in MAY_BE_EMPTY
        )
        for table, columns in TABLES.items()
    }
    tables["training"] = in_parts(tables["training"])
    metrics = parse_json(folder / "metrics.json", contents["metrics.json"])
    return Report(folder.name, task, periods, metrics, **tables)


def in_parts(curve: pd.DataFrame) -> pd.DataFrame:
    """Add to a training curve which `part`, a phase of an attempt, a row belongs to.

    And `iterations`: counted on from one part to the next.
    """
    begins = (curve.attempt != curve.attempt.shift()) | (curve.iteration <= curve.iteration.shift())
    part = begins.cumsum()
    before = curve.groupby(part).iteration.last().cumsum().shift(fill_value=0)
    return curve.assign(part=part, iterations=curve.iteration + part.map(before))


def number(metric: float | str) -> float:
    """Return a metric as a float: infinite where a word says that it could not be computed."""
    return np.inf if isinstance(metric, str) else metric


def read(path: Path) -> bytes:
    """Return the bytes of a report; raises InputError where there is none."""
    files.size(path)
    return path.read_bytes()


def parse_json(path: Path, content: bytes) -> dict[str, Any]:
    """Return the object in a JSON file; raises InputError where it holds none."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({files.reason(error)}); {AGAIN}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object")
    return value


def parse_csv(
    path: Path, content: bytes, columns: tuple[str, ...], may_be_empty: bool = False
) -> pd.DataFrame:
    """Return the table in a CSV file; raises InputError where a column is missing."""
    try:
        table = pd.read_csv(io.BytesIO(content))
    except ValueError as error:
        raise InputError(f"{path}: is not a CSV table ({files.reason(error)}); {AGAIN}") from None
    missing = [column for column in columns if column not in table]
    if missing or (table.empty and not may_be_empty):
        raise InputError(f"{path}: expected rows with the columns {', '.join(columns)}")
    for column in columns:
        if table.empty or column in WORDS:
            continue
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{path}: the column {column} holds other than numbers; {AGAIN}")
    return table
