"""Whatever stops a stage, no half-written output is taken for a whole one, and none is lost."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, Project

# By hand: KILLS=20 python -m pytest tests/test_interruptions.py -k killed
KILLS = int(os.environ.get("KILLS", "3"))


def outputs(project: Project) -> dict[Path, bytes]:
    """Return every file in the folders of the outputs."""
    return {
        path: path.read_bytes()
        for folder in ("data", "models", "reports")
        for path in (project.root / folder).rglob("*")
        if path.is_file()
    }


def start(project: Project, *command: str) -> subprocess.Popen[str]:
    """Start a command in a process group of its own."""
    return subprocess.Popen(
        command,
        cwd=project.root,
        env=ENVIRONMENT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stage_processes(project: Project) -> list[int]:
    """Return the processes that run a stage in a project."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            if os.readlink(process / "cwd") == str(project.root) and b"-m" in command[:2]:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_a_run_killed_at_any_moment_ends_in_the_same_lock(project: Project) -> None:
    lock = (project.root / "dvc.lock").read_bytes()
    before = outputs(project)
    moments = random.Random(4)
    stages_killed = 0
    for kill in range(KILLS):
        running = start(project, "dvc", "repro", "--force", "train@linear")
        time.sleep(moments.uniform(0.5, 4))
        if kill % 2:  # the stage alone: DVC sees it fail
            for process in stage_processes(project):
                os.kill(process, signal.SIGKILL)
                stages_killed += 1
        if running.poll() is None and not kill % 2:  # and DVC with it
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        for path, content in outputs(project).items():
            assert path.suffix == ".partial" or content == before[path], "a half-written output"
    project.run("dvc", "repro")
    assert (project.root / "dvc.lock").read_bytes() == lock
    assert project.run("git", "status", "--porcelain") == ""
    print(f"{KILLS} kills, {stages_killed} of a stage alone")


@pytest.mark.parametrize("moment", ["while torch is imported", "while it trains"])
def test_ctrl_c_says_so_in_one_line(project: Project, moment: str) -> None:
    before = outputs(project)
    project.edit("params.yaml", "iterations: 20", "iterations: 10_000_000")
    command = "train stable data/phases.npz --out models/stable.safetensors --curve reports/c.csv"
    running = start(project, sys.executable, "-m", *f"stages.{command}".split())
    if moment == "while it trains":
        assert "iteration" in running.stdout.readline()
    while "libtorch" not in Path(f"/proc/{running.pid}/maps").read_text():
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert said == "interrupted: the old outputs were left as they were\n"
    assert running.returncode == 130
    assert outputs(project) == before


def test_a_full_disk_is_one_line_and_the_old_outputs_stay(project: Project) -> None:
    small = project.root / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no small file system can be mounted here: it takes root")
    try:
        old = small / "phases.npz"
        old.write_bytes(b"old")
        (small / "filler").write_bytes(bytes(4096))
        report = ("--report", "reports/datasets/phases")
        said = project.try_("python", "-m", "stages.generate", "phases", "--out", str(old), *report)
        assert said.returncode == 2
        assert said.stderr == f"error: {old}: cannot be written: No space left on device\n"
        assert old.read_bytes() == b"old" and not list(small.glob("*.partial"))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_an_experiment_does_not_run_the_code_of_the_workspace(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (project.root / "stages/generate.py").open("a") as code:
        code.write("# edited\n")
    # Together they put another folder before the current one.
    monkeypatch.setitem(ENVIRONMENT, "PYTHONSAFEPATH", "1")
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", str(project.root))
    said = project.try_("dvc", "exp", "run", "--temp", "generate@phases")
    assert said.returncode != 0
    foreign = f"error: the imported package {project.root / 'stages'} is not the one under"
    assert foreign in said.stderr
