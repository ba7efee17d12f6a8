"""The figure of a forecast: the values given, the forecast, and the true values if known."""

import numpy as np
from matplotlib.figure import Figure

from stages.forecasts.continuation import Continuation
from stages.reporting.style import COLOURS, INK, WARMUP, WIDTH
from stages.signals.sines import Floats


def draw(name: str, given: Floats, forecast: Continuation, came: Floats, warmup: int) -> Figure:
    """Draw a forecast after the values given, the last `warmup` of which warmed up the model.

    came: the true values; empty if they are not known. Call it inside `style`.
    """
    steps = np.arange(len(forecast.values)) + 1
    given = given[-max(warmup, 2 * len(steps)) :]
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(-warmup, 0, color=WARMUP, linewidth=0, label="warm-up")
    axes.plot(np.arange(-len(given), 0) + 1, given, color=INK, label="given")
    for level, widths in forecast.half_widths.items():
        low, high = forecast.interval(level)
        shown = steps[: len(widths)]
        axes.fill_between(
            shown,
            low[: len(shown)],
            high[: len(shown)],
            color=COLOURS[3],
            alpha=0.15,
            linewidth=0,
            label=f"{level} % interval",
        )
    if len(came):
        axes.plot(np.arange(len(came)) + 1, came, color=INK, linestyle=":", label="truth")
    axes.plot(steps, forecast.values, color=COLOURS[3], label="forecast")
    axes.set(xlabel="values after the last one given", ylabel=name, xlim=(-len(given), len(steps)))
    axes.grid(axis="y")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
