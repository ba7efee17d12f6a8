"""The file of one's own numbers: one column of a CSV file, evenly spaced in time."""

import csv
import io
from pathlib import Path

import numpy as np

from stages import files
from stages.files import InputError, shown
from stages.signals.sines import Floats

LARGEST = 1e100  # the squares of larger ones, and their figures, overflow
MEND = "give a CSV file in UTF-8 with one value a line"


def load(path: Path, column: str | None = None) -> tuple[str, Floats]:
    """Return the name of a column of a CSV file, and its values, (time,).

    The first line may name the columns; it must where there are several, and then `column` says
    which. Empty lines at the end are left out.
    Raises InputError where the file cannot be read, or a line holds no number up to `LARGEST`.
    """
    text = files.text(path, MEND).removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text.rstrip()))
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: is no CSV: {error}") from None
    if not rows:
        raise InputError(f"{path}: is empty; {MEND}")
    named = column is not None or len(rows[0][1]) != 1 or not _is_number(rows[0][1][0])
    names = [name.strip() for name in rows[0][1]] if named else ["value"]
    place = _place(path, names, column)
    values = [_value(path, line, row, place, len(names)) for line, row in rows[named:]]
    return names[place] or "value", np.array(values, dtype=np.float64)


def _place(path: Path, names: list[str], column: str | None) -> int:
    """Return where the column stands; raises InputError unless it is the only one of its name."""
    listed = shown(", ".join(names), 100)
    if column is None and len(names) > 1:
        raise InputError(f"{path}: has {len(names)} columns; choose one by --column: {listed}")
    if column is not None and names.count(column) != 1:
        raise InputError(f"{path}: --column {shown(column)}: expected a name once in: {listed}")
    return 0 if column is None else names.index(column)


def _value(path: Path, line: int, row: list[str], place: int, columns: int) -> float:
    """Return the number in a line; raises InputError where there is none, or none that counts."""
    if not any(field.strip() for field in row):
        raise InputError(f"{path}: line {line}: is empty; expected a number, evenly spaced in time")
    if len(row) != columns:
        raise InputError(f"{path}: line {line}: has {len(row)} columns; expected {columns}")
    if not _is_number(row[place]):
        raise InputError(f"{path}: line {line}: expected a number, got '{shown(row[place])}'")
    value = float(row[place])
    if not abs(value) <= LARGEST:
        raise InputError(
            f"{path}: line {line}: expected a number up to {LARGEST:g}, got '{shown(row[place])}'"
        )
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # 1_000 is Python's own way to write a number
