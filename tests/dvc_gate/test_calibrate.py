"""`calibrate` reads the experiments that DVC has, wherever they were run."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dvc_gate import rules
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
    """A pipeline whose metric is its seed, and experiments with other seeds and other things."""
    project = new_project(tmp_path_factory.mktemp("calibrate") / "trained")
    project.write("dvc.yaml", PIPELINE)
    project.write("train.sh", TRAIN)
    project.write("params.yaml", "train: {seed: 2, scale: 1}\n")
    project.write("gate.yaml", RULES)
    project.run("dvc", "repro")
    project.commit("results")
    for seed in (1, 3, 9):
        project.run("dvc", "exp", "run", "--name", f"seed-{seed}", "-S", f"train.seed={seed}")
    project.run("dvc", "exp", "run", "--name", "scaled", "-S", "train.scale=7")
    project.git("checkout", "--quiet", ".")
    return project


@pytest.fixture
def repo(trained: Project, tmp_path: Path) -> Project:
    return trained.copy(tmp_path / "repo")


def test_the_spread_over_a_parameter_and_what_lies_inside_it(repo: Project) -> None:
    said = repo.gate("calibrate", "--over", "train.seed", code=0)
    assert "4 values of train.seed" in said
    assert "passed over: scaled: train.scale" in said
    measured = YAML(typ="safe").load(said[said.index("calibration:") : said.index("warning:")])
    section = rules.Calibration.model_validate(measured["calibration"]["out/metrics.json"])
    assert section.spread["loss"] == [1.5, 3.0, 9.5]
    warned = [line for line in said.splitlines() if line.startswith("warning:")]
    output = "out/metrics.json: loss: its tolerance lies inside the noise: 1 and 1 would fail"
    assert warned == [f"warning: {output}"]
    printed = said[said.index("calibration:") : said.index("warning:")]
    repo.write("gate.yaml", RULES.replace("abs_tol: 2", "abs_tol: 7") + printed)
    assert "warning" not in repo.gate("calibrate", "--over", "params.yaml:train.seed", code=0)
    repo.write("out/metrics.json", '{"loss": 90, "scale": 1}')
    assert "loss: 4 values of train.seed gave 1.5 to 9.5" in repo.gate("check", code=1)


def test_an_experiment_with_other_code_is_passed_over(repo: Project) -> None:
    repo.write("train.sh", f"{TRAIN}# other code\n")
    repo.run("dvc", "exp", "run", "--name", "coded", "-S", "train.seed=20")
    repo.git("checkout", "--quiet", ".")
    said = repo.gate("calibrate", "--over", "train.seed", code=0)
    assert "4 values" in said and "passed over: coded: train.sh" in said


def test_experiments_of_two_clones_meet_through_a_git_remote(repo: Project, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    repo.git("clone", "--quiet", "--bare", str(repo.root), str(bare))
    clones = [Project(tmp_path / name) for name in ("one", "two")]
    for index, clone in enumerate(clones):
        repo.git("clone", "--quiet", str(bare), str(clone.root))
        clone.run("dvc", "exp", "run", "--name", f"from-{index}", "-S", f"train.seed={40 + index}")
        clone.run("dvc", "exp", "push", "--no-cache", "origin", f"from-{index}")
    clones[0].run("dvc", "exp", "pull", "--no-cache", "origin", "from-1")
    clones[0].git("checkout", "--quiet", ".")
    said = clones[0].gate("calibrate", "--over", "train.seed", code=0)
    assert "3 values of train.seed" in said and "41.5" in said


def test_what_cannot_be_calibrated_says_why(repo: Project) -> None:
    assert "nonsense: is no parameter at" in repo.gate("calibrate", "--over", "nonsense", code=2)
    before = repo.git("rev-parse", "HEAD")
    repo.commit("a later commit")
    said = repo.gate("calibrate", "--over", "train.seed", code=2)
    assert f"--rev {before[:9]} has 4 experiments" in said
    assert "4 values" in repo.gate("calibrate", "--over", "train.seed", "--rev", "HEAD~1", code=0)
