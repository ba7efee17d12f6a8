"""The figures: reports of models and datasets in, matplotlib figures out.

Times are in periods of the true sine. A model has the same colour in every figure.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from stages.reporting.reports import Dataset, Report, Section, number
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
    power_of_ten,
    round_ticks,
    short,
)

BEFORE = 2.0  # periods of the warm-up that are drawn
EARLY = 6.0  # periods of a free run that are drawn
LATE = 2.0  # periods of the orbit under the true past
SEEN = 2.0  # periods over which the memory and the hidden state are drawn
EXPLOSIVE = 3.0  # multipliers from here on are drawn as arrows
PEER = "#666666"
KEPT = {"linestyle": "", "marker": "o", "markersize": 3.6}
WIPED = {"linestyle": "", "marker": "x", "markersize": 5.5, "markeredgewidth": 1.4, "color": INK}


def hero(
    sections: Sequence[Section], shown: Sequence[Report], peers: pd.DataFrame, pen: dict[str, Pen]
) -> Figure:
    """Draw free runs of one test sequence, and the error against the horizon for each section.

    shown: models of one task. peers: what others reach (task, name, periods, rmse). A peer is
    marked at the longest horizon that it was measured over.
    """
    ends = [horizon_ends(section, pen, peers) for section in sections]
    # Labels stand one above the other; ticks and titles need room besides.
    heights = [max(1.9, 0.25 * len(here)) for here in ends]
    height = max(2.05 * len(shown), sum(heights) + 0.7 * len(sections), 3.6)
    figure = Figure(figsize=(WIDTH, height + 0.6), layout="constrained")
    left, right = figure.add_gridspec(1, 2, width_ratios=[1.08, 1])
    for place, report in zip(left.subgridspec(len(shown), 1), shown, strict=True):
        axes = figure.add_subplot(place)
        draw_rollout(axes, report, pen[report.name])
    axes.set_xlabel("periods since the warm-up")
    figure.legend(handles=rollout_keys(), loc="outside upper left", ncols=4, columnspacing=1.2)
    places = right.subgridspec(len(sections), 1, height_ratios=heights)
    panels = [figure.add_subplot(place) for place in places]
    for axes, section in zip(panels, sections, strict=True):
        draw_horizons(axes, section, pen, peers)
    panels[-1].set_xlabel("horizon [periods]")
    label_ends(figure, dict(zip(panels, ends, strict=True)))
    return figure


def rollout_keys() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=TRUTH, linewidth=6, label="truth"),
        Patch(color=WARMUP, label="warm-up"),
        Line2D([], [], color=INK, linestyle="", marker="o", markersize=4, label="given"),
        Line2D([], [], color=INK, label="free-running"),
    ]


def verdict(report: Report) -> str:
    """Return how long the free run held, as its metrics have it."""
    median = report.metrics["free_running"]["valid_prediction_periods"]["median"]
    if median >= report.periods:
        return f"{short(report.name)}: holds all {report.periods:g} periods"
    return f"{short(report.name)}: holds {median:.2g} periods"


def draw_rollout(axes: Axes, report: Report, pen: Pen) -> None:
    part = report.rollout[report.rollout.periods.between(-BEFORE, EARLY)]
    given = part[part.periods < 0]
    axes.axvspan(-BEFORE, 0, color=WARMUP, linewidth=0)
    axes.plot(part.periods, part.truth, color=TRUTH, linewidth=5)
    axes.plot(given.periods, given.value, "o", color=INK, markersize=2.2)
    axes.plot(part.periods, finite(part.free_running), color=pen.colour)
    axes.set_xlim(-BEFORE, EARLY)
    peak = float(part.truth.abs().max())
    axes.set_ylim(-1.7 * peak, 1.7 * peak)
    round_ticks(axes.yaxis, peak)
    axes.set_ylabel("x(t)", labelpad=0)
    axes.set_xticks(np.arange(0, EARLY + 0.5, 2))
    axes.set_title(verdict(report), color=pen.colour, fontweight="bold")


def draw_horizons(axes: Axes, section: Section, pen: dict[str, Pen], peers: pd.DataFrame) -> None:
    """Draw the RMSE of the free run against the horizon, with the bound where there is one."""
    errors = [end.value for end in horizon_ends(section, pen, peers)]
    for report in section.reports:
        rmse, mine = drawable(report.horizon.rmse), pen[report.name]
        lost = rmse >= CEILING
        axes.plot(
            report.horizon.periods,
            np.where(lost & np.append(False, lost[:-1]), np.nan, rmse),
            color=mine.colour,
            linestyle=mine.dash,
        )
        errors += [*rmse]
    first, last = section.reports[0].horizon.periods.iloc[[0, -1]]
    bound = bound_of(section)
    if bound:
        axes.plot(*zip(*bound, strict=True), color=INK, linestyle=(0, (1, 1)), marker=".")
        errors += [rmse for _, rmse in bound]
    there = furthest(section, peers)
    for periods, rmse in zip(there.periods, there.rmse, strict=True):
        axes.plot(periods, drawable(rmse), "D", color=PEER, markersize=4, clip_on=False)
    log_limits(axes.yaxis, np.array(errors), ticks=5)
    axes.set(xscale="log", xlim=(first, last))
    axes.set_title(f"{section.title}: RMSE", pad=13)
    powers = [power for power in range(6) if 10 * first <= 10**power <= last]
    powers = [*powers[:1], *powers[1:][-1:]]  # the first and the last: the panel is narrow
    axes.set_xticks([10.0**power for power in powers], [power_of_ten(p) for p in powers])
    axes.set_xticks([], minor=True)
    axes.grid(True)


def bound_of(section: Section) -> list[tuple[float, float]]:
    """Return the Cramér–Rao bound as (periods, RMSE); empty where there is no noise."""
    bound = section.reports[0].metrics.get("bound", {})
    return [(float(name.split("_")[1]), number(rmse)) for name, rmse in bound.items()]


def furthest(section: Section, peers: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each peer of a section: the longest horizon that it was measured over."""
    tasks = {report.task for report in section.reports}
    mine = peers[peers.task.isin(tasks) & (peers.periods <= section.reports[0].periods)]
    return mine.sort_values("periods", kind="stable").drop_duplicates("name", keep="last")


def horizon_ends(section: Section, pen: dict[str, Pen], peers: pd.DataFrame) -> list[End]:
    """Return where the lines of a section end and where its peers stand, with their names."""
    ends = [
        End(float(drawable(report.horizon.rmse)[-1]), report.name, pen[report.name].colour)
        for report in section.reports
    ]
    there = furthest(section, peers)
    for name, periods, rmse in zip(there.name, there.periods, there.rmse, strict=True):
        start = float(periods) if periods < section.reports[0].periods else None
        ends.append(End(float(drawable(rmse)), name, PEER, start))
    if bound := bound_of(section):
        ends.append(End(bound[-1][1], "bound", INK))
    return [
        replace(end, text=f"{short(end.text)} ↑" if end.value >= CEILING else short(end.text))
        for end in ends
    ]


def memory(reports: Sequence[Report], shown: Report, pen: dict[str, Pen]) -> Figure:
    """Draw one-step predictions of a model with its memory kept and wiped, and both errors of all.

    The map from x(t) to x(t+1) shows why: of a sine it has two branches, and x(t) alone does not
    tell them apart.
    """
    figure = Figure(figsize=(WIDTH, 4.0 + 0.32 * len(reports)), layout="constrained")
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


def hidden(compared: Sequence[Report], pen: dict[str, Pen]) -> Figure:
    """Draw the hidden units of models over two periods, and where their free run takes them."""
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
    free = free[free.periods <= 4]
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


def training(reports: Sequence[Report], pen: dict[str, Pen]) -> Figure:
    """Draw the loss of all models against iterations, and against the training steps seen."""
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    ends, losses, done, seen = [], [], [], []
    for report in (r for r in reports if not r.training.empty):
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
    left.set_title("loss: mean square of what counts")
    label_ends(figure, {right: ends})
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


QUANTITIES = {"phase": "phase [rad]", "frequency": "ω [rad/time]", "amplitude": "amplitude"}


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


def stability(reports: Sequence[Report], pen: dict[str, Pen]) -> Figure:
    """Draw the multipliers of each closed loop, and free-run errors against one-step errors."""
    figure = Figure(figsize=(WIDTH, 1.6 + 0.36 * len(reports)), layout="constrained")
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
    right.set_title("RMSE at the horizon")
    right.grid(True)
    label_ends(figure, {right: ends})
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
