"""The four ways to show a comparison: a table, Markdown, JSON and JUnit."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dvc_gate.check import Comparison
from dvc_gate.formats import Value
from dvc_gate.problems import one_line
from dvc_gate.rules import WHOLE, Row, approximate

COLUMNS = ("metric", "baseline", "now", "change", "allowed", "verdict")
PIPED_WIDTH = 160
NARROWEST_NAME = 20
LONGEST_WORD = 14
REMARKABLE = ("acknowledged", "no rule", "new")
COLOURS = {"acknowledged": "yellow", "no rule": "yellow", "new": "cyan", "held": "green"}


def counts(found: Comparison) -> str:
    """Return how many metrics failed, and how many more the reader should look at."""
    failed, seen = len(found.failed), len(found.rows)
    some = f"{failed} of {seen} metrics fail{'' if failed > 1 else 's'}"
    others = Counter(row.outcome for row in found.rows if row.outcome in REMARKABLE)
    told = [f"{count} {outcome}" for outcome, count in others.items()]
    return ", ".join([some if failed else f"none of {seen} metrics fails", *told])


def quiet_counts(rows: Iterable[Row]) -> str:
    counted = Counter(row.outcome for row in rows)
    return ", ".join(f"{count} {outcome}" for outcome, count in counted.items())


def notes(found: Comparison) -> list[str]:
    """Return what there is to say about the failures, acknowledged or not, and besides."""
    told = [f"{': '.join(row.metric)}: {row.note}" for row in found.rows if row.accepted]
    return [*(note for note in told if not note.endswith(": ")), *found.remarks]


def by_file(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Yield each metrics file with its rows; the file with the worst row is first."""
    rows = list(rows)
    order = list(dict.fromkeys(row.metric[0] for row in rows))
    grouped = sorted(rows, key=lambda row: order.index(row.metric[0]))
    for file, own in groupby(grouped, key=lambda row: row.metric[0]):
        yield file, list(own)


def number(value: Value) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value if len(value) <= LONGEST_WORD else f"{value[: LONGEST_WORD - 1]}…"
    return f"{value:.4g}"


def cells(row: Row) -> tuple[str, ...]:
    """Return the row as it stands in a table."""
    allowed = change = "–"
    if row.allowed is not None:
        least, most = (
            None if bound is None else f"{approximate(bound):.4g}"
            for bound in (row.allowed.least, row.allowed.most)
        )
        allowed = f"≤ {most}" if least is None else f"≥ {least}" if most is None else ""
        allowed = allowed or f"{least} to {most}"
    if row.change is not None:
        change = f"{approximate(row.change):+.3g}" if row.change else "0"
    name = "(the whole file)" if row.metric[1] == WHOLE else one_line(row.metric[1])
    return name, number(row.baseline), number(row.now), change, allowed, row.outcome


def screen(found: Comparison, width: int | None) -> str:
    """Return the comparison as text: in colour and folded to a terminal's width, else plain."""
    console = Console(
        file=StringIO(),
        force_terminal=width is not None,
        width=width or PIPED_WIDTH,
        highlight=False,
    )
    # No markup: names and reasons may hold brackets. No folding where nobody reads along.
    plain = {"markup": False, "soft_wrap": width is None}
    for file, rows in by_file(row for row in found.rows if not row.quiet):
        console.print(file, style="bold", **plain)
        console.print(table(rows, console.width))
        console.print()
    if quiet := [row for row in found.rows if row.quiet]:
        console.print(f"unchanged: {quiet_counts(quiet)}", style="dim")
    changed = [f"{name}: {shown(old)} → {shown(new)}" for name, old, new in found.parameters]
    for title, lines in (
        ("parameters that changed", changed),
        ("rules that changed", found.rules),
        ("notes", notes(found)),
    ):
        if lines:
            console.print(f"\n{title}", style="bold")
        for line in lines:
            folded = Padding(Text(line), (0, 0, 0, 2)) if width else f"  {line}"
            console.print(folded, **plain)
    judged = f"baseline {found.baseline} ({found.why}), rules of {found.judged_by}"
    console.print(f"\n{judged}", **plain)
    colour = "bold red" if found.failed else "bold green"
    console.print(f"{found.verdict}: {counts(found)}", style=colour)
    return console.file.getvalue()


def table(rows: Sequence[Row], width: int) -> Table:
    """Return the rows as a table of at most that many columns of text."""
    lines = [cells(row) for row in rows]
    others = [max(len(line[at]) for line in [COLUMNS, *lines]) for at in range(1, len(COLUMNS))]
    room = max(NARROWEST_NAME, width - sum(others) - len(others))
    result = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in COLUMNS:
        side = "left" if name in ("metric", "verdict") else "right"
        result.add_column(name, justify=side, overflow="fold")
    for row, line in zip(rows, lines, strict=True):
        colour = "bold red" if row.failed else COLOURS.get(row.outcome, "")
        name = Text(folded(line[0], room))
        result.add_row(name, *map(Text, line[1:-1]), Text(line[-1], style=colour))
    return result


def folded(name: str, width: int) -> str:
    """Return a dotted name broken after dots, where it is too long for one line."""
    lines = [""]
    for part in name.replace(".", ".\n").split("\n"):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def shown(parameter: Any) -> str:
    return "–" if parameter is None else str(parameter)


def markdown(found: Comparison) -> str:
    """Return the comparison as Markdown, for a pull request."""
    parts = [
        f"## Metrics {found.verdict}",
        f"{counts(found)}. Baseline: {found.baseline} ({escaped(found.why)}); "
        f"rules of {escaped(found.judged_by)}.",
        *_tables(row for row in found.rows if not row.quiet),
    ]
    if found.parameters:
        rows = [(name, shown(old), shown(new)) for name, old, new in found.parameters]
        header = ("parameter that changed", "baseline", "now")
        parts.append(markdown_table(header, rows))
    if found.rules:
        parts += ["**Rules that changed**", "\n".join(["```diff", *found.rules, "```"])]
    if told := notes(found):
        parts += ["**Notes**", "\n".join(f"- {escaped(note)}" for note in told)]
    if quiet := [row for row in found.rows if row.quiet]:
        summary = f"<details><summary>Unchanged: {quiet_counts(quiet)}</summary>"
        parts += [summary, *_tables(quiet), "</details>"]
    return "\n\n".join(parts) + "\n"


def _tables(rows: Iterable[Row]) -> Iterator[str]:
    for file, own in by_file(rows):
        yield f"**{escaped(file)}**"
        yield markdown_table(COLUMNS, map(cells, own))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 2), "---"], *rows]
    return "\n".join(f"| {' | '.join(map(escaped, line))} |" for line in lines)


def escaped(text: str) -> str:
    """Return text that is no markup in a cell of a Markdown table."""
    for mark in "\\|*<`":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")


def as_json(found: Comparison) -> str:
    """Return the comparison as a JSON object."""
    metrics = []
    for row in found.rows:
        bounds = (row.allowed.least, row.allowed.most) if row.allowed else (None, None)
        least, most = (None if bound is None else approximate(bound) for bound in bounds)
        entry = {"file": row.metric[0], "metric": row.metric[1], "baseline": row.baseline}
        entry |= {"now": row.now, "least": least, "most": most, "verdict": row.outcome}
        entry["change"] = None if row.change is None else approximate(row.change)
        metrics.append(entry | {"note": row.note})
    return dump(
        {
            "verdict": found.verdict,
            "baseline": found.baseline,
            "why": found.why,
            "rules": found.judged_by,
            "metrics": metrics,
            "parameters": [
                {"parameter": name, "baseline": strict(old), "now": strict(new)}
                for name, old, new in found.parameters
            ],
            "rules_changed": list(found.rules),
            "remarks": list(found.remarks),
        }
    )


def strict(value: Any) -> Any:
    """Return a value as it is where strict JSON has it, else as text."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value


def dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_junit(found: Comparison) -> str:
    """Return the comparison as a JUnit report: a test case for each metric."""
    suite = ElementTree.Element("testsuite", name="dvc-gate", tests=str(len(found.rows)))
    skipped = 0
    for row in found.rows:
        file, name = row.metric
        case = ElementTree.SubElement(
            suite, "testcase", classname=one_line(file), name=one_line(name)
        )
        _, baseline, now, change, allowed, outcome = cells(row)
        text = f"{outcome}: baseline {baseline}, now {now}, change {change}, allowed {allowed}"
        text = f"{text}; {row.note}" if row.note else text
        if row.failed:
            ElementTree.SubElement(case, "failure", type=outcome, message=text)
        elif outcome in ("acknowledged", "no rule", "informational"):
            ElementTree.SubElement(case, "skipped", message=text)
            skipped += 1
    suite.attrib |= {"failures": str(len(found.failed)), "errors": "0", "skipped": str(skipped)}
    return junit(suite)


def junit(suite: ElementTree.Element) -> str:
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode") + "\n"


def unjudged_markdown(why: str) -> str:
    """Return the report of a gate that could not judge."""
    lines = "".join(f"- {escaped(line)}\n" for line in why.splitlines())
    return f"## Metrics could not be judged\n\n{lines}"


def unjudged_json(why: str) -> str:
    """Return the report of a gate that could not judge, as a JSON object."""
    return dump({"verdict": "could not be judged", "errors": why.splitlines()})


def unjudged_junit(why: str) -> str:
    """Return the report of a gate that could not judge: one test case, an error."""
    suite = ElementTree.Element("testsuite", name="dvc-gate", tests="1", failures="0", errors="1")
    case = ElementTree.SubElement(suite, "testcase", classname="dvc-gate", name="check")
    ElementTree.SubElement(case, "error", type="could not be judged", message=why)
    return junit(suite)


# For each kind of report, how it tells of a verdict and of none.
WRITERS = {
    "markdown": (markdown, unjudged_markdown),
    "json": (as_json, unjudged_json),
    "junit": (as_junit, unjudged_junit),
}
