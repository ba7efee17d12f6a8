"""Look at params.yaml, its CSV files and dvc.lock as a whole, before any work.

For a CSV file that was not pulled, DVC itself only names the link to it in reports/datasets.

A `dvc repro` that is killed while it writes dvc.lock leaves a part of it. If the committed file
begins with this part, the committed one replaces it.
"""

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages import files
from stages.files import InputError
from stages.settings import entry
from stages.settings.dataset import Measured
from stages.settings.whole import Settings
from stages.signals import series_file

LOCK = Path("dvc.lock")
CHECK_OUT = "`git checkout dvc.lock` takes the committed one, and what changed since runs again"
SCHEMA = "2.0"  # of dvc.lock, since DVC 2


def check_lock(path: Path) -> None:
    """Restore a dvc.lock that was cut short, where that loses nothing; a missing one is fine.

    Raises InputError where it is not as DVC writes it.
    """
    if not path.exists():
        return
    text = files.text(path)
    problem = fault(text)
    if problem is None:
        return
    committed = committed_text(path)
    if not committed or fault(committed):
        raise InputError(f"{path}{problem}; delete it, and `dvc repro` makes it again")
    if not committed.startswith(text):
        raise InputError(f"{path}{problem}; {CHECK_OUT}")
    files.write_all({path: committed})


def committed_text(path: Path) -> str:
    """Read a file of the last commit; empty where there is none."""
    command = ("git", "show", f"HEAD:./{path}")
    return subprocess.run(command, capture_output=True, encoding="utf-8").stdout


def fault(text: str) -> str | None:
    """Describe the fault of a dvc.lock, after its name; None without one."""
    if not text.strip():
        return ": is empty"
    if conflict := files.merge_conflict(text):
        return f":{conflict.partition(';')[0]}"
    short = ": is cut short, as by a `dvc repro` that was killed"
    if not text.endswith("\n"):
        return short
    try:
        lock = YAML(typ="safe", pure=True).load(text)
        schema, complete = lock["schema"], all(map(is_complete, entries(lock["stages"])))
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError):
        return short
    if schema != SCHEMA:
        return f": has the schema {files.shown(str(schema))}; expected {SCHEMA}"
    return None if complete else short


def entries(stages: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the files of all stages; raises an error if one is not a stage."""
    for stage in stages.values():
        stage["cmd"]
        for parameters in stage.get("params", {}).values():
            parameters.items()
        yield from (*stage.get("deps", ()), *stage.get("outs", ()))


def is_complete(entry: dict[str, Any]) -> bool:
    """Tell whether an entry has all keys that DVC writes for a file."""
    return isinstance(entry["path"], str) and isinstance(entry["size"], int) and "md5" in entry


def parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog="python -m stages.check",
        description=__doc__,
        epilog="Exit codes: 0 no mistake, 2 mistakes, one a line.",
    )


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    del arguments
    for row in settings.datasets.values():
        if isinstance(row, Measured):
            series_file.check_present(Path(row.csv))
    check_lock(LOCK)
    print("params.yaml, dvc.lock: no mistakes")


if __name__ == "__main__":
    entry.run(parser(), main)
