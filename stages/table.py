"""Tables as the text of CSV files."""

import io
from collections.abc import Iterable, Mapping
from csv import writer

SIGNIFICANT = "%.6g"  # digits of a float that every machine agrees on


def csv(table: Mapping[str, Iterable[object]]) -> str:
    """Write columns by name, all of one length, as the text of a CSV file."""
    text = io.StringIO()
    rows = writer(text, lineterminator="\n")
    rows.writerow(table)
    rows.writerows(zip(*(map(cell, column) for column in table.values()), strict=True))
    return text.getvalue()


def cell(value: object) -> object:
    """Round a float; write nothing for NaN."""
    if not isinstance(value, float):
        return value
    return "" if value != value else SIGNIFICANT % value
