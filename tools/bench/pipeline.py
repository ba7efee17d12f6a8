"""The whole pipeline: wall seconds of the commands that people run, each beside what it replaces.

Each command runs in a copy of this repository, with JOBS as named. The medians are of runs that
take turns, so that a slow minute of the machine meets all of them.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.conftest import Project, make_project
from tools.bench.measure import ROOT, BlogLoop, Row, against, in_turns

REPEATS = 5
CORES = 2
EQUAL_ROWS = 8
SHORT_AND_LONG = {"blog": REPEATS, "elman": 3}  # how often each is run: a run takes minutes
ONE_SINE = ("linear", "recurrence", "stable", "blog")
BLOG, PLAIN_DIFF = "the blog's own loop", "dvc metrics diff"
TRIVIAL = """\
stages:
  all:
    foreach: {rows}
    do:
      cmd: cp params.yaml ${{item}}
      deps:
        - params.yaml
      outs:
        - ${{item}}
"""
NAMED = TRIVIAL + "      params:\n        - plot\n"


def parameters(*, quick: bool) -> Any:
    """Return params.yaml as it can be changed; quick: with the first two rows alone."""
    document = YAML().load(ROOT / "params.yaml")
    if quick:
        keep(document, ("linear", "recurrence"))
    return document


def keep(document: Any, models: tuple[str, ...]) -> None:
    """Leave some models, and the datasets that they are trained on."""
    document["models"] = {name: document["models"][name] for name in models}
    used = {row["dataset"] for row in document["models"].values()}
    document["datasets"] = {n: row for n, row in document["datasets"].items() if n in used}


def equal_rows(model: str, *, quick: bool) -> Any:
    """Return params.yaml with rows like one of its models, but for the seed, instead of all."""
    document = parameters(quick=False)
    row = document["models"][model]
    if quick:
        row["training"] = [row["training"][0] | {"iterations": 1}]
    document["models"] = {f"row_{seed}": row | {"seed": seed} for seed in range(EQUAL_ROWS)}
    keep(document, tuple(document["models"]))
    return document


def project(folder: Path, document: Any) -> Project:
    """Return a copy of this repository with other parameters, and no results."""
    made = make_project(folder)
    YAML().dump(document, folder / "params.yaml")
    made.commit("parameters")
    return made


def from_nothing(where: Project, jobs: int) -> Callable[[], float]:
    """Return what `make repro` does with so many jobs; it returns the seconds that it took."""

    def run() -> float:
        for name in ("data", "models", "reports", "dvc.lock", ".dvc/cache", ".dvc/tmp"):
            path = where.root / name
            path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
        return seconds(where, "tools/side_by_side.sh", str(jobs))

    return run


def seconds(where: Project, *command: str) -> float:
    """Run a command that must succeed; return its wall seconds."""
    start = time.perf_counter()
    where.run(*command)
    return time.perf_counter() - start


def measure_from_nothing(*, quick: bool) -> list[Row]:
    """Return the time of `make repro` from nothing against the blog's own loop."""
    whole = parameters(quick=quick)
    one_sine = parameters(quick=quick)
    if not quick:
        keep(one_sine, ONE_SINE)
    with tempfile.TemporaryDirectory() as name:
        first = project(Path(name) / "one sine", one_sine)
        second = project(Path(name) / "whole", whole)
        medians = in_turns(
            {
                BLOG: lambda: BlogLoop(quick=quick).seconds(),
                "one sine, 2 datasets and 4 models": from_nothing(first, CORES),
                f"the whole pipeline, {rows_of(whole)}": from_nothing(second, CORES),
            },
            1 if quick else REPEATS,
        )
    return against(medians, BLOG)


def rows_of(document: Any) -> str:
    return f"{len(document['datasets'])} datasets and {len(document['models'])} models"


def measure_side_by_side(*, quick: bool) -> list[Row]:
    """Return the time of `make repro` of equal rows, one after the other and side by side."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for model, repeats in SHORT_AND_LONG.items():
            where = project(Path(name) / model, equal_rows(model, quick=quick))
            like = f"{EQUAL_ROWS} rows like `{model}`, JOBS="
            works = {like + str(jobs): from_nothing(where, jobs) for jobs in (1, CORES)}
            rows += against(in_turns(works, 1 if quick else repeats), like + "1")
    return [row | {"times faster": 1 / row["ratio"]} for row in rows]


def measure_nothing_to_do(*, quick: bool) -> list[Row]:
    """Return what `dvc repro` with nothing to do takes, and the gate beside `dvc metrics diff`."""
    with tempfile.TemporaryDirectory() as name:
        where = finished(Path(name) / "finished")
        number = len(where.run("dvc", "stage", "list", "--name-only").split())
        trivial = copies(Path(name) / "trivial", TRIVIAL, number)
        named = copies(Path(name) / "named", NAMED, number)
        nothing = f"dvc repro of {number} trivial stages"
        medians = in_turns(
            {
                nothing: lambda: seconds(trivial, "dvc", "repro"),
                f"{nothing}, each with a parameter": lambda: seconds(named, "dvc", "repro"),
                "dvc repro": lambda: seconds(where, "dvc", "repro"),
                "make repro": lambda: seconds(where, "tools/side_by_side.sh", str(CORES)),
                PLAIN_DIFF: lambda: seconds(where, "dvc", "metrics", "diff"),
                "dvc-gate check": lambda: seconds(where, sys.executable, "-m", "dvc_gate", "check"),
            },
            1 if quick else REPEATS,
        )
    repro, gate = list(medians.items())[:-2], list(medians.items())[-2:]
    return against(dict(repro), nothing) + against(dict(gate), PLAIN_DIFF)


def copies(folder: Path, pipeline: str, number: int) -> Project:
    """Return a project of so many stages that copy params.yaml, made and with nothing to do."""
    where = Project(folder)
    where.root.mkdir()
    rows = ", ".join(f"out_{row}" for row in range(number))
    (where.root / "dvc.yaml").write_text(pipeline.format(rows=f"[{rows}]"))
    shutil.copy(ROOT / "params.yaml", where.root)
    for command in ("git init --quiet", "dvc init --quiet", "dvc repro"):
        where.run(*command.split())
    return where


def finished(folder: Path) -> Project:
    """Return the committed state of this repository, with its outputs."""
    clone = ("git", "clone", "--quiet", str(ROOT), str(folder))
    subprocess.run(clone, check=True)
    where = Project(folder)
    where.run("dvc", "config", "--local", "cache.dir", str(ROOT / ".dvc/cache"))
    where.try_("dvc", "checkout")  # what the cache lacks is made anew
    where.run("dvc", "repro")
    return where
