"""The pipeline under the real `dvc`, in real repositories."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from tests.conftest import ROOT, Project, loaded_by, outputs

# Runs the commands of dvc.lock in one process.
RUNNER = """\
import runpy, shlex, sys
for command in sys.argv[1:]:
    module, *arguments = shlex.split(command.partition("python -Em ")[2])
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
MODELS = ("linear", "stable", "prony", "gru", "lstm", "innovation", "sine_fit")
TASKS = {"phases": MODELS[:3], "noisy": MODELS[3:]}
NEW_ROW = """\
  small: {dataset: phases, cell: rnn, hidden_size: 3, attempts: 1}
plot:"""
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


def stale(project: Project) -> set[str]:
    """List the stages that `dvc repro` would run."""
    return set(json.loads(project.run("dvc", "status", "--json")))


def metrics_of(project: Project, row: str) -> dict[str, object]:
    return json.loads((project.root / f"reports/{row}/metrics.json").read_text())


def of_rows(stage: str, rows: tuple[str, ...] = MODELS) -> set[str]:
    return {f"{stage}@{row}" for row in rows}


def test_a_second_repro_has_nothing_to_do(project: Project) -> None:
    assert stages_run(project.run("dvc", "repro")) == []
    assert project.run("git", "status", "--porcelain") == ""


def test_results_are_versioned_and_data_is_not(project: Project) -> None:
    tracked = project.run("git", "ls-files").split()
    for row in MODELS:
        for name in ("metrics.json", "training.csv", "rollout.csv", "horizon.csv", "hidden.csv"):
            assert f"reports/{row}/{name}" in tracked
    assert not [name for name in tracked if name.endswith((".npz", ".safetensors"))]


def test_every_output_is_of_a_stage_and_every_figure_is_on_the_page(project: Project) -> None:
    lock = YAML(typ="safe").load(project.root / "dvc.lock")["stages"]
    made = {out["path"] for stage in lock.values() for out in stage["outs"]}
    assert made == outputs(project).keys() - set(project.run("git", "ls-files", "data").split())
    page = (project.root / "reports/README.md").read_text()
    figures = {path for path in made if path.endswith(".png")}
    assert figures == {f"reports/{name}" for name in re.findall(r"\(([\w/]+\.png)\)", page)}


@pytest.mark.parametrize("task", TASKS)
def test_a_model_is_judged_on_its_own_task(project: Project, task: str) -> None:
    horizon = {"phases": "rmse_5_periods", "noisy": "rmse_3_periods"}[task]
    for row in TASKS[task]:
        measured = metrics_of(project, row)
        assert measured["task"] == task
        named = [name for name in measured["free_running"] if name.startswith("rmse")]
        assert named == ["rmse_1_periods", horizon]
        assert ("bound" in measured) == (task == "noisy")


def test_limits_are_reached_where_there_are_any(project: Project) -> None:
    """Two lags of the past are exact for a sine; in noise nobody is far below the bound."""
    assert metrics_of(project, "prony")["free_running"]["rmse_5_periods"] < 1e-11
    fit = metrics_of(project, "sine_fit")
    best = fit["free_running"]["rmse_3_periods"]
    assert 0.3 * fit["bound"]["rmse_3_periods"] < best < 3 * fit["bound"]["rmse_3_periods"]
    others = [metrics_of(project, row)["free_running"]["rmse_3_periods"] for row in TASKS["noisy"]]
    assert best == min(others)


def test_params_diff_names_what_changed(project: Project) -> None:
    project.edit("params.yaml", "hidden_size: 4", "hidden_size: 5")
    diff = json.loads(project.run("dvc", "params", "diff", "--json"))
    assert diff == {"params.yaml": {"models.stable.hidden_size": {"old": 4, "new": 5, "diff": 1}}}


def test_metrics_show_has_a_row_a_model(project: Project) -> None:
    shown = json.loads(project.run("dvc", "metrics", "show", "--json"))[""]["data"]
    assert set(shown) == {f"reports/{row}/metrics.json" for row in MODELS}
    # 4·1 + 4·4 + 4 + 4 in the cell, 4 + 1 in the read-out.
    assert shown["reports/stable/metrics.json"]["data"]["parameters"] == 33
    table = project.run("dvc", "metrics", "show")
    assert "correct_digits" in table and "task" in table


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


def test_a_queued_experiment_runs_its_own_parameters_and_code(project: Project) -> None:
    queued = ("--queue", "-S", "models.stable.hidden_size=2", "evaluate@stable")
    project.run("dvc", "exp", "run", *queued)
    with (project.root / "stages/train.py").open("a") as code:
        code.write("raise SystemExit('the code of the workspace, edited later')\n")
    project.run("dvc", "exp", "run", "--run-all")
    shown = json.loads(project.run("dvc", "exp", "show", "--json"))
    (experiment,) = shown[1]["experiments"]
    metrics = experiment["revs"][0]["data"]["metrics"]["reports/stable/metrics.json"]["data"]
    assert metrics["parameters"] == 13


def test_push_and_pull_through_a_folder(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    project.commit("remote")
    project.run("dvc", "push")
    project.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.run("dvc", "pull")
    assert outputs(clone) == outputs(project)
    assert "up to date" in clone.run("dvc", "status")


def test_the_dag_runs_from_data_to_figures(project: Project) -> None:
    edges = project.run("dvc", "dag", "--dot")
    for before, after in (
        ("generate@phases", "train@stable"),
        ("generate@phases", "evaluate@stable"),
        ("train@stable", "evaluate@stable"),
        ("generate@noisy", "evaluate@sine_fit"),
        ("evaluate@stable", "plot"),
        ("evaluate@linear", "plot"),
    ):
        assert f'"{before}" -> "{after}"' in edges
    assert '"plot" ->' not in edges and '"generate@noisy" -> "train@stable"' not in edges


def test_new_rows_and_a_new_task_run_their_stages_and_the_plot_and_nothing_else(
    project: Project,
) -> None:
    """Two lags are exact for the new frequency, and so for its test sequences alone."""
    project.edit("params.yaml", "models:\n", NEW_TASK)
    project.edit("params.yaml", "plot:", NEW_ROW)
    ran = stages_run(project.run("dvc", "repro"))
    assert ran[-1] == "plot"
    assert sorted(ran[:-1]) == [
        *("evaluate@small", "evaluate@two_lags", "generate@fast", "train@small", "train@two_lags")
    ]
    assert metrics_of(project, "small")["parameters"] == 22
    measured = metrics_of(project, "two_lags")
    assert measured["task"] == "fast"
    assert measured["free_running"]["rmse_2_periods"] < 1e-12
    tables = (project.root / "reports/README.md").read_text().split("\n\n")
    headings = [part.startswith("**one sine (fast)**") for part in tables]
    alone = tables[headings.index(True) + 1]
    assert "`two_lags`" in alone and "`linear`" not in alone


def test_another_dataset_of_a_model_changes_what_it_is_judged_on(project: Project) -> None:
    project.edit("params.yaml", "linear: {dataset: phases", "linear: {dataset: noisy")
    ran = stages_run(project.run("dvc", "repro", "evaluate@linear"))
    assert ran == ["train@linear", "evaluate@linear"]
    assert metrics_of(project, "linear")["task"] == "noisy"


@pytest.mark.parametrize(
    ("room", "rerun"),
    [
        ("signals/sines.py", {"generate@phases", "generate@noisy"} | of_rows("train")),
        ("networks/cells.py", of_rows("train") | of_rows("evaluate")),
        ("training/adam.py", of_rows("train")),
        ("rollouts/metrics.py", of_rows("evaluate")),
        ("reporting/figures.py", {"plot"}),
        ("plot.py", {"plot"}),
        ("generate.py", {"generate@phases", "generate@noisy"}),
    ],
)
def test_editing_a_room_reruns_its_stages_alone(
    project: Project, room: str, rerun: set[str]
) -> None:
    """What follows from changed outputs comes on top, where there are any: here only a comment."""
    with (project.root / "stages" / room).open("a") as code:
        code.write("# edited\n")
    expected = rerun | (of_rows("evaluate") if room.startswith("signals") else set())
    assert stale(project) == expected


def test_another_horizon_is_judged_without_training(project: Project) -> None:
    project.edit("params.yaml", "warmup: 20, periods: 5", "warmup: 20, periods: 4")
    judged = of_rows("evaluate", TASKS["phases"])
    ran = stages_run(project.run("dvc", "repro", *sorted(judged)))
    assert set(ran) == {"generate@phases"} | judged


def test_a_failing_stage_leaves_the_old_outputs(project: Project) -> None:
    before = outputs(project)
    project.edit("params.yaml", "hidden_size: 4", "hidden_size: 0")
    failed = project.try_("dvc", "repro")
    assert failed.returncode != 0
    assert re.search(r"error: params\.yaml\S* .*models\.stable\.hidden_size", failed.stderr)
    assert "Traceback" not in failed.stderr
    assert outputs(project) == before


def test_torch_is_loaded_for_networks_alone(project: Project) -> None:
    """It takes seconds: no row without a network waits for it."""
    lock = YAML(typ="safe").load(project.root / "dvc.lock")["stages"]
    rows = ("linear", "prony", "sine_fit")
    commands = [lock[f"{stage}@{row}"]["cmd"] for row in rows for stage in ("train", "evaluate")]
    commands += [lock[name]["cmd"] for name in ("generate@phases", "plot")]
    assert "torch" not in loaded_by(RUNNER, project.root, *commands)
    assert "torch" in loaded_by(RUNNER, project.root, lock["train@gru"]["cmd"])
    assert project.run("git", "status", "--porcelain") == ""


def test_every_cell_trains_in_every_way_that_it_can(
    new_project: Callable[[str], Project],
) -> None:
    """Two layers where there can be, each phase, on ranges, in noise."""
    rows = {
        f"{cell}_{name}": f"{{dataset: d, cell: {cell}, hidden_size: 2, attempts: 1, "
        f"num_layers: {1 if cell == 'innovation' else 2}, training: [{phase}]}}"
        for cell in ("rnn", "gru", "lstm", "innovation")
        for name, phase in {
            "adam": "{phase: adam, iterations: 2, learning_rate: 0.01, carry_hidden_state: true}",
            "lm": "{phase: levenberg_marquardt, warmup: 12, free_steps: [1, 3], sequences: 3,"
            " iterations: 1}",
            "ridge": "{phase: ridge, sequences: 3}",
        }.items()
        if (cell, name) != ("innovation", "ridge")
    }
    project = new_project(
        "datasets:\n  d: {sequences: 3, validation_sequences: 2, test_sequences: 2, noise: 0.02,"
        " frequency: [0.8, 1.2], amplitude: [0.5, 1.5], warmup: 20, periods: 2}\nmodels:\n"
        + "\n".join(f"  {name}: {row}" for name, row in rows.items())
        + "\nplot: {}\n"
    )
    commands = ["python -Em stages.generate d --out data/d.npz --report reports/datasets/d"]
    for name in rows:
        commands += [
            f"python -Em stages.train {name} data/d.npz --out models/{name}.safetensors "
            f"--curve reports/{name}/training.csv",
            f"python -Em stages.evaluate models/{name}.safetensors data/d.npz "
            f"reports/{name}/training.csv --out reports/{name} --card reports/cards/{name}.json",
        ]
    loaded_by(RUNNER, project.root, *commands)
    for name in rows:
        assert 0 < metrics_of(project, name)["teacher_forced"]["rmse"] < 3


def test_old_and_new_yaml_read_the_same_parameters() -> None:
    """PyYAML takes `1e-3` for text, DVC for a number; written `1.0e-3` it is a number to both."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == YAML(typ="safe").load(text)
