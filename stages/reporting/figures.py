"""The figures of sines: reports of models in, matplotlib figures out.

Times are in periods of the true sine. A model has the same colour in every figure.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stages.reporting import style
from stages.reporting.reports import Report, Section, number
from stages.reporting.style import Pen

BEFORE = 2.0  # periods of the warm-up that are drawn
EARLY = 6.0  # periods of a free run that are drawn
LATE = 2.0  # periods of the orbit under the true past
SEEN = 2.0  # periods over which the memory and the hidden state are drawn
EXPLOSIVE = 3.0  # multipliers from here on are drawn as arrows
KEPT = {"linestyle": "", "marker": "o", "markersize": 3.6}
WIPED = {"linestyle": "", "marker": "x", "markersize": 5.5, "color": style.INK}
REGIMES = ("teacher_forced", "memory_wiped")
SINCE = "time since the warm-up [periods]"


def hero(shown: Sequence[Report], pen: dict[str, Pen]) -> Figure:
    """Draw one test sequence: the past, the truth, and the free runs of the first and last row.

    shown: models of one task.
    """
    figure = Figure(figsize=(style.WIDTH, 3.1), layout="constrained")
    axes = figure.subplots()
    part = shown[-1].rollout[shown[-1].rollout.periods.between(-BEFORE, EARLY)]
    given = part[part.periods < 0]
    axes.axvspan(-BEFORE, 0, color=style.WARMUP, linewidth=0)
    dots = {"color": style.INK, "markersize": 3.5, "label": "the past, given"}
    axes.plot(given.periods, given.value, "o", **dots)
    axes.plot(part.periods, part.truth, color=style.TRUTH, linewidth=8, zorder=1, label="the truth")
    for report in {report.name: report for report in (shown[0], shown[-1])}.values():
        free = report.rollout[report.rollout.periods.between(0, EARLY)]
        look = {"color": pen[report.name].colour, "linewidth": 2.4, "label": verdict(report)}
        axes.plot(free.periods, style.finite(free.free_running), **look)
    peak = float(part.truth.abs().max())
    axes.set(xlim=(-BEFORE, EARLY), ylim=(-1.4 * peak, 1.4 * peak))
    axes.set_xlabel(SINCE, fontsize=15)
    axes.set_ylabel("x(t)", fontsize=15)
    axes.tick_params(labelsize=14)
    style.round_ticks(axes.yaxis, peak)
    figure.legend(loc="outside upper left", ncols=2, fontsize=15, columnspacing=1.5)
    return figure


def verdict(report: Report) -> str:
    """Say for how many periods the free run holds, in the median of the test sequences."""
    median = report.metrics["free_running"]["valid_prediction_periods"]["median"]
    if median >= report.periods:
        return f"{style.short(report.name)}: holds all {report.periods:g} periods"
    said = "fails after" if median < EARLY else "holds"
    return f"{style.short(report.name)}: {said} {median:.2g} periods"


def horizons(sections: Sequence[Section], pen: dict[str, Pen]) -> Figure:
    """Draw the RMSE of the free run against the horizon, with the bound where there is one."""
    heights = [max(1.7, style.ENTRY * (len(section.reports) + 1)) for section in sections]
    size = (style.WIDTH, sum(heights) + 0.35 * len(sections) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(sections), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axes, section in zip(grid[:, 0], sections, strict=True):
        draw_horizons(axes, section, pen)
    axes.set(xscale="log", xlabel="horizon [periods]")
    spans = pd.concat([section.reports[0].horizon.periods for section in sections])
    style.log_limits(axes.xaxis, spans.to_numpy())
    axes.set_xlim(spans.min(), spans.max())
    return figure


def draw_horizons(axes: Axes, section: Section, pen: dict[str, Pen]) -> None:
    lines = []
    for report in section.reports:
        rmse = style.drawable(report.horizon.rmse)
        lost = rmse >= style.CEILING
        shown = np.where(lost & np.append(False, lost[:-1]), np.nan, rmse)
        label = f"{style.short(report.name)}{' ↑' * bool(lost[-1])}"
        axes.plot(report.horizon.periods, shown, **pen[report.name].line, label=label)
        lines.append(rmse)
    if bound := bound_of(section):
        dots = {"color": style.INK, "linestyle": (0, (1, 1)), "marker": "."}
        axes.plot(*zip(*bound, strict=True), **dots, label="bound")
        lines.append([rmse for _, rmse in bound])
    style.log_limits(axes.yaxis, np.concatenate(lines), ticks=5)
    axes.set_title(section.title)
    axes.set_ylabel("RMSE of x(t)")
    axes.grid(True)
    style.legend_beside(axes, [line[-1] for line in lines])


def bound_of(section: Section) -> list[tuple[float, float]]:
    """List the Cramér–Rao bound as (periods, RMSE); empty where there is no noise."""
    bound = section.reports[0].metrics.get("bound", {})
    return [(float(name.split("_")[1]), number(rmse)) for name, rmse in bound.items()]


def memory(reports: Sequence[Report], shown: Report, pen: dict[str, Pen]) -> Figure:
    """Draw one-step predictions of a model with its memory kept and wiped, and both errors of all.

    The map from x(t) to x(t+1) shows why: of a sine it has two branches, and x(t) alone does not
    tell them apart.
    """
    figure = Figure(figsize=(style.WIDTH, 4.2 + 0.32 * len(reports)), layout="constrained")
    top, bottom = figure.add_gridspec(2, 1, height_ratios=[1, 1.35])
    part = shown.rollout[shown.rollout.periods.between(0, SEEN)]
    colour = pen[shown.name].colour
    axes = figure.add_subplot(top)
    draw_predictions(axes, part, colour)
    axes.set_title(f"{style.short(shown.name)}, one step ahead", color=colour)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    left, right = bottom.subgridspec(1, 2, width_ratios=[1, 1.25])
    draw_map(figure.add_subplot(left), part, colour)
    errors = [[number(report.metrics[key]["rmse"]) for key in REGIMES] for report in reports]
    axes = figure.add_subplot(right)
    draw_pairs(axes, reports, errors, pen=pen)
    axes.set_xlabel("RMSE of x(t), one step ahead")
    axes.set_title("h(t−1): ● kept, × wiped")
    return figure


def draw_predictions(axes: Axes, part: pd.DataFrame, colour: str) -> None:
    axes.plot(part.periods, part.truth, color=style.TRUTH, linewidth=6, label="truth")
    looks = ({**KEPT, "color": colour, "label": "h(t−1) kept"}, {**WIPED, "label": "h(t−1) wiped"})
    for regime, look in zip(REGIMES, looks, strict=True):
        axes.plot(part.periods, style.finite(part[regime]), **look)
    axes.set(xlim=(0, SEEN), xlabel=SINCE, ylabel="x(t)")
    axes.set_xticks(np.arange(0, SEEN + 0.1, 0.5))
    style.round_ticks(axes.yaxis, float(part.truth.abs().max()))


def draw_map(axes: Axes, part: pd.DataFrame, colour: str) -> None:
    x, peak = part.truth.to_numpy()[:-1], float(part.truth.abs().max())
    axes.plot(x, part.truth[1:], color=style.TRUTH, linewidth=6)
    axes.plot(x, style.finite(part.teacher_forced[1:]), **KEPT, color=colour)
    axes.plot(x, style.finite(part.memory_wiped[1:]), **WIPED)
    axes.set(xlabel="x(t)", ylabel="prediction of x(t+1)")
    for axis in (axes.xaxis, axes.yaxis):
        style.round_ticks(axis, peak)
    axes.set_title("one x(t), two futures")


def draw_pairs(
    axes: Axes, reports: Sequence[Report], errors: object, *, pen: dict[str, Pen]
) -> None:
    """Draw two errors of each model on a line of its own: the first a dot, the second a cross."""
    pairs = style.drawable(errors)
    for place, (report, pair) in enumerate(zip(reports, pairs, strict=True)):
        colour = pen[report.name].colour
        axes.plot(pair, [place, place], color=colour, linewidth=1.2)
        axes.plot(pair[0], place, "o", markersize=6, color=colour)
        axes.plot(pair[1], place, **{**WIPED, "markersize": 7})
    style.log_limits(axes.xaxis, pairs, ticks=5)
    style.name_rows(axes, [report.name for report in reports], pen)
    axes.grid(True, axis="x")


def hidden(compared: Sequence[Report], pen: dict[str, Pen]) -> Figure:
    """Draw the hidden units of models over two periods, and where their free run takes them."""
    figure = Figure(figsize=(style.WIDTH, 2.6 * len(compared) + 0.7), layout="constrained")
    grid = figure.add_gridspec(len(compared), 2, width_ratios=[1.25, 1])
    for row, report in enumerate(compared):
        units, orbit = (figure.add_subplot(grid[row, column]) for column in (0, 1))
        draw_units(units, report, pen[report.name])
        draw_orbit(orbit, report, pen[report.name])
    units.set_xlabel(SINCE)
    orbit.set_xlabel("principal component 1 of h(t)")
    keys = [
        Line2D([], [], color=style.TRUTH, linewidth=6, label="orbit under the true past"),
        Line2D([], [], color=style.INK, marker="o", markersize=5, label="free-running from ●"),
    ]
    figure.legend(handles=keys, loc="outside upper right", ncols=2, columnspacing=1.2)
    return figure


def draw_units(axes: Axes, report: Report, pen: Pen) -> None:
    table = report.hidden[report.hidden.regime == "teacher_forced"]
    table = table[table.periods.between(0, SEEN)]
    states = table.filter(regex=r"^h_\d+$")
    axes.set(xlim=(0, SEEN), ylabel="hidden units h(t)")
    axes.set_xticks(np.arange(0, SEEN + 0.1, 0.5))
    axes.set_title(style.short(report.name), color=pen.colour)
    if states.empty or not states.shape[1]:
        axes.set(yticks=[])
        write_in_the_middle(axes, "no hidden state")
        return
    axes.plot(table.periods, style.finite(states), color=pen.colour, linewidth=1)
    style.round_ticks(axes.yaxis, float(np.nanmax(np.abs(style.finite(states)))))


def draw_orbit(axes: Axes, report: Report, pen: Pen) -> None:
    regimes = dict(tuple(report.hidden.groupby("regime")))
    forced, free = regimes["teacher_forced"], regimes["free_running"]
    forced = forced[forced.periods > forced.periods.max() - LATE]
    free = free[free.periods <= 4]
    axes.set(xticks=[], yticks=[], ylabel="component 2")
    if not forced.pc2.any():  # one hidden unit or none
        write_in_the_middle(axes, "no orbit")
        return
    axes.plot(forced.pc1, forced.pc2, color=style.TRUTH, linewidth=6)
    axes.plot(style.finite(free.pc1), style.finite(free.pc2), color=pen.colour)
    axes.plot(free.pc1.iloc[:1], free.pc2.iloc[:1], "o", color=pen.colour, markersize=7)
    for name, limits in (("x", forced.pc1), ("y", forced.pc2)):
        reach = 1.35 * float(limits.abs().max()) or 1.0
        axes.set(**{f"{name}lim": (-reach, reach)})


def write_in_the_middle(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)


def stability(reports: Sequence[Report], pen: dict[str, Pen]) -> Figure:
    """Draw the multipliers of each closed loop, and its errors at one step and at the horizon."""
    figure = Figure(figsize=(style.WIDTH, 1.2 + 0.34 * len(reports)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
    draw_multipliers(left, reports, pen)
    near = [number(report.metrics["teacher_forced"]["rmse"]) for report in reports]
    far = [report.horizon.rmse.iloc[-1] for report in reports]
    draw_pairs(right, reports, np.transpose([near, far]), pen=pen)
    right.set(yticks=[], xlabel="RMSE of x(t)")
    right.set_title("● one step, × at the horizon")
    return figure


def draw_multipliers(axes: Axes, reports: Sequence[Report], pen: dict[str, Pen]) -> None:
    sizes = [np.clip(report.multipliers.multiplier, 0, EXPLOSIVE) for report in reports]
    end = max(1.3, 1.06 * max(part.max() for part in sizes))
    axes.axvspan(1, end, color=style.WARMUP, linewidth=0)
    axes.axvline(1, color=style.INK, linewidth=1)
    for place, (report, part) in enumerate(zip(reports, sizes, strict=True)):
        look = {"color": pen[report.name].colour, "markersize": 5, "alpha": 0.8}
        # One below the other, so that equal ones are seen to be two.
        places = place + (np.linspace(-0.15, 0.15, len(part)) if len(part) > 1 else np.zeros(1))
        for marker, these in (("o", part < EXPLOSIVE), (">", part >= EXPLOSIVE)):
            axes.plot(part[these], places[these], marker, **look)
    axes.set(xlim=(-0.03 * end, end), xlabel="growth factor in a period")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 5, 10]))
    style.name_rows(axes, [report.name for report in reports], pen)
    axes.set_title("multipliers of the free run")
