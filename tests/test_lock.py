"""A damaged dvc.lock gets one line before DVC reads it, or is restored where nothing is lost."""

import functools
import re
import subprocess
from pathlib import Path

import pytest
import voluptuous
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML

from stages import check
from stages.files import InputError
from tests.conftest import ENVIRONMENT, ROOT, Project

LOCK = Path("dvc.lock")
MEASURED = (
    "  sales: {csv: sales.csv, column: units, season: 12, validation: 36, test: 36, "
    "warmup: 36, horizon: 12}\n"
)
MESSAGE = f"dvc.lock: is cut short, or holds other than what DVC writes; {check.REMEDY}"


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run in a repository with a dvc.lock like this one's, but short; return its text."""
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    stages = re.split(r"(?m)^(?=  \S)", (ROOT / LOCK).read_text("utf-8"))
    all_but_two_dependencies = r"(?<=deps:\n)(?:    [- ].*\n)+(?=(?:    [- ].*\n){8}    params:)"
    LOCK.write_text(re.sub(all_but_two_dependencies, "", "".join(stages[:3])))
    git("init", "--quiet")
    git("add", "dvc.lock")
    git("commit", "--quiet", "--message", "results")
    monkeypatch.setattr(check, "committed_text", functools.cache(check.committed_text))
    return LOCK.read_text()


def git(*arguments: str) -> None:
    subprocess.run(("git", *arguments), check=True)


def fault() -> str:
    """Check the dvc.lock in the current folder; empty where it has no fault."""
    try:
        check.check_lock(LOCK)
    except InputError as error:
        return str(error)
    return ""


def changed(lock: str) -> str:
    """Write a lock in which the first stage is another one than in the last commit."""
    return lock.replace("    cmd: PATH", "    cmd:  PATH", 1)


def loads_in_dvc(text: str) -> bool:
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except voluptuous.Invalid:
        return False
    return True


def test_a_lock_cut_anywhere_is_mended_from_the_commit_or_harmless(committed: str) -> None:
    for length in range(0, len(committed), 10):
        LOCK.write_text(committed[:length])
        assert fault() == ""
        left = LOCK.read_text()
        assert left == committed or (left == committed[:length] and loads_in_dvc(left)), length


def test_a_lock_that_is_cut_and_newer_than_the_commit_gets_one_line(committed: str) -> None:
    """Nothing is mended in silence where that may lose what a stage made."""
    newer, harmless = changed(committed), 0
    for length in range(len("schema: '2.0'\nstages:\n") + 60, len(newer), 10):
        LOCK.write_text(newer[:length])
        if said := fault():
            assert said == MESSAGE
        else:
            assert loads_in_dvc(newer[:length])
            harmless += 1
        assert LOCK.read_text() == newer[:length]
    assert harmless < len(newer) / 100


def test_a_harmless_cut_ends_in_the_same_lock(project: Project) -> None:
    """DVC takes it for a project in which some stages were not run, and one not to its end."""
    lock = project.root / LOCK
    whole = lock.read_text()
    lines = whole.splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if line.startswith("  ") and line[2] != " "]
    outs = lines.index("    outs:\n", starts[-3])
    within = next(i for i in range(outs + 2, starts[-2]) if lines[i].startswith("    - path"))
    lock.write_text("".join(lines[:within]))
    assert check.is_readable(lock.read_text())
    project.run("dvc", "repro")
    assert lock.read_text() == whole


@pytest.mark.parametrize(
    "text", ["", "stages: {}\n", "- 1\n", "schema: '3.0'\nstages: {}\n", "a: 1\n<<<<<<< HEAD\n"]
)
def test_what_is_no_lock_gets_one_line_with_a_remedy(committed: str, text: str) -> None:
    LOCK.write_text(text)
    if committed.startswith(text):
        assert fault() == "" and LOCK.read_text() == committed
    git("rm", "--quiet", "--cached", "dvc.lock")
    git("commit", "--quiet", "--message", "no lock")
    check.committed_text.cache_clear()
    LOCK.write_text(text)
    assert fault() == MESSAGE
    LOCK.unlink()
    assert fault() == ""


def test_a_series_that_was_not_pulled_gets_one_line_before_any_work(project: Project) -> None:
    """DVC alone would name the dangling link to it, and no remedy."""
    project.edit("params.yaml", "models:\n", MEASURED + "models:\n")
    (project.root / "sales.csv.dvc").touch()
    done = project.try_("python", "-m", "stages.check")
    assert done.returncode == 2
    assert done.stderr == "error: sales.csv: no such file; `dvc pull sales.csv` brings it\n"


def test_the_check_prints_one_line(project: Project) -> None:
    lock = project.root / "dvc.lock"
    whole = lock.read_text()
    lock.write_text(changed(whole)[:-20])
    done = project.try_("python", "-m", "stages.check")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == f"error: {MESSAGE}\n"
    lock.write_text(whole[:-20])
    assert project.run("python", "-m", "stages.check") == "params.yaml, dvc.lock: no mistakes\n"
    assert project.run("git", "status", "--porcelain") == ""
