"""Wall seconds of the blog's own loop, of `train` of `blog`, and of `make repro` from nothing."""

import contextlib
import io
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stages.generate import generate
from stages.train import train
from tools.bench.blog import blog_losses
from tools.bench.measure import Row, in_turns, settings
from tools.project import ROOT, copy_code, run

REPEATS, CORES = 3, 2
BLOG = "the blog's own loop"
QUICK_PARAMS = """\
datasets: {phases: {sequences: 8, periods: 10}}
models: {recurrence: {dataset: phases, cell: linear, lags: 2}}
"""


def wall(work: Callable[[], object]) -> Callable[[], float]:
    """Give a function that runs some work without its output, and gives its wall seconds."""

    def timed() -> float:
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            work()
        return time.perf_counter() - start

    return timed


def repro_from_nothing(folder: Path) -> None:
    """Run `make repro` where nothing was made yet."""
    for name in ("data", "models", "reports", "dvc.lock", ".dvc/cache", ".dvc/tmp"):
        path = folder / name
        path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
    run(folder, "tools/side_by_side.sh", str(CORES))


def measure(*, quick: bool) -> list[Row]:
    """Time all in turns: a table row for each, with its ratio to the blog's loop."""
    row, splits = settings().models["blog"], generate(settings().datasets["blog"])
    parts = splits["train"], splits["validation"]
    sequences = parts[0].values[: row.training[0].iterations, :, 0]
    params = QUICK_PARAMS if quick else (ROOT / "params.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_code(folder, params)
        works = {
            BLOG: wall(lambda: blog_losses(sequences)),
            "`train` of `blog`": wall(lambda: train("blog", row, *parts)),
            f"`make repro` from nothing, JOBS={CORES}": wall(lambda: repro_from_nothing(folder)),
        }
        seconds = in_turns(works, 1 if quick else REPEATS)
    return [
        {"what": label, "wall seconds": value, "÷ the blog's loop": value / seconds[BLOG]}
        for label, value in seconds.items()
    ]
