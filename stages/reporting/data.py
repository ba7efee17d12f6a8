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
    figure = Figure(figsize=(style.WIDTH, 1.65 * len(datasets) + 0.5), layout="constrained")
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
    shades = colormaps["cividis"](np.linspace(0, 0.85, dataset.sequences.sequence.nunique()))
    for shade, (_, part) in zip(shades, dataset.sequences.groupby("sequence"), strict=True):
        axes.plot(part.periods, part.truth, color=shade, linewidth=1.2)
        axes.plot(part.periods, part.value, "o", color=shade, markersize=2.2)
    axes.set_xlim(0, dataset.sequences.periods.max())
    axes.set_title(style.short(dataset.name))
    peak = float(dataset.sequences.value.abs().max())
    axes.set(ylim=(-1.2 * peak, 1.2 * peak), ylabel="x(t)")
    style.round_ticks(axes.yaxis, peak)


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


def draw_series(axes: Axes, dataset: Dataset) -> None:
    """Draw a measured series against time, with its validation and test parts shaded."""
    table, name = dataset.sequences, style.short(dataset.name)
    for part, shade in PARTS.items():
        steps = table.step[table.part == part]
        axes.axvspan(steps.min(), steps.max() + 1, color=shade, linewidth=0, label=part)
    axes.plot(table.step, table.value, color=style.INK, linewidth=0.9)
    axes.set_xlim(table.step.iloc[0], table.step.iloc[-1] + 1)
    axes.set_title(name if dataset.column == dataset.name else f"{name}: {dataset.column[:40]}")
    axes.set_ylabel("value")
    shown = table.iloc[np.linspace(0, len(table) - 1, TICKS).round().astype(int)[:-1]]
    dated = shown.time.notna().all()
    axes.set_xticks(shown.step, [str(text)[:10] for text in (shown.time if dated else shown.step)])
    axes.set_xlabel("" if dated else "step")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
