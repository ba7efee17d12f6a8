"""Mistakes in params.yaml: each is told in one line, before any work starts."""

import os
import random
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.files import InputError
from stages.settings import document, mistakes, whole
from tests import fuzz
from tests.conftest import ROOT
from tests.settings.mistakes import MISTAKES

# By hand: FUZZ=20000 python -m pytest tests/settings -k mutated
CASES = int(os.environ.get("FUZZ", "500"))
FILE = Path("params.yaml")


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run in an empty folder: the tests write their own params.yaml."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("mistakes"))
    yield
    os.chdir(before)


def told(content: str | bytes) -> list[str]:
    """Return the lines that are said of a params.yaml."""
    FILE.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        whole.read(FILE)
    except InputError as error:
        return str(error).split("\n")
    return []


def edited(edits: dict[str, str]) -> str:
    """Return fuzz.BASE with texts replaced, each of which stands there once."""
    text = fuzz.BASE
    for old, new in edits.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("edits", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES]
)
def test_each_mistake_has_its_message(edits: dict[str, str], message: str) -> None:
    found = told(edited(edits))
    if message.endswith("…"):  # the rest is the parser's own words
        (line,) = found
        assert line.startswith(f"params.yaml:{message[:-1]}")
    else:
        assert found == [f"params.yaml:{line}" for line in message.split("\n")]


@pytest.mark.parametrize(
    "edits",
    [
        {"noise: 1e-3\n    warmup": "noise: 1E-3\n    warmup"},
        {"span: 10.0": "span: 10"},
        {"sequences: 20": "sequences: 2_0"},
        {"datasets": "\ufeffdatasets"},
        {"blog: {": "blog: &b {", "models:": "  more: *b\nmodels:"},
        {"blog: {": "blog: &b {", "models:": "  more: {<<: *b, steps: 49}\nmodels:"},
        {"blog: {": "a: &a {seed: 3}\n  b: &b {seed: 4}\n  c: {<<: [*a, *b]}\n  blog: {"},
        {"  stable:": "  '7':"},
        {fuzz.BASE: fuzz.BASE.replace("\n", "\r\n")},
        {"seed: 2": "seed: 2  # <<<<<<< not at the margin\n# ======="},
    ],
)
def test_what_is_no_mistake_is_read_as_dvc_reads_it(edits: dict[str, str]) -> None:
    text = edited(edits)
    assert told(text) == []
    assert whole.read(FILE).written == parse_yaml(text, FILE)


def test_a_row_has_the_line_where_each_value_is_written() -> None:
    FILE.write_text("a: &a\n  x: 1\n  y: [1,\n    2]\nb:\n  <<: *a\n  x: 3\nc: *a\n")
    assert document.parse(FILE).lines == {
        ("a",): 1,
        ("a", "x"): 2,
        ("a", "y"): 3,
        ("a", "y", 0): 3,
        ("a", "y", 1): 4,
        ("b",): 5,
        ("b", "<<"): 6,
        ("b", "x"): 7,
        ("b", "y"): 3,
        ("b", "y", 0): 3,
        ("b", "y", 1): 4,
        ("c",): 8,
        ("c", "x"): 2,
        ("c", "y"): 3,
        ("c", "y", 0): 3,
        ("c", "y", 1): 4,
    }


def test_the_committed_parameters_have_no_mistake() -> None:
    settings = whole.read(ROOT / "params.yaml")
    assert list(settings.models) == list(settings.written["models"])


def test_a_name_that_is_no_row_is_told_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="no row phase; did you mean phases?"):
        whole.row({"blog": 1, "phases": 2}, "phase")
    assert whole.row({"blog": 1, "phases": 2}, "phases") == 2


@settings(max_examples=CASES, derandomize=True, deadline=None, database=None)
@given(r=st.randoms(use_true_random=False))
def test_a_mutated_file_is_good_or_each_mistake_has_its_line(r: random.Random) -> None:
    FILE.write_text(fuzz.mutated(r), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fuzz.judge(FILE)


@settings(max_examples=CASES // 5, derandomize=True, deadline=None, database=None)
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_good_or_told_in_lines(content: bytes) -> None:
    for line in told(content):
        assert line.startswith("params.yaml:") and line.isprintable()


def test_a_file_that_is_none_is_told() -> None:
    def only() -> str:
        with pytest.raises(InputError) as error:
            whole.read(FILE)
        return str(error.value)

    FILE.unlink(missing_ok=True)
    root = "commands run in the repository's root, where it stands"
    assert only() == f"params.yaml: no such file; {root}"
    FILE.symlink_to("nowhere")
    assert only() == f"params.yaml: is a link to a file that does not exist; {root}"
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


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "a whole number from 1"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "a number from 0 and below 1"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 9}, "a number above 0 and up to 9"),
        ({"type": "boolean"}, "true or false"),
        ({"enum": ["a", "b"]}, "one of a, b"),
        (
            {"type": "array", "minItems": 1, "items": {"type": "string", "description": "a name"}},
            "a list of 1 or more items, each a name",
        ),
        (
            {"anyOf": [{"const": "all"}, {"type": "null"}, {"type": "number"}], "description": "m"},
            "all or a number [m]",
        ),
    ],
)
def test_what_was_expected_is_read_from_the_schema(schema: dict[str, Any], words: str) -> None:
    assert mistakes.expected(schema, {}) == words


def test_a_whole_file_is_parsed_and_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows it has."""
    calls: list[str] = []
    parse, validate = document.parse, whole.Sections.model_validate
    monkeypatch.setattr(document, "parse", lambda path: calls.append("parse") or parse(path))
    monkeypatch.setattr(
        whole.Sections,
        "model_validate",
        lambda values: calls.append("validate") or validate(values),
    )
    whole.read(ROOT / "params.yaml")
    assert calls == ["parse", "validate"]


def test_the_check_imports_no_library_of_numbers() -> None:
    program = "import stages.check, sys; print({'torch', 'numpy', 'pandas'} & set(sys.modules))"
    done = subprocess.run(
        (sys.executable, "-c", program), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
