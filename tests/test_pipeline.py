"""The pipeline under the real `dvc`, in real repositories."""

import json
import re

import yaml
from ruamel.yaml import YAML

from tests.conftest import ROOT, SMALL, Project, outputs

NEW_TASK = """\
  fast:
    {seed: 9, sequences: 8, test_sequences: 4, validation_sequences: 4, frequency: 3.0, warmup: 10,
     periods: 2}
models:
  two_lags: {dataset: fast, cell: linear, lags: 2}
"""


def stages_run(output: str) -> list[str]:
    """List the stages that `dvc` says it ran."""
    return re.findall(r"Running stage '([^']+)'", output)


def metrics_of(project: Project, row: str) -> dict[str, object]:
    return json.loads((project.root / f"reports/{row}/metrics.json").read_text())


def test_nothing_is_left_to_do_and_every_figure_is_on_the_page(finished: Project) -> None:
    assert finished.changed_stages() == set()
    lock = YAML(typ="safe").load(finished.root / "dvc.lock")["stages"]
    made = {out["path"] for stage in lock.values() for out in stage["outs"]}
    tracked = set(finished.run("git", "ls-files", "data", "models", "reports").split())
    series = {path for path in tracked if path.startswith("data/")}
    assert made == outputs(finished).keys() - series
    # DVC has data and models, Git has reports.
    assert made - tracked == {path for path in made if path.endswith((".npz", ".safetensors"))}
    page = (finished.root / "reports/README.md").read_text()
    figures = {path for path in made if path.endswith(".png")}
    assert figures == {f"reports/{name}" for name in re.findall(r"\(([\w/]+\.png)\)", page)}


def test_dvc_shows_the_metrics_of_each_model(finished: Project) -> None:
    with finished.repository() as repo:
        shown = repo.metrics.show()[""]["data"]
    rows = YAML(typ="safe").load(SMALL)["models"]
    assert set(shown) == {f"reports/{row}/metrics.json" for row in rows}
    for name, row in rows.items():
        metrics = shown[f"reports/{name}/metrics.json"]["data"]
        assert metrics["task"] == row["dataset"] and "correct_digits" in metrics
        assert ("bound" in metrics) == (row["dataset"] == "noisy")
    # 4·1 + 4·4 + 4 + 4 in the cell, 4 + 1 in the read-out.
    assert shown["reports/stable/metrics.json"]["data"]["parameters"] == 33


def test_an_experiment_in_a_folder_of_its_own_leaves_the_workspace(project: Project) -> None:
    """As queued experiments run."""
    before = outputs(project)
    project.run("dvc", "exp", "run", "--temp", "-S", "+models.linear.lags=3", "train@linear")
    (ref,) = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps/*/*/*").split()
    tables = (
        project.run("git", "show", f"{revision}:reports/linear/training.csv")
        for revision in ("HEAD", ref)
    )
    loss_of_one_lag, loss_of_three = (float(table.split(",")[-1]) for table in tables)
    assert loss_of_three < loss_of_one_lag
    assert outputs(project) == before


def test_a_new_task_and_its_row_run_their_stages_and_the_plot_alone(project: Project) -> None:
    """Two lags are exact for the new frequency, and so for its test sequences alone."""
    project.edit("params.yaml", "models:\n", NEW_TASK)
    ran = stages_run(project.run("dvc", "repro"))
    assert ran == ["generate@fast", "train@two_lags", "evaluate@two_lags", "plot"]
    metrics = metrics_of(project, "two_lags")
    assert metrics["task"] == "fast" and metrics["free_running"]["rmse_2_periods"] < 1e-12
    tables = (project.root / "reports/README.md").read_text().split("\n\n")
    headings = [part.startswith("**one sine (fast)**") for part in tables]
    alone = tables[headings.index(True) + 1]
    assert "`two_lags`" in alone and "`linear`" not in alone


def test_another_horizon_trains_nothing_and_another_dataset_does(project: Project) -> None:
    project.edit("params.yaml", "periods: 5", "periods: 4")
    project.run("sh", "-c", project.commands()["generate@phases"])
    evaluate = {"evaluate@linear", "evaluate@stable"}
    assert project.changed_stages() == {"generate@phases", *evaluate, "plot"}
    project.edit("params.yaml", "linear: {dataset: phases", "linear: {dataset: noisy")
    assert "train@linear" in project.changed_stages()


def test_old_and_new_yaml_read_the_same_parameters() -> None:
    """PyYAML takes `1e-3` for text, DVC for a number; written `1.0e-3` it is a number to both."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == YAML(typ="safe").load(text)
