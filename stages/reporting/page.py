"""Write the page around the figures, and the tables of README.md, from the reports alone."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Any

import yaml

from stages.reporting.reports import METHODS, Report, Section

MOST_ROWS = 10  # of the summary
SUMMARY_LEGEND = """\
In each task, methods without a network come first. Errors of sines are the RMSE of the free run. A
free run holds until its error first exceeds 0.4 of the amplitude. Measured series have a MASE and a
skill instead. The MASE is the mean absolute error, divided by that of the seasonal naive on the
training part. The skill is 1 − (mean absolute error ÷ that of the seasonal naive), both on the
test part.
"""
COLUMNS_MEASURED = {
    "parameters": "parameters",
    "MASE": "forecast.mase",
    "first step": "forecast.by_step.first",
    "first season": "forecast.by_step.season",
    "rest": "forecast.by_step.rest",
    "RMSSE": "forecast.rmsse",
    "skill": "forecast.skill",
    "in 80 % intervals": "intervals.coverage_80",
    "in 95 % intervals": "intervals.coverage_95",
}


def verdict(section: Section) -> str:
    """Say how good the best method without a network is, and whether a network beats it."""
    naive = [row for row in section.reports if row.cell == "seasonal_naive"]
    clauses = []
    for row in dict.fromkeys((*naive, *section.leaders)):
        subject = f"`{row.name}`" if row.simple else f"the best network, `{row.name}`,"
        subject = "the seasonal naive" if row in naive else subject
        error = text(row.metric(row.error_key))
        if not clauses and section.measured:
            error = f"a MASE of {error}"
        elif not clauses:
            error = f"an RMSE of {error} over {span(row.error_key)}"
        clauses.append(f"{subject} has {error}")
    return f"{'; '.join(clauses)}{compared(section)}."


def compared(section: Section) -> str:
    """Say by how much a network is better than the simple methods, or that none is."""
    simple, network = section.best(simple=True), section.best(simple=False)
    if not (simple and network):
        return ""
    naive = [row for row in section.reports if row.cell == "seasonal_naive"]
    unbeaten = [row for row in (simple, *naive) if not network.error < row.error]
    if unbeaten:
        return (
            f": no network beats {' or '.join(f'`{row.name}`' for row in dict.fromkeys(unbeaten))}"
        )
    gain = min(99.0, 100 * (1 - network.error / simple.error))
    return f": {gain:.2g} % below the best simple method"


def span(key: str) -> str:
    """Name the periods that a metric `rmse_N_periods` is taken over."""
    periods = key.split("_")[-2]
    return f"{periods} period" if periods == "1" else f"{periods} periods"


def columns_of(section: Section) -> dict[str, str]:
    """Map the columns of a section's table to the metric that each shows."""
    if section.measured:
        return COLUMNS_MEASURED
    spans = {span(key): f"free_running.{key}" for key in section.reports[0].spans}
    return {
        "parameters": "parameters",
        "one step": "teacher_forced.rmse",
        **spans,
        "holds, median": "free_running.valid_prediction_periods.median",
        "worst": "free_running.valid_prediction_periods.min",
        "survivors": "free_running.survivors",
    }


def table(section: Section) -> str:
    """Write the metrics of the models of a section as a table."""
    columns = columns_of(section)
    rows = [
        [f"`{row.name}`", *(text(row.metric(key)) for key in columns.values())]
        for row in section.reports
    ]
    if bound := section.reports[0].metrics.get("bound"):
        keys = [key.removeprefix("free_running.") for key in columns.values()]
        rows.append(["bound", *(text(bound.get(key, "")) for key in keys)])
    return markdown(["model", *columns], rows)


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """Write a Markdown table; words: columns at the left that hold no numbers."""
    rule = ["---"] * words + ["--:"] * (len(header) - words)
    return "".join(f"| {' | '.join(line)} |\n" for line in (header, rule, *rows))


def summary(sections: Sequence[Section], shown: Sequence[str] = ()) -> str:
    """Write one table of all tasks, for the README: the best of each, ten rows at most.

    shown: names of more models, listed while there is room. If the best rows of all tasks are more
    than ten, a measured series has only the better of its two.
    """
    crowded = sum(len(section.leaders) for section in sections) > MOST_ROWS
    best = []
    for section in sections:
        leaders = section.leaders
        if crowded and section.measured:
            leaders = sorted(leaders, key=lambda row: row.error)[:1]
        best += leaders
    rows = {row.name: row for section in sections for row in section.reports}
    named = [rows[name] for name in shown if name in rows]
    chosen = list(dict.fromkeys(best + named))[:MOST_ROWS]
    lines = []
    for section in sections:
        remark = compared(section) if crowded and section.measured else ""
        for row in section.reports:
            if row in chosen:
                what, *numbers = summary_of(row)
                name = f"`{row.name}`"
                lines.append([section.title, name, what + remark.replace(name, "it"), *numbers])
    header = ["task", "model", "method", "error, 10 periods", "error, horizon", "holds, median"]
    return f"{markdown(header, lines, words=3)}\n{SUMMARY_LEGEND}"


def summary_of(row: Report) -> list[str]:
    """Describe a model, its two errors, and how long its free run holds."""
    network = f"{row.cell} network, {text(row.metric('parameters'))} parameters"
    what, error = METHODS.get(row.cell, network), text(row.metric(row.error_key))
    if row.measured:
        return [what, f"MASE {error}", f"skill {text(row.metric('forecast.skill'))}", ""]
    near = text(row.metrics["free_running"].get("rmse_10_periods", ""))
    holds = text(row.metric("free_running.valid_prediction_periods.median"))
    return [what, near, f"{error} ({span(row.error_key)})", f"{holds} periods"]


def text(metric: float | str) -> str:
    """Write a metric with three significant digits, or the word that stands for it."""
    if isinstance(metric, str):
        return metric
    if 100 <= abs(metric) < 1e6:
        return f"{metric:.0f}"
    return re.sub(r"e([+-])0*", lambda match: f"e{match[1].strip('+')}", f"{metric:.3g}")


def page(sections: Sequence[Section], parameters: dict[str, Any]) -> str:
    """Fill in page.md: the metrics of all models, and the parameters."""
    parts = [f"**{part.title}**: {verdict(part)}\n\n{table(part)}" for part in sections]
    written = yaml.safe_dump(parameters, sort_keys=False, allow_unicode=True)
    template = Template(Path(__file__).with_name("page.md").read_text("utf-8"))
    return template.substitute(results="\n".join(parts), parameters=written)
