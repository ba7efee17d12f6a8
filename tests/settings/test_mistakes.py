"""Mistakes in params.yaml: each gives one line, before any work starts."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.files import InputError
from stages.settings import document, whole
from tests.conftest import ROOT

FILE = Path("params.yaml")
BASE = """\
datasets:
  blog: {sequences: 20, warmup: 20, periods: 5}
  phases:
    seed: 2
    steps: 50
    span: 10.0
    phase: uniform
    frequency: [0.9, 1.1]
    noise: 1e-3
    warmup: 20
    periods: 5
models:
  linear: {dataset: phases, cell: linear, lags: 2}
  stable:
    dataset: phases
    cell: rnn
    hidden_size: 4
    seed: 0
    precision: float64
    accept: {periods: 2}
    initial:
      method: echo_state
      input_scale: 0.5
    training:
      - phase: adam
        iterations: 20
        learning_rate: 0.01
      - {phase: ridge, warmup: 19}
      - phase: levenberg_marquardt
        warmup: 20
        free_steps: [1, 5]
        sequences: 8
        iterations: 3
plot:
  hero: [linear, stable]
"""
# An edit of BASE, where ⏎ is the end of a line, and below it what is printed after `params.yaml:`.
CASES = """
hidden_size: 4 → hidden_size: -24
 17: models.stable.hidden_size is -24; expected a whole number from 1 to 4096
hidden_size: 4 → hidden_size: 16.0
 17: models.stable.hidden_size is 16.0; expected a whole number from 1 to 4096
hidden_size: 4 → hidden_size: "16"
 17: models.stable.hidden_size is "16"; expected a whole number from 1 to 4096
hidden_size: 4 → hidden_size: 2027-01-31
 17: models.stable.hidden_size is "2027-01-31"; expected a whole number from 1 to 4096
hidden_size: 4 → hiden_size: 4
 17: models.stable.hiden_size is not a known key; did you mean hidden_size?
iterations: 20 → ⏎        iteration: 20
 25: models.stable.training.0.iterations is missing; expected a whole number from 1 to 10000000
 27: models.stable.training.0.iteration is not a known key; did you mean iterations?
seed: 2 → 7: 2
 4: datasets.phases.7 is not a known key; known keys: seed, sequences, validation_sequences, test_sequences, steps, span, phase, frequency, amplitude, noise, test_seed, test_phase, warmup, periods
input_scale: → input_scale: 1⏎      sd:
 24: models.stable.initial.sd is not a known key; known keys: method, spectral_radius, input_scale, averages
method: echo_state → method: echo
 22: models.stable.initial.method is "echo"; expected one of echo_state, normal, uniform, zero_read_out
    cell: rnn⏎ →
 14: models.stable.cell is missing; expected the name of a cell, such as rnn or ar
    dataset: phases⏎ →
 14: models.stable.dataset is missing; expected the name of a row of `datasets`
    dataset: phases⏎ →     dataset: phase⏎
 15: models.stable.dataset is phase; expected a row of datasets; did you mean phases?
phase: adam → phase: adamant
 25: models.stable.training.0.phase is "adamant"; expected one of adam, levenberg_marquardt, ridge
phase: ridge, warmup: 19 → phase: ridge, ridge: 2
 28: models.stable.training.1.ridge is 2; expected a number from 1e-15 to 1
{phase: ridge, warmup: 19} → 5
 28: models.stable.training.1 is 5; expected a mapping
[1, 5] → [5, 1]
 31: models.stable.training.2.free_steps is [5, 1]; expected ascending steps, none of them twice
[1, 5] → [1, 5.5]
 31: models.stable.training.2.free_steps.1 is 5.5; expected a whole number
[0.9, 1.1] → [1, 2, 3]
 8: datasets.phases.frequency is [1, 2, 3]; expected a number from 1e-06 to 1000000 or a list of 2 items, each a number from 1e-06 to 1000000 [rad per unit of time]
span: 10.0 → span: 1000
 8: datasets.phases.frequency is [0.9, 1.1]; expected less than 0.1539, the Nyquist frequency of 50 steps over a span of 1000
phase: uniform → phase: unifrom
 7: datasets.phases.phase is "unifrom"; expected uniform or a list of 1 to any items, each a number from -1000000 to 1000000 [rad]
[0.9, 1.1] → [1e-6, 1]
 11: datasets.phases.periods is 5; expected 3 at most: one of them is 3.079e+07 steps
lags: 2 → lags: 50
 13: models.linear.lags needs 51 steps; expected 50, those of phases
warmup: 19 → warmup: 49
 28: models.stable.training.1.warmup needs 51 steps; expected 50, those of phases
accept: {periods: 2} → accept: {warmup: 51}
 20: models.stable.accept.warmup needs 51 steps; expected 50, those of phases
hero: [linear, stable] → hero: stable
 35: plot.hero is "stable"; expected a list of 0 to 4 items, each text
  stable: →   ../stable:
 14: models.../stable cannot name a row; expected up to 100 of a to z, A to Z, 0 to 9, _ and -, a number in quotes
  stable: →   Linear:
 14: models.Linear names the files of linear on some disks; expected another name
  stable: →   figures:
 14: models.figures names the files of reports/figures on some disks; expected another name
  stable: →   linear:
 14: is not valid YAML: found duplicate key "linear", in what begins on line 13
models: → models: {}⏎gate:
 12: models is {}; expected a mapping
 13: gate is not a known key; known keys: datasets, models, plot
{sequences: 20, warmup: 20, periods: 5} → 5
 2: datasets.blog is 5; expected a mapping
blog: {sequences: 20 → blog: &b {seed: 1, seed: 2, <<: {span: 1}
 2: is not valid YAML: found duplicate key "seed"
seed: 2 → seed: 2⏎    <<: {sed: 3}
 3: datasets.phases.sed is not a known key; did you mean seed?
blog: {sequences: 20 → blog: &b {<<: *b
 is not valid YAML: an alias stands for itself
blog: {sequences: 20 → blog: &b {sequences: *b
 is not valid YAML: Circular reference detected
seed: 2 → seed: !x 2
 4: is not valid YAML: could not determine a constructor for the tag '!x'
seed: 2 → seed: 2: 3
 4: has a second `: `, or is indented unlike the lines around it
    seed: 2 → \tseed: 2
 4: begins with a tab; YAML is indented with spaces alone
models: → ---⏎models:
 12: begins a second document; expected one, without `---` in the file
    seed: 2⏎ → <<<<<<< HEAD⏎    seed: 2⏎=======⏎    seed: 3⏎>>>>>>> other⏎
 4: has an unresolved merge conflict, lines 4 to 8; keep one side, and delete the lines with <<<<<<<, ======= and >>>>>>>
"""  # noqa: E501


def cases() -> Iterator[tuple[str, str, list[str]]]:
    """Yield an old text of BASE, a new one, and the lines that are printed."""
    lines: list[str] = []
    for line in reversed(CASES.strip("\n").split("\n")):
        old, arrow, new = line.replace("⏎", "\n").partition(" →")
        lines = [line.removeprefix(" "), *lines]
        if arrow:
            yield old, new.removeprefix(" "), lines[1:]
            lines = []


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run in an empty folder: the tests write their own params.yaml."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("mistakes"))
    yield
    os.chdir(before)


def errors(content: str | bytes) -> list[str]:
    """Read a params.yaml, and list the lines of its error."""
    FILE.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        whole.read(FILE)
    except InputError as error:
        return str(error).split("\n")
    return []


def edited(old: str, new: str) -> str:
    """Replace a text that stands in BASE once."""
    assert BASE.count(old) == 1, old
    return BASE.replace(old, new)


@pytest.mark.parametrize(("old", "new", "expected"), [*cases()])
def test_each_mistake_has_its_line(old: str, new: str, expected: list[str]) -> None:
    start = "params.yaml:"
    assert [line.removeprefix(start).strip() for line in errors(edited(old, new))] == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("noise: 1e-3", "noise: 1E-3"),
        ("span: 10.0", "span: 10"),
        ("seed: 2", "seed: 2_0"),
        ("datasets", "\ufeffdatasets"),
        ("blog: {", "more: &b {seed: 1}\n  again: *b\n  third: {<<: *b, seed: 2}\n  blog: {"),
        ("blog: {", "a: &a {seed: 3}\n  b: &b {seed: 4}\n  c: {<<: [*a, *b]}\n  blog: {"),
        ("  stable:", "  '7':"),
        ("seed: 2", "seed: 2  # <<<<<<< not at the margin\n# ======="),
    ],
)
def test_a_good_file_is_read_as_dvc_reads_it(old: str, new: str) -> None:
    for text in (edited(old, new), edited(old, new).replace("\n", "\r\n")):
        assert errors(text) == []
        assert whole.read(FILE).written == parse_yaml(text, FILE)


SALES = {"season": 12, "validation": 36, "test": 40, "warmup": 24, "horizon": 12, "origins": 20}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"horizon": 36, "origins": 1}, None),
        ({"horizon": 37}, "horizon is 37; expected 36 at most: the shorter of validation and test"),
        ({"origins": 25}, None),
        (
            {"origins": 26},
            "origins is 26; expected 25 at most, so that each horizon ends inside the shorter of "
            "validation and test",
        ),
        ({"season": 13}, "warmup is 24; expected 26 or more: two seasons"),
        ({"season": 1, "warmup": 2}, None),
    ],
)
def test_a_measured_series_has_room_for_its_forecasts(
    changes: dict[str, int], expected: str | None
) -> None:
    row = {"csv": "sales.csv", "column": "units", **SALES, **changes}
    written = ", ".join(f"{key}: {value}" for key, value in row.items())
    said = errors(edited("  phases:\n", f"  sales: {{{written}}}\n  phases:\n"))
    assert said == ([f"params.yaml:3: datasets.sales.{expected}"] if expected else [])


def test_all_mistakes_are_listed_in_the_order_of_the_file() -> None:
    text = edited("steps: 50", "step: 50").replace("lags: 2", "lags: 0")
    assert [line.split(";")[0] for line in errors(text.replace("plot:", "plots:"))] == [
        "params.yaml:1: plot is missing",
        "params.yaml:5: datasets.phases.step is not a known key",
        "params.yaml:13: models.linear.lags is 0",
        "params.yaml:34: plots is not a known key",
    ]


def test_aliases_that_stand_for_billions_of_values_are_refused() -> None:
    lines = ["a0: &a0 1", *(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 10}]" for i in range(1, 10))]
    expected = "params.yaml: is not valid YAML: too many values, aliases written out"
    assert errors("\n".join(lines)) == [expected]


@pytest.mark.parametrize("content", ["", "# nothing\n", "- 1\n", "text\n"])
def test_a_file_without_sections_is_refused(content: str) -> None:
    (line,) = errors(content)
    assert line.startswith("params.yaml:1: is ") and line.endswith("such as `datasets:`")


VALUES = ("~", "yes", "-1", "1e400", ".nan", "9" * 5000, "[1, x]", "{a: 1}", "{1: 2}", "[", "}")
VALUES += ("&a 1", "*a", "<<: *a", "!!int x", "!x 1", "2020-01-01", "2020-13-45", "=", "? [a]")
VALUES += (
    "x" * 3000,
    "'",
    '"\\0"',
    "\x07",
    "\t",
    "\u2028",
    "0x_",
    "- 1",
    "# 1",
    "%",
    "@",
    "\n",
    " ",
)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(BASE)), st.integers(0, 12), st.sampled_from(VALUES)),
        min_size=1,
        max_size=3,
    )
)
def test_any_edit_is_read_as_dvc_reads_it_or_has_its_lines(edits: list[Any]) -> None:
    text = BASE
    for start, length, value in edits:
        text = text[:start] + value + text[start + length :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lines = errors(text)
    for line in lines:
        assert line.startswith("params.yaml:") and line.isprintable() and len(line) < 500
    assert lines or whole.read(FILE).written == parse_yaml(text, FILE)


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_have_printable_lines(content: bytes) -> None:
    assert all(line.startswith("params.yaml:") and line.isprintable() for line in errors(content))


def test_a_file_that_cannot_be_read_has_one_line() -> None:
    def only() -> str:
        with pytest.raises(InputError) as error:
            whole.read(FILE)
        return str(error.value)

    FILE.unlink(missing_ok=True)
    root = "run commands in the repository's root, where it is"
    assert only() == f"params.yaml: no such file; {root}"
    FILE.mkdir()
    assert only() == "params.yaml: is a folder; expected a file"
    FILE.rmdir()
    FILE.write_bytes(BASE.replace("seed: 2", "seed: é").encode("latin-1"))
    assert only() == "params.yaml:4: is not UTF-8 text; save it as UTF-8"


def test_a_stage_can_refuse_a_value_by_its_line() -> None:
    FILE.write_text(BASE)
    error = whole.read(FILE).mistake(("models", "stable", "cell"), "is gruu; expected gru")
    assert str(error) == "params.yaml:16: models.stable.cell is gruu; expected gru"


def test_the_committed_parameters_have_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are parsed once."""
    calls: list[Path] = []
    monkeypatch.setattr(whole, "parse", lambda path: calls.append(path) or document.parse(path))
    read = whole.read(ROOT / "params.yaml")
    assert list(read.models) == list(read.written["models"]) and len(calls) == 1
