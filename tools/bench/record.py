"""Store the measurements in `reports/bench.json`, and write the page from them.

Each measurement names its commit and its machine, since parts may be measured at other times.
"""

import json
import math
import platform
from collections.abc import Iterable
from importlib.metadata import distributions
from typing import Any

from stages import files
from tools.bench.measure import Row
from tools.bench.page import DIVERGED, Record, page
from tools.project import ROOT, processor, run

RECORD = ROOT / "reports/bench.json"
REPORT = ROOT / "reports/bench.md"
PACKAGES = ("torch", "numpy", "scipy", "reservoirpy")


def commit() -> str:
    """Name the commit of the code, and say if the code has uncommitted changes."""
    changes = run(ROOT, "git", "status", "--short", "stages", "tools", "params.yaml")
    head = run(ROOT, "git", "rev-parse", "--short=10", "HEAD").strip()
    return f"{head} with changes" if changes else head


def machine() -> str:
    """Name the processor and the versions of Python and of PACKAGES."""
    installed = {package.name: package.version for package in distributions()}
    versions = [f"{name} {installed[name]}" for name in PACKAGES if name in installed]
    python = platform.python_version()
    return f"{processor()}, one thread; Python {python}, {', '.join(versions)}"


def load() -> Record:
    """Read the measurements so far."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def entry(rows: list[Row]) -> dict[str, Any]:
    """Prepare a measurement for JSON, which has no number for infinity and NaN."""

    def strict(value: Any) -> Any:
        return DIVERGED if isinstance(value, float) and not math.isfinite(value) else value

    strict_rows = [{key: strict(value) for key, value in row.items()} for row in rows]
    return {"commit": commit(), "machine": machine(), "rows": strict_rows}


def save(record: Record, order: Iterable[str]) -> None:
    """Write the record and the page; measurements in their order."""
    record = {name: record[name] for name in order if name in record}
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    files.write_all({RECORD: text, REPORT: page(record)})
