"""Processes that the tests start, watch and stop."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conftest import ENVIRONMENT, Project

INTERRUPTED = "interrupted: the old outputs were left as they were\n"
# A `dvc` that halts when dvc.lock is half written.
HALTING_DVC = f"""\
#!/bin/sh
'''exec' "{sys.executable}" "$0" "$@"
' '''
import io, pathlib, sys, time
from dvc.utils.serialize import _common

def halting(path, data, dumper, fs=None, **options):
    stream = io.StringIO()
    dumper(data, stream, **options)
    text = stream.getvalue()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        pathlib.Path("halted").touch()
        while not pathlib.Path("go on").exists():
            time.sleep(0.02)
        file.write(text[len(text) // 2 :])

_common._dump_data = halting
from dvc.cli import main
sys.exit(main())
"""


def script(path: Path, text: str) -> None:
    """Write an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def start(project: Project, *command: str, **variables: str) -> subprocess.Popen[str]:
    """Start a command in a process group of its own."""
    return subprocess.Popen(
        command,
        cwd=project.root,
        env=ENVIRONMENT | variables,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(happened: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    """Wait until something has happened; fail where the process has ended before."""
    while not happened():
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)


def working_in(project: Project) -> Iterator[str]:
    """Yield the command of each process whose current folder is the project's."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == str(project.root):
                yield (process / "cmdline").read_bytes().split(b"\0")[0].decode()
        except OSError:
            continue
