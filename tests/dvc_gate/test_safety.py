"""No closed output, environment or fault changes an exit code."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.dvc_gate.conftest import ENVIRONMENT, GATE, METRICS, Project, changed, new_project
from tests.dvc_gate.test_check import A

WORSE = changed("run.rmse", 4.0)


def prepare(repo: Project, content: object) -> None:
    """Write metrics; None: delete the rules, so that there is no verdict."""
    if content is None:
        (repo.root / "gate.yaml").unlink()
    else:
        repo.write(A, content)


def test_the_exit_codes_and_the_files(repo: Project) -> None:
    kinds = [f"--{kind}={kind}.out" for kind in ("markdown", "json", "junit")]
    assert "held: none of 8 metrics fails" in repo.gate("check", *kinds, code=0)
    assert '"verdict": "held"' in (repo.root / "json.out").read_text()
    repo.write(A, WORSE)
    output = repo.gate("check", *kinds, code=1)
    assert "regressed: 1 of 8 metrics fails" in output and "\x1b" not in output
    assert ElementTree.parse(repo.root / "junit.out").getroot().get("failures") == "1"
    output = repo.gate("check", "--baseline", "nowhere", *kinds, code=2)
    expected = "unknown Git revision 'nowhere'; give one with --baseline REV"
    assert output == f"error: {expected}\n"
    for kind in ("markdown", "json", "junit"):
        assert "nowhere" in (repo.root / f"{kind}.out").read_text()
    assert ElementTree.parse(repo.root / "junit.out").getroot().get("errors") == "1"


def test_the_command_line_teaches(repo: Project) -> None:
    for words in ([], ["chekc"], ["check", "--limit", "3"], ["calibrate"]):
        assert "usage" in repo.gate(*words, code=2)
    for word in ("check", "verify", "calibrate", "init"):
        assert "exit codes: 0 held" in repo.gate(word, "--help", code=0)


@pytest.mark.parametrize(
    ("sink", "content", "code"),
    [
        ("", METRICS, 0),  # a broken pipe
        ("", WORSE, 1),
        (">&-", METRICS, 0),
        (">/dev/full", WORSE, 1),
        (">&- 2>&-", None, 2),
    ],
)
def test_a_closed_or_full_output_changes_no_verdict(
    repo: Project, sink: str, content: object, code: int
) -> None:
    prepare(repo, content)
    read, write = os.pipe()
    os.close(read)
    command = ("sh", "-c", f'"$0" -m dvc_gate check --json out.json {sink}', sys.executable)
    options = {"cwd": repo.root, "env": ENVIRONMENT, "stdout": write, "stderr": subprocess.PIPE}
    done = subprocess.run(command, **options)
    os.close(write)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr
    assert (repo.root / "out.json").stat().st_size > 0, "reports are written before printing"


@pytest.mark.parametrize(
    ("more", "content", "code"),
    [
        ({"PYTHONIOENCODING": "ascii"}, METRICS, 0),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, WORSE, 1),
        ({"LC_ALL": "xx_YY.nonsense", "TERM": "dumb", "COLUMNS": "0"}, METRICS, 0),
        ({"PYTHONIOENCODING": "utf-16", "HOME": "/nonexistent"}, None, 2),
    ],
    ids=str,
)
def test_no_locale_changes_a_verdict(
    repo: Project, more: dict[str, str], content: object, code: int
) -> None:
    prepare(repo, content)
    repo.edit("params.yaml", "a: {size: 1}", "a: {size: 1, name: Åsa ≤ 3}")
    done = subprocess.run((*GATE, "check"), env={**ENVIRONMENT, **more}, capture_output=True)
    assert done.returncode == code and b"Traceback" not in done.stderr


@pytest.mark.parametrize("package", ["pydantic", "dvc"])
def test_a_missing_package_is_2(repo: Project, package: str, tmp_path: Path) -> None:
    (tmp_path / f"{package}.py").write_text("raise ModuleNotFoundError('No module like that')")
    path = os.pathsep.join((str(tmp_path), ENVIRONMENT["PYTHONPATH"]))
    done = repo.try_(*GATE, "check", PYTHONPATH=path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "No module like that" in done.stderr


def test_a_report_that_cannot_be_written_is_no_verdict(repo: Project) -> None:
    for path in ("gate.yaml/x", "."):
        assert "cannot be written" in repo.gate("check", "--json", path, code=2)
    assert "held" in repo.run(*GATE, "check", "--json", "/dev/stdout")


def test_in_a_hook_the_repository_around_is_judged(repo: Project, tmp_path: Path) -> None:
    other = new_project(tmp_path / "other")
    names = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
    repo.gate("check", code=0, **dict.fromkeys(names, str(other.root / ".git")))
    repo.write(".git/hooks/pre-commit", f'#!/bin/sh\nexec "{sys.executable}" -m dvc_gate check\n')
    (repo.root / ".git/hooks/pre-commit").chmod(0o755)
    repo.write(A, WORSE)
    assert repo.try_("git", "commit", "--quiet", "-am", "worse").returncode == 1
    repo.write(A, changed("run.rmse", 1.1))
    repo.commit("held")


def test_bisect_finds_the_commit(repo: Project) -> None:
    good = repo.git("rev-parse", "HEAD")
    names = []
    for index in range(4):
        repo.write("note", str(index))
        if index == 1:
            repo.write("dvc.yaml", "stages: [")  # no verdict: bisect skips this commit
        if index == 2:
            repo.git("checkout", "HEAD~1", "--", "dvc.yaml")
            repo.write(A, WORSE)
        names.append(repo.commit(str(index)))
    repo.git("bisect", "start", "HEAD", good)
    words = ("check", "--baseline", good, "--unjudged-exit", "125")
    output = repo.try_("git", "bisect", "run", *GATE, *words).stdout
    assert "first bad commit" in output and names[2] in output


def test_a_partial_clone_fetches_objects_or_fails(repo: Project, tmp_path: Path) -> None:
    repo.write(A, changed("run.rmse", 1.01))
    repo.commit("another blob than any of HEAD")
    repo.write(A, WORSE)
    repo.commit("worse")
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    clone = Project(tmp_path / "clone")
    repo.git("clone", "--quiet", "--filter=tree:0", f"file://{repo.root}", str(clone.root))
    offline = clone.copy(tmp_path / "offline")
    assert "run.rmse" in clone.gate("check", code=1)
    offline.git("remote", "set-url", "origin", "file:///nowhere")
    assert offline.gate("check", code=2).startswith("error: ")
