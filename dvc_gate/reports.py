"""The four ways to show a comparison, or why there is none: text, Markdown, JSON and JUnit."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from dvc_gate.check import Comparison
from dvc_gate.formats import Value
from dvc_gate.problems import one_line
from dvc_gate.rules import WHOLE, Row, approximate

COLUMNS = ("metric", "baseline", "now", "change", "allowed", "verdict")
LONGEST_WORD = 14
REMARKABLE = ("acknowledged", "no rule", "new")
SKIPPED = ("acknowledged", "no rule", "informational")
BOLD, RED, GREEN, YELLOW, CYAN = "1", "1;31", "32", "33", "36"
COLOURS = {"acknowledged": YELLOW, "no rule": YELLOW, "new": CYAN, "held": GREEN}


def summary(found: Comparison) -> str:
    """Return how many metrics failed, and how many more the reader should look at."""
    failed, seen = len(found.failed), len(found.rows)
    some = f"{failed or 'none'} of {seen} metrics fail{'' if failed > 1 else 's'}"
    others = Counter(row.outcome for row in found.rows if row.outcome in REMARKABLE)
    return ", ".join([some, *(f"{count} {outcome}" for outcome, count in others.items())])


def quiet_summary(rows: Iterable[Row]) -> str:
    counted = Counter(row.outcome for row in rows)
    return ", ".join(f"{count} {outcome}" for outcome, count in counted.items())


def notes(found: Comparison) -> list[str]:
    """Return what there is to say about the failures, acknowledged or not, and besides."""
    told = [row for row in found.rows if row.note and (row.failed or row.outcome in REMARKABLE)]
    return [*(f"{': '.join(row.metric)}: {row.note}" for row in told), *found.remarks]


def by_file(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Yield each metrics file with its rows; the file with the worst row is first."""
    rows = list(rows)
    order = {file: at for at, file in enumerate(dict.fromkeys(row.metric[0] for row in rows))}
    rows.sort(key=lambda row: order[row.metric[0]])
    for file, own in groupby(rows, key=lambda row: row.metric[0]):
        yield file, list(own)


def number(value: Value) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value if len(value) <= LONGEST_WORD else f"{value[: LONGEST_WORD - 1]}…"
    return f"{value:.4g}"


def cells(row: Row) -> tuple[str, ...]:
    """Return the row as it stands in a table."""
    least, most = (f"{bound:.4g}" if bound is not None else "" for bound in bounds(row))
    allowed = f"{least} to {most}" if least and most else f"≥ {least}" if least else f"≤ {most}"
    change = "–" if row.change is None else f"{approximate(row.change):+.3g}"
    name = "(the whole file)" if row.metric[1] == WHOLE else one_line(row.metric[1])
    values = number(row.baseline), number(row.now), "0" if row.change == 0 else change
    return name, *values, allowed if least or most else "–", row.outcome


def bounds(row: Row) -> Iterator[float | None]:
    """Yield the least and the most that is allowed."""
    for bound in (row.allowed.least, row.allowed.most) if row.allowed else (None, None):
        yield None if bound is None else approximate(bound)


def text(found: Comparison, width: int | None) -> str:
    """Return the comparison as text; width: of a terminal, which has colours; None: a pipe."""

    def paint(words: str, colour: str) -> str:
        return f"\x1b[{colour}m{words}\x1b[0m" if width and colour else words

    lines = []
    for file, rows in by_file(row for row in found.rows if not row.quiet):
        lines += [paint(file, BOLD)]
        table = [COLUMNS, *map(cells, rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        narrow = width is not None and sum(widths) + len(widths) > width
        for row, line in zip((None, *rows), table, strict=True):
            name = f"{line[0]}\n " if narrow else line[0].ljust(widths[0])
            values = (c.rjust(w) for c, w in zip(line[1:-1], widths[1:-1], strict=True))
            colour = COLOURS.get(row.outcome, RED if row.failed else "") if row else ""
            lines.append(" ".join([name, *values, paint(line[-1], colour)]))
        lines.append("")
    if quiet := [row for row in found.rows if row.quiet]:
        lines += [f"unchanged: {quiet_summary(quiet)}", ""]
    changed = [f"{name}: {shown(old)} → {shown(new)}" for name, old, new in found.parameters]
    titles = ("parameters that changed", "rules that changed", "notes")
    for title, told in zip(titles, (changed, found.rules, notes(found)), strict=True):
        if told:
            lines += [paint(title, BOLD), *(f"  {line}" for line in told), ""]
    lines.append(f"baseline {found.baseline} ({found.why}), rules of {found.judged_by}")
    verdict = f"{found.verdict}: {summary(found)}"
    return "\n".join([*lines, paint(verdict, RED if found.failed else GREEN)])


def shown(parameter: Any) -> str:
    return "–" if parameter is None else one_line(parameter, 80)


def markdown(found: Comparison | str) -> str:
    """Return the comparison as Markdown, for a pull request."""
    if isinstance(found, str):
        lines = "".join(f"- {escaped(line)}\n" for line in found.splitlines())
        return f"## Metrics could not be judged\n\n{lines}"
    judged = f"{found.baseline} ({escaped(found.why)}); rules of {escaped(found.judged_by)}"
    parts = [f"## Metrics {found.verdict}", f"{summary(found)}. Baseline: {judged}."]
    parts += tables(row for row in found.rows if not row.quiet)
    if found.parameters:
        rows = [(name, shown(old), shown(new)) for name, old, new in found.parameters]
        parts.append(markdown_table(("parameter that changed", "baseline", "now"), rows))
    if found.rules:
        parts += ["**Rules that changed**", "\n".join(["```diff", *found.rules, "```"])]
    if told := notes(found):
        parts += ["**Notes**", "\n".join(f"- {escaped(note)}" for note in told)]
    if quiet := [row for row in found.rows if row.quiet]:
        title = f"<details><summary>Unchanged: {quiet_summary(quiet)}</summary>"
        parts += [title, *tables(quiet), "</details>"]
    return "\n\n".join(parts) + "\n"


def tables(rows: Iterable[Row]) -> Iterator[str]:
    for file, own in by_file(rows):
        yield f"**{escaped(file)}**"
        yield markdown_table(COLUMNS, map(cells, own))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 2), "---"], *rows]
    return "\n".join(f"| {' | '.join(map(escaped, line))} |" for line in lines)


def escaped(words: str) -> str:
    """Return text that is no markup in a cell of a Markdown table."""
    for mark in "\\|*<`":
        words = words.replace(mark, f"\\{mark}")
    return words.replace("\n", " ")


def as_json(found: Comparison | str) -> str:
    """Return the comparison as a JSON object."""
    if isinstance(found, str):
        return dump({"verdict": "could not be judged", "errors": found.splitlines()})
    metrics = []
    for row in found.rows:
        names = ("file", "metric", "baseline", "now", "least", "most", "change", "verdict", "note")
        change = None if row.change is None else approximate(row.change)
        values = (*row.metric, row.baseline, row.now, *bounds(row), change, row.outcome, row.note)
        metrics.append(dict(zip(names, values, strict=True)))
    told = {"verdict": found.verdict, "baseline": found.baseline, "why": found.why}
    told |= {"rules": found.judged_by, "metrics": metrics}
    names = ("parameter", "baseline", "now")
    changed = [dict(zip(names, map(strict, each), strict=True)) for each in found.parameters]
    more = {"rules_changed": list(found.rules), "remarks": list(found.remarks)}
    return dump({**told, "parameters": changed, **more})


def strict(value: Any) -> Any:
    """Return a value as it is where strict JSON has it, else as text."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value


def dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_junit(found: Comparison | str) -> str:
    """Return the comparison as a JUnit report: a test case for each metric."""
    suite = ElementTree.Element("testsuite", name="dvc-gate")
    if isinstance(found, str):
        suite.attrib |= {"tests": "1", "failures": "0", "errors": "1", "skipped": "0"}
        case = ElementTree.SubElement(suite, "testcase", classname="dvc-gate", name="check")
        ElementTree.SubElement(case, "error", type="could not be judged", message=found)
        return as_xml(suite)
    for row in found.rows:
        names = {"classname": one_line(row.metric[0]), "name": one_line(row.metric[1])}
        case = ElementTree.SubElement(suite, "testcase", names)
        _, baseline, now, change, allowed, outcome = cells(row)
        told = f"{outcome}: baseline {baseline}, now {now}, change {change}, allowed {allowed}"
        told = f"{told}; {row.note}" if row.note else told
        if row.failed or outcome in SKIPPED:
            kind = "failure" if row.failed else "skipped"
            ElementTree.SubElement(case, kind, type=outcome, message=one_line(told, 1000))
    counted = {"tests": found.rows, "failures": found.failed, "errors": ()}
    counted["skipped"] = [row for row in found.rows if row.outcome in SKIPPED]
    suite.attrib |= {name: str(len(rows)) for name, rows in counted.items()}
    return as_xml(suite)


def as_xml(suite: ElementTree.Element) -> str:
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode") + "\n"


WRITERS = {"markdown": markdown, "json": as_json, "junit": as_junit}
