"""The tables of all models for DVC's own plots: a file for each plot.

Values that are infinite, or too large to draw, are left empty.
"""

from collections.abc import Sequence

import pandas as pd

from stages.reporting.reports import Report
from stages.reporting.style import finite

EARLY = 4.0  # periods of a rollout
TABLES = {  # columns by name of the table; each has a column `model` too
    "horizon": "periods rmse",
    "rollout": "periods truth teacher_forced free_running",
    "multipliers": "order multiplier",
    "training": "phase part steps_seen loss",
    "forecasts": "task step value forecast",
    "mase": "task step mase",
}


def plot_tables(rows: Sequence[Report]) -> dict[str, pd.DataFrame]:
    """Stack the tables of all models by file name, models in their order."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for row in rows:
        own = forecasts(row) if row.measured else free_runs(row)
        for name, table in {"training": row.training, **own}.items():
            if not table.empty:
                parts[name].append(table.assign(model=row.name, task=row.card.task))
    stacked = {}
    for name, columns in TABLES.items():
        names = ["model", *columns.split()]
        table = pd.concat(parts[name] or [pd.DataFrame(columns=names)])[names]
        numbers = table.select_dtypes("number").apply(finite)
        stacked[f"{name}.csv"] = table.assign(**numbers)
    return stacked


def free_runs(row: Report) -> dict[str, pd.DataFrame]:
    """Select the tables of sines; rollout values beyond twice the truth's peak are left empty."""
    early, runs = row.rollout[row.rollout.periods <= EARLY], ["teacher_forced", "free_running"]
    early = early.assign(**early[runs].where(early[runs].abs() <= 2 * early.truth.abs().max()))
    return {"horizon": row.horizon, "rollout": early, "multipliers": row.multipliers}


def forecasts(row: Report) -> dict[str, pd.DataFrame]:
    """Select the tables of a series: the last forecast, and as many values before it."""
    last = row.rollout[row.rollout.step > -row.card.horizon]
    return {"forecasts": last, "mase": row.horizon}
