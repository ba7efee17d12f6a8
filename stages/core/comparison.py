"""What the gate found, and the four ways to show it: a table, Markdown, JSON and JUnit."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import ndiff
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stages.core.rules import Row, Value, approximate

COLUMNS = ("metric", "baseline", "now", "change", "allowed", "verdict")
PIPED_WIDTH = 160
NARROWEST_NAME = 20
LONGEST_WORD = 14  # "no oscillation"
REMARKABLE = ("acknowledged", "no rule", "new")
COLOURS = {"acknowledged": "yellow", "no rule": "yellow", "new": "cyan", "held": "green"}


@dataclass(frozen=True)
class Comparison:
    """Every metric with its verdict, worst first, and what else has changed.

    baseline: commit; why: which one it is; judged_by: whose rules. parameters: (path, baseline,
    now) of those that changed, None where there is none. rules: lines of a diff, of the rules that
    changed. remarks: what the reader should know besides.
    """

    baseline: str
    why: str
    judged_by: str
    rows: Sequence[Row]
    parameters: Sequence[tuple[str, Any, Any]]
    rules: Sequence[str]
    remarks: Sequence[str]

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if row.failed]

    @property
    def verdict(self) -> str:
        return "regressed" if self.failed else "held"

    @property
    def counts(self) -> str:
        """Return how many metrics failed, and how many more the reader should look at."""
        seen = len(self.rows)
        some = f"{len(self.failed)} of {seen} metrics " + (
            "fail" if len(self.failed) > 1 else "fails"
        )
        others = Counter(row.outcome for row in self.rows if row.outcome in REMARKABLE)
        told = [f"{count} {outcome}" for outcome, count in others.items()]
        return ", ".join([some if self.failed else f"none of {seen} metrics fails", *told])

    @property
    def loud(self) -> list[Row]:
        return [row for row in self.rows if not row.quiet]

    @property
    def quiet(self) -> list[Row]:
        return [row for row in self.rows if row.quiet]

    @property
    def notes(self) -> list[str]:
        """Return what there is to say about the failures, acknowledged or not, and besides."""
        told = [f"{row.metric}: {row.note}" for row in self.rows if row.accepted and row.note]
        return [*told, *self.remarks]


def rules_diff(old: Iterable[str], new: Iterable[str]) -> list[str]:
    """Return the lines that went, with `- ` before them, and those that came, with `+ `."""
    return [line for line in ndiff(list(old), list(new)) if line.startswith(("- ", "+ "))]


def parameters_diff(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return (path, old, new) of each parameter that differs, the gate's own aside."""
    names = sorted(name for name in old | new if not name.startswith("gate."))
    pairs = ((name, old.get(name), new.get(name)) for name in names)
    return [(name, before, after) for name, before, after in pairs if before != after]


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
        allowed = f"{'≤' if row.better == 'lower' else '≥'} {approximate(row.allowed):.4g}"
    if row.change is not None:
        change = f"{approximate(row.change):+.3g}" if row.change else "0"
    return row.metric, number(row.baseline), number(row.now), change, allowed, row.outcome


def quiet_counts(rows: Iterable[Row]) -> str:
    return ", ".join(
        f"{count} {outcome}" for outcome, count in Counter(r.outcome for r in rows).items()
    )


def show(found: Comparison, console: Console) -> None:
    """Print the comparison: in colour and folded to the width of a terminal, else plain."""
    say = console.print
    # No markup: names and reasons may hold brackets. No folding where nobody reads along.
    plain = {"markup": False, "soft_wrap": not console.is_terminal}
    if found.loud:
        say(table(found.loud, console.width))
    if found.quiet:
        say(f"unchanged: {quiet_counts(found.quiet)}", style="dim")
    for title, lines in (
        (
            "parameters that changed",
            [f"{p}: {shown(a)} → {shown(b)}" for p, a, b in found.parameters],
        ),
        ("rules that changed", found.rules),
        ("notes", found.notes),
    ):
        if lines:
            say(f"\n{title}", style="bold")
        for line in lines:
            say(Padding(Text(line), (0, 0, 0, 2)) if console.is_terminal else f"  {line}", **plain)
    say(f"\nbaseline {found.baseline} ({found.why}), rules of {found.judged_by}", **plain)
    colour = "bold red" if found.failed else "bold green"
    say(f"{found.verdict}: {found.counts}", style=colour)


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
        f"{found.counts}. Baseline: {found.baseline} ({escaped(found.why)}); "
        f"rules of {escaped(found.judged_by)}.",
    ]
    if found.loud:
        parts.append(markdown_table(COLUMNS, map(cells, found.loud)))
    if found.parameters:
        rows = [(path, shown(old), shown(new)) for path, old, new in found.parameters]
        parts += [
            "**Parameters that changed**",
            markdown_table(("parameter", "baseline", "now"), rows),
        ]
    if found.rules:
        parts += ["**Rules that changed**", "\n".join(["```diff", *found.rules, "```"])]
    if found.notes:
        parts += ["**Notes**", "\n".join(f"- {escaped(note)}" for note in found.notes)]
    if found.quiet:
        parts += [
            f"<details><summary>Unchanged: {quiet_counts(found.quiet)}</summary>",
            markdown_table(COLUMNS, map(cells, found.quiet)),
            "</details>",
        ]
    return "\n\n".join(parts) + "\n"


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
    return dump(
        {
            "verdict": found.verdict,
            "baseline": found.baseline,
            "why": found.why,
            "rules": found.judged_by,
            "metrics": [
                {
                    "metric": row.metric,
                    "baseline": row.baseline,
                    "now": row.now,
                    "change": None if row.change is None else approximate(row.change),
                    "allowed": None if row.allowed is None else approximate(row.allowed),
                    "better": row.better,
                    "verdict": row.outcome,
                    "note": row.note,
                }
                for row in found.rows
            ],
            "parameters": [
                {"parameter": path, "baseline": old, "now": new}
                for path, old, new in found.parameters
            ],
            "rules_changed": list(found.rules),
            "remarks": list(found.remarks),
        }
    )


def dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_junit(found: Comparison) -> str:
    """Return the comparison as a JUnit report: a test case for each metric."""
    suite = ElementTree.Element("testsuite", name="gate", tests=str(len(found.rows)))
    skipped = 0
    for row in found.rows:
        model, _, name = row.metric.partition(".")
        case = ElementTree.SubElement(suite, "testcase", classname=model, name=name)
        _, baseline, now, change, allowed, outcome = cells(row)
        text = f"{outcome}: baseline {baseline}, now {now}, change {change}, allowed {allowed}"
        text = f"{text}; {row.note}" if row.note else text
        if row.failed:
            ElementTree.SubElement(case, "failure", type=outcome, message=text)
        elif outcome in ("acknowledged", "no rule", "informational"):
            ElementTree.SubElement(case, "skipped", message=text)
            skipped += 1
    suite.set("failures", str(len(found.failed)))
    suite.set("errors", "0")
    suite.set("skipped", str(skipped))
    return junit(suite)


def junit(suite: ElementTree.Element) -> str:
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=False) + "\n"


def unjudged_markdown(why: str) -> str:
    """Return the report of a gate that could not judge."""
    return "## Metrics could not be judged\n\n" + "".join(
        f"- {escaped(w)}\n" for w in why.splitlines()
    )


def unjudged_json(why: str) -> str:
    """Return the report of a gate that could not judge, as a JSON object."""
    return dump({"verdict": "could not be judged", "errors": why.splitlines()})


def unjudged_junit(why: str) -> str:
    """Return the report of a gate that could not judge: one test case, an error."""
    suite = ElementTree.Element(
        "testsuite", name="gate", tests="1", failures="0", errors="1", skipped="0"
    )
    case = ElementTree.SubElement(suite, "testcase", classname="gate", name="gate")
    ElementTree.SubElement(case, "error", type="could not be judged", message=why)
    return junit(suite)
