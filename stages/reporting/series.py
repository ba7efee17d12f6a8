"""The figure of measured series: the last forecast of each task, and MASE by step ahead."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.reporting import style
from stages.reporting.reports import Forecasts, Section
from stages.reporting.style import Pen

SEASONS = 3  # of the past in the figure
REACH = 1.5  # the largest MASE in the figure, as a multiple of the seasonal naive's
LEVELS = {95: 0.15, 80: 0.3}  # % of intervals: opacity


def series(sections: Sequence[Section], pen: dict[str, Pen]) -> Figure:
    """Draw the last forecast of the best rows of each measured task, and MASE by step of all."""
    if not sections:
        return style.note("No task is a measured series.")
    heights = [max(2.2, style.ENTRY * (len(section.reports) + 3)) for section in sections]
    size = (style.WIDTH, sum(heights) + 0.9 * len(sections))
    figure = Figure(figsize=size, layout="constrained")
    options = {"squeeze": False, "height_ratios": heights, "width_ratios": [1.6, 1]}
    grid = figure.subplots(len(sections), 2, **options)
    for (left, right), section in zip(grid, sections, strict=True):
        draw_forecasts(left, section, pen)
        draw_mase(right, section, pen)
        left.set_title(style.short(section.title))
    return figure


def label(row: Forecasts) -> str:
    """Name a row without the name of its task, which stands above it."""
    own = row.name.removeprefix(row.task).removesuffix(row.task).strip("_-")
    return style.short(own or row.name)


def draw_forecasts(axes: Axes, section: Section, pen: dict[str, Pen]) -> None:
    """Draw the end of a series, and the forecasts of the best network and the best method."""
    best = section.leaders[::-1]
    shown = max(SEASONS * best[0].season, best[0].ahead, 10)
    table = best[0].rollout[best[0].rollout.step > -shown]
    past, came = table[table.step <= 0], table[table.step >= 0]
    axes.axvspan(-shown, 0, color=style.WARMUP, linewidth=0)
    axes.plot(past.step, past.value, "o-", color=style.INK, markersize=2.5, linewidth=0.8)
    axes.plot(came.step, came.value, color=style.TRUTH, linewidth=5)
    for row in best:
        ahead, mine = row.rollout[row.rollout.step >= 1], pen[row.name]
        for level, alpha in LEVELS.items() if row is best[0] else ():
            limits = [style.finite(ahead[f"{end}_{level}"]) for end in ("low", "high")]
            axes.fill_between(ahead.step, *limits, color=mine.colour, alpha=alpha, linewidth=0)
        axes.plot(ahead.step, style.finite(ahead.forecast), **mine.line)
    axes.set(xlim=(-shown, best[0].ahead), xlabel="steps ahead", ylabel=style.short(section.column))


def draw_mase(axes: Axes, section: Section, pen: dict[str, Pen]) -> None:
    """Draw the MASE of all rows by step ahead, and the one legend of both panels."""
    shade = pen[section.leaders[-1].name].colour
    thick = {"truth": (style.TRUTH, 1.0), "80, 95 % interval": (shade, LEVELS[80])}
    for text, (colour, alpha) in thick.items():
        axes.plot([], [], color=colour, alpha=alpha, linewidth=6, label=text)
    peaks = {}
    for row in section.reports:
        mase = style.finite(row.horizon.mase)
        axes.plot(row.horizon.step, mase, **pen[row.name].line, label=label(row))
        peaks[row.cell] = np.nanmax(mase, initial=0)
    highest = max(peaks.values())
    top = min(highest, REACH * peaks.get("seasonal_naive", highest)) or 1
    axes.set(xlabel="steps ahead", ylabel="MASE", ylim=(0, 1.05 * top))
    axes.set_xlim(0, section.reports[0].ahead)
    axes.grid(True)
    style.legend_beside(axes, [np.inf] * len(thick) + [row.error for row in section.reports])
