"""The figure of training: the losses of each kind of phase in a panel of their own."""

from collections.abc import Sequence
from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.reporting import style
from stages.reporting.reports import Row
from stages.reporting.style import Pen

PHASES = {"adam": "Adam", "levenberg_marquardt": "Levenberg–Marquardt"}  # in iterations
DASHES = ("-", "--", ":", "-.")
LOSS = "mean squared residual"


def training(rows: Sequence[Row], pen: dict[str, Pen]) -> Figure:
    """Draw losses against the training steps seen, and those of read-outs solved directly."""
    trained = [row for row in rows if not row.training.empty]
    if not trained:
        return style.note("No model is trained.")
    curves = pd.concat([row.training.assign(model=row.name, task=row.task) for row in trained])
    curves = curves.assign(loss=style.drawable(curves.loss, style.FLOOR**2))
    panels = {title: curves[curves.phase == phase] for phase, title in PHASES.items()}
    panels = {title: part for title, part in panels.items() if not part.empty}
    solved = curves[~curves.phase.isin(PHASES)].groupby("model", sort=False).tail(1)
    heights = [max(1.9, style.ENTRY * part.model.nunique()) for part in panels.values()]
    heights += [max(0.8, 0.3 * len(solved))] * (not solved.empty)
    size = (style.WIDTH, sum(heights) + 0.85 * len(heights))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (title, part) in zip(grid, panels.items(), strict=False):
        draw_losses(axes, part, pen)
        axes.set_title(title)
    if not solved.empty:
        draw_solved(grid[-1], solved, pen)
    return figure


def draw_losses(axes: Axes, curves: pd.DataFrame, pen: dict[str, Pen]) -> None:
    """Draw the curves of one kind of phase, with the dashes of their task.

    Each phase and attempt begins a new line.
    """
    ends, dashes = [], dict(zip(curves.task.unique(), cycle(DASHES), strict=False))
    for (task, model), curve in curves.groupby(["task", "model"], sort=False):
        look = {"color": pen[model].colour, "linestyle": dashes[task]}
        for _, part in curve.groupby("part"):
            axes.plot(part.steps_seen, part.loss, **look)
        last = curve[["steps_seen", "loss"]].iloc[-1]
        axes.plot(*last, **look, marker="o", markersize=5, label=style.short(model))
        ends.append(curve.loss.iloc[-1])
    style.log_limits(axes.yaxis, curves.loss.to_numpy(), ticks=5)
    style.log_limits(axes.xaxis, curves.steps_seen.to_numpy())
    axes.set(xlabel="training steps seen", ylabel=LOSS)
    axes.grid(True)
    style.legend_beside(axes, ends)


def draw_solved(axes: Axes, losses: pd.DataFrame, pen: dict[str, Pen]) -> None:
    """Draw each loss of a directly solved model on its own line."""
    for place, (model, loss) in enumerate(zip(losses.model, losses.loss, strict=True)):
        axes.plot(loss, place, "o", color=pen[model].colour, markersize=6)
    style.log_limits(axes.xaxis, losses.loss.to_numpy())
    style.name_rows(axes, losses.model, pen)
    axes.set_title("Solved directly: least squares, ridge")
    axes.set_xlabel(LOSS)
    axes.grid(True, axis="x")
