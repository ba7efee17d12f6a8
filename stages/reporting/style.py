"""The look of all figures: sizes, the pen of each model, logarithmic axes, legends, PNG files."""

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from stages.reporting.reports import Row

WIDTH = 8.3  # inches: the width of a README, 830 px, at 100 px an inch
DPI = 200
TRUTH = "#b8b8b8"
INK = "#222222"
WARMUP = "#ececec"
# Okabe and Ito 2008, without black (the truth is grey) and yellow (too light on white).
COLOURS = ("#D55E00", "#009E73", "#0072B2", "#CC79A7", "#E69F00", "#56B4E9")
METHODS = {"seasonal_naive": INK, "naive": "#56B4E9", "drift": "#E69F00"}
METHODS |= {"ets": "#CC79A7", "ar": "#0072B2"}
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 13,
    **dict.fromkeys(("axes.titlesize", "axes.labelsize", "legend.fontsize"), 13),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize"), 12),
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    **{"axes.titlelocation": "left", "axes.titleweight": "bold", "legend.labelspacing": 0.3},
    **{"grid.color": "#e8e8e8", "grid.linewidth": 0.8, "axes.axisbelow": True},
    **{"lines.linewidth": 1.8, "lines.solid_capstyle": "round"},
    **dict.fromkeys(("figure.dpi", "savefig.dpi"), DPI),
}
FLOOR = 1e-16  # errors below are rounding alone
CEILING = 1e2  # errors above are those of a free run that diverged
ENTRY = 0.26  # inches: the height of an entry of a legend


@contextmanager
def style() -> Iterator[None]:
    """Draw and save inside this: a user's own matplotlib settings have no effect."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    path.write_bytes(png(rendered(figure)))


def rendered(figure: Figure) -> Image.Image:
    """Render the pixels of a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])


def png(image: Image.Image) -> bytes:
    """Compress an image to a PNG with 256 colours, a third of the bytes of one with all of them.

    Other threads can work meanwhile.
    """
    quantised = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    quantised.save(file, format="png", dpi=(DPI, DPI))
    return file.getvalue()


@dataclass(frozen=True)
class Pen:
    """Colour and line style of a model."""

    colour: str
    dash: str | tuple[float, tuple[float, ...]]

    @property
    def line(self) -> dict[str, Any]:
        """Choose the look of a line of the model."""
        return {"color": self.colour, "linestyle": self.dash}


def pens(rows: Sequence[Row]) -> dict[str, Pen]:
    """Choose the pens of the rows of a section: networks solid, methods without one dashed.

    Networks take the colours from the front, the others from the back: the first six differ. A
    method for measured series has the same pen in each of them; the seasonal naive is black.
    """
    solid = cycle(product(("-", (0, (7, 1.5, 1.5, 1.5))), COLOURS))
    dashed = cycle(product(((0, (4, 1.5)), (0, (1.5, 1.2))), COLOURS[::-1]))
    pen = {}
    for row in rows:
        if row.cell in METHODS:
            pen[row.name] = Pen(METHODS[row.cell], (0, (4, 1.5)))
        else:
            dash, colour = next(dashed if row.simple else solid)
            pen[row.name] = Pen(colour, dash)
    return pen


def short(name: str) -> str:
    """Shorten a name to fit beside a figure."""
    return name if len(name) <= 16 else f"{name[:10]}…{name[-5:]}"


def finite(values: object) -> np.ndarray:
    """Replace infinite values, and those too large to draw, by NaN."""
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.abs(array) < 1e6, array, np.nan)


def drawable(values: object, floor: float = FLOOR) -> np.ndarray:
    """Clip errors for a logarithmic axis, to `floor` … `CEILING`; if diverged, to `CEILING`."""
    array = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=np.inf)
    return np.clip(array, floor, CEILING)


def log_limits(axis: Axis, drawn: np.ndarray, ticks: int = 7) -> None:
    """Make an axis logarithmic around positive values, with some whole powers of ten as ticks."""
    logs = np.log10(drawn)
    low, high = np.floor(logs.min()), np.ceil(logs.max())
    low, high = (low, high) if high > low else (low - 1, high + 1)
    step = max(1, math.ceil((high - low) / (ticks - 1)))
    room = 0.06 * (high - low)
    name = axis.axis_name
    axis.axes.set(
        **{f"{name}scale": "log", f"{name}lim": (10 ** (low - room), 10 ** (high + room))}
    )
    powers = [int(power) for power in np.arange(low, high + 1) if power % step == 0]
    axis.set_ticks([10.0**power for power in powers], [power_of_ten(power) for power in powers])
    axis.set_ticks([], minor=True)


def power_of_ten(power: int) -> str:
    """Write 10 to a power as a tick label; superscripts are too small to read at half width."""
    return f"{10**power}" if 0 <= power <= 3 else f"1e{power}"


def round_ticks(axis: Axis, peak: float) -> None:
    """Set three ticks of an axis around zero: zero, and the round number next to ± the peak."""
    nearest = float(f"{peak:.1g}")
    axis.set_ticks([-nearest, 0, nearest], [f"−{nearest:g}", "0", f"{nearest:g}"])


def name_rows(axes: Axes, names: Iterable[str], pen: dict[str, Pen]) -> None:
    """Reserve a line of the axes for each model, the first at the top, named in its colour."""
    colours = {name: pen[name].colour for name in names}
    axes.set_ylim(len(colours) - 0.5, -0.5)
    axes.set_yticks(range(len(colours)), [short(name) for name in colours])
    for label, colour in zip(axes.get_yticklabels(), colours.values(), strict=True):
        label.set_color(colour)
    axes.tick_params(axis="y", length=0)
    axes.spines.left.set_visible(False)


def legend_beside(axes: Axes, order: Sequence[float]) -> None:
    """Write the legend of axes at their right, in the order of the lines' ends: highest first."""
    handles, labels = axes.get_legend_handles_labels()
    places = sorted(range(len(handles)), key=lambda place: -order[place])
    axes.legend(
        [handles[place] for place in places],
        [labels[place] for place in places],
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        borderaxespad=0,
        handlelength=1.8,
    )


def note(text: str) -> Figure:
    """Draw a figure that says in one line why it is empty."""
    figure = Figure(figsize=(WIDTH, 0.7))
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure
