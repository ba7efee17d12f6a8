"""A damaged dvc.lock is restored where nothing is lost, or gets one line before DVC reads it."""

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


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run in a repository with a dvc.lock like this one's, but short; return its text."""
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    stages = re.split(r"(?m)^(?=  \S)", (ROOT / LOCK).read_text("utf-8"))
    all_but_two_dependencies = r"(?<=deps:\n)(?:    [- ].*\n)+(?=(?:    [- ].*\n){8}    params:)"
    LOCK.write_text(re.sub(all_but_two_dependencies, "", "".join(stages[:2])))
    git("init", "--quiet")
    git("add", "dvc.lock")
    git("commit", "--quiet", "--message", "results")
    monkeypatch.setattr(check, "committed_text", functools.cache(check.committed_text))
    return LOCK.read_text()


def git(*arguments: str) -> None:
    subprocess.run(("git", *arguments), check=True)


def message() -> str:
    """Check the dvc.lock in the current folder; empty where it has no fault."""
    try:
        check.check_lock(LOCK)
    except InputError as error:
        assert str(error).startswith("dvc.lock:") and "\n" not in str(error)
        return str(error)
    return ""


def loads_in_dvc(text: str) -> bool:
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except voluptuous.Invalid:
        return False
    return True


def test_a_lock_cut_anywhere_is_restored_from_the_commit_or_loads_in_dvc(committed: str) -> None:
    for length in range(0, len(committed), 10):
        LOCK.write_text(committed[:length])
        assert message() == ""
        text = LOCK.read_text()
        assert text == committed or (text == committed[:length] and loads_in_dvc(text)), length


def test_a_cut_lock_that_is_newer_than_the_commit_is_not_replaced(committed: str) -> None:
    newer, harmless = committed.replace("    cmd: PATH", "    cmd:  PATH", 1), 0
    for length in range(len("schema: '2.0'\nstages:\n") + 60, len(newer), 10):
        LOCK.write_text(newer[:length])
        if said := message():
            assert ": is cut short" in said and "`git checkout dvc.lock`" in said
        else:
            assert loads_in_dvc(newer[:length])
            harmless += 1
        assert LOCK.read_text() == newer[:length]
    assert harmless < len(newer) / 100


def test_a_cut_that_dvc_can_read_ends_in_the_same_lock(project: Project) -> None:
    """DVC takes it for a project in which a stage was not run to its end."""
    lock = project.root / LOCK
    head, *stages = re.split(r"(?m)^(?=  \S)", lock.read_text())
    whole = head + "".join(sorted(stages, reverse=True))
    assert whole.rindex("  generate@noisy:") < whole.rindex("    - path")
    lock.write_text(whole[: whole.rindex("    - path")])
    assert "no mistakes" in project.run("python", "-m", "stages.check")
    project.run("dvc", "repro")
    assert lock.read_text() == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stages: {}\n",
        "schema: '3.0'\nstages: {}\n",
        "a: 1\n<<<<<<< HEAD\n=======\n>>>>>>> b\n",
    ],
)
def test_what_is_no_lock_and_in_no_commit_gets_one_line(committed: str, text: str) -> None:
    git("rm", "--quiet", "--cached", "dvc.lock")
    git("commit", "--quiet", "--message", "no lock")
    LOCK.write_text(text)
    assert "delete it" in message()
    LOCK.unlink()
    assert message() == ""


def test_a_series_that_was_not_pulled_gets_one_line_before_any_work(project: Project) -> None:
    """DVC alone would name the dangling link to it, and no remedy."""
    project.edit("params.yaml", "models:\n", MEASURED + "models:\n")
    (project.root / "sales.csv.dvc").touch()
    done = project.try_("python", "-m", "stages.check")
    assert done.returncode == 2
    assert done.stderr == "error: sales.csv: no such file; get it with `dvc pull sales.csv`\n"
