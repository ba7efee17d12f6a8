"""Draw what a network infers from the past: its memory, and which sines are hard."""

from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from stages.reporting import style
from stages.reporting.reports import Report

SHADES = colormaps["viridis"]
FREQUENCY = "frequency ω [rad/time]"


def memory(report: Report | None) -> Figure:
    """Draw a memory unit over the warm-up, and against the frequency of each test sequence."""
    if report is None:
        return style.empty("No model has memory units.")
    figure = Figure(figsize=(style.WIDTH, 3.7))
    left, right = figure.subplots(1, 2, sharey=True)
    frequency = report.sequences.frequency
    scale = Normalize(frequency.min(), frequency.max())
    for value, part in report.settling.groupby("frequency"):
        left.plot(part.step, part.memory_1, color=SHADES(scale(value)), linewidth=1.3)
    right.scatter(frequency, report.sequences.memory_1, c=SHADES(scale(frequency)), s=12)
    left.set_title(f"{style.short(report.name)}: settling", color=report.colour)
    right.set_title("after the warm-up")
    left.set(xlabel="time in the warm-up [steps]", ylabel="memory unit m(t)")
    right.set(xlabel=FREQUENCY)
    for axes in (left, right):
        axes.grid(True)
    return figure


def hard(reports: Sequence[Report]) -> Figure:
    """Draw the error of each test sequence as a colour, against frequency and amplitude."""
    figure = Figure(figsize=(style.WIDTH, 4.5))
    panels = figure.subplots(1, len(reports), sharey=True, squeeze=False)[0]
    for axes, report in zip(panels, reports, strict=True):
        errors = style.drawable(report.sequences.rmse)
        scale = LogNorm(*style.decades(errors))
        shades = SHADES(scale(errors))
        axes.scatter(report.sequences.frequency, report.sequences.amplitude, c=shades, s=16)
        axes.set_xlabel(FREQUENCY)
        axes.locator_params(nbins=5)
        axes.set_title(style.short(report.name), color=report.colour)
        bar = figure.colorbar(ScalarMappable(scale, SHADES), ax=axes, location="bottom")
        style.log_limits(bar.ax.xaxis, errors, ticks=5)
        bar.ax.set_xlim(scale.vmin, scale.vmax)
        bar.set_label("RMSE over ten periods")
    panels[0].set_ylabel("amplitude of x(t)")
    return figure
