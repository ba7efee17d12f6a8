"""The figure of the datasets: sequences of sines and their distributions, or a measured series."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.reporting import style
from stages.reporting.reports import Dataset

QUANTITIES = {"phase": "phase [rad]", "frequency": "ω [rad/time]", "amplitude": "amplitude"}
PARTS = {"validation": style.WARMUP, "test": "#cfe0ee"}
TICKS = 5


def data(datasets: Sequence[Dataset]) -> Figure:
    """Draw a few sequences of each dataset and their distributions, or a measured series."""
    figure = Figure(figsize=(style.WIDTH, 1.75 * len(datasets) + 0.5))
    grid = figure.add_gridspec(len(datasets), 4, width_ratios=[2.3, 1, 1, 1])
    sines = [dataset for dataset in datasets if not dataset.measured]
    for row, dataset in enumerate(datasets):
        if dataset.measured:
            draw_series(figure.add_subplot(grid[row, :]), dataset)
            continue
        panels = [figure.add_subplot(grid[row, column]) for column in range(4)]
        draw_sequences(panels[0], dataset)
        for axes, quantity in zip(panels[1:], QUANTITIES, strict=True):
            draw_distribution(axes, dataset, quantity)
        if dataset is sines[0]:
            panels[1].set_title("share of the sequences")
        if dataset is sines[-1]:
            for axes, label in zip(panels, ("time [periods]", *QUANTITIES.values()), strict=True):
                axes.set_xlabel(label)
    return figure


def draw_sequences(axes: Axes, dataset: Dataset) -> None:
    table = dataset.sequences
    shades = colormaps["cividis"](np.linspace(0, 0.85, table.sequence.nunique()))
    for shade, (_, part) in zip(shades, table.groupby("sequence"), strict=True):
        axes.plot(part.periods, part.truth, color=shade, linewidth=1.2)
        axes.plot(part.periods, part.value, "o", color=shade, markersize=2.2)
    peak = float(table.value.abs().max())
    axes.set(xlim=(0, table.periods.max()), ylim=(-1.2 * peak, 1.2 * peak), ylabel="x(t)")
    axes.set_title(style.short(dataset.name))
    axes.locator_params(nbins=4)


def draw_distribution(axes: Axes, dataset: Dataset, quantity: str) -> None:
    part = dataset.distributions[dataset.distributions.quantity == quantity]
    right = 2 * np.pi if quantity == "phase" else 1.5 * float(part.high.max())
    width = np.maximum(part.high - part.low, 0.04 * right)
    top = float(part.share.max())
    axes.bar((part.low + part.high) / 2, part.share, width, color="#707070")
    axes.set(xlim=(-0.03 * right, 1.03 * right), ylim=(0, 1.15 * top))
    axes.set_yticks([top], [f"{top:.0%}"])
    if quantity == "phase":
        axes.set_xticks([0, np.pi, 2 * np.pi], ["0", "π", "2π"])
    else:
        middle = float(f"{(part.low.min() + part.high.max()) / 2:.2g}")
        axes.set_xticks([0, middle], ["0", f"{middle:g}"])


def draw_series(axes: Axes, dataset: Dataset) -> None:
    """Draw a measured series against time, with its validation and test parts shaded."""
    table = dataset.sequences
    for part, shade in PARTS.items():
        steps = table.step[table.part == part]
        axes.axvspan(steps.min(), steps.max() + 1, color=shade, linewidth=0, label=part)
    axes.plot(table.step, table.value, color=style.INK, linewidth=0.9)
    axes.set(xlim=(0, len(table)), ylabel=style.short(dataset.column))
    axes.set_title(style.short(dataset.name))
    places = np.linspace(0, len(table) - 1, TICKS).astype(int)[:-1]
    dated = table.time.notna().all()
    times = [table.time[place][:10] if dated else place for place in places]
    axes.set_xticks(places, times, ha="left")
    axes.set_xlabel("time" if dated else "time [steps]")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
