"""`calibrate` reads the experiments that DVC has, also those of other machines."""

from pathlib import Path

import pytest

from tests.dvc_gate.conftest import Project, new_project

PIPELINE = """\
stages:
  train:
    cmd: sh train.sh ${train.seed} ${train.scale}
    deps: [train.sh]
    params: [train]
    metrics:
      - out/metrics.json: {cache: false}
"""
TRAIN = (
    """mkdir -p out; printf '{"loss": %s.5, "scale": %s}' $(($1 * $2)) $2 > out/metrics.json\n"""
)
RULES = """\
rules:
  - {metrics: loss, better: lower, abs_tol: 2}
informational: [scale]
"""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A pipeline whose metric is its seed, and experiments with other seeds, scale and code.

    DVC makes the first; the others are commits under the same kind of reference.
    """
    project = new_project(tmp_path_factory.mktemp("calibrate") / "trained")
    project.write("dvc.yaml", PIPELINE)
    project.write("train.sh", TRAIN)
    project.write("params.yaml", "train: {seed: 2, scale: 1}\n")
    project.write("gate.yaml", RULES)
    project.run("dvc", "repro")
    base = project.commit("results")
    project.run("dvc", "exp", "run", "--name", "seed-9", "-S", "train.seed=9")
    project.git("checkout", "--quiet", ".")
    for name, seed, scale, comment in (
        ("seed-1", 1, 1, ""),
        ("scale", 2, 7, ""),
        ("code", 20, 1, "#"),
    ):
        project.write("params.yaml", f"train: {{seed: {seed}, scale: {scale}}}\n")
        project.write("out/metrics.json", {"loss": seed * scale + 0.5, "scale": scale})
        project.write("train.sh", TRAIN + comment)
        experiment = project.commit(name)
        project.git("update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name}", experiment)
        project.git("reset", "--quiet", "--hard", base)
    return project


@pytest.fixture
def repo(trained: Project, tmp_path: Path) -> Project:
    return trained.copy(tmp_path / "repo")


def test_the_spread_over_a_parameter_and_a_tolerance_inside_it(repo: Project) -> None:
    output = repo.gate("calibrate", "--over", "train.seed", code=0)
    assert "3 values of train.seed" in output
    assert "passed over: scale: train.scale" in output and "passed over: code: train.sh" in output
    printed = output[output.index("calibration:") : output.index("warning:")]
    assert "loss: [1.5, 2.5, 9.5]" in printed
    warnings = [line for line in output.splitlines() if line.startswith("warning:")]
    text = "out/metrics.json: loss: its tolerance is smaller than the spread: 1, 1 fail"
    assert warnings == [f"warning: {text}"]
    repo.write("gate.yaml", RULES.replace("abs_tol: 2", "abs_tol: 7") + printed)
    assert "warning" not in repo.gate("calibrate", "--over", "params.yaml:train.seed", code=0)
    repo.write("out/metrics.json", '{"loss": 90, "scale": 1}')
    assert "loss: 3 values of train.seed gave 1.5 to 9.5" in repo.gate("check", code=1)


def test_experiments_of_two_clones_meet_through_a_git_remote(repo: Project, tmp_path: Path) -> None:
    bare, clone = tmp_path / "bare.git", Project(tmp_path / "clone")
    repo.git("clone", "--quiet", "--bare", str(repo.root), str(bare))
    repo.run("dvc", "exp", "push", "--no-cache", str(bare), "seed-9")
    repo.git("clone", "--quiet", str(bare), str(clone.root))
    clone.run("dvc", "exp", "pull", "--no-cache", "origin", "seed-9")
    output = clone.gate("calibrate", "--over", "train.seed", code=0)
    assert "2 values of train.seed" in output and "9.5" in output


def test_the_reason_for_no_spread_is_given(repo: Project) -> None:
    assert "nonsense: is no parameter at" in repo.gate("calibrate", "--over", "nonsense", code=2)
    before = repo.git("rev-parse", "HEAD")
    repo.commit("a later commit")
    output = repo.gate("calibrate", "--over", "train.seed", code=2)
    assert f"commits with experiments: {before[:9]}; " in output
    assert "3 values" in repo.gate("calibrate", "--over", "train.seed", "--rev", "HEAD~1", code=0)
