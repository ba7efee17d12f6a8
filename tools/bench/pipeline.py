"""Wall seconds of the blog's own loop, of `train` of `blog`, and of `make repro` from nothing."""

import shutil
import tempfile
import time
from pathlib import Path

from stages.generate import generate
from stages.train import Curve, train_sines
from tools.bench.blog import blog_losses
from tools.bench.measure import Row, in_turns, settings
from tools.project import ROOT, copy_code, run

REPEATS, CORES = 3, 2
BLOG = "the blog's own loop"
QUICK = "{datasets: {a: {}}, models: {b: {dataset: a, cell: linear}}, plot: {hero: [b]}}"


def repro_from_nothing(folder: Path) -> None:
    """Run `make repro` where nothing was made yet."""
    for name in ("models", "reports", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in (folder / "dvc.lock", *folder.glob("data/*.npz")):  # not data/series
        path.unlink(missing_ok=True)
    run(folder, "tools/side_by_side.sh", str(CORES))


def measure(*, quick: bool) -> list[Row]:
    """Time all in turns: a table row for each, with its ratio to the blog's loop."""
    row, splits = settings().models["blog"], generate(settings().datasets["blog"])
    parts = splits["train"], splits["validation"]
    sequences = parts[0].values[: row.training[0].iterations, :, 0]
    params = QUICK if quick else (ROOT / "params.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_code(folder, params)
        works = {
            BLOG: lambda: blog_losses(sequences),
            "`train` of `blog`": lambda: train_sines("blog", row, *parts, Curve("blog")),
            f"`make repro` from nothing, JOBS={CORES}": lambda: repro_from_nothing(folder),
        }
        seconds = in_turns(works, 1 if quick else REPEATS, time.perf_counter)
    return [
        {"what": label, "wall seconds": value, "÷ the blog's loop": value / seconds[BLOG]}
        for label, value in seconds.items()
    ]
