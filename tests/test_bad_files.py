"""Dataset and model files that are damaged or disguised: each gets one line, and runs nothing.

And what a training or a free run that fails ends in. The messages are tested beside the loaders.
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

from stages import evaluate, files, generate, train
from stages.files import InputError
from stages.networks import model_file
from stages.networks.model_file import CARRIED, Facts
from stages.settings import entry
from stages.settings.dataset import Dataset
from stages.signals import dataset_file
from tests import examples

FACTS = {"dataset": "d", "cell": "rnn", "time_step": 0.5, "frequency": [1.0], "amplitude": [1.0]}
DATA, MODEL = Path("d.npz"), Path("m.safetensors")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)


def write_data(**settings: Any) -> None:
    """Write a dataset file of a few sequences."""
    counts = {"sequences": 4, "validation_sequences": 2, "test_sequences": 3}
    row = Dataset(**counts | {"warmup": 20, "periods": 100} | settings)
    dataset_file.save(DATA, generate.generate(row))


def write_small_files() -> None:
    """Write a dataset file and a model file of the smallest size."""
    counts = {"sequences": 1, "validation_sequences": 1, "test_sequences": 1}
    row = Dataset(**counts, steps=3, span=1.0, warmup=1, periods=1)
    dataset_file.save(DATA, {"train": generate.generate(row)["train"]})
    tensors = model_file.tensors_of(examples.network("rnn", hidden=2))
    model_file.save(MODEL, tensors | {CARRIED: np.ones((1, 2))}, Facts(**FACTS, hidden_size=2))


def content_of(path: Path) -> list[bytes] | None:
    """Load all of a dataset file or a model file; None where it is refused in one line."""
    try:
        if path == DATA:
            sines = dataset_file.load(path, "train")
            arrays = [getattr(sines, name) for name in dataset_file.ARRAYS]
            return [
                array.tobytes() for array in (*arrays, np.array([sines.time_step, sines.noise]))
            ]
        tensors, facts = model_file.read(path)
        model_file.load(path)
        return [facts.model_dump_json().encode(), *(array.tobytes() for array in tensors.values())]
    except InputError as error:
        line = str(error)
        assert line.startswith(f"{path}: ") and line.isprintable() and len(line) <= 500
    return None


def damaged(content: bytes) -> Iterator[bytes]:
    """Yield the content with each third byte flipped in one bit, and cut off there."""
    for i in range(0, len(content), 3):
        yield content[:i] + bytes([content[i] ^ (1 << i % 8)]) + content[i + 1 :]
        yield content[:i]


@pytest.mark.parametrize("path", [DATA, MODEL], ids=str)
@pytest.mark.filterwarnings("error")
def test_a_damaged_file_is_read_as_it_was_saved_or_refused(path: Path) -> None:
    write_small_files()
    expected, content, read = content_of(path), path.read_bytes(), 0
    for broken in damaged(content):
        path.write_bytes(broken)
        loaded = content_of(path)
        assert loaded in (None, expected)
        read += loaded is not None
    # A zip has bytes that hold nothing of the arrays; in a model file every byte counts.
    assert read < len(content) / 3 if path == DATA else read == 0


class Bomb:
    """Leaves a file behind where it is unpickled."""

    def __reduce__(self) -> Any:
        return open, ("ran", "w")


def write_npz(**changes: np.ndarray) -> None:
    with np.load(DATA) as archive:
        arrays = {name: archive[name] for name in archive} | changes
    np.savez(DATA, **arrays)


def write_header(header: str) -> None:
    """Replace an array by its header alone."""
    with zipfile.ZipFile(DATA) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = header.encode().ljust(117) + b"\n"
    start = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
    with zipfile.ZipFile(DATA, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, start + text if name == "train_values.npy" else content)


def write_compressed() -> None:
    with zipfile.ZipFile(DATA, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train_values.npy", bytes(2**20))


def write_facts(facts: str) -> None:
    tensors = safetensors.numpy.load_file(MODEL)
    safetensors.numpy.save_file(tensors, MODEL, {"model": facts})


def write_signed_facts(**changes: Any) -> None:
    """Write other facts with the digest that fits them."""
    facts = FACTS | {"lags": 1, "hidden_size": 2, "num_layers": 1} | changes
    tensors = safetensors.numpy.load_file(MODEL)
    write_facts(json.dumps(facts | {"sha256": model_file.digest(facts, tensors)}))


HEADER = "{{'descr': '<f8', 'fortran_order': False, 'shape': {}, }}"
DISGUISED: list[tuple[Path, Callable[[], Any]]] = [
    (DATA, lambda: DATA.write_bytes(pickle.dumps(Bomb()))),
    (DATA, lambda: write_npz(train_values=np.array([Bomb()], dtype=object))),
    (DATA, lambda: write_npz(train_phase=np.array(["a"]))),
    (DATA, lambda: write_header(HEADER.format("(10**12,)"))),
    (DATA, lambda: write_header(HEADER.format("(1000000000000,)"))),
    (DATA, lambda: write_header(HEADER.format("open('ran', 'w')"))),
    (DATA, write_compressed),
    (MODEL, lambda: MODEL.write_bytes(pickle.dumps(Bomb()))),
    (MODEL, lambda: write_facts("{")),
    (MODEL, lambda: write_facts("[1]")),
    (MODEL, lambda: write_facts("[" * 100_000)),
    (MODEL, lambda: write_signed_facts(cell="os.system")),
    (MODEL, lambda: write_signed_facts(hidden_size=10**9)),
    (MODEL, lambda: write_signed_facts(num_layers=0)),
    (MODEL, lambda: write_signed_facts(time_step=float("nan"))),
]


@pytest.mark.parametrize(("path", "write"), DISGUISED)
def test_a_file_of_other_content_is_refused_and_nothing_of_it_runs(
    path: Path, write: Callable[[], Any]
) -> None:
    write_small_files()
    write()
    assert content_of(path) is None
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "load",
    [lambda path: dataset_file.load(path, "train"), model_file.load, files.content],
    ids=["dataset", "model", "report"],
)
def test_a_missing_file_and_a_folder_get_one_line_and_a_link_is_followed(
    load: Callable[[Path], Any],
) -> None:
    path = Path("given")
    for make, message in (
        (lambda: None, "no such file; make it with `dvc repro`"),
        (lambda: path.symlink_to("nowhere"), "no such file; make it with `dvc repro`"),
        (path.mkdir, "cannot be read: Is a directory"),
    ):
        path.unlink(missing_ok=True)
        make()
        with pytest.raises(InputError) as error:
            load(path)
        assert str(error.value) == f"given: {message}"
    path.rmdir()
    write_small_files()  # DVC may link its cache
    path.symlink_to(MODEL if load is model_file.load else DATA)
    load(path)


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
        Path("params.yaml").write_text(PARAMS)
        try:
            entry.run(stage.parser(), stage.main)
        except SystemExit as ended:
            return ended.code, stderr.getvalue()
    return 0, stderr.getvalue()


def test_a_loss_that_is_not_finite_stops_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.nn.MSELoss", lambda: lambda *_: torch.tensor(float("nan")))
    write_data()
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
    write_data()
    line = "not enough memory; expected fewer or shorter sequences, or a smaller network"
    assert run(train, *TRAIN) == (2, f"error: {line}\n")
    assert sorted(os.listdir()) == ["d.npz", "params.yaml"]


@pytest.mark.filterwarnings("error")
def test_a_free_run_that_blows_up_is_a_result() -> None:
    write_data()
    Path("t.csv").write_text("attempt,phase,iteration,steps_seen,loss\n1,adam,1,1,1\n")
    facts = Facts(**FACTS | {"cell": "linear", "time_step": 10 / 49}, lags=2)
    model_file.save(Path("m"), {"weight": np.array([2e200, 1e200])}, facts)
    assert run(evaluate, *"m d.npz t.csv --out r --card c.json".split()) == (0, "")
    metrics = json.loads(Path("r/metrics.json").read_text(), parse_constant=pytest.fail)
    assert metrics["free_running"]["survivors"] == 0
    assert metrics["free_running"]["rmse_100_periods"] == "diverged"
