"""Re-make a commit's results from nothing and compare them with its dvc.lock.

The revision is cloned into an empty folder with an empty DVC cache; the outputs that stand in Git
are deleted there, the pipeline is run, and all that it wrote is compared with what was committed.
It is no stage of dvc.yaml: DVC takes dvc.lock at its word and would skip it, and its subject is a
commit, not the files of the workspace. Exit codes: 0 identical, 1 different, 2 could not run.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import stages
from stages import files
from stages.core import sides
from stages.files import InputError
from stages.settings import document, entry

DIFFERENT = 1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Lock = dict[str, dict[str, Any]]  # what dvc.lock has of each stage, by the stage's name


@dataclass(frozen=True)
class Verdict:
    """One stage of the commit, re-made.

    outputs: how many were compared. differences: what is not as committed, a phrase each;
    outputs_differ: whether outputs are among them.
    """

    stage: str
    outputs: int
    differences: list[str]
    outputs_differ: bool


def compare(committed: Lock, remade: Lock, changed: dict[str, str]) -> list[Verdict]:
    """Compare the two locks, stage by stage in the order in which DVC made them.

    changed: what Git says of paths whose file in the commit is not the one that was re-made.
    """
    verdicts = []
    for name, after in remade.items():
        before = committed.get(name)
        if before is None:
            verdicts.append(Verdict(name, 0, ["is not in dvc.lock"], True))
            continue
        outputs = by_path(after, "outs")
        differ = unequal(by_path(before, "outs"), outputs)
        stale = [path for path in outputs if path in changed and path not in differ]
        inputs = unequal(by_path(before, "deps"), by_path(after, "deps"))
        settings = unequal(settings_of(before), settings_of(after))
        found = [f"another {', '.join(differ)}"] if differ else []
        found += [f"{path} {changed[path]}, though dvc.lock has it right" for path in stale]
        found += [f"made from another {', '.join(inputs)}"] if inputs else []
        found += [f"made with other parameters {', '.join(settings)}"] if settings else []
        if before.get("cmd") != after.get("cmd"):
            found.append("made by another command")
        verdicts.append(Verdict(name, len(outputs), found, bool(differ or stale)))
    return verdicts


def by_path(stage: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a stage's `deps` or `outs`, by path."""
    return {item["path"]: item for item in stage.get(kind, [])}


def settings_of(stage: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a stage's parameters, by the name that dvc.yaml has for them."""
    return {key: value for each in stage.get("params", {}).values() for key, value in each.items()}


def unequal(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the keys whose values differ, or that one of the two lacks."""
    missing = object()
    return [
        key for key in {**after, **before} if before.get(key, missing) != after.get(key, missing)
    ]


def read_lock(path: Path) -> Lock:
    """Read a dvc.lock; raises InputError where it is missing or not one."""
    made = document.load(path).value.get("stages")
    if not isinstance(made, dict) or not all(isinstance(stage, dict) for stage in made.values()):
        raise InputError(f"{path.name}: has no `stages`; is it what `dvc repro` wrote?")
    return made


def run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a command to its end and return what it printed; raises InputError where it fails."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        fatal = [line for line in said if line.lower().startswith(("fatal", "error"))]
        raise InputError(f"`{' '.join(command)}` failed: {(fatal or said)[0]}")
    return done.stdout


@contextmanager
def stopped_with_us(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a command in a process group of its own; end the whole group when the block ends."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def reproduce(clone: Path, names: Sequence[str], environment: dict[str, str]) -> None:
    """Run the pipeline in the clone; raises InputError where a stage fails."""
    command = [sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache", *names]
    shown: set[str] = set()
    errors: list[str] = []
    with stopped_with_us(
        command,
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout:
            if line.startswith(("Running stage ", "note: ")) and line not in shown:
                print(line.strip().replace("Running", "re-making", 1), file=sys.stderr)
                shown.add(line)
            elif line.lower().startswith("error:"):
                errors.append(line[len("error:") :].strip())
        code = process.wait()
    if code:
        raise InputError(f"`dvc repro` failed: {'; '.join(errors) or f'exit code {code}'}")


def clone_environment(folder: Path, local_to_repository: Sequence[str]) -> dict[str, str]:
    """Return the environment for git and DVC: nothing of it leads to another cache or repository.

    The pins of this process are left out: the commit's own code has to set them.
    """
    dropped = {*stages.PINNED_ENVIRONMENT, *local_to_repository}
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in dropped and not key.startswith(("DVC_", "PYTHON"))
    }
    return kept | {
        # The stages' `python` is the one that runs this.
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
        "DVC_GLOBAL_CONFIG_DIR": str(folder / "config"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder / "config"),
        "DVC_SITE_CACHE_DIR": str(folder / "site-cache"),
        "DVC_NO_ANALYTICS": "1",
        "TMPDIR": str(folder),
    }


def clone_revision(commit: str, clone: Path, environment: dict[str, str]) -> None:
    """Clone the repository of the current folder at a commit, with a DVC cache of its own."""
    git = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false"]
    source = str(Path.cwd())
    run(
        [*git, "clone", "--quiet", "--shared", "--no-checkout", source, str(clone)],
        Path.cwd(),
        environment,
    )
    run([*git, "checkout", "--quiet", "--detach", commit], clone, environment)
    cache = json.dumps(str(clone / ".dvc" / "cache"))
    (clone / ".dvc" / "config.local").write_text(
        f"[core]\n    autostage = false\n    check_update = false\n[cache]\n    dir = {cache}\n"
    )


def remove(clone: Path, path: str) -> None:
    """Delete an output in the clone; raises InputError where its path leads out of it."""
    target = clone / path
    if not target.resolve().is_relative_to(clone.resolve()):
        raise InputError(f"dvc.lock: the output {path} lies outside the repository")
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def verify(
    commit: str, names: Sequence[str], folder: Path, environment: dict[str, str]
) -> tuple[list[Verdict], dict[str, Any]]:
    """Re-make a commit in an empty folder.

    names: the stages to re-make, with what they need; all where none is named. Returns a verdict
    on each stage and the metrics that moved: {path: {metric: {"old", "new"}}}.
    Raises InputError where the commit cannot be cloned or run.
    """
    clone = folder / "clone"
    clone_revision(commit, clone, environment)
    committed = read_lock(clone / "dvc.lock")
    (clone / "dvc.lock").unlink()
    before = {path for stage in committed.values() for path in by_path(stage, "outs")}
    for path in before:
        remove(clone, path)
    reproduce(clone, names, environment)
    remade = read_lock(clone / "dvc.lock")
    if not names and (gone := sorted(committed.keys() - remade.keys())):
        print(f"note: not verified, no longer in dvc.yaml: {', '.join(gone)}", file=sys.stderr)
    changed = changed_in_git(clone, environment)
    verdicts = compare(committed, remade, changed)
    after = {path for stage in remade.values() for path in by_path(stage, "outs")}
    if others := sorted(changed.keys() - before - after - {"dvc.lock"}):
        found = [f"{path} {changed[path]}" for path in others]
        verdicts.append(Verdict("no stage's output", len(others), found, True))
    if not any(verdict.differences for verdict in verdicts):
        return verdicts, {}
    diff = run([sys.executable, "-m", "dvc", "metrics", "diff", "--json"], clone, environment)
    return verdicts, {path: moved for path, moved in json.loads(diff).items() if path in after}


def changed_in_git(clone: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return what Git says of each path that is not as in the commit."""
    listed = run(["git", "status", "--porcelain", "-z", "-uall"], clone, environment)
    entries = [entry for entry in listed.split("\0") if entry]
    return {
        entry[3:]: "is not in the commit" if entry.startswith("??") else "is another in the commit"
        for entry in entries
    }


def report(verdicts: list[Verdict], moved: dict[str, Any]) -> list[str]:
    """Return a line for each stage; then the first whose outputs differ, and how metrics moved."""
    width = max(len(verdict.stage) for verdict in verdicts)
    lines = []
    for verdict in verdicts:
        count = f"{verdict.outputs} output{'s' if verdict.outputs != 1 else ''}"
        word = "DIFFERENT" if verdict.outputs_differ else "stale" if verdict.differences else "same"
        lines.append(
            f"{word:9}  {verdict.stage:{width}}  {'; '.join(verdict.differences) or count}"
        )
    if first := first_different(verdicts):
        lines.append(f"first stage whose outputs differ: {first}")
    for path, metrics in moved.items():
        for name, values in metrics.items():
            lines.append(f"{path}: {name} is {values.get('new')}, committed {values.get('old')}")
    if not any(verdict.differences for verdict in verdicts):
        outputs = sum(verdict.outputs for verdict in verdicts)
        lines.append(f"all {outputs} outputs are those of dvc.lock, byte for byte")
    return lines


def first_different(verdicts: list[Verdict]) -> str | None:
    """Return the name of the first stage, in the order of the data, whose outputs differ."""
    return next((verdict.stage for verdict in verdicts if verdict.outputs_differ), None)


def end(signum: int, _: object) -> None:
    """Leave by way of every `finally`, undisturbed: end the pipeline and remove the clone."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    print("interrupted: nothing was verified, and nothing is left behind", file=sys.stderr)
    sys.exit(128 + signum)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rev", default="HEAD", help="the commit to verify (default: HEAD)")
    parser.add_argument(
        "--stage", nargs="+", default=[], metavar="NAME", help="these stages and what they need"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdict to FILE")
    arguments = parser.parse_args()
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, end)

    here = Path.cwd()
    local = run(["git", "rev-parse", "--local-env-vars"], here, dict(os.environ)).split()
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        environment = clone_environment(Path(name), local)
        uncommitted = run(["git", "status", "--porcelain", "-uno"], here, environment)
        commit = sides.commit(arguments.rev)
        if uncommitted:
            print("note: the commit is verified, not the uncommitted changes", file=sys.stderr)
        verdicts, moved = verify(commit, arguments.stage, Path(name), environment)
    identical = not any(verdict.differences for verdict in verdicts)
    if arguments.json:
        result = {
            "commit": commit,
            "identical": identical,
            "first": first_different(verdicts),
            "stages": [asdict(verdict) for verdict in verdicts],
            "metrics": moved,
        }
        with files.whole(arguments.json) as partial:
            partial.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{arguments.rev} is {commit[:12]}", *report(verdicts, moved), sep="\n")
    sys.exit(0 if identical else DIFFERENT)


if __name__ == "__main__":
    entry.run(main)
