"""The page around the figures: Markdown that says only what the reports say."""

import io
import re
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML

from stages.reporting.reports import Report, number

BEGIN, END = "<!-- results -->", "<!-- /results -->"


def results(reports: Sequence[Report]) -> str:
    """Return the metrics of all models as a table, each as in metrics.json with fewer digits."""
    horizons = horizons_of(reports[0])
    header = [
        "model",
        "trained values",
        "one step",
        "memory wiped",
        *(span(key) for key in horizons),
        "holds for",
        "survivors",
        "phase drift",
    ]
    lines = [header, ["---", *["--:"] * (len(header) - 1)]]
    for report in reports:
        free = report.metrics["free_running"]
        numbers = (
            report.metrics["parameters"],
            report.metrics["teacher_forced"]["rmse"],
            report.metrics["memory_wiped"]["rmse"],
            *(free[key] for key in horizons),
            free["valid_prediction_periods"]["median"],
            free["survivors"],
            free["phase_drift"],
        )
        lines.append([f"`{report.name}`", *map(text, numbers)])
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"""{table}
RMSE one step ahead, with the memory and with it wiped at every step; then of the free run over so
many periods. A free run holds for so many periods (median), and survives in this share of the test
sequences; its phase drifts by so many radians a period.
"""


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


def page(
    reports: Sequence[Report],
    compared: Sequence[Report],
    figures: Sequence[str],
    parameters: dict[str, Any],
) -> str:
    """Return the page with the figures, in their order, the metrics and the parameters."""
    captions = captions_of(reports, compared)
    pictures = "\n".join(
        f"![{captions[name][0]}](figures/{name}.png)\n\n{captions[name][1]}\n" for name in figures
    )
    yaml = io.StringIO()
    YAML().dump(parameters, yaml)
    return f"""# Results

Made by `dvc repro` from the files beside this page; do not edit it.

{pictures}
## Metrics

{BEGIN}

{results(reports)}
{END}

All metrics stand in `metrics.json` in the folder of each model.

## Parameters

<details>
<summary>What made them: params.yaml, without its comments</summary>

```yaml
{yaml.getvalue()}```

</details>
"""


def captions_of(
    reports: Sequence[Report], compared: Sequence[Report]
) -> dict[str, tuple[str, str]]:
    """Return for each figure its text for those who cannot see it, and what there is to see."""
    shown = compared[-1]
    kept, wiped = (text(shown.metrics[key]["rmse"]) for key in ("teacher_forced", "memory_wiped"))
    horizon = horizons_of(shown)[-1]
    ends = {report.name: report.metrics["free_running"][horizon] for report in reports}
    best = min(ends, key=lambda name: number(ends[name]))
    names = " and ".join(f"`{report.name}`" for report in compared)
    return {
        "hero": (
            "Truth, teacher-forced and free-running; the error growing with the horizon",
            f"The first and the last periods of the free run of {names}: after the warm-up the "
            "network is fed its own outputs (line), while the dots are predictions from the true "
            "past. On the right, the error of the free run against how far it goes: over "
            f"{span(horizon)} it is lowest for `{best}`, {text(ends[best])}. A grey diamond, if "
            "there is any, is an echo-state network (ESN) of so many units, as the bench has it.",
        ),
        "memory": (
            "One-step predictions with the hidden state kept, and wiped at every step",
            "With h(t-1) wiped at every step (crosses), the prediction depends on x(t) alone, and "
            "x(t) does not say whether the sine is rising or falling. The one-step RMSE of "
            f"`{shown.name}` is {kept} with its memory and {wiped} without.",
        ),
        "hidden": (
            "Hidden units over two periods, and their orbit in two principal components",
            "On the left the hidden units h(t) under the true past; on the right the same h(t) in "
            "its first two principal components, where a periodic state is a closed orbit (grey). "
            "The line is the free run from the dot on: where it leaves the grey orbit, the network "
            "has begun to make a wave of its own.",
        ),
        "stability": (
            "Multipliers of the closed loop, and free-run error against one-step error",
            "A multiplier says by how much a small disturbance of the free run grows in a period: "
            "if all but one, the phase, are below 1, the free run comes back to an orbit, though "
            "to one of its own, which need not be the sine's. On the right, how far the free run "
            "ends above the one-step error that it is made of: a small error at one step is not "
            "enough.",
        ),
        "training": (
            "Loss against iterations and against training steps seen",
            "The loss of each model against iterations, and against the training steps seen, a "
            "measure of work that is the same on every machine. A dot alone is a model that is "
            "solved for in one go; a line in pieces was begun anew.",
        ),
        "data": (
            "A few sequences of each dataset, and the distributions of what they differ in",
            "Some training sequences of each dataset, dots the values and lines the sines "
            "behind them. Beside them, how all of its training sequences spread over phase, "
            "frequency (rad per unit of time) and amplitude.",
        ),
    }
