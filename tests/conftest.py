"""Projects for the tests: the code of this repository with a small `params.yaml`, run by DVC."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import networkx
import pytest
from dvc.repo import Repo

ROOT = Path(__file__).parents[1]
# A shell starts background jobs with SIGINT ignored, and so would all that is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Few steps a period, and so few steps to evaluate.
SMALL = """\
datasets:
  phases:
    {seed: 2, sequences: 8, test_sequences: 4, validation_sequences: 4, span: 30.0, warmup: 20,
     periods: 5}
  noisy:
    {seed: 4, sequences: 8, test_sequences: 4, validation_sequences: 4, steps: 60, span: 36.0,
     frequency: [0.8, 1.6], amplitude: [0.5, 1.5], noise: 0.02, warmup: 30, periods: 3}
models:
  linear: {dataset: phases, cell: linear}
  stable:
    {dataset: phases, cell: rnn, hidden_size: 4, attempts: 1,
     training: [{phase: ridge, sequences: 8}]}
  gru:
    {dataset: noisy, cell: gru, hidden_size: 3, num_layers: 2, attempts: 1,
     training: [{phase: adam, iterations: 4, learning_rate: 0.01, batch: 4}]}
  innovation:
    {dataset: noisy, cell: innovation, hidden_size: 2, products: 2, attempts: 1,
     training: [{phase: levenberg_marquardt, warmup: 20, free_steps: [1, 5], sequences: 4,
                 noise: 0.01, iterations: 2}]}
  sine_fit: {dataset: noisy, cell: sine_fit}
plot: {hero: [linear, stable], one_sine: [stable], any_sine: innovation}
"""
# Runs stages one after the other in one process: libraries are imported once.
RUNNER = """\
import runpy, shlex, sys
for command in sys.argv[1:]:
    module, *arguments = shlex.split(command.partition("python -Em ")[2])
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
# `make test` is no part of the make that is tested.
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in OF_MAKE},
    "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    "PYTHONPATH": "",
    "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{
        f"GIT_{who}_{what}": "tester@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
}


class Project:
    """A repository in a folder, and the commands that are run there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def try_(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command; give its output and its exit code."""
        return subprocess.run(
            command, cwd=self.root, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )

    def run(self, *command: str) -> str:
        """Run a command that must succeed; give its output."""
        done = self.try_(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def repository(self) -> Iterator[Repo]:
        """Open it with DVC in this process: a `dvc` of its own costs a second."""
        with contextlib.chdir(self.root), warnings.catch_warnings(action="ignore"), Repo() as repo:
            yield repo

    def changed_stages(self) -> set[str]:
        """List the stages whose code, parameters or files differ from dvc.lock, as `dvc status`."""
        with self.repository() as repo:
            return set(repo.status())

    def commands(self) -> dict[str, str]:
        """List the command of each stage, in an order in which they can run."""
        with self.repository() as repo:
            stages = [*networkx.topological_sort(repo.index.graph)]
        return {stage.name: stage.cmd for stage in reversed(stages)}

    def run_stages(self, environment: Mapping[str, str] = ENVIRONMENT) -> None:
        """Run all stages without DVC, in one process."""
        command = (sys.executable, "-c", RUNNER, *self.commands().values())
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file."""
        file = self.root / path
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def publish(self) -> None:
        """Run all stages, and commit their results to DVC and Git."""
        self.run_stages()
        with self.repository() as repo:
            repo.commit(force=True)
        self.commit("results")

    def clone(self, target: Path) -> "Project":
        """Copy the whole folder, with its Git history and its DVC cache."""
        shutil.copytree(self.root, target, symlinks=True)
        return Project(target)


def outputs(project: Project) -> dict[str, bytes]:
    """Read the content of every output, by path."""
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for folder in ("data", "models", "reports")
        for path in sorted((project.root / folder).rglob("*"))
        if path.is_file() and path.name != ".gitignore"
    }


def make_project(root: Path, params: str = SMALL) -> Project:
    """Copy the code of this repository to `root`, with other parameters and no results."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    listed = subprocess.check_output(command, cwd=ROOT, text=True)
    for name in filter(None, listed.split("\0")):
        if not name.startswith("reports/") and name != "dvc.lock" and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    (root / "params.yaml").write_text(params)
    project = Project(root)
    # Figures of few pixels take half the time.
    project.edit("stages/reporting/figures.mplstyle", "figure.dpi: 200", "figure.dpi: 20")
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    project.commit("code")
    return project


def loaded_by(program: str, folder: Path = ROOT, *arguments: str) -> set[str]:
    """List the packages that a Python program has loaded when it ends."""
    program += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    command = (sys.executable, "-c", program, *arguments)
    return set(Project(folder).run(*command).splitlines()[-1].split())


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """A small pipeline that was run and committed; copy it before changing it."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":  # the workers of pytest-xdist share one
        folder = folder.parent
    root = folder / "a project" / "finished"
    root.parent.mkdir(exist_ok=True)
    with (root.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            project = make_project(root.with_name("unfinished"))
            project.publish()
            project.root.rename(root)
    return Project(root)


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished pipeline, free to be changed."""
    return finished.clone(tmp_path / "project")
