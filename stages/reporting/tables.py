"""Tables of all models together, for DVC's own plots: one file a plot, a row's model in a column.

What is infinite, or too large to draw, is left empty.
"""

from collections.abc import Callable, Sequence

import pandas as pd

from stages.reporting.reports import Report
from stages.reporting.style import finite

EARLY = 4.0  # periods of a rollout
LATE = 2.0  # periods of the orbit under the true past
REGIMES = {"truth": "truth", "teacher_forced": "teacher-forced", "free_running": "free-running"}


def plot_tables(reports: Sequence[Report]) -> dict[str, pd.DataFrame]:
    """Return the tables by file name, models in the order of the reports."""
    tables = {
        "horizon.csv": together(reports, lambda report: report.horizon),
        "training.csv": together(reports, lambda report: report.training),
        "rollout.csv": together(reports, rollout),
        "orbit.csv": together(reports, orbit),
        "multipliers.csv": together(reports, multipliers),
    }
    for table in tables.values():
        numbers = table.select_dtypes("number").columns
        table[numbers] = finite(table[numbers])
    return tables


def together(reports: Sequence[Report], part: Callable[[Report], pd.DataFrame]) -> pd.DataFrame:
    """Return one table of a part of each report, with the model's name as the first column."""
    parts = {report.name: part(report) for report in reports}
    return pd.concat(parts, names=["model"]).reset_index("model").reset_index(drop=True)


def rollout(report: Report) -> pd.DataFrame:
    """Return the first periods of a rollout with a row for each value and regime."""
    shown = report.rollout[report.rollout.periods <= EARLY].rename(columns=REGIMES)
    long = shown.melt("periods", list(REGIMES.values()), "regime", "x")
    return long.assign(x=framed(long.x, shown.truth))


def orbit(report: Report) -> pd.DataFrame:
    """Return where the hidden state goes under the true past, and from there in the free run."""
    table = report.hidden[["regime", "periods", "pc1", "pc2"]].replace({"regime": REGIMES})
    forced = table[table.regime == REGIMES["teacher_forced"]]
    forced = forced[forced.periods > forced.periods.max() - LATE]
    free = table[(table.regime == REGIMES["free_running"]) & (table.periods <= EARLY)]
    if not forced.pc2.any():  # one hidden unit or none
        return table[:0]
    free = free.assign(pc1=framed(free.pc1, forced.pc1), pc2=framed(free.pc2, forced.pc2))
    return pd.concat((forced, free))


def multipliers(report: Report) -> pd.DataFrame:
    """Return the multipliers without those that are zero but for rounding."""
    return report.multipliers[report.multipliers.multiplier >= 1e-6]


def framed(values: pd.Series, frame: pd.Series) -> pd.Series:
    """Return values without those that would make all others small: twice the frame's largest."""
    return values.where(values.abs() <= 2 * frame.abs().max())
