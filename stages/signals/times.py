"""Times as text: check that they ascend evenly, and continue them."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from stages.signals.sines import Floats

# Kinds of times.
FORM = re.compile(
    r"(?P<number>-?\d{1,15}(\.\d{1,9})?)|(?P<month>\d{4}-\d\d)|(?P<quarter>\d{4}-?Q[1-4])|"
    r"(?P<date>\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{3}|\.\d{6})?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)"
)
EXAMPLES = "1958, 1958-03, 1958-Q1, 1958-03-29"
DAY = np.timedelta64(1, "D").astype("m8[us]")

Write = Callable[[float], str]


def fault(times: Sequence[str]) -> tuple[int, str] | None:
    """Find the first time that is unreadable or that breaks the even spacing.

    Return its index and a message; None where all ascend evenly. Dates on the same day of each
    month are compared by month, since months differ in length.
    """
    form = _form(times[0])
    for place, text in enumerate(times):
        if form is None or _form(text) != form:
            expected = f"like {times[0]}" if form else f"such as {EXAMPLES}"
            return place, f"expected a time {expected}, got '{text}'"
    if len(times) == 1:
        return None
    positions, write = _axis(times)
    steps = np.diff(positions)
    usual = np.sort(steps)[(len(steps) - 1) // 2]
    digits = max(len(text.partition(".")[2]) for text in times) if form == ("number", "") else 0
    # Steps between rounded numbers differ by one in the last digit.
    tolerance = min(1.01 * 10.0**-digits, usual / 4) if digits else 0
    wrong = np.abs(steps - usual) > tolerance if usual > 0 else steps <= 0
    if not wrong.any():
        return None
    place = int(wrong.argmax()) + 1
    expected = write(positions[place - 1] + usual) if usual > 0 else "a later time"
    return place, f"expected {expected} after {times[place - 1]}, got {times[place]}"


def next_times(times: Sequence[str], count: int) -> tuple[str, ...]:
    """Continue two or more evenly spaced times by `count` steps, in the format of the last one."""
    positions, write = _axis(times)
    # The mean step: rounded numbers have steps that differ in the last digit.
    step = (positions[-1] - positions[0]) / (len(times) - 1)
    return tuple(write(positions[-1] + step * k) for k in range(1, count + 1))


def _form(text: str) -> tuple[str, str] | None:
    """Classify a text by kind and time zone; None where it is no time."""
    match = FORM.fullmatch(text)
    if not match:
        return None
    kind, zone = match.lastgroup or "", match["zone"] or ""
    try:
        if kind in ("month", "date"):
            np.datetime64(text.removesuffix(zone))
    except ValueError:
        return None
    return kind, zone


def _axis(times: Sequence[str]) -> tuple[Floats, Write]:
    """Map times of one form to numbers, months, quarters or microseconds; and back to text."""
    last = times[-1]
    kind, zone = _form(last) or ("", "")
    if kind == "number":
        digits = len(last.partition(".")[2])
        return np.array(times, float), lambda p: f"{p:.{digits}f}"
    if kind == "quarter":
        quarters = [int(text[:4]) * 4 + int(text[-1]) - 1 for text in times]
        return np.array(quarters, float), lambda p: f"{p // 4:04.0f}{last[4:-1]}{p % 4 + 1:.0f}"
    dates = np.array([text.removesuffix(zone) for text in times], "M8[us]")
    positions, moment = _monthly(dates) or (dates.astype(float), _moment)
    length = len(last) - len(zone)

    def write(position: float) -> str:
        text = str(moment(position))[:length]
        return text.replace("T", last[10:11]) + zone

    return positions, write


def _moment(microseconds: float) -> np.datetime64:
    return np.datetime64(round(microseconds), "us")


def _monthly(
    dates: NDArray[np.datetime64],
) -> tuple[Floats, Callable[[float], np.datetime64]] | None:
    """Map dates to numbers of months, and back.

    None unless the first two dates have the same day of the month, in two months. In a shorter
    month, the last day stands for that day. A date on another day gets a fraction.
    """
    months = dates.astype("M8[M]")
    in_month = dates[:2] - months[:2]
    at_end = ((dates[:2] + DAY).astype("M8[M]") != months[:2]).all()
    usual = 31 * DAY if at_end else in_month.max()

    def moments(months: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        last_day = (months + 1).astype("M8[us]") - DAY
        return np.minimum(months.astype("M8[us]") + usual, last_day + in_month[0] % DAY)

    if months[0] == months[1] or (moments(months[:2]) != dates[:2]).any():
        return None
    offsets = (dates - moments(months)) / (62 * DAY)
    return months.astype(float) + offsets, lambda p: moments(np.datetime64(round(p), "M"))
