"""The pipeline under the real `dvc`, in real repositories."""

import json
import re
from pathlib import Path

import yaml
from ruamel.yaml import YAML

from tests.conftest import ROOT, Project

GRU_ROW = """\
  gru:
    dataset: phases
    cell: gru
    hidden_size: 3
"""


def stages_run(output: str) -> list[str]:
    """Return the names of the stages that `dvc` says it ran."""
    return re.findall(r"Running stage '([^']+)'", output)


def test_a_second_repro_has_nothing_to_do(project: Project) -> None:
    assert stages_run(project.run("dvc", "repro")) == []
    assert project.run("git", "status", "--porcelain") == ""


def test_results_are_versioned_and_data_is_not(project: Project) -> None:
    tracked = project.run("git", "ls-files").split()
    for row in ("linear", "stable"):
        for name in ("metrics.json", "training.csv", "rollout.csv", "horizon.csv", "hidden.csv"):
            assert f"reports/{row}/{name}" in tracked
    assert not [name for name in tracked if name.endswith((".npz", ".safetensors"))]


def test_params_diff_names_what_changed(project: Project) -> None:
    project.edit("params.yaml", "hidden_size: 4", "hidden_size: 5")
    diff = json.loads(project.run("dvc", "params", "diff", "--json"))
    assert diff == {"params.yaml": {"models.stable.hidden_size": {"old": 4, "new": 5, "diff": 1}}}


def test_metrics_show_has_a_row_a_model(project: Project) -> None:
    shown = json.loads(project.run("dvc", "metrics", "show", "--json"))[""]["data"]
    assert set(shown) == {"reports/linear/metrics.json", "reports/stable/metrics.json"}
    measured = shown["reports/stable/metrics.json"]["data"]
    # 4·1 + 4·4 + 4 + 4 in the cell, 4 + 1 in the read-out.
    assert measured["parameters"] == 33
    assert set(measured["free_running"]) >= {"rmse_1_periods", "rmse_5_periods", "survivors"}


def test_an_experiment_runs_its_row_alone_and_can_be_compared(project: Project) -> None:
    output = project.run("dvc", "exp", "run", "-S", "models.stable.hidden_size=2")
    assert stages_run(output) == ["train@stable", "evaluate@stable", "plot"]
    diff = json.loads(project.run("dvc", "metrics", "diff", "--json"))
    assert set(diff) == {"reports/stable/metrics.json"}
    # 2·1 + 2·2 + 2 + 2 + 2 + 1 parameters.
    assert diff["reports/stable/metrics.json"]["parameters"] == {"old": 33, "new": 13, "diff": -20}
    page = project.run("dvc", "plots", "diff", "HEAD", "workspace", "--out", "page")
    html = Path(page.strip().removeprefix("file://")).read_text()
    assert "stable" in html and '"rev": "HEAD"' in html


def test_queued_experiments_run_their_own_parameters_and_code(project: Project) -> None:
    for size in (2, 3):
        project.run("dvc", "exp", "run", "--queue", "-S", f"models.stable.hidden_size={size}")
    with (project.root / "stages/train.py").open("a") as code:
        code.write("raise SystemExit('the code of the workspace, edited later')\n")
    project.run("dvc", "queue", "start")
    project.run("dvc", "queue", "logs", "--help")
    for _ in range(120):
        status = project.run("dvc", "queue", "status")
        if status.count("Success") + status.count("Failed") == 2:
            break
        project.run("sleep", "0.5")
    assert status.count("Success") == 2, status
    shown = json.loads(project.run("dvc", "exp", "show", "--json"))
    experiments = [run["revs"][0]["data"] for run in shown[1]["experiments"]]
    parameters = {
        run["metrics"]["reports/stable/metrics.json"]["data"]["parameters"] for run in experiments
    }
    assert parameters == {13, 22}


def test_push_and_pull_through_a_folder(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    project.commit("remote")
    project.run("dvc", "push")
    project.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.run("dvc", "pull")
    for name in ("data/phases.npz", "models/stable.safetensors"):
        assert (clone.root / name).read_bytes() == (project.root / name).read_bytes()
    assert "up to date" in clone.run("dvc", "status")


def test_the_dag_runs_from_data_to_figures(project: Project) -> None:
    edges = project.run("dvc", "dag", "--dot")
    for before, after in (
        ("generate@phases", "train@stable"),
        ("generate@phases", "evaluate@stable"),
        ("train@stable", "evaluate@stable"),
        ("evaluate@stable", "plot"),
        ("evaluate@linear", "plot"),
    ):
        assert f'"{before}" -> "{after}"' in edges
    assert '"plot" ->' not in edges


def test_a_new_row_runs_its_stages_and_the_plot_and_nothing_else(project: Project) -> None:
    project.edit("params.yaml", "evaluate:", GRU_ROW + "evaluate:")
    assert stages_run(project.run("dvc", "repro")) == ["train@gru", "evaluate@gru", "plot"]
    assert "reports/gru/metrics.json" in project.run("dvc", "metrics", "show")


def test_editing_the_plot_code_redraws_and_nothing_else(project: Project) -> None:
    with (project.root / "stages/plot.py").open("a") as code:
        code.write("# edited\n")
    assert stages_run(project.run("dvc", "repro")) == ["plot"]


def test_a_failing_stage_leaves_the_old_outputs(project: Project) -> None:
    before = {path: path.read_bytes() for path in project.root.glob("reports/**/*.*")}
    before |= {path: path.read_bytes() for path in project.root.glob("models/*.safetensors")}
    project.edit("params.yaml", "hidden_size: 4", "hidden_size: 0")
    failed = project.try_("dvc", "repro")
    assert failed.returncode != 0
    assert "params.yaml:9: models.stable.hidden_size is 0; expected" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert all(path.read_bytes() == content for path, content in before.items())


def test_every_cell_trains_on_ranges_and_noise(new_project) -> None:
    rows = "\n".join(
        f"  {cell}: {{dataset: varied, cell: {cell}, hidden_size: 3, num_layers: 2}}"
        for cell in ("rnn", "gru", "lstm")
    )
    project = new_project(
        "datasets:\n  varied: {sequences: 6, test_sequences: 3, frequency: [0.8, 1.2],"
        " amplitude: [0.5, 1.5], noise: 0.02}\n"
        f"models:\n{rows}\nevaluate: {{dataset: varied, periods: 3}}\nplot: {{compare: [gru]}}\n"
    )
    project.run("dvc", "repro")
    for cell in ("rnn", "gru", "lstm"):
        metrics = json.loads((project.root / f"reports/{cell}/metrics.json").read_text())
        assert 0 < metrics["teacher_forced"]["rmse"] < 2


def test_old_and_new_yaml_read_the_same_parameters() -> None:
    """PyYAML takes `1e-3` for text, DVC for a number; written `1.0e-3` it is a number to both."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == YAML(typ="safe").load(text)
