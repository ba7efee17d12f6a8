"""Whatever stops a stage, its outputs are whole: the new ones or the old ones."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, Project, outputs
from tests.processes import HALTING_DVC, INTERRUPTED, script, start, wait_for

# A `python` that kills itself, or its whole process group, when a stage puts an output into its
# place for the (LEFT + 1)th time. `python -Em` is imitated, since the stage runs in this process.
DEADLY = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import os, runpy, signal, sys

left = int(os.environ["LEFT"])
replace = os.replace

def replace_or_die(source, target):
    global left
    if not left:
        os.kill(-os.getpgrp() if os.environ["WHO"] == "all" else os.getpid(), signal.SIGKILL)
    left -= 1
    replace(source, target)

os.replace = replace_or_die
del sys.argv[: sys.argv.index("-Em") + 1]
sys.path[0] = os.getcwd()
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(("who", "left"), [("the stage", 0), ("all", 1)])
def test_a_run_killed_while_it_writes_ends_in_the_same_lock(
    project: Project, tmp_path: Path, who: str, left: int
) -> None:
    lock = (project.root / "dvc.lock").read_bytes()
    before = outputs(project)
    script(tmp_path / "bin/python", DEADLY.format(python=sys.executable))
    path = f"{tmp_path / 'bin'}:{ENVIRONMENT['PATH']}"
    command = ("dvc", "repro", "--force", "train@linear")
    running = start(project, *command, PATH=path, LEFT=str(left), WHO=who)
    running.communicate()
    assert running.returncode == (-signal.SIGKILL if who == "all" else 255)
    after = {path: data for path, data in outputs(project).items() if ".partial" not in path}
    assert after == before
    project.run("dvc", "repro")
    assert (project.root / "dvc.lock").read_bytes() == lock
    assert project.run("git", "status", "--porcelain") == ""


def test_a_lock_cut_short_is_restored_by_the_next_run(project: Project, tmp_path: Path) -> None:
    lock = (project.root / "dvc.lock").read_bytes()
    script(tmp_path / "dvc", HALTING_DVC)
    running = start(project, str(tmp_path / "dvc"), "repro", "--force", "train@linear")
    wait_for((project.root / "halted").exists, running)
    running.kill()
    running.communicate()
    (project.root / "halted").unlink()
    assert len((project.root / "dvc.lock").read_bytes()) < len(lock)
    assert "no mistakes" in project.run("python", "-m", "stages.check")
    assert (project.root / "dvc.lock").read_bytes() == lock
    assert project.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("moment", ["while torch is imported", "while it trains"])
def test_ctrl_c_ends_a_stage_with_one_line(project: Project, moment: str) -> None:
    before = outputs(project)
    project.edit("params.yaml", "iterations: 4,", "iterations: 10_000_000,")
    command = "train gru data/noisy.npz --out models/gru.safetensors --curve reports/gru.csv"
    running = start(project, sys.executable, "-m", *f"stages.{command}".split())
    if moment == "while it trains":
        while "iteration" not in running.stdout.readline():
            assert running.poll() is None
    maps = Path(f"/proc/{running.pid}/maps")
    wait_for(lambda: "libtorch" in maps.read_text(), running)
    running.send_signal(signal.SIGINT)
    _, message = running.communicate(timeout=60)
    assert message == INTERRUPTED
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
        done = project.try_("python", "-m", "stages.generate", "phases", "--out", str(old), *report)
        assert done.returncode == 2
        assert done.stderr == f"error: {old}: cannot be written: No space left on device\n"
        assert old.read_bytes() == b"old" and not list(small.glob("*.partial"))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_no_variable_and_no_file_of_the_user_takes_the_place_of_code(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, command = outputs(project), project.commands()["train@stable"]
    for name in ("torch", "numpy", "random", "platform", "typing", "secrets"):
        (project.root / f"{name}.py").write_text("raise SystemExit('a file of the user')\n")
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/__init__.py").write_text("raise SystemExit('other code')\n")
    variables = {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(tmp_path), "PYTHONOPTIMIZE": "2"}
    for key, value in variables.items():
        monkeypatch.setitem(ENVIRONMENT, key, value)
    project.run("sh", "-c", command)
    assert outputs(project) == before
    assert project.run("git", "diff", "HEAD") == ""


def test_a_stage_does_not_run_the_code_of_another_folder(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = project.clone(tmp_path / "copy")
    # Together they put another folder before the current one.
    monkeypatch.setitem(ENVIRONMENT, "PYTHONSAFEPATH", "1")
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", str(project.root))
    stage = ("stages.generate", "phases", "--out", "data/phases.npz", "--report", "data")
    done = copy.try_("python", "-m", *stage)
    assert done.returncode == 2
    foreign = f"error: the imported package {project.root / 'stages'} is not the one under"
    assert done.stderr.startswith(foreign)
