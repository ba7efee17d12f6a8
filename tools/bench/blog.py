"""Time the blog's own training loop, the unit of all times of the bench, and the pipeline."""

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stages.generate import generate
from stages.train import Curve, train_sines
from tools.bench.measure import Row, in_turns, settings
from tools.project import ROOT, copy_code, run

BLOG = "the blog's own loop"
REPEATS, CORES = 3, 2
QUICK = "{datasets: {a: {}}, models: {b: {dataset: a, cell: linear}}, plot: {hero: [b]}}"


def blog_network() -> tuple[nn.RNN, nn.Linear]:
    """Draw the blog's network: its recurrent layer and its read-out."""
    torch.manual_seed(0)
    rnn, linear = nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1)
    for weight in rnn.parameters():
        nn.init.normal_(weight, 0, 0.001)
    return rnn, linear


def blog_losses(
    rnn: nn.RNN, linear: nn.Linear, sequences: np.ndarray, *, fused: bool = False
) -> list[float]:
    """Train a network as the blog does, one sequence an iteration; return the losses.

    fused: take torch's fused step, as the pipeline does; the blog's has other last digits.
    """
    weights = [*rnn.parameters(), *linear.parameters()]
    optimizer = torch.optim.Adam(weights, lr=0.01, fused=fused)
    hidden, losses = torch.zeros(1, 1, 16), []
    for data in sequences:
        x = torch.tensor(data[:-1]).float().view(1, 49, 1)
        y = torch.tensor(data[1:]).float().view(1, 49, 1)
        out, hidden = rnn(x, hidden)
        hidden = hidden.detach()
        loss = nn.functional.mse_loss(linear(out.view(-1, 16)).unsqueeze(0), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def blog_seconds(*, quick: bool) -> float:
    """Estimate the CPU seconds of the blog's loop from its first iterations."""
    sequences = generate(settings().datasets["blog"])["train"].values[:, :, 0]
    first = sequences[: 100 if quick else 1500]
    start = time.process_time()
    blog_losses(*blog_network(), first)
    return (time.process_time() - start) * len(sequences) / len(first)


def repro_from_nothing(folder: Path) -> None:
    """Delete all results, then run the stages as `make repro` does."""
    for name in ("models", "reports", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in (folder / "dvc.lock", *folder.glob("data/*.npz")):  # not data/series
        path.unlink(missing_ok=True)
    run(folder, "tools/side_by_side.sh", str(CORES))


def measure(*, quick: bool) -> list[Row]:
    """Time the loop, `train` and `make repro` in turns: a table row each, with its ratio."""
    row, splits = settings().models["blog"], generate(settings().datasets["blog"])
    parts = splits["train"], splits["validation"]
    sequences = parts[0].values[: row.training[0].iterations, :, 0]
    params = QUICK if quick else (ROOT / "params.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_code(folder, params)
        works = {
            BLOG: lambda: blog_losses(*blog_network(), sequences),
            "`train` of `blog`": lambda: train_sines("blog", row, *parts, Curve("blog")),
            f"`make repro` from nothing, JOBS={CORES}": lambda: repro_from_nothing(folder),
        }
        seconds = in_turns(works, 1 if quick else REPEATS, time.perf_counter)
    return [
        {"what": label, "wall seconds": value, "÷ the blog's loop": value / seconds[BLOG]}
        for label, value in seconds.items()
    ]
