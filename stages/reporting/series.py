"""The figure of measured series: the last forecast of each task, and MASE by step ahead."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.reporting import style
from stages.reporting.reports import Section

SEASONS = 3  # of the past in the figure
REACH = 1.5  # the largest MASE in the figure, as a multiple of the seasonal naive's
LEVELS = {95: 0.15, 80: 0.3}  # % of intervals: opacity


def series(sections: Sequence[Section]) -> Figure:
    """Draw, for each measured task, the last forecast of the best rows and the MASE of all rows."""
    if not sections:
        return style.empty("No task is a measured series.")
    heights = [max(2.2, style.ENTRY * (len(section.reports) + 3)) for section in sections]
    size = (style.WIDTH, sum(heights) + 0.9 * len(sections))
    figure = Figure(figsize=size)
    options = {"squeeze": False, "height_ratios": heights, "width_ratios": [1.6, 1]}
    grid = figure.subplots(len(sections), 2, **options)
    for (left, right), section in zip(grid, sections, strict=True):
        draw_forecasts(left, section)
        draw_mase(right, section)
        left.set_title(style.short(section.title))
    return figure


def draw_forecasts(axes: Axes, section: Section) -> None:
    """Draw the end of a series, and the forecasts of the best network and the best method."""
    best = section.leaders[-1]
    shown = max(SEASONS * best.card.season, best.card.horizon, 10)
    table = best.rollout[best.rollout.step > -shown]
    past, ahead = table[table.step <= 0], table[table.step >= 0]
    axes.axvspan(-shown, 0, color=style.WARMUP, linewidth=0)
    axes.plot(past.step, past.value, "o-", color=style.INK, markersize=2.5, linewidth=0.8)
    axes.plot(ahead.step, ahead.value, color=style.TRUTH, linewidth=5)
    for row in section.leaders[::-1]:
        ahead = row.rollout[row.rollout.step >= 1]
        for level, alpha in LEVELS.items() if row is best else ():
            limits = [style.finite(ahead[f"{end}_{level}"]) for end in ("low", "high")]
            axes.fill_between(ahead.step, *limits, color=row.colour, alpha=alpha, linewidth=0)
        axes.plot(ahead.step, style.finite(ahead.forecast), **row.line)
    limits = (-shown, best.card.horizon)
    axes.set(xlim=limits, xlabel="steps ahead", ylabel=f"value of {style.short(section.column)}")


def draw_mase(axes: Axes, section: Section) -> None:
    """Draw the MASE of all rows by step ahead, and the one legend of both panels."""
    shade = section.leaders[-1].colour
    axes.plot([], [], color=style.TRUTH, linewidth=6, label="truth")
    axes.plot([], [], color=shade, alpha=LEVELS[80], linewidth=6, label="80, 95 % interval")
    peaks = {}
    for row in sorted(section.reports, key=lambda row: -row.error):
        mase = style.finite(row.horizon.mase)
        axes.plot(row.horizon.step, mase, **row.line, label=style.label(row))
        peaks[row.cell] = np.nanmax(mase, initial=0)
    highest = max(peaks.values())
    top = min(highest, REACH * peaks.get("seasonal_naive", highest)) or 1
    limits = {"xlim": (0, row.card.horizon), "ylim": (0, 1.05 * top)}
    axes.set(xlabel="steps ahead", ylabel="MASE", **limits)
    axes.grid(True)
    style.legend_beside(axes)
