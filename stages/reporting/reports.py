"""The reports of a model, as `evaluate` wrote them and its card has them, and of a dataset."""

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages import files
from stages.files import InputError

TABLES = {
    "training": ("phase", "iteration", "steps_seen", "loss"),
    "rollout": ("step", "periods", "truth", "teacher_forced", "memory_wiped", "free_running"),
    "late": ("step", "periods", "truth", "free_running"),
    "horizon": ("periods", "rmse"),
    "hidden": ("regime", "step", "periods", "pc1", "pc2"),
    "multipliers": ("order", "multiplier"),
}
WORDS = ("name", "phase", "protocol", "quantity", "regime")  # columns without numbers
AGAIN = "make it again with `dvc repro`"


@dataclass(frozen=True)
class Report:
    """What there is to see of one row of `models`.

    metrics: as in metrics.json, where a word stands for a number that could not be computed.
    settings: the section `evaluate` behind it. The tables hold infinite and missing numbers where
    a rollout blew up; periods are counted from the end of the warm-up. training: as in
    training.csv, and as `in_parts` adds.
    """

    name: str
    metrics: dict[str, Any]
    settings: dict[str, Any]
    training: pd.DataFrame
    rollout: pd.DataFrame
    late: pd.DataFrame
    horizon: pd.DataFrame
    hidden: pd.DataFrame
    multipliers: pd.DataFrame


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


def protocol(parameters: dict[str, Any]) -> str:
    """Return a digest of what errors are compared under: test sequences, warm-up, horizon.

    parameters: the sections `datasets` and `evaluate` of params.yaml.
    """
    evaluate = parameters["evaluate"]
    same = {"evaluate": evaluate, "dataset": parameters["datasets"].get(evaluate["dataset"])}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]


def peers_csv(parameters: dict[str, Any], errors: Iterable[tuple[str, float, float]]) -> str:
    """Return the file of what others reach under the protocol: (name, periods, RMSE) of each."""
    table = pd.DataFrame(errors, columns=["name", "periods", "rmse"])
    table["protocol"] = protocol(parameters)
    return table.to_csv(index=False, float_format="%.3g", lineterminator="\n")


def load_peers(path: Path, parameters: dict[str, Any]) -> pd.DataFrame:
    """Read what others reach under the protocol as it is now: nothing if nobody measured it."""
    if not path.exists():
        return pd.DataFrame(columns=["name", "periods", "rmse"])
    table = parse_csv(path, read(path), ("name", "periods", "rmse", "protocol"))
    return table[table.protocol == protocol(parameters)]


def load(folder: Path, card_path: Path) -> Report:
    """Read the reports in `folder`.

    Raises InputError where one is missing or damaged, or is not the one that the card names.
    """
    card = parse_json(card_path, read(card_path))
    digests = card.get("sha256")
    settings = card.get("evaluate")
    if not isinstance(digests, dict) or not isinstance(settings, dict):
        raise InputError(f"{card_path}: expected the card of a model, with `sha256`, `evaluate`")
    if not isinstance(settings.get("periods"), int):
        raise InputError(f"{card_path}: evaluate.periods is no whole number; {AGAIN}")
    contents = {}
    for name in ("metrics.json", *(f"{table}.csv" for table in TABLES)):
        contents[name] = read(folder / name)
        if hashlib.sha256(contents[name]).hexdigest() != digests.get(name):
            raise InputError(
                f"{folder / name}: is not the file that {card_path} names; "
                f"make both with `dvc repro --force evaluate@{folder.name}`"
            )
    tables = {
        table: parse_csv(folder / f"{table}.csv", contents[f"{table}.csv"], columns)
        for table, columns in TABLES.items()
    }
    tables["training"] = in_parts(tables["training"])
    return Report(
        name=folder.name,
        metrics=parse_json(folder / "metrics.json", contents["metrics.json"]),
        settings=settings,
        **tables,
    )


def in_parts(curve: pd.DataFrame) -> pd.DataFrame:
    """Add to a training curve which `part`, a phase of an attempt, a row belongs to.

    And `iterations`: counted on from one part to the next.
    """
    begins = (curve.phase != curve.phase.shift()) | (curve.iteration <= curve.iteration.shift())
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


def parse_csv(path: Path, content: bytes, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return the table in a CSV file; raises InputError where a column is missing."""
    try:
        table = pd.read_csv(io.BytesIO(content))
    except ValueError as error:
        raise InputError(f"{path}: is not a CSV table ({files.reason(error)}); {AGAIN}") from None
    missing = [column for column in columns if column not in table]
    if missing or table.empty:
        raise InputError(f"{path}: expected rows with the columns {', '.join(columns)}")
    for column in columns:
        if column not in WORDS and not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{path}: the column {column} holds other than numbers; {AGAIN}")
    return table
