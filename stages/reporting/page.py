"""The page around the figures, and the table of the README: Markdown from the reports alone."""

import re
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import yaml

from stages.reporting.captions import CAPTIONS
from stages.reporting.reports import Forecasts, Report, Section

ROWS = 10  # of the summary, at most
LEGENDS = {  # by whether a series is measured
    False: """\
Of sines: the RMSE one step ahead, then of the free run over so many periods. A free run holds until
its error first exceeds 0.4 of the amplitude: the median of the test sequences, and the worst of
them. Survivors are those that hold to the horizon. `bound` is the Cramér–Rao bound.
""",
    True: """\
Of a measured series: the MASE is the mean absolute error, divided by that of the seasonal naive on
the training part. The RMSSE is the same with squared errors, and their root. Both are over all test
origins. Skill is 1 − MASE ÷ the MASE of the seasonal naive on the same origins. The last columns
are the shares of the values inside the intervals.
""",
}
SUMMARY_LEGEND = """\
Methods without a network come first in each task. Of sines: the RMSE of the free run, and for how
many periods its error stays below 0.4 of the amplitude. Of a measured series: the MASE and the
skill. The MASE is the mean absolute error ÷ the seasonal naive's on the training part. The skill
is 1 − MASE ÷ the seasonal naive's on the test part.
"""
SIZE = {"parameters": "parameters"}
COLUMNS_MEASURED = SIZE | {
    "MASE": "forecast.mase",
    "first step": "forecast.by_step.first",
    "first season": "forecast.by_step.season",
    "rest": "forecast.by_step.rest",
    "RMSSE": "forecast.rmsse",
    "skill": "forecast.skill",
    "in 80 % intervals": "intervals.coverage_80",
    "in 95 % intervals": "intervals.coverage_95",
}
METHODS = {
    "linear": "least squares on the last values",
    "prony": "two lags, fitted to each past",
    "sine_fit": "the most likely sine of each past",
    "naive": "repeats the last value",
    "seasonal_naive": "repeats the last season",
    "drift": "season + drift",
    "ets": "exponential smoothing",
    "ar": "autoregression",
}


def results(sections: Sequence[Section]) -> str:
    """Write the metrics of all models: for each section a sentence, and a table."""
    parts = [f"**{part.title}**: {verdict(part)}\n\n{table(part)}" for part in sections]
    kinds = dict.fromkeys(part.measured for part in sections)
    return "\n".join([*parts, *(LEGENDS[kind] for kind in kinds)])


def verdict(section: Section) -> str:
    """Say how good the best method without a network is, and whether a network beats it."""
    subjects = {
        row.name: "the seasonal naive" for row in section.reports if row.cell == "seasonal_naive"
    }
    for row in section.leaders:
        name = f"`{row.name}`" if row.simple else f"the best network, `{row.name}`,"
        subjects.setdefault(row.name, name)
    metric = "a MASE of {}"
    if not section.measured:
        metric = f"an RMSE of {{}} over {span(section.reports[0].spans[-1])}"
    errors = {row.name: error_of(row) for row in section.reports}
    clauses = [f"{subject} has {errors[name]}" for name, subject in subjects.items()]
    first, subject = next(iter(subjects.items()))
    clauses[0] = f"{subject} has {metric.format(errors[first])}"
    return f"{'; '.join(clauses)}{compared(section)}."


def compared(section: Section) -> str:
    """Say by how much a network is better than the simple methods, or that none is."""
    simple, network = section.best(simple=True), section.best(simple=False)
    if not (simple and network):
        return ""
    season = next((row for row in section.reports if row.cell == "seasonal_naive"), simple)
    unbeaten = [row.name for row in (simple, season) if not network.error < row.error]
    if unbeaten:
        return f": no network beats {' or '.join(f'`{name}`' for name in dict.fromkeys(unbeaten))}"
    gain = min(99.0, 100 * (1 - network.error / simple.error))
    return f": {gain:.2g} % below the best simple method"


def error_of(row: Report | Forecasts) -> str:
    """Write the error that rows of a section are ranked by."""
    last = "forecast.mase" if isinstance(row, Forecasts) else f"free_running.{row.spans[-1]}"
    return text(look_up(row.metrics, last))


def span(key: str) -> str:
    """Name the periods that a metric `rmse_N_periods` is taken over."""
    periods = key.split("_")[1]
    return f"{periods} period" if periods == "1" else f"{periods} periods"


def look_up(metrics: dict[str, Any], key: str) -> Any:
    """Look up a metric by its dotted key."""
    return reduce(lambda part, name: part[name], key.split("."), metrics)


def columns_of(section: Section) -> dict[str, str]:
    """Name the columns of a section's table: which metric each holds."""
    if section.measured:
        return COLUMNS_MEASURED
    first, last = {"one step": "teacher_forced.rmse"}, "free_running.valid_prediction_periods"
    far = {span(key): f"free_running.{key}" for key in section.reports[0].spans}
    held = {"holds, median": f"{last}.median", "worst": f"{last}.min"}
    return SIZE | first | far | held | {"survivors": "free_running.survivors"}


def table(section: Section) -> str:
    """Write the metrics of the models of a section as a table."""
    columns = columns_of(section)
    rows = [
        [f"`{row.name}`", *(text(look_up(row.metrics, key)) for key in columns.values())]
        for row in section.reports
    ]
    if bound := section.reports[0].metrics.get("bound"):
        keys = [key.rpartition(".")[2] for key in columns.values()]
        rows.append(["bound", "", "", *(text(bound.get(key, "")) for key in keys[2:])])
    return markdown(["model", *columns], rows)


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """Write a Markdown table; words: columns at the left that hold no numbers."""
    rule = ["---"] * words + ["--:"] * (len(header) - words)
    return "".join(f"| {' | '.join(line)} |\n" for line in (header, rule, *rows))


def summary(sections: Sequence[Section], shown: Sequence[str] = ()) -> str:
    """Write one table of all tasks, for the README: the best of each, ten rows at most.

    shown: names of models that have a row too while there is room. Where there are many tasks, a
    measured series has the better of its two best rows alone.
    """
    best = {section.title: section.leaders for section in sections}
    crowded = sum(map(len, best.values())) > ROWS
    for section in sections:
        if crowded and section.measured:
            best[section.title] = sorted(best[section.title], key=lambda row: row.error)[:1]
    names = [row.name for rows in best.values() for row in rows]
    known = {row.name for section in sections for row in section.reports} - {*names}
    names += [name for name in dict.fromkeys(shown) if name in known]
    lines = []
    for section in sections:
        for row in section.reports:
            if row.name in names[:ROWS]:
                what, *numbers = summary_of(row)
                alone = compared(section) if crowded and section.measured else ""
                lines.append([section.title, f"`{row.name}`", what + alone, *numbers])
    header = ["task", "model", "what it is", "over 10 periods", "at the horizon", "holds, median"]
    return f"{markdown(header, lines, words=3)}\n{SUMMARY_LEGEND}"


def summary_of(row: Report | Forecasts) -> list[str]:
    """Describe a model, its two errors, and how long its free run holds."""
    network = f"{row.cell} network, {text(row.metrics['parameters'])} parameters"
    what = METHODS.get(row.cell, network)
    if isinstance(row, Forecasts):
        skill = text(row.metrics["forecast"]["skill"])
        return [what, f"MASE {error_of(row)}", f"skill {skill}", ""]
    free = row.metrics["free_running"]
    holds = f"{text(free['valid_prediction_periods']['median'])} periods"
    far = f"{error_of(row)} ({span(row.spans[-1])})"
    return [what, text(free.get("rmse_10_periods", "")), far, holds]


def text(metric: float | str) -> str:
    """Write a metric with three significant digits, or the word that stands for it."""
    if isinstance(metric, str):
        return metric
    if 100 <= abs(metric) < 1e6:
        return f"{metric:.0f}"
    return re.sub(r"e([+-])0*", lambda match: f"e{match[1].strip('+')}", f"{metric:.3g}")


def page(sections: Sequence[Section], figures: Iterable[str], parameters: dict[str, Any]) -> str:
    """Write the page: the metrics, the figures in their order, the parameters."""
    pictures = "\n".join(
        f"![{CAPTIONS[name][0]}](figures/{name}.png)\n\n{CAPTIONS[name][1]}\n" for name in figures
    )
    written = yaml.safe_dump(parameters, sort_keys=False, allow_unicode=True)
    return f"""# Results

Made by `dvc repro` from the files beside this page; do not edit it.

## Metrics

{results(sections)}
All metrics stand in `metrics.json` in the folder of each model.

## Figures

{pictures}
## Parameters

<details>
<summary>params.yaml, without its comments</summary>

```yaml
{written}```

</details>
"""
