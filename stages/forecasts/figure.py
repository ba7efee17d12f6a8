"""The figure of a forecast: what was given, how it goes on, and what came if that is known."""

import numpy as np
from matplotlib.figure import Figure

from stages.reporting.style import COLOURS, INK, WARMUP, WIDTH
from stages.signals.sines import Floats


def forecast(name: str, given: Floats, told: Floats, came: Floats, *, warmup: int) -> Figure:
    """Draw a forecast after the values given, the last `warmup` of which warmed up the model.

    came: what the forecast is compared with; none where it is empty. Call it inside `style`.
    """
    given = given[-max(warmup, 2 * len(told)) :]
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(-warmup, 0, color=WARMUP, linewidth=0, label="warm-up")
    axes.plot(np.arange(-len(given), 0) + 1, given, color=INK, label="given")
    if len(came):
        axes.plot(np.arange(len(came)) + 1, came, color=INK, linestyle=":", label="what came")
    axes.plot(np.arange(len(told)) + 1, told, color=COLOURS[3], label="forecast")
    axes.set(xlabel="values after the last one given", ylabel=name, xlim=(-len(given), len(told)))
    axes.grid(axis="y")
    figure.legend(loc="outside upper right", ncols=4)
    return figure
