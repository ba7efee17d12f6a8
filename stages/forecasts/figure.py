"""The figure of a forecast: the values given, the forecast, and the true values if known."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from stages.reporting.series import LEVELS
from stages.reporting.style import COLOURS, INK, WARMUP, WIDTH
from stages.signals.sines import Floats


def draw(given: Floats, columns: Mapping[str, Floats], truth: Floats, warmup: int) -> Figure:
    """Draw the given values and the forecast after them. Call it inside `style`.

    columns: the forecast (steps,) under its name, then the ends of its intervals: low_80, high_80,
    …. truth: the true values; empty if they are unknown. warmup: the number of given values that
    the model received.
    """
    name, *ends = columns
    steps = np.arange(len(columns[name])) + 1
    given = given[-max(warmup, 2 * len(steps)) :]
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(-warmup, 0, color=WARMUP, linewidth=0, label="warm-up")
    axes.plot(np.arange(-len(given), 0) + 1, given, color=INK, label="given")
    for low, high in zip(ends[::2], ends[1::2], strict=True):
        level = int(low.removeprefix("low_"))
        look = {"color": COLOURS[3], "alpha": LEVELS[level], "linewidth": 0}
        axes.fill_between(steps, columns[low], columns[high], label=f"{level} % interval", **look)
    if len(truth):
        axes.plot(steps[: len(truth)], truth, color=INK, linestyle=":", label="truth")
    axes.plot(steps, columns[name], color=COLOURS[3], label="forecast")
    axes.set(xlabel="values after the last given one", ylabel=name, xlim=(-len(given), len(steps)))
    axes.grid(axis="y")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
