"""Dataset, model and report files that are damaged, disguised or none: each gets one line.

And what a training or a free run that fails ends in.
"""

import contextlib
import io
import json
import os
import pickle
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from stages import evaluate, generate, train
from stages.files import AGAIN, InputError
from stages.networks import model_file
from stages.networks.model_file import CARRIED, Facts
from stages.reporting import reports
from stages.settings import entry
from stages.settings.dataset import Dataset
from stages.signals import dataset_file
from tests import examples

FACTS = {"dataset": "d", "cell": "rnn", "time_step": 0.5, "frequency": [1.0], "amplitude": [1.0]}
FACTS |= {"lags": 1, "hidden_size": 2, "num_layers": 1, "memory_size": 1, "products": 1}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Bomb:
    """Leaves a file behind where it is unpickled."""

    def __reduce__(self) -> Any:
        return open, ("ran", "w")


def said(load: Callable[[], Any]) -> str:
    """Read the one line of a loader's error."""
    with pytest.raises(InputError) as error:
        load()
    assert "\n" not in str(error.value)
    return str(error.value)


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
        line = str(error)
        assert line.startswith(f"{path}:") and line.isprintable() and len(line) <= 500
        return False
    assert content == expected, "read other than what was saved"
    return True


@pytest.mark.parametrize("which", [0, 1], ids=["dataset", "model"])
@pytest.mark.filterwarnings("error")
def test_each_byte_flipped_and_each_length_cut(which: int) -> None:
    """What was saved is read, or one line says that it was not."""
    path = small_files(Path("."))[which]
    expected = content_of(path)
    content = path.read_bytes()
    read = 0
    for broken in damaged(content):
        path.write_bytes(broken)
        read += judge_file(path, expected)
    # A zip has bytes that hold nothing of the arrays; in a model file every byte counts.
    assert read < len(content) if which == 0 else read == 0


def npz(**changes: Any) -> None:
    """Write d.npz with some arrays replaced; None: left out."""
    small_files(Path("."))
    with np.load("d.npz") as archive:
        arrays = {name: archive[name] for name in archive} | changes
    np.savez("d.npz", **{name: array for name, array in arrays.items() if array is not None})


def with_header(header: str) -> None:
    """Write d.npz with an array that is a header alone."""
    npz()
    with zipfile.ZipFile("d.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = header.encode().ljust(117) + b"\n"
    start = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
    with zipfile.ZipFile("d.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, start + text if name == "train_values.npy" else content)


def zip_bomb() -> None:
    with zipfile.ZipFile("d.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("train_values.npy", "w", force_zip64=True) as member:
            for _ in range(64):
                member.write(bytes(2**20))


# How each file is made, and what is said of it; … stands for the words of a library.
UNREADABLE = "is not a readable dataset file (…"
DATA: dict[str, tuple[Callable[[], Any], str]] = {
    "a pickle": (lambda: Path("d.npz").write_bytes(pickle.dumps(Bomb())), UNREADABLE),
    "a pickle within": (lambda: npz(train_values=np.array([Bomb()], dtype=object)), UNREADABLE),
    "a zip bomb": (zip_bomb, f"{UNREADABLE[:-1]}an array is compressed); {AGAIN}"),
    "terabytes": (
        lambda: with_header(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
        ),
        UNREADABLE,
    ),
    "code for a header": (
        lambda: with_header(
            "{'descr': '<f8', 'fortran_order': False, 'shape': open('ran', 'w'), }"
        ),
        UNREADABLE,
    ),
    "a missing array": (lambda: npz(train_phase=None), UNREADABLE),
    "single precision": (
        lambda: npz(train_phase=np.zeros(1, np.float32)),
        "train_phase has the shape (1,) and the type float32; expected (1,) and float64; …",
    ),
    "text": (
        lambda: npz(train_phase=np.array(["a"])),
        "train_phase has the shape (1,) and the type <U1; expected (1,) and float64; …",
    ),
    "another shape": (
        lambda: npz(train_values=np.zeros((1, 3))),
        "train_values has the shape (1, 3); expected (batch, time, 1) with one sequence of three "
        "values at least; …",
    ),
    "no sequence": (
        lambda: npz(train_values=np.zeros((0, 3, 1))),
        "train_values has the shape (0, 3, 1); expected …",
    ),
    "NaN": (
        lambda: npz(train_values=np.full((1, 3, 1), np.nan)),
        "train_values holds other than numbers from -1e+09 to 1e+09; …",
    ),
    "no frequency": (
        lambda: npz(train_frequency=np.zeros(1)),
        "train_frequency holds other than numbers from 1e-06 to 1e+06; …",
    ),
    "no time step": (
        lambda: npz(time_step=np.array(0.0)),
        "time_step holds other than numbers from 1e-12 to 1e+12; …",
    ),
}


@pytest.mark.parametrize("mistake", DATA)
def test_a_dataset_file_that_is_none(mistake: str) -> None:
    make, message = DATA[mistake]
    make()
    line = said(lambda: dataset_file.load(Path("d.npz"), "train"))
    assert line.startswith(f"d.npz: {message.partition('…')[0]}") and line.endswith(AGAIN)
    assert not Path("ran").exists()


def safetensors_file(
    facts: Any = FACTS, *, forged: bool = False, keep: tuple[str, ...] = (), **changes: np.ndarray
) -> None:
    """Write m.safetensors with other facts or tensors, and with the digest of both.

    forged: with facts that are written as they are. keep: the only tensors, or all of them.
    """
    small_files(Path("."))
    tensors = safetensors.numpy.load_file("m.safetensors") | changes
    tensors = {name: value for name, value in tensors.items() if not keep or name in keep}
    text = facts
    if not forged:
        text = json.dumps(facts | {"sha256": model_file.digest(facts, tensors)}, sort_keys=True)
    safetensors.numpy.save_file(tensors, "m.safetensors", {"model": text})


UNLOADED = "is not a readable model file (…"
MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "a pickle": (lambda: Path("m.safetensors").write_bytes(pickle.dumps(Bomb())), UNLOADED),
    "an empty file": (lambda: Path("m.safetensors").write_bytes(b""), UNLOADED),
    "no facts": (
        lambda: safetensors.numpy.save_file({"a": np.zeros(1)}, "m.safetensors"),
        "does not say what model it holds; …",
    ),
    "facts that are no JSON": (lambda: safetensors_file("{", forged=True), UNLOADED),
    "facts that are a list": (
        lambda: safetensors_file("[1]", forged=True),
        "does not say what model it holds; …",
    ),
    "facts that are nested": (lambda: safetensors_file("[" * 100_000, forged=True), UNLOADED),
    "other facts": (
        lambda: safetensors_file(json.dumps(FACTS | {"sha256": "0"}), forged=True),
        "is damaged: its content is not what was saved; …",
    ),
    "a billion units": (
        lambda: safetensors_file(FACTS | {"hidden_size": 10**9}),
        "tensors do not fit the facts: they hold 13 values, too few; …",
    ),
    "a billion layers": (
        lambda: safetensors_file(FACTS | {"num_layers": 10**9}),
        "tensors do not fit the facts: they hold 13 values, too few; …",
    ),
    "no layers": (
        lambda: safetensors_file(FACTS | {"num_layers": 0}, keep=("linear.weight", "linear.bias")),
        "the fact num_layers: …",
    ),
    "units in words": (
        lambda: safetensors_file(FACTS | {"hidden_size": "two"}),
        "the fact hidden_size: …",
    ),
    "an unknown cell": (
        lambda: safetensors_file(FACTS | {"cell": "os.system"}),
        "tensors do not fit the facts: the cell is os.system; expected one of rnn, …",
    ),
    "a step of NaN": (
        lambda: safetensors_file(FACTS | {"time_step": float("nan")}),
        "the fact time_step: …",
    ),
    "another cell": (
        lambda: safetensors_file(FACTS | {"cell": "gru"}),
        "tensors do not fit the facts: rnn.bias_hh_l0 has the shape (2,); expected (6,)",
    ),
    "a missing tensor": (
        lambda: safetensors_file(keep=("linear.weight",)),
        "tensors do not fit the facts: linear.bias has the shape None; expected (1,)",
    ),
    "a tensor too many": (
        lambda: safetensors_file(more=np.zeros(3)),
        "tensors do not fit the facts: more has the shape (3,); expected None",
    ),
    "NaN": (
        lambda: safetensors_file(**{"linear.bias": np.array([np.nan])}),
        "tensors do not fit the facts: linear.bias holds numbers that are not finite",
    ),
}


@pytest.mark.parametrize("mistake", MODELS)
def test_a_model_file_that_is_none(mistake: str) -> None:
    make, message = MODELS[mistake]
    make()
    line = said(lambda: model_file.load(Path("m.safetensors")))
    assert line.startswith(f"m.safetensors: {message.partition('…')[0]}")
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "load",
    [lambda path: dataset_file.load(path, "train"), model_file.load, reports.read],
    ids=["dataset", "model", "report"],
)
def test_what_is_no_file_is_told_and_a_link_is_followed(load: Callable[[Path], Any]) -> None:
    make = "make it with `dvc repro`"
    path = Path("given")
    assert said(lambda: load(path)) == f"given: no such file; {make}"
    path.mkdir()
    assert said(lambda: load(path)) == "given: is a folder; expected a file"
    path.rmdir()
    os.mkfifo(path)
    assert said(lambda: load(path)) == "given: is a pipe or a device; expected a file"
    path.unlink()
    path.symlink_to("nowhere")
    assert said(lambda: load(path)) == f"given: is a link to a file that does not exist; {make}"
    path.unlink()
    # DVC may link its cache: a link to a good file is a good file.
    data, model = small_files(Path("."))
    path.symlink_to(model if load is model_file.load else data)
    load(path)
    path.resolve().chmod(0)
    if not os.access(path, os.R_OK):  # root may read everything
        assert said(lambda: load(path)) == "given: cannot be read: Permission denied"


PARAMS = """\
datasets:
  d: {sequences: 4, validation_sequences: 2, test_sequences: 3, warmup: 20, periods: 100}
models:
  m:
    {dataset: d, cell: rnn, hidden_size: 4, attempts: 1,
     training: [{phase: adam, iterations: 20, learning_rate: 0.5, batch: 4}]}
plot: {}
"""
TRAIN = ("m", "d.npz", "--out", "m.safetensors", "--curve", "t.csv")


def run(stage: Any, *arguments: str) -> tuple[Any, str]:
    """Run a stage in this process, in the current folder; return its exit code and its stderr."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stderr(io.StringIO()) as stderr,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        patch.setattr(entry, "refuse_foreign_copy", lambda: None)
        patch.setattr(entry.stages, "doubts", list)
        patch.setattr(sys, "argv", ["stage", *arguments])
        try:
            entry.run(stage.parser(), stage.main)
        except SystemExit as ended:
            return ended.code, stderr.getvalue()
    return 0, stderr.getvalue()


def make_data(**settings: Any) -> None:
    Path("params.yaml").write_text(PARAMS)
    row = Dataset(
        sequences=4, validation_sequences=2, test_sequences=3, warmup=20, periods=100, **settings
    )
    dataset_file.save(Path("d.npz"), generate.generate(row))


def test_a_loss_that_is_not_finite_stops_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.nn.MSELoss", lambda: lambda *_: torch.tensor(float("nan")))
    make_data()
    assert run(train, *TRAIN) == (
        2,
        "error: training: the loss is nan at iteration 1 of Adam; "
        "likely cause: learning_rate 0.5 is too high\n",
    )
    assert sorted(os.listdir()) == ["d.npz", "params.yaml"]


def test_a_lack_of_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(train, "train_sines", fail)
    make_data()
    line = "not enough memory; expected fewer or shorter sequences, or a smaller network"
    assert run(train, *TRAIN) == (2, f"error: {line}\n")
    assert sorted(os.listdir()) == ["d.npz", "params.yaml"]


@pytest.mark.filterwarnings("error")
def test_a_free_run_that_blows_up_is_a_result() -> None:
    make_data()
    Path("t.csv").write_text("attempt,phase,iteration,steps_seen,loss\n1,adam,1,1,1\n")
    facts = Facts(**FACTS | {"cell": "linear", "lags": 2, "time_step": 10 / 49})
    model_file.save(Path("m"), {"weight": np.array([2e200, 1e200])}, facts)
    assert run(evaluate, *"m d.npz t.csv --out r --card c.json".split()) == (0, "")
    metrics = json.loads(Path("r/metrics.json").read_text(), parse_constant=pytest.fail)
    assert metrics["free_running"]["survivors"] == 0
    assert metrics["free_running"]["rmse_100_periods"] == "diverged"
