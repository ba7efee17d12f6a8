"""The figures of sines, from the reports of models. Times are in periods of the true sine."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stages.reporting import style
from stages.reporting.reports import Report, Section

EARLY = 6.0  # periods of a free run that the hero shows
SEEN = 2.0  # periods of the past, of predictions and of hidden states that are drawn
EXPLOSIVE = 3.0  # multipliers from here on are drawn as arrows
KEPT = {"linestyle": "", "marker": "o", "markersize": 3.6}
WIPED = {"linestyle": "", "marker": "x", "markersize": 5.5, "color": style.INK}
THICK = {"color": style.TRUTH, "linewidth": 6}
SINCE = "time since the warm-up [periods]"


def hero(shown: Sequence[Report]) -> Figure:
    """Draw one test sequence: the past, the truth, and the free runs of the first and last row.

    shown: models of one task.
    """
    figure = Figure(figsize=(style.WIDTH, 3.1))
    axes = figure.subplots()
    part = shown[-1].rollout[shown[-1].rollout.periods.between(-SEEN, EARLY)]
    past = part[part.periods < 0]
    axes.axvspan(-SEEN, 0, color=style.WARMUP, linewidth=0)
    dots = {"color": style.INK, "markersize": 3.5}
    axes.plot(past.periods, past.value, "o", **dots, label="the past, given")
    axes.plot(part.periods, part.truth, **THICK | {"linewidth": 8}, zorder=1, label="the truth")
    for report in dict.fromkeys((shown[0], shown[-1])):
        free = report.rollout[report.rollout.periods.between(0, EARLY)]
        look = {"color": report.colour, "linewidth": 2.4, "label": verdict(report)}
        axes.plot(free.periods, style.finite(free.free_running), **look)
    peak = float(part.truth.abs().max())
    axes.set(xlim=(-SEEN, EARLY), ylim=(-1.4 * peak, 1.4 * peak))
    axes.set_xlabel(SINCE, fontsize=15)
    axes.set_ylabel("x(t)", fontsize=15)
    axes.tick_params(labelsize=14)
    axes.locator_params(axis="y", nbins=4)
    figure.legend(loc="outside upper left", ncols=2, fontsize=15, columnspacing=1.5)
    return figure


def verdict(report: Report) -> str:
    """Say for how many periods the free run holds, in the median of the test sequences."""
    median = report.number("free_running.valid_prediction_periods.median")
    if median >= report.card.horizon:
        return f"{style.short(report.name)}: holds all {report.card.horizon} periods"
    verb = "fails after" if median < EARLY else "holds"
    return f"{style.short(report.name)}: {verb} {median:.2g} periods"


def horizons(sections: Sequence[Section]) -> Figure:
    """Draw the RMSE of the free run against the horizon, with the bound where there is one."""
    heights = [max(1.7, style.ENTRY * (len(section.reports) + 1)) for section in sections]
    size = (style.WIDTH, sum(heights) + 0.35 * len(sections) + 0.4)
    figure = Figure(figsize=size)
    grid = figure.subplots(len(sections), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axes, section in zip(grid[:, 0], sections, strict=True):
        draw_horizons(axes, section)
    spans = pd.concat([section.reports[0].horizon.periods for section in sections])
    style.log_limits(axes.xaxis, spans.to_numpy())
    axes.set(xlim=(spans.min(), spans.max()), xlabel="horizon [periods]")
    return figure


def draw_horizons(axes: Axes, section: Section) -> None:
    """Draw the errors of a task's models, the worst first; ↑ marks one that diverges."""
    lines = []
    for report in sorted(section.reports, key=lambda report: -report.error):
        lines.append(style.drawable(report.horizon.rmse))
        diverged = " ↑" * bool(lines[-1][-1] == style.CEILING)
        label = style.short(report.name) + diverged
        axes.plot(report.horizon.periods, lines[-1], **report.line, label=label)
    if bound := report.metrics.get("bound"):
        periods = [float(key.split("_")[1]) for key in bound]
        lines.append([report.number(f"bound.{key}") for key in bound])
        dots = {"color": style.INK, "linestyle": (0, (1, 1)), "marker": "."}
        axes.plot(periods, lines[-1], **dots, label="bound")
    style.log_limits(axes.yaxis, np.concatenate(lines), ticks=5)
    axes.set(ylabel="RMSE of x(t)")
    axes.set_title(section.title)
    axes.grid(True)
    style.legend_beside(axes)


def memory(reports: Sequence[Report], shown: Report) -> Figure:
    """Draw one-step predictions with and without the hidden state h(t−1), and their errors.

    shown: the model whose predictions are drawn; the errors are those of all reports. The map from
    x(t) to x(t+1) shows why h(t−1) is needed: it has two branches, and x(t) alone does not
    determine the branch.
    """
    figure = Figure(figsize=(style.WIDTH, 4.2 + 0.32 * len(reports)))
    top, bottom = figure.add_gridspec(2, 1, height_ratios=[1, 1.35])
    left, right = bottom.subgridspec(1, 2, width_ratios=[1, 1.25])
    part = shown.rollout[shown.rollout.periods.between(0, SEEN)]
    axes = figure.add_subplot(top)
    draw_predictions(axes, part.periods, part, shown.colour)
    axes.set(xlim=(0, SEEN), xlabel=SINCE, ylabel="x(t)", xticks=np.arange(0, SEEN + 0.1, 0.5))
    axes.locator_params(axis="y", nbins=4)
    axes.set_title(f"{style.short(shown.name)}, one step ahead", color=shown.colour)
    figure.legend(loc="outside upper left", ncols=3)
    axes = figure.add_subplot(left)
    draw_predictions(axes, part.truth[:-1], part[1:], shown.colour)
    axes.set(xlabel="x(t)", ylabel="prediction of x(t+1)")
    axes.locator_params(nbins=4)
    axes.set_title("one x(t), two futures")
    axes = figure.add_subplot(right)
    errors = [
        [report.number(f"{regime}.rmse") for regime in ("teacher_forced", "memory_wiped")]
        for report in reports
    ]
    draw_pairs(axes, reports, errors)
    axes.set_xlabel("RMSE of x(t), one step ahead")
    axes.set_title("h(t−1): ● kept, × wiped")
    return figure


def draw_predictions(axes: Axes, x: pd.Series, part: pd.DataFrame, colour: str) -> None:
    """Draw the truth, and the predictions with the memory kept and wiped, against x."""
    axes.plot(x, part.truth, **THICK, label="truth")
    axes.plot(x, style.finite(part.teacher_forced), **KEPT, color=colour, label="h(t−1) kept")
    axes.plot(x, style.finite(part.memory_wiped), **WIPED, label="h(t−1) wiped")


def draw_pairs(axes: Axes, reports: Sequence[Report], errors: object) -> None:
    """Draw two errors of each model on a line of its own: the first a dot, the second a cross."""
    pairs = style.drawable(errors)
    for place, (report, pair) in enumerate(zip(reports, pairs, strict=True)):
        axes.plot(pair, [place, place], color=report.colour, linewidth=1.2)
        axes.plot(pair[0], place, "o", markersize=6, color=report.colour)
        axes.plot(pair[1], place, **WIPED | {"markersize": 7})
    style.log_limits(axes.xaxis, pairs, ticks=5)
    style.name_rows(axes, reports)
    axes.grid(True, axis="x")


def hidden(compared: Sequence[Report]) -> Figure:
    """Draw the hidden units of models over two periods, and the orbits of their free runs."""
    if not compared:
        return style.empty("No model has two hidden units.")
    figure = Figure(figsize=(style.WIDTH, 2.6 * len(compared) + 0.7))
    grid = figure.subplots(len(compared), 2, squeeze=False, width_ratios=[1.25, 1])
    for (units, orbit), report in zip(grid, compared, strict=True):
        draw_hidden(units, orbit, report)
    units.set_xlabel(SINCE)
    orbit.set_xlabel("principal component 1 of h(t)")
    keys = [
        Line2D([], [], **THICK, label="orbit under the true past"),
        Line2D([], [], color=style.INK, marker="o", markersize=5, label="free-running from ●"),
    ]
    figure.legend(handles=keys, loc="outside upper right", ncols=2, columnspacing=1.2)
    return figure


def draw_hidden(units: Axes, orbit: Axes, report: Report) -> None:
    """Draw the hidden units of a model, and its orbit in two principal components."""
    table, colour = report.hidden, report.colour
    forced, free = (table[table.regime == name] for name in ("teacher_forced", "free_running"))
    early = forced[forced.periods.between(0, SEEN)]
    units.plot(early.periods, early.filter(regex=r"^h_\d+$"), color=colour, linewidth=1)
    units.set(xlim=(0, SEEN), xticks=np.arange(0, SEEN + 0.1, 0.5), ylabel="hidden units h(t)")
    units.locator_params(axis="y", nbins=4)
    units.set_title(style.short(report.name), color=colour)
    late = forced[forced.periods > forced.periods.max() - SEEN]
    free = free[free.periods <= 2 * SEEN]
    orbit.plot(late.pc1, late.pc2, **THICK)
    orbit.plot(style.finite(free.pc1), style.finite(free.pc2), color=colour)
    orbit.plot(free.pc1.iloc[:1], free.pc2.iloc[:1], "o", color=colour, markersize=7)
    width, height = 1.35 * late[["pc1", "pc2"]].abs().max()
    orbit.set(xticks=[], yticks=[], xlim=(-width, width), ylim=(-height, height))
    orbit.set_ylabel("component 2")


def stability(reports: Sequence[Report]) -> Figure:
    """Draw the multipliers of each closed loop, and its errors at one step and at the horizon."""
    figure = Figure(figsize=(style.WIDTH, 1.2 + 0.34 * len(reports)))
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
    draw_multipliers(left, reports)
    errors = [[row.number("teacher_forced.rmse"), row.error] for row in reports]
    draw_pairs(right, reports, errors)
    right.set(yticks=[], xlabel="RMSE of x(t)")
    right.set_title("● one step, × at the horizon")
    return figure


def draw_multipliers(axes: Axes, reports: Sequence[Report]) -> None:
    sizes = [np.clip(report.multipliers.multiplier, 0, EXPLOSIVE) for report in reports]
    end = max(1.3, 1.06 * max(part.max() for part in sizes))
    axes.axvspan(1, end, color=style.WARMUP, linewidth=0)
    axes.axvline(1, color=style.INK, linewidth=1)
    for place, (report, part) in enumerate(zip(reports, sizes, strict=True)):
        # At different heights, so that equal multipliers do not hide each other.
        places = place + 0.25 * np.linspace(-1, 1, len(part) + 2)[1:-1]
        for marker, these in (("o", part < EXPLOSIVE), (">", part >= EXPLOSIVE)):
            look = {"color": report.colour, "markersize": 5, "alpha": 0.8}
            axes.plot(part[these], places[these], marker, **look)
    axes.set(xlim=(-0.03 * end, end), xlabel="growth factor per period")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 5, 10]))
    style.name_rows(axes, reports)
    axes.set_title("multipliers of the free run")
