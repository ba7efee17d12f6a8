"""Figures of the inference from the past: the memory, and which sines are hard."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from stages.reporting import style
from stages.reporting.reports import Report
from stages.reporting.style import Pen

SHADES = colormaps["viridis"]
FREQUENCY = "frequency ω [rad/time]"


def memory(reports: Sequence[Report], pen: dict[str, Pen]) -> Figure:
    """Draw a memory unit over the warm-up, and against the frequency of each test sequence.

    reports: of one model, or of none where no model has a memory.
    """
    if not reports:
        return style.note("No model has a memory.")
    (report,) = reports
    figure = Figure(figsize=(style.WIDTH, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    scale = Normalize(report.sequences.frequency.min(), report.sequences.frequency.max())
    for frequency, part in report.settling.groupby("frequency"):
        shade = SHADES(scale(frequency))
        left.plot(part.step, style.finite(part.memory_1), color=shade, linewidth=1.3)
    shades = SHADES(scale(report.sequences.frequency))
    right.scatter(
        report.sequences.frequency, style.finite(report.sequences.memory_1), c=shades, s=12
    )
    name = style.short(report.name)
    left.set_title(f"{name}: settling", color=pen[report.name].colour)
    right.set_title("after the warm-up")
    left.set(xlabel="time in the warm-up [steps]", ylabel="memory unit m(t)")
    right.set(xlabel=FREQUENCY)
    for axes in (left, right):
        axes.grid(True)
    return figure


def hard(reports: Sequence[Report]) -> Figure:
    """Draw the error of each test sequence over the plane of frequency and amplitude."""
    figure = Figure(figsize=(style.WIDTH, 3.7), layout="constrained")
    panels = figure.subplots(1, len(reports), sharey=True, squeeze=False)[0]
    for axes, report in zip(panels, reports, strict=True):
        table = report.sequences
        errors = style.drawable(table.rmse)
        low = np.floor(np.log10(errors.min()))
        high = max(np.ceil(np.log10(errors.max())), low + 1)
        scale = LogNorm(10**low, 10**high)
        axes.scatter(table.frequency, table.amplitude, c=SHADES(scale(errors)), s=16, linewidth=0)
        axes.set_xlabel(FREQUENCY)
        axes.set_title(style.short(report.name))
        bar = figure.colorbar(ScalarMappable(scale, SHADES), ax=axes)
        powers = np.arange(low, high + 1, max(1, round((high - low) / 4)))
        bar.set_ticks(10.0**powers, labels=[style.power_of_ten(int(power)) for power in powers])
        bar.ax.set_yticks([], minor=True)
    panels[0].set_ylabel("amplitude of x(t)")
    bar.set_label("RMSE over ten periods")
    return figure
