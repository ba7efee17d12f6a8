"""The figure of training: the losses of each task in a panel of their own."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter

from stages.reporting import style
from stages.reporting.reports import Report, Section

MARKS = {"adam": "o", "levenberg_marquardt": "s"}  # of phases in iterations
NAMES = {"o": "end of an Adam phase", "s": "of a Levenberg–Marquardt phase"}
COLUMNS = 3
LOSS = "mean squared residual"


def training(sections: Sequence[Section]) -> Figure:
    """Draw losses against the training steps seen, and the last loss of directly solved models."""
    rows = [row for section in sections for row in section.reports]
    solved = [row for row in rows if not row.training.phase.isin(MARKS).all()]
    iterated = [row for row in rows if row.training.phase.isin(MARKS).any()]
    panels = {part.title: [row for row in part.reports if row in iterated] for part in sections}
    panels = {title: models for title, models in panels.items() if models}
    if not panels and not solved:
        return style.empty("No model is trained.")
    columns = min(COLUMNS, len(panels)) or 1
    entries = max(map(len, panels.values()), default=0)
    heights = [2.2 + style.ENTRY * entries] * math.ceil(len(panels) / columns)
    heights += [0.9 + 0.3 * len(solved)] * bool(solved)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 0.4))
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    for place, (title, models) in enumerate(panels.items()):
        axes = figure.add_subplot(grid[divmod(place, columns)])
        draw_losses(axes, models)
        axes.get_legend().set_title(title, {"weight": "bold", "size": 13})
        axes.set(xlabel="training steps seen", ylabel=LOSS if place % columns == 0 else "")
    if solved:
        draw_solved(figure.add_subplot(grid[-1, :]), solved)
    keys = [Line2D([], [], color=style.INK, marker=mark, label=NAMES[mark]) for mark in NAMES]
    figure.legend(handles=keys, loc="outside upper left", ncols=2)
    return figure


def draw_losses(axes: Axes, rows: Sequence[Report]) -> None:
    """Draw the curves of a task, the highest last loss first; each phase is a new line.

    Axes are linear for measured series, whose losses change little, and logarithmic for sines.
    """
    drawn = pd.concat([row.training[row.training.phase.isin(MARKS)] for row in rows])
    for row in sorted(rows, key=lambda row: -row.training.loss.iloc[-1]):
        for _, part in row.training.groupby("part"):
            if mark := MARKS.get(part.phase.iloc[0]):
                look = {"marker": mark, "markevery": [-1], "markersize": 5, "linewidth": 1.4}
                axes.plot(part.steps_seen, drawable(part.loss), **row.line, **look)
        axes.lines[-1].set_label(style.label(row))
    if rows[0].measured:
        axes.set_ylim(0, 1.05 * drawable(drawn.loss).max())
        axes.locator_params(axis="x", nbins=3)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    else:
        style.log_limits(axes.xaxis, drawn.steps_seen.to_numpy(), ticks=4)
        style.log_limits(axes.yaxis, drawable(drawn.loss), ticks=5)
    axes.grid(True)
    axes.legend(alignment="left", loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)


def draw_solved(axes: Axes, rows: Sequence[Report]) -> None:
    """Draw the last loss of each directly solved model on its own line."""
    losses = drawable([row.training.loss.iloc[-1] for row in rows])
    for place, (row, loss) in enumerate(zip(rows, losses, strict=True)):
        axes.plot(loss, place, "o", color=row.colour, markersize=6)
    style.log_limits(axes.xaxis, losses)
    style.name_rows(axes, rows)
    axes.set_title("solved directly: least squares, ridge")
    axes.set_xlabel(LOSS)
    axes.grid(True, axis="x")


def drawable(losses: object) -> np.ndarray:
    """Clip losses, which are squares, as `style.drawable` clips errors."""
    return style.drawable(losses, style.FLOOR**2)
