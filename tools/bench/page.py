"""What `reports/bench.md` and `reports/cards/peers.csv` say of the measurements."""

import math
from typing import Any

import pandas as pd

from stages.reporting.reports import protocol
from stages.settings.dataset import Dataset
from tools.bench import echo_state, gated
from tools.bench.measure import Row

NAMED = ("1", "10", "100", "1000")  # periods
AS_GOOD = 1.5  # times our error: up to it a peer counts as good as ours
LOST = 0.4  # RMSE beyond which ours is compared at a shorter horizon
DIVERGED = "diverged"
BOUND = "Cramér–Rao bound"
# Measurements by name: the commit and the machine that made each, and its rows.
Record = dict[str, dict[str, Any]]

TITLES = {"phases": "One sine", "sines": "Any sine", "noisy": "Any sine in noise"}
# By task: our networks that the peers are compared with.
OURS = {"phases": ("stable",), "sines": ("innovation", "elman"), "noisy": ("innovation_noisy",)}


def peers_csv(record: Record, datasets: dict[str, Dataset]) -> str:
    """Return what peers reach, for the figures: the RMSE of each over so many periods."""
    rows = [
        (task, brief(row["name"]), row["units"], int(periods), row[f"rmse_{periods}"])
        for task in TITLES
        for row in rows_of(record, f"peers.{task}.")
        for periods in NAMED
        if f"rmse_{periods}" in row
    ]
    table = pd.DataFrame(rows, columns=["task", "name", "units", "periods", "rmse"])
    table["rmse"] = pd.to_numeric(table.rmse.replace(DIVERGED, math.inf))
    table["protocol"] = [protocol(datasets[task]) for task in table.task]
    return table.to_csv(index=False, float_format="%.3g", lineterminator="\n")


def brief(name: str) -> str:
    """Return the name of a peer as it stands beside a figure, where there is little room."""
    for long, word in (", one step ahead", " one-step"), (", then on its free run", " free-run"):
        name = name.replace(long, word)
    return name.removesuffix(", L-BFGS")


def rows_of(record: Record, *prefixes: str) -> list[Row]:
    """Return the rows of all measurements whose names begin so, each with its commit."""
    return [
        row | {"commit": measured["commit"]}
        for name, measured in record.items()
        if name.startswith(prefixes)
        for row in measured["rows"]
    ]


def page(record: Record) -> str:
    """Return bench.md."""
    machines = sorted({measured["machine"] for measured in record.values()})
    parts = [introduction(machines)]
    for task, title in TITLES.items():
        if rows := task_rows(record, task):
            parts += [f"## {title}", as_good(rows, task), results(rows, task)]
            parts += ["What each got:", conditions(rows)]
    for prefix, (title, words) in PARTS.items():
        rows = rows_of(record, prefix)
        if rows:
            parts.append(f"## {title}\n\n{words}\n\n{markdown(rows)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def task_rows(record: Record, task: str) -> list[Row]:
    """Return the rows of a task: ours, peers and the bound, the best over ten periods first."""
    found = rows_of(record, f"rows.{task}.", f"peers.{task}.", f"bound.{task}")
    return sorted(found, key=lambda row: number(row.get("rmse_10")))


def number(value: Any) -> float:
    """Return a number of a row; infinite where it diverged or was not measured."""
    return float(value) if isinstance(value, (int, float)) else math.inf


def as_good(rows: list[Row], task: str) -> str:
    """Say which peers are as good as our networks, or that none is."""
    told = []
    for name in OURS[task]:
        ours = next((row for row in rows if row["name"] == f"`{name}`"), None)
        if ours is None:
            continue
        kept = [p for p in NAMED if number(ours.get(f"rmse_{p}")) < LOST]
        end = kept[-1] if kept else NAMED[0]
        limit = AS_GOOD * number(ours[f"rmse_{end}"])
        good = [
            row["name"]
            for row in rows
            if not row["name"].startswith(("`", "Cramér"))
            and number(row.get(f"rmse_{end}")) <= limit
        ]
        listed = ", ".join(good) if good else "none of the peers"
        told.append(f"As good as `{name}` over {end} periods: **{listed}**.")
    return " ".join(told)


def results(rows: list[Row], task: str) -> str:
    """Return the table of errors: the median over seeds, and the worst where there are several."""
    bound = next((row for row in rows if row["name"].startswith("Cramér")), None)
    table = []
    for row in rows:
        line: Row = {"model": row["name"] + (", held out" if held_out(row) else "")}
        line |= {"weights": row["parameters"], "seeds": row.get("seeds", "")}
        for periods in NAMED:
            if any(f"held_{periods}" in other for other in rows):
                line[f"hold {periods}"] = pair(row, f"held_{periods}", "{:.2g}")
        for periods in NAMED:
            if any(f"rmse_{periods}" in other for other in rows):
                line[f"RMSE@{periods}"] = pair(row, f"rmse_{periods}", "{:.1e}")
        if bound:
            for periods in ("1", "10"):
                ratio = number(row.get(f"rmse_{periods}")) / bound[f"rmse_{periods}"]
                line[f"@{periods} ÷ bound"] = f"{ratio:.3g}"
        line["VPT median"] = pair(row, "vpt_median", "{:.3g}")
        line["VPT least"] = pair(row, "vpt_min", "{:.2g}")
        table.append(line)
    return markdown(table)


def held_out(row: Row) -> bool:
    return row.get("settings") == "held-out seeds"


def pair(row: Row, key: str, form: str) -> str:
    """Return the median over seeds and, after a slash, the worst."""
    if key not in row:
        return "–"

    median = shown(row[key], form)
    return f"{median} / {shown(row[f'{key}_worst'], form)}" if several(row, key) else median


def several(row: Row, key: str) -> bool:
    return row.get("seeds", 1) > 1 and f"{key}_worst" in row


def shown(value: Any, form: str) -> str:
    """Return a number in a form, without an exponent where it has up to four digits."""
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:.0f}" if 100 <= abs(value) < 10_000 else form.format(value)


def conditions(rows: list[Row]) -> str:
    """Return the table of settings and times."""
    return markdown(
        [
            {
                "model": row["name"],
                "settings": row["settings"],
                "training ÷ blog's loop": pair(row, "time", "{:.2g}"),
                "search ÷ blog's loop": pair(row, "search_time", "{:.2g}"),
                "attempts": row.get("attempts", "–"),
                "commit": row["commit"],
            }
            for row in rows
            if "time" in row
        ]
    )


def markdown(rows: list[Row]) -> str:
    """Return rows as a table in Markdown."""
    return pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3g", disable_numparse=False)


def introduction(machines: list[str]) -> str:
    """Return what stands above the tables: how it was measured, and what the peers were given."""
    grid = "; ".join(
        f"{name} {', '.join(f'{value:g}' for value in values)}"
        for name, values in (echo_state.GRID | {"ridge": echo_state.RIDGES}).items()
    )
    return INTRODUCTION.format(
        machines="; and on ".join(machines),
        grid=grid,
        draws=by_units(echo_state.DRAWS),
        attempts=by_units(echo_state.ATTEMPTS),
        rates=", ".join(f"{rate:g}" for rate in gated.LEARNING_RATES),
        example=gated.EXAMPLE_SEQUENCES,
    )


def by_units(counts: dict[int, int]) -> str:
    return ", ".join(f"{count} for {units} units" for units, count in counts.items())


INTRODUCTION = """# Bench

Made by `make bench` on {machines}. Times are CPU seconds of one thread: compare ratios.

The rows of params.yaml and their peers have the same training, validation and test sequences and
the same warm-up. `hold N`: share of the test sequences whose error stayed below 0.4 × amplitude for
N periods. `RMSE@N`: over the first N periods, all sequences pooled, against the noise-free truth.
`VPT`: valid prediction time in periods, the median and the least over the test sequences. Where
there are several seeds, a cell holds the median and, after a slash, the worst. –: not measured,
since half of the sequences were lost before. Times stand against the blog's own loop of 6000
iterations, timed before and after each measurement.

**Echo-state networks** are drawn by reservoirpy. Settings are chosen on the validation sequences
over this grid: {grid}.
Random draws from it, {draws}; then one setting after
another is changed to each of its other values; then the best are drawn again from other seeds. For
each seed several reservoirs are drawn: {attempts}. The best on the validation sequences is kept.

**GRU and LSTM** of 64 units are trained with Adam in float32, one step ahead and then on the free
run, which grows to 60 steps. A batch is 64 pieces of random training sequences. The learning
rate falls to zero (cosine); gradients are clipped at a norm of 1; one step ahead, inputs have noise
of 0.01 where the task has none. The learning rate is chosen of {rates} by a tenth of the
iterations. In each phase the free run of the validation sequences is looked at 20 times, and the
best network is kept.

**LSTM 2 × 51** is the recipe of pytorch/examples, time_sequence_prediction: L-BFGS with learning
rate 0.8 in float64, 15 steps of up to 20 iterations, on {example} of the training sequences. The
step that does best on the validation sequences counts."""

PARTS = {
    "speed.free_runs": (
        "Speed of the free run",
        "64 sequences; 16 units, and of `innovation` the sizes of its row. Medians of five.",
    ),
    "speed.evaluate": (
        "Evaluation",
        "An Elman row of 16 units: the plain loop over torch's module against our free run with "
        "all its metrics.",
    ),
    "speed.start": ("Start of a stage", "Whole processes; medians of five."),
    "speed.jacobian": (
        "Jacobian of the closed loop",
        "Of the last phase of `innovation`. Autograd is torch's, all sequences in one call. The "
        "peak is that of a product of large matrices.",
    ),
    "pipeline.from_nothing": (
        "The pipeline from nothing",
        "`make repro` on two cores. Wall seconds, medians of five runs that take turns.",
    ),
    "pipeline.side_by_side": (
        "Rows side by side",
        "Equal rows on two cores: `make repro` from nothing. Wall seconds, medians of five, "
        "and of three for the long rows.",
    ),
    "pipeline.nothing_to_do": (
        "Nothing to do",
        "In the committed repository. Wall seconds, medians of five.",
    ),
    "growth": (
        "Growth",
        "Whole processes, imports included. Training: the last phase of `innovation`.",
    ),
}
