"""The figures: reports of models and datasets in, matplotlib figures out.

Times are in periods of the true sine. A model has the same colour in every figure.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice, product

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stages.core.reports import Report

WIDTH = 8.3  # inches: the width of a README, 830 px, at 100 px an inch
DPI = 200
TRUTH = "#b8b8b8"
INK = "#222222"
WARMUP = "#ececec"
# Okabe and Ito 2008, without black (the truth is grey) and yellow (too light on white).
COLOURS = ("#E69F00", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#56B4E9")
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.labelsize": 12,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 12,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlelocation": "left",
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
}
EARLY = 4.0  # periods of a rollout that are drawn in full
LATE = 2.0  # and the last ones
FLOOR = 1e-16  # errors below are rounding alone
CEILING = 1e2


@contextmanager
def style() -> Iterator[None]:
    """Draw and save inside this: nothing of a user's own matplotlib settings is left."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


@dataclass(frozen=True)
class Pen:
    """Colour and line style of a model."""

    colour: str
    dash: str


def pens(names: Sequence[str]) -> dict[str, Pen]:
    """Return the pen of each model, by the order of the rows: six colours, then dashed again."""
    styles = (Pen(colour, dash) for dash, colour in product(("-", (0, (4, 1.5))), COLOURS))
    return dict(zip(names, islice(cycle(styles), len(names)), strict=True))


def short(name: str) -> str:
    """Return a name that fits beside a figure."""
    return name if len(name) <= 12 else f"{name[:7]}…{name[-4:]}"


def rollouts(reports: Sequence[Report]) -> Figure:
    """Draw the rollouts of the last two models, and the RMSE of all against the horizon."""
    pen = pens([report.name for report in reports])
    shown = reports[-2:]
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    left, right = figure.add_gridspec(1, 2, width_ratios=[1.5, 1])
    grid = left.subgridspec(len(shown), 2, width_ratios=[2.4, 1])
    for row, report in enumerate(shown):
        early = figure.add_subplot(grid[row, 0])
        late = figure.add_subplot(grid[row, 1], sharey=early)
        draw_rollout(early, late, report, pen[report.name])
        early.set_title(verdict(report), color=pen[report.name].colour, fontweight="bold")
    early.set_xlabel("periods since the warm-up")
    figure.legend(handles=rollout_keys(), loc="outside upper left", ncols=4, columnspacing=1.2)
    draw_horizons(figure.add_subplot(right), reports, pen)
    return figure


def rollout_keys() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=TRUTH, linewidth=6, label="truth"),
        Patch(color=WARMUP, label="warm-up"),
        Line2D([], [], color=INK, linestyle="", marker="o", markersize=4, label="teacher-forced"),
        Line2D([], [], color=INK, label="free-running"),
    ]


def verdict(report: Report) -> str:
    """Return how long the rollout held, as its metrics have it."""
    median = report.metrics["free_running"]["valid_prediction_periods"]["median"]
    horizon = report.settings["periods"]
    if median >= horizon:
        return f"{short(report.name)}: holds all {horizon:g} periods"
    return f"{short(report.name)}: holds for {median:.2g} periods"


def draw_rollout(early: Axes, late: Axes, report: Report, pen: Pen) -> None:
    rolled, end = report.rollout, report.late
    first = rolled[rolled.periods <= EARLY]
    last = end[end.periods >= end.periods.max() - LATE]
    early.axvspan(first.periods.min(), 0, color=WARMUP, linewidth=0)
    for axes, part in ((early, first), (late, last)):
        axes.plot(part.periods, part.truth, color=TRUTH, linewidth=6)
        axes.plot(part.periods, finite(part.free_running), color=pen.colour)
        axes.set_xlim(part.periods.min(), part.periods.max())
    dots = first[::3]
    early.plot(dots.periods, finite(dots.teacher_forced), "o", color=INK, markersize=2.6)
    height = 1.7 * float(first.truth.abs().max())
    early.set_ylim(-height, height)
    early.set_xticks(np.arange(0, EARLY + 1))
    late.set_xticks([round(last.periods.max()) - 1, round(last.periods.max())])
    late.spines.left.set_visible(False)
    late.tick_params(left=False, labelleft=False)


def finite(values: object) -> np.ndarray:
    """Return floats in which what is infinite, or too large to draw, is missing."""
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.abs(array) < 1e6, array, np.nan)


def draw_horizons(axes: Axes, reports: Sequence[Report], pen: dict[str, Pen]) -> None:
    ends = []
    for report in reports:
        periods, rmse = report.horizon.periods, report.horizon.rmse.to_numpy()
        seen = np.clip(rmse, FLOOR, CEILING)
        mine = pen[report.name]
        axes.plot(periods, seen, color=mine.colour, linestyle=mine.dash)
        ends.append((float(seen[-1]), short(report.name), mine.colour))
    first, last = reports[0].horizon.periods.iloc[[0, -1]]
    axes.set(xscale="log", yscale="log", xlim=(first, last))
    axes.set_xlabel("horizon [periods]")
    axes.set_title("RMSE of the free run")
    powers = [10.0**k for k in range(6) if 10**k <= last]
    axes.set_xticks([first, *powers], ["1 step", *(f"{power:g}" for power in powers)])
    axes.minorticks_off()
    axes.grid(color="#e8e8e8", linewidth=0.8)
    label_ends(axes, ends)


def label_ends(axes: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Write (value, text, colour) at the right of logarithmic axes, as near as they fit."""
    low, high = np.log10(axes.get_ylim())
    places = [(np.log10(value) - low) / (high - low) for value, _, _ in ends]
    for place, index in spread(places, 0.058):
        _, text, colour = ends[index]
        axes.annotate(
            text,
            (1, place),
            xycoords="axes fraction",
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=colour,
        )


def spread(places: Sequence[float], gap: float) -> list[tuple[float, int]]:
    """Return (place, index) in ascending order, moved so that all are at least `gap` apart."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved: list[float] = []
    for index in order:
        moved.append(max(places[index], moved[-1] + gap if moved else 0.0))
    ceiling = 1.0
    for position in reversed(range(len(moved))):
        moved[position] = min(moved[position], ceiling)
        ceiling = moved[position] - gap
    return list(zip(moved, order, strict=True))
