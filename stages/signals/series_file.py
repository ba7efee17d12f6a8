"""The file of a measured series: a column of values, and one of times, in a CSV file."""

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages import files
from stages.files import InputError, shown
from stages.signals import times
from stages.signals.series import LARGEST
from stages.signals.sines import Floats

EXPECTED = "expected a CSV file in UTF-8, with a line of column names and one value a line"

Rows = list[tuple[int, list[str]]]  # each with the number of its line


@dataclass(frozen=True)
class Column:
    """A column of a CSV file: its values, (time,), and their times, if another column has them."""

    name: str
    values: Floats
    times: tuple[str, ...] | None


def load(path: Path, column: str | None = None, time: str | None = None) -> Column:
    """Read a column of a CSV file, and check that its times ascend evenly.

    column: its name; None reads the only column beside `time`. time: the name of the column of
    times. A file of one column needs no header. Lines of empty fields at the end are ignored.
    Raises InputError in one line where the file is not such a series.
    """
    rows = _rows(path)
    names = rows[0][1] if rows else []
    if column is None and time is None and len(names) == 1 and not math.isnan(_number(names[0])):
        names = ["value"]
    else:
        rows = rows[1:]
    if not rows:
        raise InputError(f"{path}: has no values; {EXPECTED}")
    others = [name for name in names if name != time]
    if column is None and len(others) == 1:
        column = others[0]
    place = _place(path, names, column)
    time_place = None if time is None else _place(path, names, time)
    for line, row in rows:
        if len(row) != len(names):
            raise InputError(f"{path}:{line}: has {len(row)} fields; expected {len(names)}")
    moments = None if time_place is None else _times(path, rows, time_place)
    values = np.array([_value(path, line, row[place]) for line, row in rows])
    return Column(names[place] or "value", values, moments)


def _rows(path: Path) -> Rows:
    """Read the rows; strip spaces around fields, and drop empty rows at the end."""
    tracked = path.with_name(f"{path.name}.dvc").is_file()
    make = f"get it with `dvc pull {path}`" if tracked else EXPECTED
    text = files.text(path, make, "save it as CSV in UTF-8").removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, [field.strip() for field in row]) for row in reader]
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: is not CSV: {error}") from None
    while rows and not any(rows[-1][1]):
        rows.pop()
    return rows


def _place(path: Path, names: list[str], name: str | None) -> int:
    """Find the index of a column; raises InputError unless one column has the name."""
    count = names.count(name)
    if count == 1:
        return names.index(name)
    listed = shown(",".join(names), 100)
    if name is None:
        raise InputError(f"{path}: has {len(names)} columns; name the column of values: {listed}")
    raise InputError(
        f"{path}:1: has {count or 'no'} columns '{shown(name)}'; expected one of these: {listed}"
    )


def _times(path: Path, rows: Rows, place: int) -> tuple[str, ...]:
    """Read the times; raises InputError unless they ascend evenly."""
    moments = tuple(row[place] for _, row in rows)
    if wrong := times.fault(moments):
        raise InputError(f"{path}:{rows[wrong[0]][0]}: {shown(wrong[1], 200)}")
    return moments


def _value(path: Path, line: int, text: str) -> float:
    """Read a number up to `LARGEST`; raises InputError for any other text."""
    value = _number(text)
    if not abs(value) <= LARGEST:
        expected = f"a number such as 12 or 12.5, up to {LARGEST:g}"
        raise InputError(f"{path}:{line}: expected {expected}, got '{shown(text)}'")
    return value


def _number(text: str) -> float:
    """Read a number; NaN for any other text, and for 1_000, a number in Python alone."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan
