"""`python -m stages.verify` finds every way in which a commit's results are not its code's."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.settings import document
from tests.conftest import ENVIRONMENT, Project

VERIFY = (sys.executable, "-m", "stages.verify")


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def forge(project: Project, path: str, content: bytes) -> None:
    """Replace an output, and its hash and size wherever dvc.lock names them."""
    file, lock = project.root / path, project.root / "dvc.lock"
    old = md5(file)
    file.unlink()  # not through a link into the cache
    file.write_bytes(content)
    text = lock.read_text()
    assert old in text
    lock.write_text(
        re.sub(rf"md5: {old}\n( +)size: \d+", rf"md5: {md5(file)}\n\1size: {len(content)}", text)
    )


def verify(project: Project, *arguments: str, code: int) -> str:
    """Run verify, expect an exit code, and return all that it said."""
    done = project.try_(*VERIFY, *arguments)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_an_honest_commit_is_identical_and_nothing_is_left_behind(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setitem(ENVIRONMENT, "TMPDIR", str(tmp_path / "tmp"))
    project.edit("params.yaml", "seed: 2", "seed: 3")
    project.commit("a later commit, not verified")
    project.edit("params.yaml", "hidden_size: 4", "hidden_size: 5")  # not committed
    verdict = str(tmp_path / "verdict.json")
    said = verify(project, "--rev", "HEAD~1", "--stage", "train@stable", "--json", verdict, code=0)
    assert "not the uncommitted changes" in said
    assert "are those of dvc.lock, byte for byte" in said
    lock = document.load(project.root / "dvc.lock").value["stages"]
    assert json.loads(Path(verdict).read_text()) == {
        "commit": project.run("git", "rev-parse", "HEAD~1").strip(),
        "identical": True,
        "first": None,
        "stages": [
            {
                "stage": name,
                "outputs": len(lock[name]["outs"]),
                "differences": [],
                "outputs_differ": False,
            }
            for name in ("generate@phases", "train@stable")
        ],
        "metrics": {},
    }
    assert list((tmp_path / "tmp").iterdir()) == []
    assert project.run("git", "status", "--porcelain") == " M params.yaml\n"


def test_a_metric_changed_with_its_hash_is_found(project: Project) -> None:
    path = "reports/linear/metrics.json"
    metrics = json.loads((project.root / path).read_text())
    true = metrics["teacher_forced"]["rmse"]
    metrics["teacher_forced"]["rmse"] = 1e-9
    forge(project, path, (json.dumps(metrics, indent=2) + "\n").encode())
    project.commit("better")
    assert "up to date" in project.run("dvc", "status", "evaluate@linear")
    said = verify(project, "--stage", "evaluate@linear", code=1)
    lines = [line.split(maxsplit=2) for line in said.splitlines()]
    assert ["same", "train@linear", "2 outputs"] in lines
    assert ["DIFFERENT", "evaluate@linear", f"another {path}"] in lines
    assert "first stage whose outputs differ: evaluate@linear" in said
    assert f"{path}: teacher_forced.rmse is {true}, committed 1e-09" in said


def test_a_model_swapped_with_its_hash_is_found(project: Project) -> None:
    model = project.root / "models/linear.safetensors"
    forge(project, "models/linear.safetensors", model.read_bytes()[:-8] + b"\0" * 8)
    project.run("dvc", "commit", "--force", "train@linear")
    assert "up to date" in project.run("dvc", "status", "train@linear")
    with (project.root / "reports/linear/training.csv").open("a") as curve:
        curve.write("least_squares,2,1,0\n")
    project.commit("another model, and a nicer curve without its hash")
    said = verify(project, "--stage", "train@linear", code=1)
    assert "first stage whose outputs differ: train@linear" in said
    assert "another models/linear.safetensors" in said
    assert "reports/linear/training.csv is another in the commit" in said


def test_code_and_parameters_changed_without_running_are_found(project: Project) -> None:
    with (project.root / "stages/generate.py").open("a") as code:
        code.write("# edited\n")
    project.commit("the same outputs, but who knows")
    said = verify(project, "--stage", "generate@phases", code=1)
    assert re.search(r"^stale +generate@phases +made from another stages/generate.py$", said, re.M)
    assert "outputs differ" not in said
    project.edit("params.yaml", "seed: 2", "seed: 3")
    project.commit("other data")
    said = verify(project, "--stage", "generate@phases", code=1)
    assert "made with other parameters datasets.phases" in said
    assert "first stage whose outputs differ: generate@phases" in said


def test_what_a_poisoned_run_cache_gave_is_found(project: Project) -> None:
    # DVC keeps no run cache for outputs that persist or are in Git, as most of ours do.
    pipeline = project.root / "dvc.yaml"
    kept, persists = "- data/${key}.npz", r":\n +persist: true\n"
    text = re.sub(
        r" +- reports/datasets/.*\n +cache: false\n +persist: true\n", "", pipeline.read_text()
    )
    pipeline.write_text(re.sub(re.escape(kept) + persists, f"{kept}\n", text))
    project.run("dvc", "repro", "--force", "generate@phases")
    data, cache = project.root / "data/phases.npz", project.root / ".dvc/cache"
    honest, forged = md5(data), (project.root / "data/blog.npz").read_bytes()
    digest = hashlib.md5(forged).hexdigest()
    for entry in cache.glob("runs/*/*/*"):
        entry.chmod(0o644)
        entry.write_text(entry.read_text().replace(honest, digest))
    data.unlink()
    (project.root / "dvc.lock").unlink()
    assert "cached" in project.run("dvc", "repro", "generate@phases")
    assert md5(data) == digest
    project.commit("from the run cache")
    said = verify(project, "--stage", "generate@phases", code=1)
    assert "first stage whose outputs differ: generate@phases" in said


def test_what_cannot_be_verified_says_why_in_one_line(project: Project, tmp_path: Path) -> None:
    def line(*arguments: str) -> str:
        said = verify(project, *arguments, code=2).splitlines()
        assert [text for text in said if text.startswith("error: ")] == said[-1:]
        return said[-1]

    assert "unknown Git revision 'nonsense'" in line("--rev", "nonsense")
    assert "nonsense" in line("--stage", "nonsense")
    project.edit("params.yaml", "hidden_size: 4", "hidden_size: 0")
    project.commit("a stage that fails")
    assert "params.yaml:9: models.stable.hidden_size is 0" in line("--stage", "train@stable")
    project.run("git", "rm", "--quiet", "dvc.lock")
    project.commit("no lock")
    assert "dvc.lock" in line()
    (project.root / ".git").rename(tmp_path / "elsewhere")
    assert "not a git repository" in line()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_verification_leaves_nothing_behind(
    project: Project, tmp_path: Path, signum: signal.Signals
) -> None:
    here = tmp_path / "tmp"
    here.mkdir()
    process = subprocess.Popen(
        VERIFY,
        cwd=project.root,
        env=ENVIRONMENT | {"TMPDIR": str(here)},
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "train@" in line:  # a stage is running, three processes down
            break
    clone = next(here.glob("verify-*"))
    time.sleep(0.5)
    assert inside(clone)
    process.send_signal(signum)
    assert process.wait(20) == 128 + signum
    assert process.stderr.read().splitlines()[-1].startswith("interrupted: ")
    assert list(here.iterdir()) == []
    assert inside(clone) == []


def inside(folder: Path) -> list[str]:
    """Return the processes that work in a folder, zombies aside."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd").startswith(str(folder)):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found
