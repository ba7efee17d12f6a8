"""The figures: reports of models and datasets in, matplotlib figures out.

Times are in periods of the true sine. A model has the same colour in every figure.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from stages.reporting.reports import Dataset, Report, number
from stages.reporting.style import (
    CEILING,
    FLOOR,
    INK,
    TRUTH,
    WARMUP,
    WIDTH,
    End,
    Pen,
    drawable,
    finite,
    label_ends,
    log_limits,
    pens,
    power_of_ten,
    round_ticks,
    short,
)

EARLY = 4.0  # periods of a rollout that are drawn in full
LATE = 2.0  # and the last ones
SEEN = 2.0  # periods over which the memory and the hidden state are drawn
EXPLOSIVE = 3.0  # multipliers from here on are drawn as arrows
PEER = "#666666"
BREAK = {"color": INK, "markersize": 8, "markeredgewidth": 0.9, "clip_on": False}
KEPT = {"linestyle": "", "marker": "o", "markersize": 3.6}
WIPED = {"linestyle": "", "marker": "x", "markersize": 5.5, "markeredgewidth": 1.4, "color": INK}


def hero(
    reports: Sequence[Report], compared: Sequence[Report], peers: pd.DataFrame | None = None
) -> Figure:
    """Draw the rollouts of models, and the RMSE of all against the horizon.

    peers: what others reach (name, periods, rmse); those at the horizon's end are marked there.
    """
    pen = pens([report.name for report in reports])
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    left, right = figure.add_gridspec(1, 2, width_ratios=[1.5, 1])
    grid = left.subgridspec(len(compared), 2, width_ratios=[2.4, 1])
    for row, report in enumerate(compared):
        early = figure.add_subplot(grid[row, 0])
        late = figure.add_subplot(grid[row, 1], sharey=early)
        draw_rollout(early, late, report, pen[report.name])
        early.set_title(verdict(report), color=pen[report.name].colour, fontweight="bold")
    early.set_xlabel("periods since the warm-up")
    figure.legend(handles=rollout_keys(), loc="outside upper left", ncols=4, columnspacing=1.2)
    draw_horizons(figure, figure.add_subplot(right), reports, pen, peers)
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
    first = report.rollout[report.rollout.periods <= EARLY + 0.2]
    last = report.late[report.late.periods >= report.late.periods.max() - LATE]
    early.axvspan(first.periods.min(), 0, color=WARMUP, linewidth=0)
    for axes, part in ((early, first), (late, last)):
        axes.plot(part.periods, part.truth, color=TRUTH, linewidth=6)
        axes.plot(part.periods, finite(part.free_running), color=pen.colour)
        axes.set_xlim(part.periods.min(), part.periods.max())
    dots = first[::3]
    early.plot(dots.periods, finite(dots.teacher_forced), "o", color=INK, markersize=2.6)
    peak = float(first.truth.abs().max())
    early.set_ylim(-1.7 * peak, 1.7 * peak)
    round_ticks(early.yaxis, peak)
    early.set_ylabel("x(t)", labelpad=0)
    early.set_xticks(np.arange(0, first.periods.max()))
    end = round(last.periods.max())
    late.set_xticks([end - 1, end], ["", f"{end}"])
    late.spines.left.set_visible(False)
    late.tick_params(left=False, labelleft=False)
    for axes, side in ((early, 1), (late, 0)):
        axes.plot([side], [0], marker=[(-1, -2), (1, 2)], **BREAK, transform=axes.transAxes)


def draw_horizons(
    figure: Figure,
    axes: Axes,
    reports: Sequence[Report],
    pen: dict[str, Pen],
    peers: pd.DataFrame | None,
) -> None:
    ends, errors = [], []
    for report in reports:
        rmse, mine = drawable(report.horizon.rmse), pen[report.name]
        lost = rmse >= CEILING
        axes.plot(
            report.horizon.periods,
            np.where(lost & np.append(False, lost[:-1]), np.nan, rmse),
            color=mine.colour,
            linestyle=mine.dash,
        )
        ends.append(horizon_end(report.name, float(rmse[-1]), mine.colour))
        errors.append(rmse)
    first, last = reports[0].horizon.periods.iloc[[0, -1]]
    if peers is not None:
        there = peers[peers.periods == last]
        for name, value in zip(there.name, drawable(there.rmse), strict=True):
            axes.plot(last, value, "D", color=PEER, markersize=5, clip_on=False)
            ends.append(horizon_end(name, float(value), PEER))
            errors.append(np.array([value]))
    log_limits(axes.yaxis, np.concatenate(errors))
    axes.set(xscale="log", xlim=(first, last), xlabel="horizon [periods]")
    axes.set_title("RMSE of the free run")
    powers = [power for power in range(6) if 8 * first <= 10**power <= last]
    axes.set_xticks(
        [first, *(10.0**power for power in powers)],
        ["1 step", *(power_of_ten(power) for power in powers)],
    )
    axes.set_xticks([], minor=True)
    axes.grid(True)
    label_ends(figure, axes, ends)


def horizon_end(name: str, rmse: float, colour: str) -> End:
    return End(rmse, f"{short(name)} ↑" if rmse >= CEILING else short(name), colour)


def memory(reports: Sequence[Report], shown: Report) -> Figure:
    """Draw one-step predictions of a model with its memory kept and wiped, and both errors of all.

    The map from x(t) to x(t+1) shows why: of a sine it has two branches, and x(t) alone does not
    tell them apart.
    """
    pen = pens([report.name for report in reports])
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    top, bottom = figure.add_gridspec(2, 1, height_ratios=[1, 1.35])
    part = shown.rollout[shown.rollout.periods.between(0, SEEN)]
    colour = pen[shown.name].colour
    draw_predictions(figure.add_subplot(top), part, shown.name, colour)
    left, right = bottom.subgridspec(1, 2, width_ratios=[1, 1.25])
    draw_map(figure.add_subplot(left), part, colour)
    draw_wiped_errors(figure.add_subplot(right), reports, pen)
    return figure


def draw_predictions(axes: Axes, part: pd.DataFrame, name: str, colour: str) -> None:
    axes.plot(part.periods, part.truth, color=TRUTH, linewidth=6, label="truth")
    for regime, style, label in (
        ("teacher_forced", {**KEPT, "color": colour}, "h(t−1) kept"),
        ("memory_wiped", WIPED, "h(t−1) wiped at every step"),
    ):
        axes.plot(part.periods, finite(part[regime]), **style, label=label)
    axes.set(xlim=(0, SEEN), xlabel="periods since the warm-up", ylabel="x(t)")
    axes.set_xticks(np.arange(0, SEEN + 0.1, 0.5))
    round_ticks(axes.yaxis, float(part.truth.abs().max()))
    axes.set_title(f"{short(name)}, one step ahead", color=colour, fontweight="bold", pad=30)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 0.97), ncols=3, borderaxespad=0)


def draw_map(axes: Axes, part: pd.DataFrame, colour: str) -> None:
    x, peak = part.truth.to_numpy()[:-1], float(part.truth.abs().max())
    axes.plot(x, part.truth[1:], color=TRUTH, linewidth=6)
    axes.plot(x, finite(part.teacher_forced[1:]), **KEPT, color=colour)
    axes.plot(x, finite(part.memory_wiped[1:]), **WIPED)
    axes.set(xlabel="x(t)", ylabel="prediction of x(t+1)")
    for axis in (axes.xaxis, axes.yaxis):
        round_ticks(axis, peak)
    axes.set_title("one x(t), two futures")


def draw_wiped_errors(axes: Axes, reports: Sequence[Report], pen: dict[str, Pen]) -> None:
    pairs = drawable(
        [
            [number(report.metrics[key]["rmse"]) for key in ("teacher_forced", "memory_wiped")]
            for report in reports
        ]
    )
    for place, (report, pair) in enumerate(zip(reports, pairs, strict=True)):
        colour = pen[report.name].colour
        axes.plot(pair, [place, place], color=colour, linewidth=1.2)
        axes.plot(pair[:1], [place], **{**KEPT, "markersize": 6}, color=colour)
        axes.plot(pair[1:], [place], **{**WIPED, "markersize": 7})
    log_limits(axes.xaxis, pairs, ticks=5)
    axes.set_xlabel("RMSE, one step ahead")
    name_rows(axes, reports, pen)
    axes.grid(True, axis="x")
    axes.set_title("error: ● kept, × wiped")


def hidden(reports: Sequence[Report], compared: Sequence[Report]) -> Figure:
    """Draw the hidden units of models over two periods, and where their free run takes them."""
    pen = pens([report.name for report in reports])
    figure = Figure(figsize=(WIDTH, 2.6 * len(compared) + 0.7), layout="constrained")
    grid = figure.add_gridspec(len(compared), 2, width_ratios=[1.25, 1])
    for row, report in enumerate(compared):
        units, orbit = (figure.add_subplot(grid[row, column]) for column in (0, 1))
        draw_units(units, report, pen[report.name])
        draw_orbit(orbit, report, pen[report.name])
        if row == len(compared) - 1:
            units.set_xlabel("periods since the warm-up")
            orbit.set_xlabel("principal component 1 of h(t)")
    keys = [
        Line2D([], [], color=TRUTH, linewidth=6, label="orbit under the true past"),
        Line2D([], [], color=INK, marker="o", markersize=5, label="free-running from ●"),
    ]
    figure.legend(handles=keys, loc="outside upper right", ncols=2, columnspacing=1.2)
    return figure


def draw_units(axes: Axes, report: Report, pen: Pen) -> None:
    table = report.hidden[report.hidden.regime == "teacher_forced"]
    table = table[table.periods.between(0, SEEN)]
    states = table.filter(regex=r"^h_\d+$")
    axes.set(xlim=(0, SEEN), ylabel="h(t)")
    axes.set_xticks(np.arange(0, SEEN + 0.1, 0.5))
    axes.set_title(short(report.name), color=pen.colour, fontweight="bold")
    if states.empty or not states.shape[1]:
        axes.set(yticks=[])
        write_in_the_middle(axes, "no hidden state")
        return
    for unit in states:
        axes.plot(table.periods, finite(states[unit]), color=pen.colour, linewidth=1)
    peak = float(np.nanmax(np.abs(finite(states))))
    round_ticks(axes.yaxis, peak)


def draw_orbit(axes: Axes, report: Report, pen: Pen) -> None:
    forced, free = (
        report.hidden[report.hidden.regime == regime]
        for regime in ("teacher_forced", "free_running")
    )
    forced = forced[forced.periods > forced.periods.max() - LATE]
    free = free[free.periods <= EARLY]
    axes.set(xticks=[], yticks=[], ylabel="component 2")
    if not forced.pc2.any():  # one hidden unit or none
        write_in_the_middle(axes, "no orbit")
        return
    axes.plot(forced.pc1, forced.pc2, color=TRUTH, linewidth=6)
    axes.plot(finite(free.pc1), finite(free.pc2), color=pen.colour)
    axes.plot(free.pc1.iloc[:1], free.pc2.iloc[:1], "o", color=pen.colour, markersize=7)
    for name, limits in (("x", forced.pc1), ("y", forced.pc2)):
        reach = 1.35 * float(limits.abs().max()) or 1.0
        axes.set(**{f"{name}lim": (-reach, reach)})


def write_in_the_middle(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)


def training(reports: Sequence[Report]) -> Figure:
    """Draw the loss of all models against iterations, and against the training steps seen."""
    pen = pens([report.name for report in reports])
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    ends, losses, done, seen = [], [], [], []
    for report in reports:
        mine, curve = pen[report.name], report.training
        curve = curve.assign(loss=drawable(curve.loss, FLOOR**2))
        last = curve.iloc[-1]
        for axes, x in ((left, "iterations"), (right, "steps_seen")):
            for _, part in curve.groupby("part"):
                axes.plot(part[x], part.loss, color=mine.colour, linestyle=mine.dash)
            axes.plot(last[x], last.loss, "o", color=mine.colour, markersize=5)
        ends.append(End(last.loss, short(report.name), mine.colour, last.steps_seen))
        for kept, column in ((losses, "loss"), (done, "iterations"), (seen, "steps_seen")):
            kept.append(curve[column])
    log_limits(left.yaxis, np.concatenate(losses))
    for axes, work, label in ((left, done, "iterations"), (right, seen, "training steps seen")):
        log_limits(axes.xaxis, np.concatenate(work), ticks=4)
        axes.set_xlabel(label)
        axes.grid(True)
    left.set_title("loss: mean squared one-step error")
    label_ends(figure, right, ends)
    return figure


def data(datasets: Sequence[Dataset]) -> Figure:
    """Draw a few sequences of each dataset, and how its sequences are distributed."""
    figure = Figure(figsize=(WIDTH, 1.5 * len(datasets) + 0.8), layout="constrained")
    grid = figure.subplots(len(datasets), 4, squeeze=False, width_ratios=[2.3, 1, 1, 1])
    for dataset, (sequences, *others) in zip(datasets, grid, strict=True):
        draw_sequences(sequences, dataset)
        for axes, quantity in zip(others, QUANTITIES, strict=True):
            draw_distribution(axes, dataset, quantity)
    for axes, title in zip(grid[-1], ("periods", *QUANTITIES.values()), strict=True):
        axes.set_xlabel(title)
    grid[0, 1].set_title("share of the sequences")
    return figure


QUANTITIES = {"phase": "phase [rad]", "frequency": "frequency", "amplitude": "amplitude"}


def draw_sequences(axes: Axes, dataset: Dataset) -> None:
    shades = colormaps["cividis"](np.linspace(0, 0.85, dataset.sequences.sequence.nunique()))
    for shade, (_, part) in zip(shades, dataset.sequences.groupby("sequence"), strict=True):
        axes.plot(part.periods, part.truth, color=shade, linewidth=1.2)
        axes.plot(part.periods, part.value, "o", color=shade, markersize=2.2)
    axes.set_xlim(0, dataset.sequences.periods.max())
    axes.set_title(short(dataset.name), fontweight="bold")
    peak = float(dataset.sequences.value.abs().max())
    axes.set(ylim=(-1.2 * peak, 1.2 * peak), ylabel="x(t)")
    round_ticks(axes.yaxis, peak)


def draw_distribution(axes: Axes, dataset: Dataset, quantity: str) -> None:
    part = dataset.distributions[dataset.distributions.quantity == quantity]
    top = 2 * np.pi if quantity == "phase" else 1.5 * float(part.high.max())
    width = np.maximum(part.high - part.low, 0.04 * top)
    axes.bar((part.low + part.high) / 2, part.share, width, color="#707070")
    axes.set(xlim=(-0.03 * top, 1.03 * top), ylim=(0, 1.15 * float(part.share.max())))
    axes.set_yticks([float(part.share.max())], [f"{part.share.max():.0%}"])
    if quantity == "phase":
        axes.set_xticks([0, np.pi, 2 * np.pi], ["0", "π", "2π"])
    else:
        middle = float(f"{(part.low.min() + part.high.max()) / 2:.2g}")
        axes.set_xticks([0, middle], ["0", f"{middle:g}"])


def stability(reports: Sequence[Report]) -> Figure:
    """Draw the multipliers of each closed loop, and free-run errors against one-step errors."""
    pen = pens([report.name for report in reports])
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.2])
    draw_multipliers(left, reports, pen)
    ends, points = [], []
    for report in reports:
        x = drawable(number(report.metrics["teacher_forced"]["rmse"]))
        y = drawable(report.horizon.rmse.iloc[-1])
        right.plot(x, y, "o", color=pen[report.name].colour, markersize=7)
        ends.append(End(float(y), short(report.name), pen[report.name].colour, float(x)))
        points += [x, y]
    log_limits(right.xaxis, np.array(points), ticks=4)
    log_limits(right.yaxis, np.array(points))
    same = np.array([FLOOR, CEILING])
    right.plot(same, same, color=TRUTH, scalex=False, scaley=False, label="no growth")
    right.legend(loc="lower right")
    right.set(xlabel="RMSE, one step ahead")
    right.set_title(f"RMSE after {reports[0].settings['periods']:g} periods")
    right.grid(True)
    label_ends(figure, right, ends)
    return figure


def draw_multipliers(axes: Axes, reports: Sequence[Report], pen: dict[str, Pen]) -> None:
    sizes = [np.clip(report.multipliers.multiplier, 0, EXPLOSIVE) for report in reports]
    end = max(1.3, 1.06 * max(part.max() for part in sizes))
    axes.axvspan(1, end, color=WARMUP, linewidth=0)
    axes.axvline(1, color=INK, linewidth=1)
    for place, (report, part) in enumerate(zip(reports, sizes, strict=True)):
        lost = part >= EXPLOSIVE
        # One below the other, so that equal ones are seen to be two.
        places = place + (np.linspace(-0.15, 0.15, len(part)) if len(part) > 1 else np.zeros(1))
        for marker, these in (("o", ~lost), (">", lost)):
            colour = pen[report.name].colour
            axes.plot(part[these], places[these], marker, color=colour, markersize=5, alpha=0.8)
    axes.set(xlim=(-0.03 * end, end), xlabel="growth in one period")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 5, 10]))
    name_rows(axes, reports, pen)
    axes.set_title("multipliers of the free run")


def name_rows(axes: Axes, reports: Sequence[Report], pen: dict[str, Pen]) -> None:
    """Give each model a row of the axes, the first at the top, with its name in its colour."""
    axes.set_ylim(len(reports) - 0.5, -0.5)
    axes.set_yticks(range(len(reports)), [short(report.name) for report in reports])
    for label, report in zip(axes.get_yticklabels(), reports, strict=True):
        label.set_color(pen[report.name].colour)
    axes.tick_params(axis="y", length=0)
    axes.spines.left.set_visible(False)
