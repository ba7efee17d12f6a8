"""Growth: CPU seconds and peak memory of whole stages, over sizes a factor of ten apart."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from tools.bench.measure import ROOT, Row

SIZES = (10, 100, 1000)  # sequences, and periods
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def process_seconds(folder: Path, *command: str) -> tuple[float, float]:
    """Run a command in a folder; return its CPU seconds and its peak memory in MB.

    From a small process in between: the peak of a child begins at what its parent has.
    """
    done = subprocess.run(
        (sys.executable, "-c", MEASURE, *command),
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak) / 1024


def small_project(folder: Path) -> Path:
    """Copy the stages and params.yaml to a folder; return it."""
    shutil.copytree(ROOT / "stages", folder / "stages")
    for name in ("requirements.lock", "params.yaml"):
        shutil.copy(ROOT / name, folder)
    return folder


def configure(folder: Path, *, sequences: int, periods: int, iterations: int) -> None:
    """Set the size of `sines` and `innovation`: one phase, so many iterations, one attempt."""
    yaml = YAML()
    document: Any = yaml.load(folder / "params.yaml")
    document["datasets"]["sines"] |= {"sequences": sequences, "periods": periods}
    row = document["models"]["innovation"]
    last = row["training"][-1]
    last["sequences"], last["iterations"] = sequences, iterations
    row["attempts"] = 1
    row["training"] = [*row["training"][:1], last]
    row["training"][0] |= {"sequences": 10, "iterations": 5}
    yaml.dump(document, folder / "params.yaml")


def measure(*, quick: bool) -> list[Row]:
    """Return seconds and peak memory of `generate`, `train` and `evaluate`, imports included.

    Training: the last phase of `innovation`, on ever more sequences. Evaluation: 256 sequences of
    any sine, over ever more periods.
    """
    rows: list[Row] = []
    python = sys.executable
    make = (python, "-m", "stages.generate", "sines", "--out", "d.npz", "--report", "d")
    fit = (python, "-m", "stages.train", "innovation", "d.npz")
    fit += ("--out", "m.safetensors", "--curve", "t.csv")
    judge = (python, "-m", "stages.evaluate", "m.safetensors", "d.npz", "t.csv")
    judge += ("--out", "r", "--card", "c.json")
    iterations = 2 if quick else 10
    with tempfile.TemporaryDirectory() as name:
        folder = small_project(Path(name))

        def run(stage: str, size: str, command: tuple[str, ...]) -> None:
            seconds, memory = process_seconds(folder, *command)
            rows.append({"stage": stage, "size": size, "CPU seconds": seconds, "peak MB": memory})

        for size in SIZES[:2] if quick else (*SIZES, 10 * SIZES[-1]):
            configure(folder, sequences=size, periods=10, iterations=iterations)
            run("generate", f"{size:,} sequences", make)
            run("train", f"{size:,} sequences, {iterations} iterations", fit)
        for size in SIZES[:2] if quick else SIZES:
            configure(folder, sequences=10, periods=size, iterations=iterations)
            process_seconds(folder, *make)
            longest = int(np.ceil(size * 2 * np.pi / (0.5 * 60 / 294)))
            run("evaluate", f"256 sequences × {size:,} periods, {longest:,} steps", judge)
    return rows
