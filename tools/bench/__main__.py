"""Measure the rows of params.yaml, their peers, speed and growth; write `reports/bench.md`.

`make bench`. A whole run takes an hour or more and is no part of the tests. With --only a part is
measured again and the rest stays as it was: bench.md names the commit that made each. Writes
`reports/bench.json`, and from it `reports/bench.md` and `reports/cards/peers.csv`.
"""

import argparse
import sys
from collections.abc import Callable
from fnmatch import fnmatch

from tools.bench import echo_state, gated, growth, pipeline, record, rows, speed
from tools.bench.measure import Row, settings, task
from tools.bench.page import markdown

Measurement = Callable[[bool], list[Row]]
PEER_TASKS = ("phases", "sines", "noisy")
GROUPS = {"one sine": "phases", "any sine": "sines", "in noise": "noisy"}  # by a task's kind


def measurements() -> dict[str, Measurement]:
    """Return everything that can be measured, by name, in the order of the page."""
    found: dict[str, Measurement] = {}
    known = settings()
    for name, row in known.models.items():
        where = f"rows.{GROUPS[known.datasets[row.dataset].kind]}.{name}"
        found[where] = lambda quick, name=name: rows.measure(name, held_out=False, quick=quick)
        if name in rows.SEEDS:
            found[f"{where}.held_out"] = lambda quick, name=name: rows.measure(
                name, held_out=True, quick=quick
            )
    found["bound.noisy"] = lambda quick: rows.measure_bound(task("noisy", quick=quick))
    for name in PEER_TASKS:
        for units in echo_state.DRAWS:
            found[f"peers.{name}.esn_{units}"] = lambda quick, name=name, units=units: (
                echo_state.measure(units, task(name, quick=quick), quick=quick)
            )
        for cell in ("gru", "lstm"):
            found[f"peers.{name}.{cell}"] = lambda quick, name=name, cell=cell: gated.measure(
                cell, task(name, quick=quick), quick=quick
            )
        found[f"peers.{name}.example"] = lambda quick, name=name: gated.measure_example(
            task(name, quick=quick), quick=quick
        )
    found["speed.free_runs"] = lambda quick: speed.measure_free_runs(quick=quick)
    found["speed.evaluate"] = lambda quick: speed.measure_evaluate(quick=quick)
    found["speed.start"] = lambda quick: speed.measure_start(quick=quick)
    found["speed.jacobian"] = lambda quick: speed.measure_jacobian(quick=quick)
    found["pipeline.from_nothing"] = lambda quick: pipeline.measure_from_nothing(quick=quick)
    found["pipeline.side_by_side"] = lambda quick: pipeline.measure_side_by_side(quick=quick)
    found["pipeline.nothing_to_do"] = lambda quick: pipeline.measure_nothing_to_do(quick=quick)
    found["growth"] = lambda quick: growth.measure(quick=quick)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="measure this alone; * stands for anything"
    )
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test: everything small, nothing written"
    )
    arguments = parser.parse_args()
    known = measurements()
    chosen = [n for n in known if any(fnmatch(n, o) for o in arguments.only or ["*"])]
    if not chosen:
        print(
            f"error: --only {' '.join(arguments.only)}: names nothing; see --list", file=sys.stderr
        )
        sys.exit(2)
    if arguments.list:
        print("\n".join(chosen))
        return
    done = record.load()
    for name in chosen:
        print(f"{name} …", flush=True)
        found = known[name](arguments.quick)
        print(markdown(found), flush=True)
        if not arguments.quick:
            done[name] = record.entry(found)
            record.save(done, known, settings().datasets)


if __name__ == "__main__":
    main()
