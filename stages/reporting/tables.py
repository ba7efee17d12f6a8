"""The tables of all models for DVC's own plots: a file for each plot.

Values that are infinite, or too large to draw, are left empty.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from stages.reporting.reports import Forecasts, Report, Row
from stages.reporting.style import finite

EARLY = 4.0  # periods of a rollout
Part = Callable[[Any], pd.DataFrame]


def plot_tables(rows: Sequence[Row]) -> dict[str, pd.DataFrame]:
    """Collect the tables by file name, models in their order."""
    sines = [row for row in rows if isinstance(row, Report)]
    measured = [row for row in rows if isinstance(row, Forecasts)]
    return {
        "horizon.csv": together(sines, ["periods", "rmse"], lambda row: row.horizon),
        "rollout.csv": together(
            sines, ["periods", "truth", "teacher_forced", "free_running"], rollout
        ),
        "multipliers.csv": together(sines, ["order", "multiplier"], lambda row: row.multipliers),
        "training.csv": together(
            rows, ["phase", "part", "steps_seen", "loss"], lambda row: row.training
        ),
        "forecasts.csv": together(measured, ["task", "step", "value", "forecast"], forecasts),
        "mase.csv": together(
            measured, ["task", "step", "mase"], lambda row: row.horizon.assign(task=row.task)
        ),
    }


def together(rows: Sequence[Row], columns: list[str], part: Part) -> pd.DataFrame:
    """Stack columns of a part of each report, with the model's name as the first column."""
    empty = pd.DataFrame(columns=["model", *columns])
    parts = [part(row)[columns].assign(model=row.name) for row in rows]
    parts = [table for table in parts if not table.empty]
    table = pd.concat(parts)[empty.columns] if parts else empty
    numbers = table.select_dtypes("number").columns
    return table.assign(**{name: finite(table[name]) for name in numbers})


def rollout(row: Report) -> pd.DataFrame:
    """Cut the first periods of a rollout; values far outside the truth are left out."""
    early = row.rollout[row.rollout.periods <= EARLY]
    names = ["teacher_forced", "free_running"]
    return early.assign(**{name: framed(early[name], early.truth) for name in names})


def forecasts(row: Forecasts) -> pd.DataFrame:
    """Cut the forecast of the last test origin, with as many values before it."""
    return row.rollout[row.rollout.step > -row.ahead].assign(task=row.task)


def framed(values: pd.Series, frame: pd.Series) -> pd.Series:
    """Drop values that would make all others small: beyond twice the frame's largest."""
    return values.where(values.abs() <= 2 * frame.abs().max())
