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
    """Run a stage in a project, in this process; return its exit code and what it says."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(project.root),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as said,
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(entry, "refuse_foreign_copy", lambda: None)
        patch.setattr(entry.stages, "doubts", list)
        patch.setattr(sys, "argv", ["stage", *arguments.split()])
        entry.run(stage.parser(), stage.main)
    return ended.value.code, said.getvalue()


def test_every_stage_tells_all_mistakes_at_once_and_changes_nothing(project: Project) -> None:
    """Also those in sections that it does not read: nothing is made before they are mended."""
    before = outputs(project)
    project.edit("params.yaml", "hidden_size: 4", "hidden_size: 0")
    project.edit("params.yaml", "frequency: [0.8, 1.6]", "frequency: [0.8, 99]")
    lines = (project.root / "params.yaml").read_text().splitlines()
    frequency, size = (
        next(n for n, line in enumerate(lines, start=1) if text in line)
        for text in ("[0.8, 99]", "hidden_size: 0")
    )
    expected = (
        f"error: params.yaml:{frequency}: datasets.noisy.frequency is [0.8, 99]; expected less "
        "than 15.45, the Nyquist frequency of 60 steps over a span of 12\n"
        f"error: params.yaml:{size}: models.stable.hidden_size is 0; "
        "expected a whole number from 1 to 4096\n"
    )
    for stage, arguments in STAGES.items():
        assert run_stage(project, stage, arguments) == (2, expected), stage
        assert run_stage(project, stage, "--help") == (0, "")
    assert outputs(project) == before


def test_dvc_shows_the_mistakes_and_changes_nothing(project: Project) -> None:
    before = outputs(project)
    project.edit("params.yaml", "hidden_size: 4", "hidden_size: 0")
    repro = project.try_("dvc", "repro")
    assert "models.stable.hidden_size is 0; expected a whole number" in repro.stderr
    assert repro.returncode != 0 and "Traceback" not in repro.stderr
    assert outputs(project) == before


# A command, and how its one line begins.
ARGUMENTS = [
    (
        generate,
        "phase --out d.npz --report r",
        "params.yaml: has no row phase; did you mean phases?",
    ),
    (
        generate,
        "phases --out dvc.yaml/d.npz --report r",
        "dvc.yaml/d.npz: cannot be written: dvc.yaml is no folder",
    ),
    (
        generate,
        "phases --out data --report r",
        "data: is a folder; expected a file to write or to replace",
    ),
    (
        generate,
        "phases --out d.npz --report data/phases.npz",
        "data/phases.npz/source.csv: cannot be written: data/phases.npz is no folder",
    ),
    (
        train,
        "stabel data/phases.npz --out m --curve c",
        "params.yaml: has no row stabel; did you mean stable?",
    ),
    (
        train,
        "stable data/none.npz --out m --curve c",
        "data/none.npz: no such file; make it with `dvc repro`",
    ),
    (train, "stable data --out m --curve c", "data: is a folder; expected a file"),
    (
        train,
        "linear data/phases.npz --out models --curve c",
        "models: is a folder; expected a file to write or to replace",
    ),
    (
        evaluate,
        "models/linear.safetensors dvc.yaml reports/linear/training.csv --out r --card j",
        "dvc.yaml: is not a readable dataset file (",
    ),
    (
        evaluate,
        "data/phases.npz data/phases.npz reports/linear/training.csv --out r --card j",
        "data/phases.npz: is not a readable model file (",
    ),
    (
        evaluate,
        "models/linear.safetensors data/noisy.npz reports/linear/training.csv --out r --card j",
        "data/noisy.npz: time_step is ",
    ),
    (
        evaluate,
        "models/linear.safetensors data/phases.npz c --out r --card j",
        "c: no such file; make it with `dvc repro`",
    ),
    (
        evaluate,
        "models/linear.safetensors data/phases.npz reports/linear/training.csv --out r --card data",
        "data: is a folder; expected a file to write or to replace",
    ),
    (
        plot,
        "none reports/cards reports/datasets --figures f --tables t --page p",
        "none/linear/metrics.json: no such file; make it with `dvc repro`",
    ),
]


@pytest.mark.parametrize(("stage", "arguments", "message"), ARGUMENTS)
def test_a_wrong_argument_is_one_line(
    finished: Project, stage: ModuleType, arguments: str, message: str
) -> None:
    before = outputs(finished)
    code, said = run_stage(finished, stage, arguments)
    assert code == 2 and said.startswith(f"error: {message}") and said.count("\n") == 1
    assert outputs(finished) == before
    assert finished.run("git", "status", "--porcelain") == ""
