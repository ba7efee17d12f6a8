"""Check out a commit into an empty folder with an empty DVC cache, and run its pipelines there."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dvc_gate import dvc_private
from dvc_gate.git import Git, GitError
from dvc_gate.pipelines import cached_files
from dvc_gate.problems import Unjudged

# The same bytes on every machine, and none of the user's hooks.
SETTINGS = {"core.hooksPath": os.devnull} | dict.fromkeys(
    ("core.autocrlf", "core.sparseCheckout", "core.fileMode"), "false"
)
# The cache's folder is relative to .dvc: no name of a temporary folder has to be quoted.
DVC_CONFIG = """[core]\nautostage = false\ncheck_update = false\n[cache]\ndir = cache\n"""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupt(signum: int, _: object) -> None:
    """Raise KeyboardInterrupt with the exit code of a signal, which runs every `finally`."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt(128 + signum)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make an empty folder and delete it afterwards, whatever signal ends the block."""
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _interrupt)
    with tempfile.TemporaryDirectory(prefix="dvc-gate-") as name:
        yield Path(name)


def check_out(source: Git, commit: str, target: Path) -> None:
    """Make a repository at a commit, submodules too, with the objects of `source`. Raises Unjudged.

    `source` itself writes the files, for a partial clone fetches missing objects.
    """
    target.mkdir(parents=True, exist_ok=True)
    clone, inside = Git(target), target / ".git"
    options = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]
    try:
        kind = source.out("rev-parse", "--show-object-format")
        clone.raw("init", "--quiet", f"--object-format={kind}")
        index = {"GIT_INDEX_FILE": str(inside / "index")}
        source.raw(*options, f"--work-tree={target}", "read-tree", "-u", "--reset", commit, **index)
        objects = source.folder / source.out("rev-parse", "--git-path", "objects")
        quoted = str(objects.resolve()).replace("\\", "\\\\").replace('"', '\\"')
        (inside / "objects/info/alternates").write_bytes(os.fsencode(f'"{quoted}"\n'))
        shallow = source.folder / source.out("rev-parse", "--git-path", "shallow")
        if shallow.is_file():
            shutil.copy(shallow, inside / "shallow")
        for key, value in SETTINGS.items():
            clone.raw("config", key, value)
        clone.raw("update-ref", "--no-deref", "HEAD", commit)
        listed = os.fsdecode(clone.raw("ls-tree", "-r", "-z", commit)).split("\0")
    except GitError as error:
        raise Unjudged(f"{commit[:9]} cannot be checked out: {error}") from None
    for entry, path in (line.split("\t", 1) for line in listed if line.startswith("160000")):
        module, digest = Git(source.folder / path), entry.split()[2]
        if not (module.folder / ".git").exists():
            raise Unjudged(f"{path}: its files are not here: `git submodule update --init`")
        check_out(module, digest, target / path)


def environment_in(folder: Path, start: Path) -> dict[str, str]:
    """Build the environment of DVC in `start`: it names no other cache or repository."""
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "PYTHON"))},
        "DVC_GLOBAL_CONFIG_DIR": str(folder / "GLOBAL_CONFIG"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder / "SYSTEM_CONFIG"),
        # Relative, for the library that writes there expands each $NAME in a path.
        "DVC_SITE_CACHE_DIR": os.path.relpath(folder / "site-cache", start),
        "DVC_NO_ANALYTICS": "1",
        "TMPDIR": str(folder),
        # The stages' `python` is the one that runs this.
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
    }


def bring(root: Path, path: str, entry: dict[str, Any], target: Path) -> None:
    """Copy a recorded output from the project's cache, and hash it again. Raises Unjudged."""
    kind = "md5" if entry.get("hash") == "md5" else "md5-dos2unix"
    files = list(cached_files(root, entry))
    if not files and not entry.get("md5"):
        raise Unjudged(f"{path}: has no hash: `dvc update` or `dvc commit` records one")
    if not files or entry.get("md5", ".dir").endswith(".dir"):
        target.mkdir(parents=True, exist_ok=True)
    for name, place, recorded in files:
        if not place.is_file():
            raise Unjudged(f"{path}: is not in DVC's cache here: `dvc pull {path}`")
        if dvc_private.digest(place, kind) != recorded:
            raise Unjudged(f"{path}: DVC's cache holds other bytes than the recorded ones: {place}")
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place, copy)


def remove(root: Path, path: str) -> None:
    """Delete an output. Raises Unjudged where it lies outside of the project."""
    target = root / path
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise Unjudged(f"the output {path} lies outside the project")
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def reproduce(
    folder: Path, names: Sequence[str], environment: dict[str, str], log: Callable[[str], None]
) -> str:
    """Run some stages and their dependencies, or all pipelines. Return DVC's error, if any."""
    command = [sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache"]
    errors: list[str] = []
    last: deque[str] = deque(maxlen=5)  # lines of the stage's own output
    process = subprocess.Popen(
        [*command, *(names or ["--all-pipelines"])],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        for line in process.stdout or ():
            if line.startswith("Running stage "):
                log(line.strip().replace("Running", "reproducing", 1))
                last.clear()
            elif line.lower().startswith("error:"):
                errors.append(line[len("error:") :].strip())
            elif line.strip() and not errors:
                last.append(f"  {line.rstrip()}")
        code = process.wait()
    finally:  # the whole group of processes ends
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for line in last if code else ():
        log(line)
    return "; ".join(errors) or f"exit code {code}" if code else ""
