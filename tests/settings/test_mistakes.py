"""Mistakes in params.yaml: each is told in one line, before any work starts."""

import contextlib
import importlib
import io
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from dvc.utils.serialize import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import check
from stages.files import InputError
from stages.settings import document, entry
from tests.conftest import ROOT, Project
from tests.mistakes import MISTAKES
from tools import fuzz

# By hand: FUZZ=20000 python -m pytest tests/test_bad_input.py -k mutated
CASES = int(os.environ.get("FUZZ", "500"))
FILE = Path("params.yaml")


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    """Run in an empty folder: the tests write their own params.yaml."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("bad input"))
    yield
    os.chdir(before)


def told(content: str | bytes) -> list[str]:
    """Return the lines that are said of a params.yaml."""
    FILE.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        check.check(FILE)
    except InputError as error:
        return str(error).split("\n")
    return []


def edited(edits: dict[str, str]) -> str:
    text = fuzz.BASE
    for old, new in edits.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("edits", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES]
)
def test_each_mistake_has_its_message(edits: dict[str, str], message: str) -> None:
    assert told(edited(edits)) == [f"params.yaml:{line}" for line in message.split("\n")]


@pytest.mark.parametrize(
    "edits",
    [
        {"noise: 1e-3}": "noise: 1E-3}"},
        {"span: 10.0": "span: 10"},
        {"sequences: 20": "sequences: 2_0"},
        {"datasets": "\ufeffdatasets"},
        {fuzz.BASE: fuzz.BASE.partition("gate:")[0]},
        {"blog: {sequences: 20}": "blog: &b {sequences: 20}\n  more: *b"},
        {"blog: {sequences: 20}": "blog: &b {seed: 3}\n  more: {<<: *b, steps: 9}"},
        {"blog: {sequences: 20}": "a: &a {seed: 3}\n  b: &b {seed: 4}\n  c: {<<: [*a, *b]}"},
        {"  stable:": "  '7':"},
        {fuzz.BASE: fuzz.BASE.replace("\n", "\r\n")},
    ],
)
def test_what_is_no_mistake_is_read_as_dvc_reads_it(edits: dict[str, str]) -> None:
    text = edited(edits)
    assert told(text) == []
    assert document.load(FILE).value == parse_yaml(text, FILE)


def test_the_committed_parameters_have_no_mistake() -> None:
    check.check(ROOT / "params.yaml")


@settings(max_examples=CASES, derandomize=True, deadline=None, database=None)
@given(r=st.randoms(use_true_random=False))
def test_a_mutated_file_is_good_or_each_mistake_has_its_line(r: random.Random) -> None:
    FILE.write_text(fuzz.mutated(r)[0], encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fuzz.judge(FILE)


@settings(max_examples=CASES // 5, derandomize=True, deadline=None, database=None)
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_good_or_told_in_lines(content: bytes) -> None:
    for line in told(content):
        assert line.startswith("params.yaml") and line.isprintable()


def test_a_file_that_is_none_is_told() -> None:
    def only() -> str:
        with pytest.raises(InputError) as error:
            check.check(FILE)
        return str(error.value)

    FILE.unlink(missing_ok=True)
    root = "commands run in the repository's root, where it stands"
    assert only() == f"params.yaml: no such file; {root}"
    FILE.symlink_to("nowhere")
    assert only() == f"params.yaml: is a link to a file that does not exist; {root}"
    FILE.unlink()
    FILE.symlink_to("params.yaml")
    assert only() == "params.yaml: cannot be read: Too many levels of symbolic links"
    FILE.unlink()
    FILE.mkdir()
    assert only() == "params.yaml: is a folder; expected a file"
    FILE.rmdir()
    os.mkfifo(FILE)
    assert only() == "params.yaml: is a pipe or a device; expected a file"
    FILE.unlink()
    FILE.write_bytes(fuzz.BASE.replace("seed: 2", "seed: é").encode("latin-1"))
    assert only() == "params.yaml:4: is not UTF-8 text; save it as UTF-8"
    FILE.write_text(fuzz.BASE)
    FILE.chmod(0)
    if not os.access(FILE, os.R_OK):  # root may read everything
        assert only() == "params.yaml: cannot be read: Permission denied"
    FILE.unlink()


def test_the_check_imports_no_library_of_numbers() -> None:
    program = "import stages.check, sys; print({'torch', 'numpy', 'pandas'} & set(sys.modules))"
    done = subprocess.run(
        (sys.executable, "-c", program), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


STAGES = {
    "generate": "phases --out data/phases.npz --report reports/datasets/phases",
    "train": "stable data/phases.npz --out models/stable.safetensors "
    "--curve reports/stable/training.csv",
    "evaluate": "models/stable.safetensors data/phases.npz reports/stable/training.csv "
    "--out reports/stable --card reports/cards/stable.json",
    "plot": "reports reports/cards reports/datasets --figures reports/figures "
    "--tables reports/plots --page reports/README.md",
}


def outputs(project: Project) -> dict[Path, bytes]:
    """Return all files of a project that its pipeline makes."""
    found = [project.root / "dvc.lock"]
    for folder in ("data", "models", "reports"):
        found += [path for path in (project.root / folder).rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in found}


def run_stage(project: Project, stage: str, *arguments: str) -> tuple[int | str | None, str]:
    """Run a stage in a project; return its exit code and what it says on stderr.

    As a process where it starts quickly; else in this one, where torch is loaded already.
    """
    if stage not in ("train", "evaluate"):
        done = project.try_("python", "-m", f"stages.{stage}", *arguments)
        return done.returncode, done.stderr
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(project.root),
        contextlib.redirect_stderr(io.StringIO()) as said,
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(entry, "refuse_foreign_copy", lambda: None)
        patch.setattr(sys, "argv", [stage, *arguments])
        entry.run(importlib.import_module(f"stages.{stage}").main)
    return ended.value.code, said.getvalue()


def test_every_stage_tells_all_mistakes_at_once_and_changes_nothing(project: Project) -> None:
    """Also those in sections that it does not read: nothing is made before they are mended."""
    file = project.root / "params.yaml"
    good, before = file.read_text(), outputs(project)
    bad = good.replace("hidden_size: 4", "hidden_size: 0").replace("warmup: 20", "warmup: 77")
    expected = (
        "error: params.yaml:9: models.stable.hidden_size is 0; "
        "expected a whole number from 1 to 4096\n"
        "error: params.yaml:14: evaluate.warmup is 77; expected 48 at most: "
        "a sequence of datasets.phases has 49 predictions, and one must count\n"
    )
    file.write_text(bad)
    for stage, arguments in {**STAGES, "check": ""}.items():
        assert run_stage(project, stage, *arguments.split()) == (2, expected), stage
        assert run_stage(project, stage, "--help") == (0, "")
    repro = project.try_("dvc", "repro")
    assert expected in repro.stderr and repro.returncode != 0
    assert "Traceback" not in repro.stderr
    assert outputs(project) == before


def test_a_stage_says_what_the_check_says_and_leaves_all_as_it_was(project: Project) -> None:
    before = outputs(project)
    for edits, message in MISTAKES[::5]:
        (project.root / "params.yaml").write_text(edited(edits))
        expected = "".join(f"error: params.yaml:{line}\n" for line in message.split("\n"))
        assert run_stage(project, "generate", *STAGES["generate"].split()) == (2, expected)
    assert outputs(project) == before


ARGUMENTS = {
    "generate phase --out d.npz --report r": (
        "params.yaml:1: datasets has no key 'phase'; did you mean phases?"
    ),
    "generate phases --out dvc.yaml/d.npz --report r": (
        "dvc.yaml/d.npz: cannot be written: dvc.yaml is no folder"
    ),
    "generate phases --out data --report r": (
        "data: is a folder; expected a file to write or to replace"
    ),
    "generate phases --out d.npz --report data/phases.npz": (
        "data/phases.npz/sequences.csv: cannot be written: data/phases.npz is no folder"
    ),
    "train stabel data/phases.npz --out m --curve c": (
        "params.yaml:4: models has no key 'stabel'; did you mean stable?"
    ),
    "train stable data/none.npz --out m --curve c": (
        "data/none.npz: no such file; make it with `dvc repro`"
    ),
    "train stable data --out m --curve c": "data: is a folder; expected a file",
    "train linear data/phases.npz --out models --curve c": (
        "models: is a folder; expected a file to write or to replace"
    ),
    "evaluate models/linear.safetensors dvc.yaml c --out r --card j": (
        "dvc.yaml: is not a readable dataset file (File is not a zip file); "
        "make it again with `dvc repro`"
    ),
    "evaluate data/phases.npz data/phases.npz c --out r --card j": (
        "data/phases.npz: is not a readable model file (Error while deserializing header: "
        "header too large); make it again with `dvc repro`"
    ),
    "evaluate models/linear.safetensors data/phases.npz c --out r --card j": (
        "c: no such file; make it with `dvc repro`"
    ),
    "evaluate models/linear.safetensors data/phases.npz reports/linear/training.csv --out r "
    "--card data": "data: is a folder; expected a file to write or to replace",
    "plot none reports/cards reports/datasets --figures f --tables t --page p": (
        "none/linear/metrics.json: no such file; make it with `dvc repro`"
    ),
    "check none.yaml": (
        "none.yaml: no such file; commands run in the repository's root, where it stands"
    ),
}


@pytest.mark.parametrize("command", ARGUMENTS)
def test_a_wrong_argument_is_one_line(finished: Project, command: str) -> None:
    before = outputs(finished)
    assert run_stage(finished, *command.split()) == (2, f"error: {ARGUMENTS[command]}\n")
    assert outputs(finished) == before
    assert finished.run("git", "status", "--porcelain") == ""
