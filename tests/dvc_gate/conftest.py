"""Small repositories for the tests, with real Git and real DVC."""

import contextlib
import copy
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dvc_gate import command

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    "PYTHONPATH": str(ROOT),
    "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "tester"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "tester@example.org"),
}
GATE = (sys.executable, "-m", "dvc_gate")
PIPELINE = """\
stages:
  evaluate:
    foreach: ${models}
    do: {cmd: 'echo ${key}', metrics: ['reports/${key}/metrics.json': {cache: false}]}
"""
PARAMS = """\
models:
  a: {size: 1}
  b: {size: 1}
"""
RULES = """\
rules:
  - {metrics: 'run.*', file: reports/a/*, better: lower, limit: 5, abs_tol: 0.5, rel_tol: 0.1}
  - {metrics: 'run.*', better: lower, limit: 5}
  - {metrics: held, better: higher, abs_tol: 0.25}
informational: ['size']
"""
LOCK = """\
schema: '2.0'
stages:
  evaluate@a: {cmd: echo a, outs: [{path: reports/a/metrics.json, md5: 0}]}
  evaluate@b: {cmd: echo b, outs: [{path: reports/b/metrics.json, md5: 0}]}
"""
METRICS = {"size": 3, "held": 1.0, "run": {"rmse": 1.0, "mae": 2.0}}


class Project:
    """A repository in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def try_(self, *command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a command; `more` are environment variables."""
        options = {"cwd": self.root, "env": {**ENVIRONMENT, **more}, "timeout": 300}
        return subprocess.run(command, capture_output=True, text=True, **options)

    def run(self, *command: str) -> str:
        """Capture the output of a command that must succeed."""
        done = self.try_(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def git(self, *words: str) -> str:
        return self.run("git", *words).strip()

    def gate(self, *words: str, code: int, **more: Any) -> str:
        """Run dvc-gate in this process, expect an exit code, and capture all its output."""
        output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with (
            mock.patch.dict(os.environ, {**ENVIRONMENT, **more}, clear=True),
            contextlib.chdir(self.root),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
        ):
            try:
                result = command.main([*words])
            except SystemExit as error:  # argparse raises it
                result = error.code
        text = output.buffer.getvalue().decode()
        assert result == code and "Traceback" not in text, text
        return text

    def write(self, path: str, content: Any) -> None:
        """Write a text, bytes, or what JSON can hold."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        file.write_bytes(content)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the only occurrence of a text in a file."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1
        self.write(path, text.replace(old, new))

    def commit(self, message: str) -> str:
        """Commit everything. Return the commit's full name."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def copy(self, target: Path) -> "Project":
        """Copy the folder, with its Git history and its DVC cache."""
        shutil.copytree(self.root, target, symlinks=True)
        return Project(target)


def new_project(root: Path, folder: str = "") -> Project:
    """Make an empty repository with a DVC project in it or in a folder of it."""
    root.mkdir(parents=True)
    project = Project(root)
    project.git("init", "--quiet", "--initial-branch", "main")
    project.write(f"{folder}.dvc/config", "[core]\n    analytics = false\n")
    project.write(f"{folder}.dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
    return project


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Make a repository of two commits with the metrics of two models."""
    project = new_project(tmp_path_factory.mktemp("gate") / "judged")
    project.write("dvc.yaml", PIPELINE)
    project.write("params.yaml", PARAMS)
    project.write("gate.yaml", RULES)
    project.write("dvc.lock", LOCK)
    for model in ("a", "b"):
        project.write(f"reports/{model}/metrics.json", METRICS)
    project.commit("first")
    project.commit("second")
    return project


@pytest.fixture
def repo(judged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Copy it for one test, as the current folder; a test may change the folder further."""
    project = judged.copy(tmp_path / "repo")
    monkeypatch.chdir(project.root)
    return project


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """Make a repository of one commit from files, as the current folder."""

    def made(files: dict[str, Any], folder: str = "") -> Project:
        project = new_project(tmp_path / "made", folder)
        for path, content in files.items():
            project.write(path, content)
        project.commit("first")
        monkeypatch.chdir(project.root)
        return project

    return made


def changed(name: str, value: Any) -> dict[str, Any]:
    """Copy METRICS with one value replaced, or deleted where the value is `...`."""
    metrics = copy.deepcopy(METRICS)
    group, _, key = name.rpartition(".")
    node = metrics[group] if group else metrics
    node[key] = value
    if value is ...:
        del node[key]
    return metrics


def cache(project: Project, content: bytes, suffix: str = "", legacy: bool = False) -> str:
    """Put an object into the project's DVC cache. Return its name."""
    name = hashlib.md5(content).hexdigest() + suffix
    folder = ".dvc/cache" if legacy else ".dvc/cache/files/md5"
    project.write(f"{folder}/{name[:2]}/{name[2:]}", content)
    return name
