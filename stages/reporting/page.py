"""The page around the figures: Markdown that says only what the reports say."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from stages.reporting.reports import Report, Section, number

BEGIN, END = "<!-- results -->", "<!-- /results -->"
LEGEND = """RMSE one step ahead, then of the free run over so many periods. A free run holds for so
many periods until its error first exceeds 0.4 of the amplitude: the median of the test sequences,
and the worst of them. Survivors are those held to the horizon. `bound` is the Cramér–Rao bound.
"""


def results(sections: Sequence[Section]) -> str:
    """Return the metrics of all models as tables, one for each section."""
    tables = [f"**{section.title}**\n\n{table(section)}" for section in sections]
    return "\n".join([*tables, LEGEND])


def table(section: Section) -> str:
    """Return the metrics of the models that are judged alike, each with fewer digits."""
    horizons = horizons_of(section.reports[0])
    header = ["model", "trained values", "one step", *(span(key) for key in horizons)]
    header += ["holds, median", "worst", "survivors"]
    lines = [header, ["---", *["--:"] * (len(header) - 1)]]
    for report in section.reports:
        free = report.metrics["free_running"]
        holds = free["valid_prediction_periods"]
        numbers = [report.metrics["parameters"], report.metrics["teacher_forced"]["rmse"]]
        numbers += [free[key] for key in horizons]
        numbers += [holds["median"], holds["min"], free["survivors"]]
        lines.append([f"`{report.name}`", *map(text, numbers)])
    if bound := section.reports[0].metrics.get("bound"):
        lines.append(["bound", "", "", *(text(bound[key]) for key in horizons), "", "", ""])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def horizons_of(report: Report) -> list[str]:
    """Return the names of the metrics that are RMSEs of the free run, the longest last."""
    return [name for name in report.metrics["free_running"] if name.startswith("rmse_")]


def span(key: str) -> str:
    """Return the periods that a metric `rmse_N_periods` is taken over."""
    periods = key.split("_")[1]
    return f"{periods} period" if periods == "1" else f"{periods} periods"


def text(metric: float | str) -> str:
    """Return a metric with three significant digits, or the word that stands for it."""
    if isinstance(metric, str):
        return metric
    if 100 <= abs(metric) < 1e6:
        return f"{metric:.0f}"
    return re.sub(r"e([+-])0*", lambda found: f"e{found[1].strip('+')}", f"{metric:.3g}")


def refreshed(page: str, table: str) -> str:
    """Return a page with the table between its markers; raises ValueError where there are none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected {BEGIN} and, below, {END}")
    return f"{before}{BEGIN}\n\n{table}\n{END}{after}"


def page(sections: Sequence[Section], figures: Sequence[str], parameters: dict[str, Any]) -> str:
    """Return the page with the figures, in their order, the metrics and the parameters."""
    pictures = "\n".join(
        f"![{CAPTIONS[name][0]}](figures/{name}.png)\n\n{CAPTIONS[name][1]}\n" for name in figures
    )
    written = yaml.safe_dump(parameters, sort_keys=False, allow_unicode=True)
    return f"""# Results

Made by `dvc repro` from the files beside this page; do not edit it.

## Metrics

{BEGIN}

{results(sections)}
{END}
{best(sections)}
All metrics stand in `metrics.json` in the folder of each model.

## Figures

{pictures}
## Parameters

<details>
<summary>What made them: params.yaml, without its comments</summary>

```yaml
{written}```

</details>
"""


def best(sections: Sequence[Section]) -> str:
    """Return a line for each section: which model has the least error at the horizon."""
    lines = []
    for section in sections:
        horizon = horizons_of(section.reports[0])[-1]
        ends = {report.name: report.metrics["free_running"][horizon] for report in section.reports}
        least = min(ends, key=lambda name: number(ends[name]))
        lines.append(
            f"- {section.title}: over {span(horizon)} the error is least for `{least}`, "
            f"{text(ends[least])}.\n"
        )
    return "".join(lines)


CAPTIONS = {
    "hero": (
        "Free runs of one unseen sine in noise, and the error against the horizon for each task",
        "One sine in noise that no model has seen. Each model is given the warm-up (dots), then "
        "its own outputs (line). On the right, the error of the free run against how far it goes: "
        "for one sine, for any sine, and in noise. The dotted line is the Cramér–Rao bound, the "
        "least error that the noisy past allows. Grey diamonds are other people's methods, as the "
        "bench measured them, each at the longest horizon that it was measured over.",
    ),
    "data": (
        "A few sequences of each dataset, and the distributions of what they differ in",
        "Some training sequences of each dataset: dots are the values, lines the sines behind "
        "them. Beside them, how all of its training sequences spread over phase, frequency (rad "
        "per unit of time) and amplitude.",
    ),
    "memory": (
        "One-step predictions with the hidden state kept, and wiped at every step",
        "Why there is a hidden state. With h(t-1) wiped at every step (crosses) the prediction "
        "depends on x(t) alone. But x(t) does not say whether the sine is rising or falling.",
    ),
    "hidden": (
        "Hidden units over two periods, and their orbit in two principal components",
        "On the left the hidden units h(t) under the true past. On the right the same h(t) in its "
        "first two principal components, where a periodic state is a closed orbit (grey). The line "
        "is the free run from the dot on. Where it leaves the grey orbit, the network has begun to "
        "make a wave of its own.",
    ),
    "inferred": (
        "A memory unit over the warm-up, and against the frequency of each test sequence",
        "What the memory does. On the left it settles while the network is given the past. On the "
        "right stands what it holds after that: a smooth function of the frequency, which nobody "
        "told the network. In the free run it does not change by a single bit.",
    ),
    "hard": (
        "The error of each test sequence over the plane of frequency and amplitude",
        "Which sines are hard: each dot is a test sequence, its colour the error of the free run "
        "over ten periods.",
    ),
    "stability": (
        "Multipliers of the closed loop, and free-run error against one-step error",
        "A multiplier says by how much a small disturbance of the free run grows in a period. One "
        "is the phase, which nothing pulls back. If all others are below 1, the free run comes "
        "back to an orbit of its own. On the right: a small error at one step is not enough.",
    ),
    "training": (
        "Loss against iterations and against training steps seen",
        "The loss of each trained model. Training steps seen are a measure of work that is the "
        "same on every machine. Each phase and each attempt begins a new line; its loss is the "
        "mean square of what that phase counts.",
    ),
}
