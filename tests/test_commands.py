"""Every stage refuses bad settings and bad arguments in one line, and leaves all as it was."""

import contextlib
import io
import sys
from types import ModuleType

import pytest

from stages import check, evaluate, generate, plot, train
from stages.settings import entry
from tests.conftest import Project, outputs

STAGES = {
    check: "",
    generate: "phases --out data/phases.npz --report reports/datasets/phases",
    train: "stable data/phases.npz --out models/stable.safetensors "
    "--curve reports/stable/training.csv",
    evaluate: "models/stable.safetensors data/phases.npz reports/stable/training.csv "
    "--out reports/stable --card reports/cards/stable.json",
    plot: "reports reports/cards reports/datasets --figures reports/figures "
    "--tables reports/plots --page reports/README.md",
}


def run_stage(project: Project, stage: ModuleType, arguments: str) -> tuple[int | str | None, str]:
    """Run a stage in a project, in this process; return its exit code and its messages."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(project.root),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as stderr,
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(entry, "refuse_foreign_copy", lambda: None)
        patch.setattr(entry.stages, "doubts", list)
        patch.setattr(sys, "argv", ["stage", *arguments.split()])
        entry.run(stage.parser(), stage.main)
    return ended.value.code, stderr.getvalue()


def test_every_stage_reports_all_mistakes_and_changes_nothing(project: Project) -> None:
    """Also those in sections that it does not read. So does `dvc repro`."""
    before = outputs(project)
    project.edit("params.yaml", "hidden_size: 4", "hidden_size: 0")
    project.edit("params.yaml", "frequency: [0.8, 1.6]", "frequency: [0.8, 99]")
    mistakes = [
        "datasets.noisy.frequency is [0.8, 99]; expected less than 5.149,",
        "models.stable.hidden_size is 0; expected greater than or equal to 1",
    ]
    for stage, arguments in STAGES.items():
        code, message = run_stage(project, stage, arguments)
        assert code == 2
        for line, mistake in zip(message.splitlines(), mistakes, strict=True):
            assert line.startswith("error: params.yaml:") and mistake in line
        assert run_stage(project, stage, "--help") == (0, "")
    repro = project.try_("dvc", "repro")
    assert repro.returncode != 0 and "Traceback" not in repro.stderr
    assert all(mistake in repro.stderr for mistake in mistakes)
    assert outputs(project) == before


# A command, and how its one line begins.
NO_FILE, NO_PATH = "no such file; make it with `dvc repro`", "cannot be written: "
FOLDER = "is a folder; expected a file to write or to replace"
EVALUATE = "{} {} reports/linear/training.csv --out r --card {}"
MODEL, DATA = "models/linear.safetensors", "data/phases.npz"
ARGUMENTS = [
    (generate, "phase --out d --report r", "params.yaml: has no row phase; did you mean phases?"),
    (generate, "phases --out dvc.yaml/d --report r", f"dvc.yaml/d: {NO_PATH}"),
    (generate, "phases --out data --report r", f"data: {FOLDER}"),
    (generate, "phases --out d --report dvc.yaml", f"dvc.yaml/source.csv: {NO_PATH}"),
    (train, "stable data/none.npz --out m --curve c", f"data/none.npz: {NO_FILE}"),
    (train, "stable data --out m --curve c", "data: cannot be read: Is a directory"),
    (evaluate, EVALUATE.format(MODEL, "dvc.yaml", "j"), "dvc.yaml: "),
    (evaluate, EVALUATE.format("dvc.yaml", DATA, "j"), "dvc.yaml: "),
    (evaluate, EVALUATE.format(MODEL, "data/noisy.npz", "j"), "data/noisy.npz: time_step is "),
    (evaluate, EVALUATE.format(MODEL, DATA, "data"), f"data: {FOLDER}"),
    (
        plot,
        "none reports/cards reports/datasets --figures f --tables t --page p",
        f"none/linear/metrics.json: {NO_FILE}",
    ),
]


@pytest.mark.parametrize(("stage", "arguments", "message"), ARGUMENTS)
def test_a_wrong_argument_is_one_line(
    finished: Project, stage: ModuleType, arguments: str, message: str
) -> None:
    before = outputs(finished)
    code, stderr = run_stage(finished, stage, arguments)
    assert code == 2 and stderr.startswith(f"error: {message}") and stderr.count("\n") == 1
    assert outputs(finished) == before
    assert finished.run("git", "status", "--porcelain") == ""
