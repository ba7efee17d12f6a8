"""Copies of this repository with other parameters, and the commands that run there."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import stages

ROOT = Path(__file__).parents[1]
# Without the caller's pinned variables: the stages must set them themselves.
ENVIRONMENT = {
    **{key: os.environ[key] for key in os.environ.keys() - stages.PINNED_ENVIRONMENT.keys()},
    "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    "PYTHONPATH": "",
    "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
AUTHOR = ("-c", "user.name=tools", "-c", "user.email=tools@example.org")


def copy_code(folder: Path, params: str) -> None:
    """Copy this repository's code to a new Git repository, with other parameters and no results."""
    names = subprocess.check_output(("git", "ls-files", "-z"), cwd=ROOT, text=True).split("\0")
    for name in filter(None, names):
        if not name.startswith("reports/") and name != "dvc.lock" and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "params.yaml").write_text(params, encoding="utf-8")
    run(folder, "git", "init", "--quiet")
    run(folder, "git", "add", "--all")
    run(folder, "git", *AUTHOR, "commit", "--quiet", "--message", "code")


def run(folder: Path, *command: str, **variables: str) -> str:
    """Run a command in a folder, with more environment variables; return its output.

    Raises RuntimeError with all that the command printed if it fails.
    """
    environment = ENVIRONMENT | variables
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])}: {done.stdout}{done.stderr}")
    return done.stdout


def processor() -> str:
    """Name this machine's processor."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return model[1] if model else platform.machine()


def outputs(folder: Path) -> dict[str, bytes]:
    """Read every file that the pipeline made, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for part in ("data", "models", "reports")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file() and path.name != ".gitignore"
    }
