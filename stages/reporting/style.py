"""The look of all figures: sizes, the line of each model, logarithmic axes, legends, PNG files."""

import io
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import cycle, product
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from stages.reporting.reports import Report

WIDTH = 8.3  # inches: the width of a README, 830 px, at 100 px an inch
DPI = 200
TRUTH = "#b8b8b8"
INK = "#222222"
WARMUP = "#ececec"
# Okabe and Ito 2008, without black (the truth is grey) and yellow (too light on white).
COLOURS = ("#D55E00", "#009E73", "#0072B2", "#CC79A7", "#E69F00", "#56B4E9")
SERIES_COLOURS = {  # of the methods for measured series, by cell
    "seasonal_naive": INK,
    "naive": "#56B4E9",
    "drift": "#E69F00",
    "ets": "#CC79A7",
    "ar": "#0072B2",
}
FLOOR = 1e-16  # smaller errors are rounding errors
CEILING = 1e2  # larger errors are those of a free run that diverged
ENTRY = 0.26  # inches: the height of an entry of a legend


def style() -> AbstractContextManager[None]:
    """Draw and save inside this: a user's own matplotlib settings have no effect."""
    sheet = Path(__file__).with_name("figures.mplstyle")
    return matplotlib.style.context(sheet, after_reset=True)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    path.write_bytes(png(rendered(figure)))


def rendered(figure: Figure) -> Image.Image:
    """Render the pixels of a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])


def png(image: Image.Image) -> bytes:
    """Compress an image to a PNG with 256 colours: a third of the bytes of one with all colours.

    Other threads can run during the compression.
    """
    quantised = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    quantised.save(file, format="png", dpi=(DPI, DPI))
    return file.getvalue()


def choose_lines(rows: Sequence[Report]) -> None:
    """Choose colour and dash of the rows of a section: networks solid, methods without one dashed.

    Networks take colours from the front of COLOURS, other methods from the back, so the first six
    lines differ. A method for measured series has the same line in every figure; the seasonal naive
    is black.
    """
    solid = cycle(product(("-", (0, (7, 1.5, 1.5, 1.5))), COLOURS))
    dashed = cycle(product(((0, (4, 1.5)), (0, (1.5, 1.2))), COLOURS[::-1]))
    for row in rows:
        if row.cell in SERIES_COLOURS:
            row.dash, row.colour = (0, (4, 1.5)), SERIES_COLOURS[row.cell]
        else:
            row.dash, row.colour = next(dashed if row.simple else solid)


def short(name: str) -> str:
    """Shorten a name to fit beside a figure."""
    return name if len(name) <= 16 else f"{name[:10]}…{name[-5:]}"


def label(row: Report) -> str:
    """Name a model in a legend; leave out the name of a measured task, which is the title."""
    task = row.card.task if row.measured else ""
    return short(row.name.removeprefix(task).removesuffix(task).strip("_-") or row.name)


def finite(values: object) -> np.ndarray:
    """Replace infinite values, and those too large to draw, by NaN."""
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.abs(array) < 1e6, array, np.nan)


def drawable(values: object, floor: float = FLOOR) -> np.ndarray:
    """Clip errors for a logarithmic axis, to `floor` … `CEILING`; if diverged, to `CEILING`."""
    array = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=np.inf)
    return np.clip(array, floor, CEILING)


def decades(values: np.ndarray) -> tuple[float, float]:
    """Enclose positive values between whole powers of ten."""
    low, high = np.floor(np.log10(values.min())), np.ceil(np.log10(values.max()))
    return (10.0**low, 10.0**high) if high > low else (10.0 ** (low - 1), 10.0 ** (high + 1))


def log_limits(axis: Axis, values: np.ndarray, ticks: int = 7) -> None:
    """Make an axis logarithmic around positive values, with some whole powers of ten as ticks."""
    low, high = np.log10(decades(values))
    room, name = 0.06 * (high - low), axis.axis_name
    limits = (10 ** (low - room), 10 ** (high + room))
    # Set the limits first: an automatic logarithmic scale warns if all values are equal.
    axis.axes.set(**{f"{name}lim": limits, f"{name}scale": "log"})
    step = max(1, math.ceil((high - low) / (ticks - 1)))
    powers = [power for power in range(round(low), round(high) + 1) if power % step == 0]
    axis.set_ticks([10.0**power for power in powers], [power_of_ten(power) for power in powers])
    axis.set_ticks([], minor=True)


def power_of_ten(power: int) -> str:
    """Write 10 to a power as a tick label; superscripts are too small to read at half width."""
    return f"{10**power}" if 0 <= power <= 3 else f"1e{power}"


def name_rows(axes: Axes, rows: Sequence[Report]) -> None:
    """Reserve a row of the axes for each model, the first at the top, and name it in its colour."""
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [short(row.name) for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_color(row.colour)
    axes.tick_params(axis="y", length=0)
    axes.spines.left.set_visible(False)


def legend_beside(axes: Axes) -> None:
    """Write the legend of axes at their right."""
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), borderaxespad=0, handlelength=1.8)


def empty(text: str) -> Figure:
    """Draw a figure that says in one line why it is empty."""
    figure = Figure(figsize=(WIDTH, 0.7))
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure
