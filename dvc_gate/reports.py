"""Write a comparison, or the reason for none, as text, Markdown, JSON and JUnit."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree

from dvc_gate.check import Comparison
from dvc_gate.formats import Value
from dvc_gate.problems import one_line
from dvc_gate.rules import ALL_KEYS, Row, approximate

COLUMNS = ("metric", "baseline", "now", "change", "allowed", "verdict")
LONGEST_WORD = 14
REMARKABLE = ("acknowledged", "no rule", "new")
SKIPPED = ("acknowledged", "no rule", "informational")


def summary(comparison: Comparison) -> str:
    failed, seen = len(comparison.failed), len(comparison.rows)
    others = counts(row for row in comparison.rows if row.outcome in REMARKABLE)
    some = f"{failed or 'none'} of {seen} metrics fail{'' if failed > 1 else 's'}"
    return f"{some}, {others}" if others else some


def counts(rows: Iterable[Row]) -> str:
    outcomes = Counter(row.outcome for row in rows)
    return ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())


def notes(comparison: Comparison) -> list[str]:
    """List the notes on failures, acknowledged or not, and the remarks."""
    rows = [row for row in comparison.rows if row.failed or row.outcome in REMARKABLE]
    return [f"{': '.join(r.metric)}: {r.note}" for r in rows if r.note] + [*comparison.remarks]


def by_file(rows: Iterable[Row]) -> dict[str, list[Row]]:
    files: dict[str, list[Row]] = {}
    for row in rows:
        files.setdefault(row.metric[0], []).append(row)
    return files


def number(value: Value) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return one_line(value, LONGEST_WORD)
    return str(value).lower() if isinstance(value, bool) else f"{value:.4g}"


def cells(row: Row) -> tuple[str, ...]:
    least, most = ("" if b is None else f"{approximate(b):.4g}" for b in row.allowed)
    allowed = f"{least} to {most}" if least and most else f"≥ {least}" if least else f"≤ {most}"
    change = "–" if row.change is None else f"{approximate(row.change):+.3g}"
    name = "(the whole file)" if row.metric[1] == ALL_KEYS else one_line(row.metric[1])
    values = number(row.baseline), number(row.now), "0" if row.change == 0 else change
    return name, *values, allowed if least or most else "–", row.outcome


def text(comparison: Comparison) -> str:
    lines = []
    for file, rows in by_file(row for row in comparison.rows if not row.quiet).items():
        table = [COLUMNS, *map(cells, rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines.append(file)
        for name, *values, verdict in table:
            aligned = (c.rjust(w) for c, w in zip(values, widths[1:-1], strict=True))
            lines.append(" ".join([name.ljust(widths[0]), *aligned, verdict]))
        lines.append("")
    if quiet := counts(row for row in comparison.rows if row.quiet):
        lines += [f"unchanged: {quiet}", ""]
    changed = [f"{name}: {shown(old)} → {shown(new)}" for name, old, new in comparison.parameters]
    titles = ("parameters that changed", "rules that changed", "notes")
    for title, part in zip(titles, (changed, comparison.rules, notes(comparison)), strict=True):
        if part:
            lines += [title, *(f"  {line}" for line in part), ""]
    baseline = f"baseline {comparison.baseline} ({comparison.why})"
    verdict = f"{comparison.verdict}: {summary(comparison)}"
    return "\n".join([*lines, f"{baseline}, rules of {comparison.judged_by}", verdict])


def shown(parameter: Value) -> str:
    return "–" if parameter is None else one_line(parameter, 80)


def markdown(comparison: Comparison | str) -> str:
    if isinstance(comparison, str):
        lines = "".join(f"- {escaped(line)}\n" for line in comparison.splitlines())
        return f"## Metrics could not be judged\n\n{lines}"
    why, rules = escaped(comparison.why), escaped(comparison.judged_by)
    baseline = f"Baseline: {comparison.baseline} ({why}); rules of {rules}."
    parts = [f"## Metrics {comparison.verdict}", f"{summary(comparison)}. {baseline}"]
    parts += tables(row for row in comparison.rows if not row.quiet)
    if rows := [(name, shown(old), shown(new)) for name, old, new in comparison.parameters]:
        parts.append(markdown_table(("parameter that changed", "baseline", "now"), rows))
    if comparison.rules:
        parts += ["**Rules that changed**", "\n".join(["```diff", *comparison.rules, "```"])]
    if noted := notes(comparison):
        parts += ["**Notes**", "\n".join(f"- {escaped(note)}" for note in noted)]
    if quiet := [row for row in comparison.rows if row.quiet]:
        title = f"<details><summary>Unchanged: {counts(quiet)}</summary>"
        parts += [title, *tables(quiet), "</details>"]
    return "\n\n".join(parts) + "\n"


def tables(rows: Iterable[Row]) -> list[str]:
    return [
        f"**{escaped(file)}**\n\n{markdown_table(COLUMNS, map(cells, own))}"
        for file, own in by_file(rows).items()
    ]


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 2), "---"], *rows]
    return "\n".join(f"| {' | '.join(map(escaped, line))} |" for line in lines)


def escaped(words: str) -> str:
    return re.sub(r"[\\|*<`]", r"\\\g<0>", words).replace("\n", " ")


def as_json(comparison: Comparison | str) -> str:
    if isinstance(comparison, str):
        return dump({"verdict": "could not be judged", "errors": comparison.splitlines()})
    rows = [
        (*r.metric, r.baseline, r.now, *map(approximate, (*r.allowed, r.change)), r.outcome, r.note)
        for r in comparison.rows
    ]
    keys = ("file", "metric", "baseline", "now", "least", "most", "change", "verdict", "note")
    return dump(
        {
            "verdict": comparison.verdict,
            "baseline": comparison.baseline,
            "why": comparison.why,
            "rules": comparison.judged_by,
            "metrics": mappings(keys, rows),
            "parameters": mappings(("parameter", "baseline", "now"), comparison.parameters),
            "rules_changed": comparison.rules,
            "remarks": comparison.remarks,
        }
    )


def mappings(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_junit(comparison: Comparison | str) -> str:
    suite = ElementTree.Element("testsuite", name="dvc-gate")
    error = isinstance(comparison, str)
    if error:
        case = ElementTree.SubElement(suite, "testcase", classname="dvc-gate", name="check")
        ElementTree.SubElement(case, "error", type="could not be judged", message=comparison)
    for row in () if error else comparison.rows:
        names = {"classname": one_line(row.metric[0]), "name": one_line(row.metric[1])}
        case = ElementTree.SubElement(suite, "testcase", names)
        if row.failed or row.outcome in SKIPPED:
            values = zip(("baseline", "now", "change", "allowed"), cells(row)[1:-1], strict=True)
            message = f"{row.outcome}: {', '.join(map(' '.join, values))}"
            message = f"{message}; {row.note}" if row.note else message
            kind = "failure" if row.failed else "skipped"
            ElementTree.SubElement(case, kind, type=row.outcome, message=one_line(message, 1000))
    failed, skipped = (len(suite.findall(f"*/{kind}")) for kind in ("failure", "skipped"))
    totals = {"tests": len(suite), "failures": failed, "errors": int(error), "skipped": skipped}
    suite.attrib |= {name: str(total) for name, total in totals.items()}
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode") + "\n"


WRITERS = {"markdown": markdown, "json": as_json, "junit": as_junit}
