"""Check params.yaml, its CSV files and dvc.lock, before any work.

A `dvc repro` that is killed while it writes dvc.lock leaves a part of it. If the committed file
begins with this part, the committed one replaces it.
"""

import argparse
import subprocess
from pathlib import Path

from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from stages import files
from stages.files import InputError
from stages.settings import entry
from stages.settings.dataset import Measured
from stages.settings.params_file import Settings
from stages.signals import series_file

LOCK = Path("dvc.lock")
REMEDY = "take the committed one by `git checkout dvc.lock`, or delete it and run `dvc repro`"


def check_lock(path: Path) -> None:
    """Restore a dvc.lock that was cut short, from the last commit; accept a missing one.

    Raises InputError where DVC cannot read it, and the committed one does not begin with it.
    """
    text = files.text(path) if path.exists() else None
    if text is None or is_readable(text):
        return
    committed = committed_text(path)
    if not is_readable(committed) or not committed.startswith(text):
        raise InputError(f"{path}: is cut short, or is not a file that DVC wrote; {REMEDY}")
    files.write_all({path: committed})


def committed_text(path: Path) -> str:
    """Read a file of the last commit; empty where there is none."""
    command = ("git", "show", f"HEAD:./{path}")
    return subprocess.run(command, capture_output=True, encoding="utf-8").stdout


def is_readable(text: str) -> bool:
    """Check that DVC can read a dvc.lock, and that its last line is complete."""
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except (YAMLError, ValueError, Invalid):
        return False
    return text.endswith("\n")


def parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog="python -m stages.check",
        description=__doc__,
        epilog="Exit code 0: no mistake. 2: mistakes, one a line.",
    )


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    del arguments
    for row in settings.datasets.values():
        if isinstance(row, Measured):
            # Checked here, since DVC's message would name a link in reports/datasets.
            series_file.load(Path(row.csv), row.column, row.time)
    check_lock(LOCK)
    print("params.yaml, its CSV files, dvc.lock: no mistakes")


if __name__ == "__main__":
    entry.run(parser(), main)
