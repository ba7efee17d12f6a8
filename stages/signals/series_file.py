"""The file of a measured series: a column of values, and one of times, in a CSV file."""

import csv
import difflib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages import files
from stages.files import InputError, shown
from stages.signals import times
from stages.signals.series import LARGEST
from stages.signals.sines import Floats

EXPECTED = "expected a CSV file in UTF-8, with a line of column names and one value a line"
POINTER = b"version https://git-lfs"
SEPARATORS = {";": "semicolons", "\t": "tabs"}

Rows = list[tuple[int, list[str]]]  # each with the number of its line


@dataclass(frozen=True)
class Column:
    """A column of a CSV file: values (time,), and their times where a column has them."""

    name: str
    values: Floats
    times: tuple[str, ...] | None


def load(path: Path, column: str | None = None, time: str | None = None) -> Column:
    """Read a column of a CSV file, and check that its times ascend evenly.

    column: its name; None if there is only one, whose header is then optional. time: the name of
    the column of times. Lines of empty fields at the end are ignored.
    Raises InputError in one line where the file is not such a series.
    """
    rows = _rows(path, _text(path))
    named = column is not None or time is not None or not _is_lone_number(rows[0][1])
    names = [field.strip() for field in rows[0][1]] if named else ["value"]
    if named:
        _check_header(path, rows, names, (column, time))
    time_place = None if time is None else _place(path, names, time)
    place = _only(path, names, time_place) if column is None else _place(path, names, column)
    rows = rows[named:]
    while rows and not any(map(str.strip, rows[-1][1])):
        rows.pop()
    if not rows:
        raise InputError(f"{path}: has column names and no values; {EXPECTED}")
    for line, row in rows:
        _check_fields(path, line, row, len(names))
    moments = None if time_place is None else _times(path, rows, time_place)
    if place != 0 and time_place != 0:
        _check_sum(path, rows)
    values = [_value(path, line, row[place].strip()) for line, row in rows]
    return Column(names[place] or "value", np.array(values, dtype=np.float64), moments)


def check_present(path: Path) -> None:
    """Raise InputError where there is no such file; one that DVC tracks can be pulled."""
    tracked = path.with_name(f"{path.name}.dvc").is_file()
    files.size(path, f"`dvc pull {path}` brings it" if tracked else EXPECTED)


def _text(path: Path) -> str:
    """Read a file as UTF-8; raises InputError where it is other text or none."""
    check_present(path)
    content = path.read_bytes()
    if content.startswith(POINTER):
        raise InputError(f"{path}: is a pointer of Git LFS; `git lfs pull` brings the file")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:100]:
        raise InputError(f"{path}: is UTF-16 or no text; save it as CSV in UTF-8")
    text = files.text(path, EXPECTED, "save it as CSV in UTF-8; it may be Latin-1")
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InputError(f"{path}: is empty; {EXPECTED}")
    return text


def _rows(path: Path, text: str) -> Rows:
    """Split a text into rows; raises InputError where commas do not separate its values."""
    first = text.partition("\n")[0]
    for separator, name in SEPARATORS.items():
        if separator in first and first.count(separator) >= first.count(","):
            raise InputError(f"{path}:1: values are separated by {name}; expected commas")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: is not CSV: {error}") from None


def _check_header(
    path: Path, rows: Rows, names: list[str], wanted: tuple[str | None, str | None]
) -> None:
    """Raise InputError where the first row holds data in place of column names."""
    if set(filter(None, wanted)) & set(names):
        return
    if any(_is_number(name) or times.kind(name) for name in names):
        listed = shown(",".join(names), 100)
        raise InputError(f"{path}:1: expected a line of column names, got the values '{listed}'")


def _place(path: Path, names: list[str], name: str) -> int:
    """Find the place of a column; raises InputError unless one column has the name."""
    if names.count(name) > 1:
        raise InputError(f"{path}:1: names {names.count(name)} columns '{shown(name)}'; expected 1")
    if name not in names:
        near = difflib.get_close_matches(name.lower(), map(str.lower, names), n=1)
        close = next((known for known in names if near and known.lower() == near[0]), None)
        end = f"did you mean '{close}'?" if close else f"it has {shown(', '.join(names), 100)}"
        raise InputError(f"{path}: has no column '{shown(name)}'; {end}")
    return names.index(name)


def _only(path: Path, names: list[str], time_place: int | None) -> int:
    """Find the only column besides the times; raises InputError where there are several."""
    others = [place for place in range(len(names)) if place != time_place]
    if len(others) != 1:
        listed = shown(", ".join(names), 100)
        raise InputError(
            f"{path}: has {len(names)} columns; name the one with the values: {listed}"
        )
    return others[0]


def _check_fields(path: Path, line: int, row: list[str], count: int) -> None:
    """Raise InputError unless a row has one field for each column."""
    if not any(field.strip() for field in row):
        raise InputError(f"{path}:{line}: is empty; expected a value, evenly spaced in time")
    if len(row) != count:
        hint = "; write 1.5 for a decimal comma, 1,5" if len(row) > count else ""
        fields = f"{len(row)} field{'s' * (len(row) > 1)}"
        raise InputError(f"{path}:{line}: has {fields}; expected {count}{hint}")


def _check_sum(path: Path, rows: Rows) -> None:
    """Raise InputError where the last row begins with a word and those before it do not."""
    *firsts, last = (row[0].strip() for _, row in rows)
    if firsts and not _is_axis(last) and all(map(_is_axis, firsts)):
        message = f"begins with '{shown(last)}', unlike those before it; is it a sum?"
        raise InputError(f"{path}:{rows[-1][0]}: {message}")


def _times(path: Path, rows: Rows, place: int) -> tuple[str, ...]:
    """Read the times; raises InputError unless they ascend evenly."""
    moments = tuple(row[place].strip() for _, row in rows)
    wrong = times.fault(moments)
    if wrong:
        raise InputError(f"{path}:{rows[wrong[0]][0]}: {shown(wrong[1], 200)}")
    return moments


def _value(path: Path, line: int, text: str) -> float:
    """Read a number; raises InputError where there is none, or none that can be squared."""
    if not text:
        raise InputError(f"{path}:{line}: the value is empty; expected a number")
    if not _is_number(text) or float(text) != float(text):
        form = "a number with a decimal point and no comma" if "," in text else "a number"
        raise InputError(f"{path}:{line}: expected {form}, got '{shown(text)}'")
    value = float(text)
    if not abs(value) <= LARGEST:
        raise InputError(f"{path}:{line}: expected a number up to {LARGEST:g}, got '{shown(text)}'")
    return value


def _is_lone_number(row: list[str]) -> bool:
    return len(row) == 1 and _is_number(row[0])


def _is_axis(text: str) -> bool:
    return _is_number(text) or times.kind(text) is not None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # 1_000 is Python's own way to write a number
