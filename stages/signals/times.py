"""Times as text: their kinds, their even steps, and how they go on. The standard library alone."""

import calendar
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

# Kinds of times, each with its pattern and an example.
KINDS = {
    "number": (r"-?\d{1,15}(\.\d{1,9})?", "1958"),
    "month": (r"\d{4}-(0[1-9]|1[0-2])", "1958-03"),
    "quarter": (r"\d{4}-?Q[1-4]", "1958-Q1"),
    "date": (
        r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{3}|\.\d{6})?)?(Z|[+-]\d\d:\d\d)?)?",
        "1958-03-29",
    ),
}
EXAMPLES = ", ".join(example for _, example in KINDS.values())
EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)
FEWEST_DAYS = 28  # in a month

Position = int | float | Decimal  # of a time on the axis of its kind


def kind(text: str) -> str | None:
    """Classify a text as a time, None where it is none; a date with a time of day is a date."""
    name = next((name for name, (form, _) in KINDS.items() if re.fullmatch(form, text)), None)
    if name == "date":
        try:
            _moment(text)
        except (ValueError, OverflowError):
            return None
    return name


def fault(times: Sequence[str]) -> tuple[int, str] | None:
    """Find the first time that is unreadable or that breaks the even spacing.

    Return its place and a message; None where all ascend evenly. Dates of the same day of the month
    ascend evenly where their months do.
    """
    expected = kind(times[0])
    for place, text in enumerate(times):
        if expected is None or kind(text) != expected or _zone(text) != _zone(times[0]):
            form = f"a time like {times[0]}" if expected else f"a time such as {EXAMPLES}"
            is_word = kind(text) is None and 0 < place == len(times) - 1
            last = "; is the last line a sum?" if is_word else ""
            return place, f"expected {form}, got '{text}'{last}"
    positions = _positions(times)
    steps = [after - before for before, after in zip(positions, positions[1:], strict=False)]
    for place, step in enumerate(steps, start=1):
        if step <= 0:
            return place, _backwards(times, positions, place)
    return _gap(times, positions, steps) if steps else None


def next_times(times: Sequence[str], count: int) -> tuple[str, ...]:
    """Continue times by a count of even steps, in the format of the last one.

    Raises ValueError where there are fewer than two times, or where they are not even.
    """
    wrong = fault(times) if len(times) > 1 else (0, "expected two times at least")
    if wrong:
        raise ValueError(wrong[1])
    positions = _positions(times)
    last, intervals = positions[-1], len(positions) - 1
    # The mean step: times with rounded digits have steps that differ in the last one.
    span = last - positions[0]
    return tuple(_text(last + span * k / intervals, times) for k in range(1, count + 1))


def _backwards(times: Sequence[str], positions: Sequence[Position], place: int) -> str:
    """Describe a step that does not ascend: repeated, started again, descending or back."""
    before, text = times[place - 1], times[place]
    if positions[place] == positions[place - 1]:
        count = len(positions) - len(set(positions))
        return f"{text} is repeated; expected each time once ({count} repeated in all)"
    if positions[place] == positions[0]:
        return f"the times start again at {text}; expected one series, got two under each other"
    steps = zip(positions, positions[1:], strict=False)
    if all(after < earlier for earlier, after in steps):
        return f"the times go backwards, {text} after {before}; sort the lines, the oldest first"
    return f"goes back to {text} after {before}; expected ascending times"


def _gap(
    times: Sequence[str], positions: Sequence[Position], steps: Sequence[Position]
) -> tuple[int, str] | None:
    """Find the first step that is not the usual one, the median of all."""
    usual = sorted(steps)[(len(steps) - 1) // 2]
    digits = max(len(text.partition(".")[2]) for text in times) if kind(times[0]) == "number" else 0
    rounding = min(Decimal(10) ** -digits, usual / 4) if digits else 0
    odd = [place for place, step in enumerate(steps, 1) if abs(step - usual) > rounding]
    if not odd:
        return None
    first = odd[0]
    after = _text(positions[first - 1] + usual, times)
    missing = sum(max(round(step / usual) - 1, 0) for step in steps)
    places = f"{len(odd)} uneven step{'s' * (len(odd) > 1)} in all, {missing} missing"
    return first, f"expected {after} after {times[first - 1]}, got {times[first]} ({places})"


def _positions(times: Sequence[str]) -> list[Position]:
    """Place times of one kind on an axis: their number, months, quarters or microseconds."""
    match kind(times[0]):
        case "number":
            return [Decimal(text) for text in times]
        case "month":
            return [int(text[:4]) * 12 + int(text[5:]) - 1 for text in times]
        case "quarter":
            return [int(text[:4]) * 4 + int(text[-1]) - 1 for text in times]
    day = _day_of_month(times)
    if not day:
        return [(_moment(text) - EPOCH) // MICROSECOND for text in times]
    first = _moment(times[0])
    return [_months(_moment(text), day, first) for text in times]


def _months(moment: datetime, day: int, first: datetime) -> float:
    """Count the months of a date: whole if its day and time match those of the first one."""
    in_month = calendar.monthrange(moment.year, moment.month)[1]
    expected = first.replace(year=moment.year, month=moment.month, day=min(day, in_month))
    return moment.year * 12 + moment.month - 1 + (moment - expected) / timedelta(days=62)


def _day_of_month(times: Sequence[str]) -> int:
    """Find the day that dates of successive months share, 31 for the last one; 0 for none."""
    first, second = (_moment(text) for text in (times[0], times[min(1, len(times) - 1)]))
    # Four weeks from 1 to 29 January are no month, and 28 days from 1 February are one.
    if abs(second - first) < timedelta(days=FEWEST_DAYS) or first.time() != second.time():
        return 0
    if all((moment + timedelta(days=1)).day == 1 for moment in (first, second)):
        return 31
    in_month = calendar.monthrange(second.year, second.month)[1]
    return first.day if second.day == min(first.day, in_month) else 0


def _text(position: Position, times: Sequence[str]) -> str:
    """Write a position as the last of some times is written."""
    like = times[-1]
    match kind(like):
        case "number":
            return f"{position:.{len(like.partition('.')[2])}f}"
        case "month":
            return f"{int(position) // 12:04d}-{int(position) % 12 + 1:02d}"
        case "quarter":
            return f"{int(position) // 4:04d}{like[4:-1]}{int(position) % 4 + 1}"
    day = _day_of_month(times)
    if day:
        year, month = divmod(round(position), 12)
        day = min(day, calendar.monthrange(year, month + 1)[1])
        moment = _moment(times[0]).replace(year=year, month=month + 1, day=day)
    else:
        moment = EPOCH + round(position) * MICROSECOND
    zone = _zone(like)
    clock = like[11 : len(like) - len(zone)]
    spec = {0: "hours", 5: "minutes", 8: "seconds", 12: "milliseconds"}.get(len(clock))
    text = moment.isoformat(sep=like[10:11] or " ", timespec=spec or "microseconds")
    return text + zone if clock else text[:10]


def _moment(text: str) -> datetime:
    """Read a date without its zone: all times of a series have one."""
    return datetime.fromisoformat(text.removesuffix(_zone(text)))


def _zone(text: str) -> str:
    """Split off the zone that ends a time: Z, an offset, or nothing."""
    parsed = re.fullmatch(r".{16,}?(Z|[+-]\d\d:\d\d)", text)
    return parsed[1] if parsed else ""
