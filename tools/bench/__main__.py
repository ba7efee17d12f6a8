"""Measure the rows of params.yaml, their peers, and times; write `reports/bench.md`.

`make bench` runs all measurements: an hour or more. --only measures a part again and leaves the
rest as it is. Writes `reports/bench.json`, and from it `reports/bench.md`.
"""

import argparse
from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial

from tools.bench import blog, echo_state, gated, jacobian, record, rows
from tools.bench.measure import Row, settings
from tools.bench.page import TITLES, markdown

# The bench's task of a model, by the row of `datasets` that the model is trained on.
TASKS = {"blog": "phases"} | {name: name for name in TITLES}


def measurements() -> dict[str, Callable[..., list[Row]]]:
    """Name everything that can be measured, in the order of the page; each takes `quick`."""
    known: dict[str, Callable[..., list[Row]]] = {}
    for name, row in settings().models.items():
        if row.dataset in TASKS:
            place = f"rows.{TASKS[row.dataset]}.{name}"
            known[place] = partial(rows.measure, name, held_out=False)
            if name in rows.SEEDS:
                known[f"{place}.held_out"] = partial(rows.measure, name, held_out=True)
    known["bound.noisy"] = partial(rows.measure_bound, "noisy")
    for name in TITLES:
        for units in echo_state.DRAWS:
            known[f"peers.{name}.esn_{units}"] = partial(echo_state.measure, units, name)
        for cell in ("gru", "lstm"):
            known[f"peers.{name}.{cell}"] = partial(gated.measure, cell, name)
    return known | {"jacobian": jacobian.measure, "pipeline": blog.measure}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--only", default="*", metavar="NAME", help="measure these; * is any text")
    parser.add_argument("--quick", action="store_true", help="measure small cases, write nothing")
    arguments = parser.parse_args()
    known = measurements()
    chosen = [name for name in known if fnmatch(name, arguments.only)]
    if not chosen:
        parser.error(f"--only {arguments.only}: expected one of {', '.join(known)}")
    measured = record.load()
    for name in chosen:
        print(f"{name} …", flush=True)
        table = known[name](quick=arguments.quick)
        print(markdown(table), flush=True)
        if not arguments.quick:
            measured[name] = record.entry(table)
            record.save(measured, known)


if __name__ == "__main__":
    main()
