"""The tables of all models for DVC's own plots: a file for each plot.

Values that are infinite, or too large to draw, are left empty.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from stages.reporting.reports import Forecasts, Report, Row
from stages.reporting.style import finite

EARLY = 4.0  # periods of a rollout
Table = tuple[type, str, Callable[[Any], pd.DataFrame]]  # of which rows, columns, part of a report


def rollout(row: Report) -> pd.DataFrame:
    """Cut the first periods of a rollout; values beyond twice the truth's peak are left out."""
    early, runs = row.rollout[row.rollout.periods <= EARLY], ["teacher_forced", "free_running"]
    return early.assign(**early[runs].where(early[runs].abs() <= 2 * early.truth.abs().max()))


def forecast(row: Forecasts) -> pd.DataFrame:
    """Cut the forecast of the last test origin, with as many values before it."""
    return row.rollout[row.rollout.step > -row.ahead].assign(task=row.task)


TABLES: dict[str, Table] = {
    "horizon": (Report, "periods rmse", lambda row: row.horizon),
    "rollout": (Report, "periods truth teacher_forced free_running", rollout),
    "multipliers": (Report, "order multiplier", lambda row: row.multipliers),
    "training": (Row, "phase part steps_seen loss", lambda row: row.training),
    "forecasts": (Forecasts, "task step value forecast", forecast),
    "mase": (Forecasts, "task step mase", lambda row: row.horizon.assign(task=row.task)),
}


def plot_tables(rows: Sequence[Row]) -> dict[str, pd.DataFrame]:
    """Stack the parts of all reports: a table for each file, models in their order."""
    stacked = {}
    for name, (kind, columns, part) in TABLES.items():
        parts = [part(row).assign(model=row.name) for row in rows if isinstance(row, kind)]
        parts = [table for table in parts if not table.empty]
        table = pd.concat(parts or [pd.DataFrame(columns=["model", *columns.split()])])
        table = table[["model", *columns.split()]]
        numbers = table.select_dtypes("number").apply(finite)
        stacked[f"{name}.csv"] = table.assign(**numbers)
    return stacked
