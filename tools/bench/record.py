"""What was measured, kept in `reports/bench.json`, and what is written from it.

Each measurement stands there with the commit and the machine that made it, so that a part can be
measured again. `reports/bench.md` and `reports/cards/peers.csv` are written from all of it.
"""

import importlib.metadata
import json
import math
import platform
import subprocess
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stages import files
from stages.settings.dataset import Dataset
from tools.bench.measure import ROOT, Row
from tools.bench.page import DIVERGED, Record, page, peers_csv

RECORD = Path("reports/bench.json")
REPORT = Path("reports/bench.md")
PEERS = Path("reports/cards/peers.csv")
CODE = ("stages", "tools", "tests/training/blog.py", "params.yaml")


def commit() -> str:
    """Return the commit of the code as it runs, and whether it was changed since."""
    head = git("rev-parse", "--short=10", "HEAD")
    return f"{head} with changes" if git("status", "--porcelain", "--", *CODE) else head


def git(*arguments: str) -> str:
    done = subprocess.run(("git", *arguments), cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def machine() -> str:
    """Describe the machine by its processor and the versions alone."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    processor = next(
        line.split(":")[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")
    )
    packages = [n for n in ("torch", "numpy", "scipy", "reservoirpy") if find_spec(n)]
    versions = (f"{name} {importlib.metadata.version(name)}" for name in packages)
    return f"{processor}, one thread; Python {platform.python_version()}, {', '.join(versions)}"


def load() -> Record:
    """Return what was measured so far."""
    path = ROOT / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def entry(rows: list[Row]) -> dict[str, Any]:
    """Return a measurement as it is kept: JSON has no number for what is not finite."""
    kept = [
        {
            key: DIVERGED if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in rows
    ]
    return {"commit": commit(), "machine": machine(), "rows": kept}


def save(record: Record, order: Iterable[str], datasets: dict[str, Dataset]) -> None:
    """Write the record, the page and the file of peers; measurements in their order."""
    record = {name: record[name] for name in order if name in record}
    files.write_all(
        {
            ROOT / RECORD: json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
            ROOT / REPORT: page(record),
            ROOT / PEERS: peers_csv(record, datasets),
        }
    )
