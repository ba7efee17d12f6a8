"""Wrong inputs in great number: mutations of a params.yaml, flipped and missing bytes of a file."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from dvc.utils.serialize import parse_yaml

from stages import generate
from stages.files import InputError
from stages.networks import model_file
from stages.networks.model_file import CARRIED, Facts
from stages.settings import whole
from stages.settings.dataset import Dataset
from stages.signals import dataset_file
from tests import examples

BASE = """\
datasets:
  blog: {sequences: 20, warmup: 20, periods: 5}
  phases:
    seed: 2
    steps: 50
    span: 10.0
    phase: uniform
    frequency: [0.9, 1.1]
    amplitude: 1.0
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
        noise: 1e-3
        iterations: 3
plot:
  hero: [linear, stable]
  any_sine: stable
"""
VALUES = [
    *("", "~", "true", "yes", "0", "-1", "1", "2.5", "1e-3", "'1e-3'", "1e3", "1e400", "1e-320"),
    *(".nan", ".inf", "-.inf", "999999999999", "9" * 5000, "0x10", "1_000", "1,5", "ten", "50%"),
    *("[]", "{}", "[1, 2]", "[2, 1]", "[1, x]", "[[1]]", "{a: 1}", "{1: 2}", "[,]", "{", "]", "|"),
    *("phases", "blog", "linear", "lstm", "uniform", "normal", "{method: uniform}", "x" * 3000),
    *("&a 1", "*a", "!!int a", "!!python/name:os.system a", "!x 1", "2020-01-01", "<<", "=", "?"),
    *("${x}", "../x", "a b", "é", "'", '"\\0"', '"\\u202e"', "\x07", "\t", "- 1", "# 1", "%", "@"),
]
KEYS = ["seed", "sead", "a.b", "..", "1", "true", "~", "<<", "stable", "Stable", "- x", "? [a]", ""]
CHARACTERS = "\t\n:-#[]{},&*!|>'\"%@`~ 0aé\ufeff\u2028\x00"


def change_value(lines: list[str], r: random.Random) -> None:
    i = r.randrange(len(lines))
    lines[i] = re.sub(
        r"(: |- |:$).*", lambda old: old[1] + " " + r.choice(VALUES), lines[i], count=1
    )


def change_item(lines: list[str], r: random.Random) -> None:
    i = r.randrange(len(lines))
    words = re.split(r"([\w.*]+)", lines[i])
    words[r.randrange(len(words))] = r.choice(VALUES)
    lines[i] = "".join(words)


def change_key(lines: list[str], r: random.Random) -> None:
    i = r.randrange(len(lines))
    lines[i] = re.sub(r"[\w.]+:", lambda old: r.choice(KEYS) + ":", lines[i], count=1)


def misspell_key(lines: list[str], r: random.Random) -> None:
    i = r.randrange(len(lines))
    at = r.randrange(len(lines[i]) + 1)
    lines[i] = lines[i][:at] + lines[i][at + 1 :]


def drop_line(lines: list[str], r: random.Random) -> None:
    del lines[r.randrange(len(lines))]


def repeat_line(lines: list[str], r: random.Random) -> None:
    lines.insert(r.randrange(len(lines) + 1), r.choice(lines))


def indent_line(lines: list[str], r: random.Random) -> None:
    i = r.randrange(len(lines))
    lines[i] = r.choice(("", " ", "  ", "\t", "      ")) + r.choice((lines[i], lines[i].lstrip()))


def change_character(lines: list[str], r: random.Random) -> None:
    i = r.randrange(len(lines))
    at = r.randrange(len(lines[i]) + 1)
    lines[i] = lines[i][:at] + r.choice(CHARACTERS) + lines[i][at + r.randrange(2) :]


def cut_off(lines: list[str], r: random.Random) -> None:
    del lines[r.randrange(1, len(lines) + 1) :]


def alias(lines: list[str], r: random.Random) -> None:
    """Put an anchor on one value, and an alias or a merge of it elsewhere."""
    i, j = r.randrange(len(lines)), r.randrange(len(lines))
    lines[i] = re.sub(r":", ": &a", lines[i], count=1)
    indent = re.match(" *", lines[j])[0]
    lines.insert(j, f"{indent}{r.choice(('<<', 'seed', 'x'))}: {r.choice(('*a', '[*a, *a]'))}")


MUTATIONS: list[Callable[[list[str], random.Random], None]] = [
    *(change_value, change_item, change_key, misspell_key, drop_line),
    *(repeat_line, indent_line, change_character, cut_off, alias),
]


def mutated(r: random.Random) -> str:
    """Write a params.yaml with one to three mistakes in it."""
    lines = BASE.splitlines()
    for kind in [r.choice(MUTATIONS) for _ in range(r.choice((1, 1, 2, 3)))]:
        if lines:
            kind(lines, r)
    return "\n".join(lines) + "\n"


def judge(path: Path) -> bool:
    """Read a params.yaml as the stages do, and tell whether it is good.

    Raises AssertionError where an error has an unclear line, or DVC reads other values.
    """
    try:
        settings = whole.read(path)
    except InputError as error:
        assert_clear(str(error), str(path))
        return False
    assert settings.written == parse_yaml(path.read_text("utf-8"), path), "DVC reads it otherwise"
    return True


def assert_clear(message: str, start: str) -> None:
    """Assert that every line of a message begins with the file, is short, and can be printed."""
    for line in message.split("\n"):
        assert line.startswith(f"{start}:") and line.isprintable(), message
        assert len(line) <= 500, message


def small_files(folder: Path) -> tuple[Path, Path]:
    """Write a dataset file and a model file of the smallest size."""
    data, model = folder / "d.npz", folder / "m.safetensors"
    counts = {name: 1 for name in ("sequences", "validation_sequences", "test_sequences")}
    row = Dataset(**counts, steps=3, span=1.0, warmup=1, periods=1)
    dataset_file.save(data, {"train": generate.generate(row)["train"]})
    tensors = model_file.tensors_of(examples.network("rnn", hidden=2))
    sines = {"dataset": "d", "time_step": 0.5, "frequency": [1.0], "amplitude": [1.0]}
    model_file.save(
        model, tensors | {CARRIED: np.ones((1, 2))}, Facts(cell="rnn", hidden_size=2, **sines)
    )
    return data, model


def content_of(path: Path) -> list[bytes]:
    """Read all that a loader reads of a dataset file or a model file."""
    if path.suffix == ".npz":
        sines = dataset_file.load(path, "train")
        arrays = [getattr(sines, name) for name in dataset_file.ARRAYS]
        arrays += [np.array([sines.time_step, sines.noise])]
        return [array.tobytes() for array in arrays]
    tensors, facts = model_file.read(path)
    return [facts.model_dump_json().encode(), *(array.tobytes() for array in tensors.values())]


def damaged(content: bytes) -> Iterator[bytes]:
    """Yield the content with each byte flipped in one bit, and cut off at each length."""
    for i in range(len(content)):
        yield content[:i] + bytes([content[i] ^ (1 << i % 8)]) + content[i + 1 :]
    for length in range(len(content)):
        yield content[:length]


def judge_file(path: Path, expected: list[bytes]) -> bool:
    """Load a file that may be damaged, and tell whether it was read.

    Raises AssertionError where other content was read than saved, or an error is not one line.
    """
    try:
        content = content_of(path)
    except InputError as error:
        assert "\n" not in str(error), error
        assert_clear(str(error), str(path))
        return False
    assert content == expected, "read other than what was saved"
    return True
