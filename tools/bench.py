"""Measure training, rollouts and growth side by side in one run, and write `reports/bench.md`.

`make bench`. It takes a few minutes, wants a machine with nothing else to do, and is no part of
the tests: times differ from run to run, so only ratios within one run mean anything.
"""

import contextlib
import importlib.metadata
import io
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from reservoirpy.nodes import Reservoir, Ridge
from ruamel.yaml import YAML
from torch import nn

from stages import files, train
from stages.generate import generate
from stages.networks import network as model
from stages.plot import Rows
from stages.reporting import reports
from stages.rollouts import metrics
from stages.rollouts import regimes as rollout
from stages.settings import model as recipe
from stages.settings import params
from stages.settings.dataset import Dataset
from stages.signals.sines import Sines
from stages.training import adam as training
from tests.blog import blog_losses

ROOT = Path(__file__).parents[1]
PARAMS = ROOT / "params.yaml"
REPORT = ROOT / "reports" / "bench.md"
PEERS = ROOT / "reports" / "cards" / "peers.csv"
PERIODS = [100.0, 1000.0]
SEEDS = range(10)
ESN_SEEDS = range(3)
ESN_UNITS = (16, 100, 500)
ESN_STEPS = 5000  # of the one long sequence, as echo-state networks are usually given
WARMUP, LONG_WARMUP = 20, 500
Table = list[dict[str, Any]]


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Return the seconds that some work took, and what it returned; what it prints is dropped."""
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        result = work(*arguments)
        return time.perf_counter() - start, result


def dataset(row: str) -> dict[str, Sines]:
    return generate(params.read(PARAMS, ("datasets", row), Dataset))


def model_row(row: str, **changes: Any) -> recipe.ModelRow:
    return params.read(PARAMS, ("models", row), recipe.ModelRow).model_copy(update=changes)


def free_run(network: model.Model, test: Sines, warmup: int = WARMUP) -> dict[str, Any]:
    """Return the free-running metrics over the test sequences, after so many steps of warm-up."""
    meter = metrics.FreeRunMeter(test, warmup, np.array(PERIODS))
    past = torch.from_numpy(test.truth(np.arange(warmup))[:, :, None])
    for block, _ in rollout.free_running(network, past, meter.steps):
        meter.add(block[:, :, 0].numpy())
    return metrics.summary(meter.result(), PERIODS)


def summarise(name: str, seconds: list[float], runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a row of the table of free runs: medians and worst cases over the seeds."""

    def values(key: str) -> list[float]:
        return [run[key] if isinstance(run[key], float) else np.inf for run in runs]

    row: dict[str, Any] = {"model": name, "seeds": len(runs)}
    row["held by"] = sum(run["survivors"] == 1.0 for run in runs)
    for key in ("rmse_100_periods", "rmse_1000_periods", "phase_drift"):
        row[f"{key}, median"], row[f"{key}, worst"] = np.median(values(key)), max(values(key))
    return row | {"seconds to train, median": np.median(seconds), "worst": max(seconds)}


def bench_blog() -> tuple[Table, float]:
    """Time the blog's own loop and our `blog` row; return the table and the blog's seconds."""
    sequences = dataset("blog")["train"].values
    blog_losses(nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1), sequences[:50, :, 0])

    parts = nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1)
    seconds, _ = timed(blog_losses, *parts, sequences[:, :, 0])
    values = torch.from_numpy(sequences)
    ours, _ = timed(train.train, "blog", model_row("blog"), values, values)
    return [
        {"training of 6000 iterations": "the blog's loop", "seconds": seconds, "times faster": 1.0},
        {
            "training of 6000 iterations": "our row `blog`",
            "seconds": ours,
            "times faster": seconds / ours,
        },
    ], seconds


def bench_row(label: str, seeds: range, row: recipe.ModelRow) -> dict[str, Any]:
    """Train and free-run a row of `models` under several seeds."""
    data = dataset("phases")
    values, validation = (torch.from_numpy(data[part].values) for part in ("train", "validation"))
    seconds, runs = [], []
    for seed in seeds:
        seeded = row.model_copy(update={"seed": seed})
        took, (network, _, _) = timed(train.train, label, seeded, values, validation)
        seconds.append(took)
        runs.append(free_run(network.double(), data["test"]))
    return summarise(label, seconds, runs)


def bench_recipe() -> Table:
    """Train `stable` with a part of its recipe taken away: what is each of them for?"""
    whole = model_row("stable")
    fit = whole.training.levenberg_marquardt

    def without(label: str, **changes: Any) -> dict[str, Any]:
        training = recipe.Training(levenberg_marquardt=fit.model_copy(update=changes))
        row = whole.model_copy(update={"attempts": 1, "training": training})
        return bench_row(f"`stable`, {label}", SEEDS, row)

    return [
        without("never drawn again"),
        without("the noisy copy all but weightless", noise_weight=1e-9),
        without("one iteration", iterations=1),
    ]


def echo_state_network(units: int, seed: int, values: np.ndarray) -> model.Network:
    """Fit reservoirpy's echo-state network with a ridge read-out; return it as a `Network`.

    With a leaking rate of 1 its update is that of the Elman cell.
    """
    reservoir = Reservoir(units, sr=0.9, lr=1.0, seed=seed)
    read_out = Ridge(ridge=1e-9)
    (reservoir >> read_out).fit(list(values[:, :-1]), list(values[:, 1:]), warmup=20)
    network = model.Network("rnn", units, 1).double()
    bias = np.broadcast_to(dense(reservoir.bias).ravel(), units)
    contents = (
        *(dense(reservoir.Win), dense(reservoir.W), bias, np.zeros(units)),
        *(read_out.Wout.T, read_out.bias),
    )
    with torch.no_grad():
        for parameter, content in zip(network.parameters(), contents, strict=True):
            parameter.copy_(torch.from_numpy(np.array(content)))
    check_echo_state(reservoir, read_out, network, values[0])
    return network


def dense(matrix: Any) -> np.ndarray:
    """Return a matrix of reservoirpy, which may be sparse, as an array."""
    return matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)


def check_echo_state(reservoir: Any, read_out: Any, network: model.Network, x: np.ndarray) -> None:
    """Raise ValueError unless the `Network` does what reservoirpy does."""
    reservoir.reset()
    theirs = np.concatenate([read_out.step(reservoir.step(value)) for value in x])
    ours, _, _ = rollout.teacher_forced(network, torch.from_numpy(x[None]))
    if not np.allclose(theirs.ravel(), ours.numpy().ravel(), atol=1e-9):
        raise ValueError("the echo-state network was not carried over")


def bench_echo_state() -> Table:
    """Train and free-run echo-state networks.

    On the same sequences with the same warm-up; and on what suits them better, one long sequence
    of the same sine and a long warm-up, since they forget slowly what they began with.
    """
    data = dataset("phases")
    time_step = data["train"].time_step
    long = Dataset(seed=2, sequences=1, steps=ESN_STEPS, span=time_step * (ESN_STEPS - 1))
    diets = (
        ("", data["train"].values, WARMUP),
        (f", {ESN_STEPS} steps", generate(long)["train"].values, LONG_WARMUP),
    )
    table = []
    for units in ESN_UNITS:
        for diet, values, warmup in diets:
            seconds, runs = [], []
            for seed in ESN_SEEDS:
                took, network = timed(echo_state_network, units, seed, values)
                seconds.append(took)
                runs.append(free_run(network, data["test"], warmup))
            table.append(summarise(f"reservoirpy, {units} units{diet}", seconds, runs))
    return table


@torch.no_grad()
def plain_free_run(network: model.Network, warmup: torch.Tensor, steps: int) -> None:
    """Feed a network its own outputs by calling its modules one step at a time."""
    output, state = network.rnn(warmup)
    x = network.linear(output[:, -1:])
    for _ in range(steps - 1):
        output, state = network.rnn(x, state)
        x = network.linear(output)


def our_free_run(network: model.Network, warmup: torch.Tensor, steps: int) -> None:
    """Feed a network its own outputs as `evaluate` does, a block at a time."""
    for _ in rollout.free_running(network, warmup, steps):
        pass


def bench_free_run() -> Table:
    """Time the free run against calling the network's module one step at a time."""
    steps, warmup = 5000, torch.from_numpy(dataset("phases")["test"].values[:, :20])
    table = []
    for cell in ("rnn", "gru", "lstm"):
        network = model.Network(cell, 16, 1).double()
        training.draw_uniform(network, torch.Generator().manual_seed(0))

        ours, _ = timed(our_free_run, network, warmup, steps)
        theirs, _ = timed(plain_free_run, network, warmup, steps)
        table.append(
            {
                "free run, 64 sequences": cell,
                "module, µs a step": theirs / steps * 1e6,
                "ours, µs a step": ours / steps * 1e6,
                "times faster": theirs / ours,
            }
        )
    return table


MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def stage(folder: Path, *command: str) -> tuple[float, float]:
    """Run a stage in a folder; return its seconds and its peak memory in MB.

    From a small process in between: the peak of a child begins at what its parent has.
    """
    python = sys.executable
    done = subprocess.run(
        (python, "-c", MEASURE, python, "-m", *command),
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak) / 1024


def bench_growth() -> Table:
    """Measure the stages as processes, over sizes a factor of ten apart."""
    table = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "stages", folder / "stages")
        shutil.copy(ROOT / "requirements.lock", folder)
        yaml = YAML()

        def configure(sequences: int, used: int, periods: int) -> None:
            document = yaml.load(PARAMS)
            document["datasets"]["phases"]["sequences"] = sequences
            fit = document["models"]["stable"]["training"]["levenberg_marquardt"]
            fit["sequences"] = used
            document["evaluate"]["periods"] = periods
            yaml.dump(document, folder / "params.yaml")

        def measure(what: str, size: str, *command: str) -> None:
            seconds, memory = stage(folder, *command)
            table.append({"stage": what, "size": size, "seconds": seconds, "peak MB": memory})

        make = ("stages.generate", "phases", "--out", "d.npz", "--report", "d")
        fit = ("stages.train", "stable", "d.npz", "--out", "m.safetensors", "--curve", "t.csv")
        judge = (
            *("stages.evaluate", "m.safetensors", "d.npz", "t.csv"),
            *("--out", "r", "--card", "c.json"),
        )
        for sequences in (10_000, 100_000, 1_000_000):
            configure(sequences, 32, 1000)
            measure("generate", f"{sequences:,} training sequences", *make)
            measure("train", f"32 of {sequences:,} training sequences", *fit)
        for used in (10, 100, 1000):
            configure(1000, used, 1000)
            stage(folder, *make)
            measure("train", f"{used:,} of 1,000 training sequences", *fit)
        for periods in (325, 3248, 32480):
            configure(64, 32, periods)
            stage(folder, *make)
            if periods == 325:
                stage(folder, *fit)
            steps = int(np.ceil(periods * 2 * np.pi / (10 / 49)))
            measure("evaluate", f"64 sequences × {steps:,} steps", *judge)
    return table


def machine() -> str:
    """Describe the machine by its processor and the versions alone."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    processor = next(
        line.split(":")[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")
    )
    versions = ", ".join(
        f"{package} {importlib.metadata.version(package)}"
        for package in ("torch", "numpy", "scipy", "reservoirpy")
    )
    return f"{processor}, one thread; Python {platform.python_version()}, {versions}"


def markdown(table: Table) -> str:
    return pd.DataFrame(table).to_markdown(index=False, floatfmt=".3g")


def peers(echo_state: Table) -> str:
    """Return the file of what echo-state networks reach, for the figures: their better diet."""
    parameters = {
        name: params.read(PARAMS, (name,), Rows).root for name in ("datasets", "evaluate")
    }
    last = f"rmse_{PERIODS[-1]:g}_periods, median"
    diets = zip(echo_state[::2], echo_state[1::2], strict=True)
    best = zip(ESN_UNITS, (min(pair, key=lambda row: row[last]) for pair in diets), strict=True)
    return reports.peers_csv(
        parameters,
        [
            (f"ESN {units}", periods, row[f"rmse_{periods:g}_periods, median"])
            for units, row in best
            for periods in PERIODS
        ],
    )


def main() -> None:
    blog, blog_seconds = bench_blog()
    rows = [bench_row("our row `stable`", SEEDS, model_row("stable"))]
    share, median = (rows[0][key] / blog_seconds for key in ("worst", "seconds to train, median"))
    echo_state = bench_echo_state()
    recurrence = bench_row("our row `recurrence`", range(1), model_row("recurrence"))
    free_runs = [*rows, *echo_state, recurrence]
    text = f"""# Bench

Made by `make bench` in one run, on {machine()}. Compare the ratios: times differ between runs.

## Training the blog's network

{markdown(blog)}

## Free runs: 64 test sequences, warm-up 20 steps, 1000 periods

Trained on the sequences of `phases`; "5000 steps": on one sequence of so many steps instead, and
with a warm-up of 500 steps. `held by`: seeds under which no test sequence was lost. The slowest of
the runs of `stable` took {share:.2f} of the time of the blog's loop, the median {median:.2f}.

{markdown(free_runs)}

## What the parts of the recipe are for

{markdown(bench_recipe())}

## Speed of the free run

{markdown(bench_free_run())}

## Growth

Whole processes, imports included.

{markdown(bench_growth())}
"""
    with files.whole(REPORT) as partial:
        partial.write_text(text, encoding="utf-8")
    print(text)
    with files.whole(PEERS) as partial:
        partial.write_text(peers(echo_state), encoding="utf-8")


if __name__ == "__main__":
    main()
