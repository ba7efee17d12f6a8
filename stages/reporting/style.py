"""What all figures share: their style, the colours of the models, and labels that keep apart."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice, product
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from PIL import Image

WIDTH = 8.3  # inches: the width of a README, 830 px, at 100 px an inch
DPI = 200
TRUTH = "#b8b8b8"
INK = "#222222"
WARMUP = "#ececec"
GRID = "#e8e8e8"
# Okabe and Ito 2008, without black (the truth is grey) and yellow (too light on white).
COLOURS = ("#CC79A7", "#009E73", "#D55E00", "#0072B2", "#E69F00", "#56B4E9")
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 13,
    "axes.titlesize": 13,
    "axes.labelsize": 13,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 13,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlelocation": "left",
    "axes.grid.axis": "both",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
}
FLOOR = 1e-16  # errors below are rounding alone
CEILING = 1e2  # errors above are those of a free run that blew up
LEADER = {"linewidth": 0.9, "linestyle": (0, (1, 2)), "scalex": False, "scaley": False}
LABEL_GAP = 15.5  # points between the middles of two labels, one above the other


@contextmanager
def style() -> Iterator[None]:
    """Draw and save inside this: nothing of a user's own matplotlib settings is left."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    path.write_bytes(png(rendered(figure)))


def rendered(figure: Figure) -> Image.Image:
    """Return the pixels of a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])


def png(image: Image.Image) -> bytes:
    """Return a PNG file with 256 colours, a third of the bytes of one with all of them.

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


def pens(names: Sequence[str]) -> dict[str, Pen]:
    """Return the pen of each model, by the order of the rows: six colours, then dashed again."""
    styles = (Pen(colour, dash) for dash, colour in product(("-", (0, (4, 1.5))), COLOURS))
    return dict(zip(names, islice(cycle(styles), len(names)), strict=True))


def short(name: str) -> str:
    """Return a name that fits beside a figure."""
    return name if len(name) <= 16 else f"{name[:10]}…{name[-5:]}"


def finite(values: object) -> np.ndarray:
    """Return floats in which what is infinite, or too large to draw, is missing."""
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.abs(array) < 1e6, array, np.nan)


def drawable(values: object, floor: float = FLOOR) -> np.ndarray:
    """Return errors for a logarithmic axis: from `floor` up to `CEILING`, what is lost there."""
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
    """Return 10 to a power as a tick label; superscripts are too small to read at half width."""
    return f"{10**power}" if 0 <= power <= 3 else f"1e{power}"


def round_ticks(axis: Axis, peak: float) -> None:
    """Give an axis around zero three ticks: zero, and the round number next to ± the peak."""
    nearest = float(f"{peak:.1g}")
    axis.set_ticks([-nearest, 0, nearest], [f"−{nearest:g}", "0", f"{nearest:g}"])


@dataclass(frozen=True)
class End:
    """Where a line ends, and what stands at the right of its axes; start: where it ended in x."""

    value: float
    text: str
    colour: str
    start: float | None = None


def label_ends(figure: Figure, ends: Mapping[Axes, Sequence[End]]) -> None:
    """Write at the right of axes what their lines are, as near to their ends as texts can stand.

    Call it last, and once: what was drawn before sets the scale, and the layout is final.
    """
    labels = {axes: [label(axes, end) for end in here] for axes, here in ends.items()}
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, here in ends.items():
        place_labels(axes, here, labels[axes])


def label(axes: Axes, end: End) -> Annotation:
    """Return the text for an end of a line, at half height until it is placed."""
    return axes.annotate(
        end.text,
        (1, 0.5),
        xycoords="axes fraction",
        xytext=(16, 0),
        textcoords="offset points",
        va="center",
        color=end.colour,
        annotation_clip=False,
    )


def place_labels(axes: Axes, ends: Sequence[End], labels: Sequence[Annotation]) -> None:
    """Move labels to the ends of their lines, and apart; axes: with their final size."""
    extent, points = axes.get_window_extent(), 72 / axes.figure.dpi
    at_data = axes.transData.transform([(1, end.value) for end in ends])
    places = axes.transAxes.inverted().transform(at_data)[:, 1]
    margin = 12 / (extent.width * points)
    for end in ends:
        if end.start is not None:
            axes.plot([end.start, axes.get_xlim()[1]], [end.value] * 2, **LEADER, color=end.colour)
    for place, index in spread(places.tolist(), LABEL_GAP / (extent.height * points)):
        labels[index].xy = (1, place)
        axes.add_artist(
            Line2D(
                [1, 1 + margin],
                [places[index], place],
                transform=axes.transAxes,
                color=ends[index].colour,
                linewidth=0.9,
                clip_on=False,
            )
        )


def spread(places: Sequence[float], gap: float) -> list[tuple[float, int]]:
    """Return (place, index) in ascending order: within [0, 1], and at least `gap` apart if it can.

    A crowd is moved to both sides of its middle.
    """
    order = sorted(range(len(places)), key=lambda index: (places[index], index))
    gap = min(gap, 1 / max(1, len(places) - 1))
    groups: list[tuple[float, int]] = []  # the lowest place of a crowd, and how many it has
    for index in order:
        low, count = min(max(places[index], 0.0), 1.0), 1
        while groups and groups[-1][0] + groups[-1][1] * gap > low:
            below, many = groups.pop()
            low = (below * many + (low - many * gap) * count) / (many + count)
            count += many
            low = min(max(low, 0.0), 1 - (count - 1) * gap)
        groups.append((low, count))
    moved = [low + member * gap for low, count in groups for member in range(count)]
    return list(zip(moved, order, strict=True))
