"""The figure of measured series: the last forecast of each task, and MASE by step ahead."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.reporting.reports import Forecasts, Section
from stages.reporting.style import (
    ENTRY,
    INK,
    TRUTH,
    WARMUP,
    WIDTH,
    Pen,
    finite,
    legend_beside,
    note,
    short,
)

SEASONS = 3  # of the past that are drawn
REACH = 2.5  # the largest MASE that is drawn, as a multiple of the seasonal naive's
LEVELS = {95: 0.15, 80: 0.3}  # % of intervals: opacity


def series(sections: Sequence[Section], pen: dict[str, Pen]) -> Figure:
    """Draw the last forecast of the best rows of each measured task, and MASE by step of all."""
    if not sections:
        return note("No task is a measured series.")
    heights = [max(2.2, ENTRY * (len(section.reports) + 3)) for section in sections]
    size = (WIDTH, sum(heights) + 0.9 * len(sections))
    figure = Figure(figsize=size, layout="constrained")
    options = {"squeeze": False, "height_ratios": heights, "width_ratios": [1.5, 1]}
    grid = figure.subplots(len(sections), 2, **options)
    for (left, right), section in zip(grid, sections, strict=True):
        draw_forecasts(left, section, pen)
        draw_mase(right, section, pen)
        left.set_title(short(section.title), fontweight="bold")
    return figure


def label(report: Forecasts) -> str:
    """Name a row without the name of its task, which stands above it."""
    return short(report.name.removeprefix(report.task).removesuffix(report.task).strip("_-"))


def draw_forecasts(axes: Axes, section: Section, pen: dict[str, Pen]) -> None:
    """Draw the end of a series, what came, and the forecasts of the best network and method."""
    best = [row for simple in (False, True) if (row := section.best(simple=simple))]
    shown = max(SEASONS * best[0].season, best[0].ahead, 10)
    table = best[0].rollout[best[0].rollout.step > -shown]
    past, came = table[table.step <= 0], table[table.step >= 0]
    axes.axvspan(-shown, 0, color=WARMUP, linewidth=0)
    axes.plot(past.step, past.value, "o-", color=INK, markersize=2.5, linewidth=0.8)
    axes.plot(came.step, came.value, color=TRUTH, linewidth=5)
    for place, row in enumerate(best):
        ahead, mine = row.rollout[row.rollout.step >= 1], pen[row.name]
        for level, alpha in LEVELS.items() if place == 0 else ():
            low, high = finite(ahead[f"low_{level}"]), finite(ahead[f"high_{level}"])
            axes.fill_between(ahead.step, low, high, color=mine.colour, alpha=alpha, linewidth=0)
        axes.plot(ahead.step, finite(ahead.forecast), color=mine.colour, linestyle=mine.dash)
    axes.set(xlim=(-shown, best[0].ahead), xlabel="values ahead", ylabel=short(section.column))


def draw_mase(axes: Axes, section: Section, pen: dict[str, Pen]) -> None:
    """Draw the MASE of all rows by step ahead, and the one legend of both panels."""
    shaded = section.best(simple=False) or section.best(simple=True)
    thick = {"what came": (TRUTH, 1.0), "80 %, 95 %": (pen[shaded.name].colour, LEVELS[80])}
    for text, (colour, alpha) in thick.items():
        axes.plot([], [], color=colour, alpha=alpha, linewidth=6, label=text)
    ends, peaks = [np.inf] * len(thick), []
    for row in section.reports:
        mine, mase = pen[row.name], finite(row.horizon.mase)
        axes.plot(row.horizon.step, mase, color=mine.colour, linestyle=mine.dash, label=label(row))
        ends.append(np.nan_to_num(mase[-1], nan=np.inf))
        peaks.append(np.nanmax(mase, initial=0))
    reference = [p for p, row in zip(peaks, section.reports, strict=True) if row.simple] or peaks
    axes.set(xlabel="values ahead", ylabel="MASE")
    axes.set(ylim=(0, 1.05 * min(max(peaks), REACH * min(reference)) or 1))
    axes.set_xlim(0, section.reports[0].ahead)
    axes.grid(True)
    legend_beside(axes, ends)
