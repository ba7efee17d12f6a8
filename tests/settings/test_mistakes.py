"""Mistakes in params.yaml: each gives one line, before any work starts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.files import InputError
from stages.settings import document, params_file
from tests.conftest import ROOT

FILE = Path("params.yaml")
BASE = """\
datasets:
  blog: {sequences: 20, warmup: 20, periods: 5}
  sales: {csv: sales.csv, column: units, season: 12, validation: 36, test: 40, warmup: 24, horizon: 12}
  phases:
    seed: 2
    steps: 50
    span: 10.0
    phase: uniform
    frequency: [0.9, 1.1]
    noise: 1e-3
models:
  linear: {dataset: phases, cell: linear, lags: 2}
  stable:
    dataset: phases
    cell: rnn
    hidden_size: 4
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
"""  # noqa: E501
# An edit of BASE, where ⏎ is the end of a line, and below it what is printed after `params.yaml:`.
CASES = """
hidden_size: 4 → hidden_size: -24
 16: models.stable.hidden_size is -24; expected greater than or equal to 1
hidden_size: 4 → hidden_size: 16.0
 16: models.stable.hidden_size is 16.0; expected a valid integer
hidden_size: 4 → hidden_size: "16"
 16: models.stable.hidden_size is '16'; expected a valid integer
hidden_size: 4 → hidden_size:
 16: models.stable.hidden_size is empty; expected a valid integer
hidden_size: 4 → hidden_size: &a [*a, 1]
 16: models.stable.hidden_size is [[[[[[[...], 1], 1], 1], 1], 1], 1]; expected a valid integer
hidden_size: 4 → hiden_size: 4
 16: models.stable.hiden_size is not a known key; did you mean hidden_size?
iterations: 20 → ⏎        iteration: 20
 23: models.stable.training.0.iterations is missing; expected a value
 25: models.stable.training.0.iteration is not a known key; did you mean iterations?
iterations: 3 → iterations: 3⏎        sequence: 3
 32: models.stable.training.2.sequence is not a known key; did you mean sequences?
accept: {periods: 2} → accept: {period: 2}
 18: models.stable.accept.period is not a known key; did you mean periods?
input_scale: → input_scale: 1⏎      sd:
 22: models.stable.initial.sd is not a known key; known keys: method, spectral_radius, input_scale, averages
accept: {periods: 2} → accept: {7: 2}
 18: models.stable.accept.7 is not a known key; known keys: warmup, periods, rmse
method: echo_state → method: echo
 20: models.stable.initial.method is 'echo'; expected one of 'normal', 'uniform', 'echo_state', 'zero_read_out'
phase: adam → phases: adam
 23: models.stable.training.0.phase is missing; expected a value
    cell: rnn⏎ →
 13: models.stable.cell is missing; expected a value
dataset: phases⏎ → dataset: phase⏎
 14: models.stable.dataset is phase; expected a row of datasets; did you mean phases?
phase: ridge, warmup: 19 → phase: ridge, ridge: 2
 26: models.stable.training.1.ridge is 2; expected less than or equal to 1
{phase: ridge, warmup: 19} → 5
 26: models.stable.training.1 is 5; expected a mapping
[1, 5] → [5, 1]
 29: models.stable.training.2.free_steps is [5, 1]; expected ascending steps from -18, none of them twice
[1, 5] → [1, 5.5]
 29: models.stable.training.2.free_steps.1 is 5.5; expected a valid integer
free_steps: [1, 5]⏎ → amplitude_jitter: 0.2⏎
 29: models.stable.training.2.amplitude_jitter is 0.2; expected 0, or fresh: true
iterations: 20 → iterations: 20⏎        carry_hidden_state: true⏎        free_steps: 5
 26: models.stable.training.0.free_steps is 5; expected 0: carry_hidden_state trains on one-step predictions
cell: rnn → cell: innovation
 22: models.stable.training is [{'iterations': 20, 'learning_rate': 0.0…equences': 8, ...}]; expected phases of levenberg_marquardt or adam for this cell
cell: rnn⏎ → cell: mine⏎    num_layers: 2⏎
 16: models.stable.num_layers is 2; expected 1: only torch's cells are stacked in layers
[0.9, 1.1] → [1, 2, 3]
 9: datasets.phases.frequency is [1, 2, 3]; expected a number from 1e-6 to 1e6, or a range [low, high]
[0.9, 1.1] → [1.1, 0.9]
 9: datasets.phases.frequency is [1.1, 0.9]; expected a number from 1e-6 to 1e6, or a range [low, high]
phase: uniform → phase: unifrom
 8: datasets.phases.phase is 'unifrom'; expected uniform, or a list of numbers
span: 10.0 → span: 1000
 9: datasets.phases.frequency is [0.9, 1.1]; expected less than 0.1539, π (steps - 1) / span (Nyquist)
steps: 50 → steps: 20
 4: datasets.phases.warmup is 20; expected 18 at most: at least one of 19 predictions must follow the warm-up
lags: 2 → lags: 50
 12: models.linear.lags needs 51 steps; expected at most 50, as in phases
warmup: 19 → warmup: 49
 26: models.stable.training.1.warmup needs 51 steps; expected at most 50, as in phases
accept: {periods: 2} → accept: {warmup: 51}
 18: models.stable.accept.warmup needs 51 steps; expected at most 50, as in phases
cell: linear → cell: ar
 12: models.linear.lags is not a known key; known keys: cell, dataset
cell: linear, lags: 2 → cell: ar
 12: models.linear.cell is ar; expected a cell for sines: phases
{dataset: phases, cell: linear → {dataset: sales, cell: linear
 12: models.linear.cell is linear; expected a cell for a measured series: sales
season: 12 → season: 13
 3: datasets.sales.warmup is 24; expected 26 or more: two seasons
horizon: 12 → horizon: 37
 3: datasets.sales.horizon is 37; expected 36 at most, so that each horizon ends inside the shorter of validation and test
periods: 5 → test_sequences: 100000, periods: 65
 2: datasets.blog.periods is 65; expected 64 at most, to fit into memory: a period is 30.79 steps
horizon: 12 → horizon: 18
 3: datasets.sales.origins is 20; expected 19 at most, so that each horizon ends inside the shorter of validation and test
hero: [linear, stable] → hero: stable
 33: plot.hero is 'stable'; expected a valid list
  stable: →   ../stable:
 13: models.../stable cannot name a row; expected text of letters, digits, - and _
  stable: →   7:
 13: models.7 cannot name a row; expected text of letters, digits, - and _
models: → models: {}⏎gate:
 11: models is {}; expected at least 1 item after validation, not 0
 12: gate is not a known key; known keys: datasets, models, plot
{sequences: 20, warmup: 20, periods: 5} → 5
 2: datasets.blog is 5; expected a mapping
seed: 2 → seed: 2⏎    <<: {sed: 3}
 4: datasets.phases.sed is not a known key; did you mean seed?
  stable: →   linear:
 13: is not valid YAML: while constructing a mapping, found duplicate key "linear"
seed: 2 → seed: !x 2
 5: is not valid YAML: could not determine a constructor for the tag '!x'
seed: 2 → seed: 2: 3
 5: is not valid YAML: mapping values are not allowed here
    seed: 2 → \tseed: 2
 5: is not valid YAML: while scanning for the next token, found character '\\t' that cannot start any token
models: → ---⏎models:
 11: is not valid YAML: expected a single document in the stream, but found another document
    seed: 2⏎ → <<<<<<< HEAD⏎    seed: 2⏎=======⏎    seed: 3⏎>>>>>>> other⏎
 6: is not valid YAML: while scanning a simple key, could not find expected ':'
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


@pytest.fixture(autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder: the tests write their own params.yaml."""
    monkeypatch.chdir(tmp_path_factory.mktemp("mistakes"))


def errors(content: str | bytes) -> list[str]:
    """Read a params.yaml, and list the lines of its error."""
    FILE.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        params_file.read(FILE)
    except InputError as error:
        return str(error).split("\n")
    return []


def edited(old: str, new: str) -> str:
    """Replace the first of a text in BASE."""
    assert old in BASE, old
    return BASE.replace(old, new, 1)


@pytest.mark.parametrize(("old", "new", "expected"), [*cases()])
def test_each_mistake_has_its_line(old: str, new: str, expected: list[str]) -> None:
    start = "params.yaml:"
    assert [line.removeprefix(start).strip() for line in errors(edited(old, new))] == expected


def test_all_mistakes_are_listed_in_the_order_of_the_file() -> None:
    text = edited("steps: 50", "step: 50").replace("lags: 2", "lags: 0")
    assert [line.split(";")[0] for line in errors(text.replace("plot:", "plots:"))] == [
        "params.yaml:1: plot is missing",
        "params.yaml:6: datasets.phases.step is not a known key",
        "params.yaml:12: models.linear.lags is 0",
        "params.yaml:32: plots is not a known key",
    ]


@pytest.mark.parametrize("content", ["", "- 1\n", "text\n"])
def test_a_file_without_sections_is_refused(content: str) -> None:
    expected = "params.yaml:1: is not a mapping; expected sections such as `datasets:`"
    assert errors(content) == [expected]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("noise: 1e-3", "noise: 1E-3"),
        ("seed: 2", "seed: 2_0"),
        ("datasets", "\ufeffdatasets"),
        ("blog: {", "a: &a {seed: 3}\n  b: &b {seed: 4}\n  c: {<<: [*a, *b]}\n  blog: {"),
        ("  stable:", "  '7':"),
    ],
)
def test_a_good_file_is_read_as_dvc_reads_it(old: str, new: str) -> None:
    for text in (edited(old, new), edited(old, new).replace("\n", "\r\n")):
        assert errors(text) == []
        assert params_file.read(FILE).written == parse_yaml(text, FILE)


VALUES = ("~", "yes", "-1", "1e400", ".nan", "9" * 5000, "[1, x]", "{a: 1}", "{1: 2}", "[", "}")
VALUES += ("&a 1", "*a", "<<: *a", "!!int x", "!x 1", "2020-01-01", "2020-13-45", "=", "? [a]")
VALUES += ("x" * 3000, "'", '"\\0"', "\x07", "\t", "\u2028", "0x_", "- 1", "# 1", "%", "@", "\n")


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
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
    lines = errors(text)
    for line in lines:
        assert line.startswith("params.yaml:") and line.isprintable() and len(line) < 500
    assert lines or params_file.read(FILE).written == parse_yaml(text, FILE)


def test_a_file_that_cannot_be_read_has_one_line() -> None:
    with pytest.raises(InputError, match="^params.yaml: no such file; run commands in the repos"):
        params_file.read(FILE)
    expected = "params.yaml:5: is not UTF-8 text; save it as UTF-8"
    assert errors(edited("seed: 2", "seed: é").encode("latin-1")) == [expected]


def test_the_committed_parameters_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []
    monkeypatch.setattr(
        params_file, "parse", lambda path: calls.append(path) or document.parse(path)
    )
    read = params_file.read(ROOT / "params.yaml")
    assert list(read.models) == list(read.written["models"]) and len(calls) == 1
    error = read.mistake(("models", "elman", "training", 0, "warmup"), "is 1; expected 2")
    assert str(error).endswith(": models.elman.training.0.warmup is 1; expected 2")
