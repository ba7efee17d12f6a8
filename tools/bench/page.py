"""Write `reports/bench.md` from the measurements."""

import math
from typing import Any

import pandas as pd

from tools.bench import echo_state, gated
from tools.bench.measure import Row
from tools.bench.rows import BOUND, HELD_OUT_SEEDS

NAMED = ("1", "10", "100", "1000")  # periods
AS_GOOD = 1.5  # × our error: peers with an error up to this are as good as ours
LOST = 0.4  # if our RMSE is larger, networks are compared over a shorter horizon
DIVERGED = "diverged"
# Measurements by name: the commit and the machine that made each, and its rows.
Record = dict[str, dict[str, Any]]

TITLES = {"phases": "One sine", "sines": "Any sine", "noisy": "Any sine in noise"}
OURS = ("`stable`", "`innovation`", "`elman`", "`innovation_noisy`")  # compared with the peers
# Of a task's table: the title of each column, its key in a row, and its form.
COLUMNS = {
    **{f"hold {periods}": (f"held_{periods}", "{:.2g}") for periods in NAMED},
    **{f"RMSE@{periods}": (f"rmse_{periods}", "{:.1e}") for periods in NAMED},
    **{"VPT median": ("vpt_median", "{:.4g}"), "VPT least": ("vpt_min", "{:.4g}")},
    **{"training ÷ loop": ("time", "{:.3g}"), "search ÷ loop": ("search_time", "{:.3g}")},
}


def rows_of(record: Record, *prefixes: str) -> list[Row]:
    """Collect the rows of all measurements with these prefixes, each with its commit."""
    names = [name for name in record if name.startswith(prefixes)]
    return [row | {"commit": record[n]["commit"]} for n in names for row in record[n]["rows"]]


def page(record: Record) -> str:
    """Write bench.md."""
    grid = (echo_state.GRID | {"ridge": echo_state.RIDGES}).items()
    text = INTRODUCTION.format(
        machines="; and on ".join(sorted({measured["machine"] for measured in record.values()})),
        grid="; ".join(f"{name} {', '.join(f'{v:g}' for v in values)}" for name, values in grid),
        rates=", ".join(f"{rate:g}" for rate in gated.LEARNING_RATES),
        **vars(echo_state),
    )
    parts = [text]
    for task, title in TITLES.items():
        if rows := rows_of(record, f"rows.{task}.", f"peers.{task}.", f"bound.{task}"):
            rows.sort(key=lambda row: number(row.get("rmse_10")))
            parts += [f"## {title}", as_good(rows), markdown(results(rows))]
    for name, words in TIMES.items():
        if rows := rows_of(record, name):
            parts += [f"## {words}", markdown(rows)]
    return "\n\n".join(parts) + "\n"


def number(value: Any) -> float:
    """Read a number of a row; infinite where it diverged or was not measured."""
    return float(value) if isinstance(value, (int, float)) else math.inf


def as_good(rows: list[Row]) -> str:
    """Name the peers that are as good as each of our networks."""
    sentences = []
    for ours in rows:
        if ours["name"] in OURS and ours["settings"] != HELD_OUT_SEEDS:
            end = [p for p in NAMED if p == "1" or number(ours.get(f"rmse_{p}")) < LOST][-1]
            limit = AS_GOOD * number(ours[f"rmse_{end}"])
            good = [row["name"] for row in rows if number(row.get(f"rmse_{end}")) <= limit]
            peers = [name for name in good if not name.startswith(("`", BOUND))]
            names = ", ".join(peers) or "none of the peers"
            sentences.append(f"As good as {ours['name']} over {end} periods: **{names}**.")
    return " ".join(sentences)


def results(rows: list[Row]) -> list[Row]:
    """Tabulate errors, times and settings; leave out empty columns."""
    bound = next((row for row in rows if row["name"] == BOUND), None)
    table = []
    for row in rows:
        line: Row = {key: row.get(key, "") for key in ("name", "parameters", "seeds")}
        for title, (key, form) in COLUMNS.items():
            if any(key in other for other in rows):
                line[title] = pair(row, key, form)
            if bound and key in ("rmse_1", "rmse_10"):
                line[f"{title} ÷ bound"] = f"{number(row.get(key)) / bound[key]:.3g}"
        table.append(line | {key: row.get(key, "") for key in ("attempts", "settings", "commit")})
    return table


def pair(row: Row, key: str, form: str) -> str:
    """Write the median over seeds and, after a slash, the worst."""
    several = row.get("seeds", 1) > 1 and f"{key}_worst" in row
    values = [row.get(k, "–") for k in ([key, f"{key}_worst"] if several else [key])]
    return " / ".join(v if isinstance(v, str) else form.format(v) for v in values)


def markdown(rows: list[Row]) -> str:
    """Write rows as a table in Markdown."""
    return pd.DataFrame(rows).to_markdown(index=False, floatfmt=".4g")


INTRODUCTION = """# Bench

Made by `make bench` on {machines}.

The rows of params.yaml and their peers have the same sequences and warm-up. `hold N`: share of the
test sequences whose error stayed below 0.4 × amplitude for N periods. `RMSE@N`: over the first N
periods, all sequences pooled, against the noise-free truth. `VPT`: valid prediction time in
periods, the median and the least over the test sequences. With several seeds a cell holds the
median and, after a slash, the worst. –: not measured, since at least half of the sequences were
lost before. `loop`: the CPU seconds of the blog's own 6000 iterations, measured before and after
each row.

**Echo-state networks** are drawn by reservoirpy. Settings are chosen on the validation sequences
over this grid: {grid}.
First, random choices from the grid are tried (their number by units: {DRAWS}). Then one setting
after another is set to each of its values. Then the best choices are tried with other seeds. For
each seed of the final networks several reservoirs are drawn (their number by units: {ATTEMPTS}),
and the best on the validation sequences is taken.

**GRU and LSTM** are trained with Adam in float32, one step ahead alone, or then on free runs of 15,
30 and 60 steps. A batch is 64 sequences. Gradients are clipped at a norm of 1. The learning rate
falls to a hundredth. Its first value is chosen from {rates} in runs of a tenth of the iterations.
The free run on the validation sequences is scored forty times; the best network of a phase enters
the next."""
TIMES = {
    "jacobian": "Derivatives of the free run by all weights\n\nCPU time, medians of five. `vmap` "
    "refuses `torch.rnn_tanh_cell`; there it is written with `linear` and `tanh`.",
    "pipeline": "The blog's loop, and the pipeline\n\nMedians of three runs that take turns.",
}
