"""The spread of a model's metrics over seeds: what the tolerances of the gate must exceed."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvc.api import DVCFileSystem
from rich.console import Console
from rich.table import Table
from rich.text import Text
from ruamel.yaml import YAML

from stages.core import sides
from stages.core.rules import Gate, Value, is_number, judge
from stages.files import InputError

CODE = "stages"
LOCK = Path("requirements.lock")
Run = Mapping[str, Value]


@dataclass(frozen=True)
class Recipe:
    """How DVC makes one model.

    commands: in order; inputs: the data that they need; metrics: the file that they end with. All
    relative to the repository.
    """

    commands: Sequence[str]
    inputs: Sequence[Path]
    metrics: Path


def recipe(model: str) -> Recipe:
    """Return the recipe of a row of `models`, as dvc.yaml has it.

    Raises InputError where there is none, or where a file that it needs is missing.
    """
    root = Path.cwd().resolve()
    known = {stage.addressing: stage for stage in DVCFileSystem().repo.index.stages}
    wanted = [f"train@{model}", f"evaluate@{model}"]
    if missing := [name for name in wanted if name not in known]:
        raise InputError(f"dvc.yaml has no stage {missing[0]!r}; expected a row of `models`")
    stages = [known[name] for name in wanted]
    made = {Path(out.fs_path).relative_to(root): out for stage in stages for out in stage.outs}
    needed = {Path(dep.fs_path).relative_to(root) for stage in stages for dep in stage.deps}
    inputs = sorted(path for path in needed - set(made) if path.parts[0] != CODE)
    for path in inputs:
        if not path.is_file():
            raise InputError(f"{path}: no such file; make it with `dvc repro`")
    metrics = next(path for path, out in made.items() if out.is_metric)
    return Recipe([stage.cmd for stage in stages], inputs, metrics)


def measure(model: str, seeds: int, parameters: Path) -> list[Run]:
    """Make a model under the seeds from 0 on, in a copy of the project; return their metrics.

    parameters: the file whose row `models.<model>` holds the seed.
    """
    how = recipe(model)
    yaml = YAML()
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        # All code, since what the stages import only to check params.yaml is none of their deps.
        shutil.copytree(CODE, Path(folder) / CODE, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (*how.inputs, LOCK):
            copy = Path(folder) / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        for seed in range(seeds):
            document = yaml.load(parameters)
            document["models"][model]["seed"] = seed
            yaml.dump(document, Path(folder) / parameters)
            for command in how.commands:
                run(command, folder, seed)
            runs.append(sides.parse(f"{model}.", (Path(folder) / how.metrics).read_bytes()))
            print(f"{model}: seed {seed} of 0 to {seeds - 1} done", file=sys.stderr, flush=True)
    return runs


def run(command: str, folder: str, seed: int) -> None:
    """Run the command of a stage in a folder; raises InputError where it fails."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise InputError(f"seed {seed}: {command}: {last.removeprefix('error: ')}")


@dataclass(frozen=True)
class Spread:
    """One metric over the seeds.

    values: one for each seed. fail_median, fail_committed: how many of them the gate would fail if
    the baseline were their median, or what is committed; None without a rule.
    """

    metric: str
    values: Sequence[Value]
    fail_median: int | None
    fail_committed: int | None

    @property
    def summary(self) -> tuple[float, float, float] | None:
        """The least, the median and the most of the values, where all are numbers."""
        if not all(map(is_number, self.values)):
            return None
        return min(self.values), statistics.median(self.values), max(self.values)

    @property
    def noisy(self) -> bool:
        """Whether the gate may fail for another seed alone."""
        return bool(self.fail_median or self.fail_committed)


def spreads(gate: Gate, runs: Sequence[Run], committed: Mapping[str, Value]) -> list[Spread]:
    """Return the spread of every metric over the runs, under the rules of the gate."""
    found = []
    for metric in dict.fromkeys(name for run in runs for name in run):
        values = [run.get(metric) for run in runs]
        numbers = [value for value in values if is_number(value)]
        baselines = (statistics.median(numbers) if numbers else None, committed.get(metric))
        failures: tuple[int | None, ...] = (None, None)
        if gate.rule(metric):
            failures = tuple(
                sum(judge(gate, metric, baseline, value).failed for value in values)
                for baseline in baselines
            )
        found.append(Spread(metric, values, *failures))
    return found


def show(model: str, found: Sequence[Spread], console: Console) -> None:
    """Print the spreads, as a table and as YAML for params.yaml, and warn of each noisy rule."""
    seeds = len(found[0].values)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in ("metric", "least", "median", "most", "failing"):
        table.add_column(name, justify="left" if name == "metric" else "right")
    for spread in found:
        words = [str(value) for value in spread.values if not is_number(value)]
        numbers = [f"{value:.4g}" for value in spread.summary or ()] or ["–", words[0], "–"]
        failing = "no rule"
        if spread.fail_median is not None:
            failing = f"{spread.fail_median}, {spread.fail_committed}"
        name = spread.metric.removeprefix(f"{model}.")
        table.add_row(*map(Text, (name, *numbers, failing)))
    console.print(
        Text(f"{model}, {seeds} seeds; failing: seeds that would fail against the median,")
    )
    console.print("and against what is in the workspace\n")
    console.print(table)
    lines = ["", "calibration:", f"  {model}:", f"    seeds: {seeds}", "    spread:"]
    for spread in found:
        if spread.summary and spread.fail_median is not None:
            values = ", ".join(f"{value:.6g}" for value in spread.summary)
            lines.append(f"      {spread.metric.removeprefix(f'{model}.')}: [{values}]")
    console.print(Text("\n".join(lines)), soft_wrap=True)
    for spread in found:
        if spread.noisy:
            console.print(Text(warning(spread), style="yellow"), soft_wrap=True)


def warning(spread: Spread) -> str:
    return (
        f"warning: {spread.metric}: its tolerance lies inside the noise: of {len(spread.values)} "
        f"seeds {spread.fail_median} would fail against the median, {spread.fail_committed} "
        "against what is in the workspace"
    )
