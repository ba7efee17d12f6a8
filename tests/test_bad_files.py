"""Data, model and report files that are damaged, disguised or none: each is told in one line.

And what a training or a rollout that fails ends in.
"""

import contextlib
import io
import json
import os
import pickle
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from stages import evaluate, generate, train
from stages.files import InputError
from stages.networks import network as model
from stages.reporting import reports
from stages.settings import entry
from stages.settings.dataset import Dataset
from stages.signals import dataset_file as series
from stages.training import adam as training
from tests.conftest import SMALL
from tools import fuzz

AGAIN = "make it again with `dvc repro`"
FACTS = {"dataset": "d", "cell": "rnn", "lags": 1, "hidden_size": 2, "num_layers": 1}
FACTS |= {"time_step": 0.5}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Bomb:
    """Leaves a file behind where it is unpickled."""

    def __reduce__(self) -> Any:
        return open, ("ran", "w")


def said(load: Callable[[], Any]) -> str:
    """Return the one line that a loader says."""
    with pytest.raises(InputError) as error:
        load()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("which", [0, 1], ids=["data", "model"])
@pytest.mark.filterwarnings("error")
def test_each_byte_flipped_and_each_length_cut(folder: Path, which: int) -> None:
    """What was saved is read, or one line says that it was not."""
    path = fuzz.small_files(Path("."))[which]
    expected = fuzz.content_of(path)
    content = path.read_bytes()
    read = 0
    for broken in fuzz.damaged(content):
        path.write_bytes(broken)
        read += fuzz.judge_file(path, expected)
    # A zip has bytes that hold nothing of the arrays; in a model file every byte counts.
    assert read < len(content) if which == 0 else read == 0


def npz(**changes: Any) -> None:
    """Write d.npz with some arrays replaced; None: left out."""
    fuzz.small_files(Path("."))
    with np.load("d.npz") as archive:
        arrays = {name: archive[name] for name in archive} | changes
    np.savez("d.npz", **{name: array for name, array in arrays.items() if array is not None})


def with_header(header: str, version: int = 1) -> None:
    """Write d.npz with an array that is a header alone."""
    npz()
    with zipfile.ZipFile("d.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = header.encode().ljust(117) + b"\n"
    start = b"\x93NUMPY" + bytes((version, 0)) + len(text).to_bytes(2, "little")
    with zipfile.ZipFile("d.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, start + text if name == "train_values.npy" else content)


def zip_bomb() -> None:
    with zipfile.ZipFile("d.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("train_values.npy", "w", force_zip64=True) as member:
            for _ in range(64):
                member.write(bytes(2**20))


UNREADABLE = "is not a readable dataset file"
DATA: dict[str, tuple[Callable[[], Any], str]] = {
    "a pickle": (
        lambda: Path("d.npz").write_bytes(pickle.dumps(Bomb())),
        f"{UNREADABLE} (File is not a zip file); {AGAIN}",
    ),
    "a pickle within": (
        lambda: npz(train_values=np.array([Bomb()], dtype=object)),
        f"{UNREADABLE} (the array train_values holds object, expected float64); {AGAIN}",
    ),
    "a zip bomb": (zip_bomb, f"{UNREADABLE} (the array train_values is compressed); {AGAIN}"),
    "terabytes": (
        lambda: with_header(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
        ),
        f"{UNREADABLE} (the array train_values is not as large as it says); {AGAIN}",
    ),
    "code for a header": (
        lambda: with_header(
            "{'descr': '<f8', 'fortran_order': False, 'shape': open('ran', 'w'), }"
        ),
        f"{UNREADABLE} (the array train_values has no readable header); {AGAIN}",
    ),
    "another version": (
        lambda: with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 2),
        f"{UNREADABLE} (the array train_values is of another version); {AGAIN}",
    ),
    "a missing array": (
        lambda: npz(train_phase=None),
        f"{UNREADABLE} (it has no array train_phase); {AGAIN}",
    ),
    "single precision": (
        lambda: npz(train_phase=np.zeros(1, np.float32)),
        f"{UNREADABLE} (the array train_phase holds float32, expected float64); {AGAIN}",
    ),
    "text": (
        lambda: npz(train_phase=np.array(["a"])),
        f"{UNREADABLE} (the array train_phase holds <U1, expected float64); {AGAIN}",
    ),
    "another shape": (
        lambda: npz(train_values=np.zeros((1, 3))),
        "train arrays have shapes {'values': (1, 3), 'phase': (1,), 'frequency': (1,), "
        "'amplitude': (1,)}; expected values (batch, time, 1), the others (batch,)",
    ),
    "no sequence": (
        lambda: npz(
            train_values=np.zeros((0, 3, 1)),
            **{f"train_{name}": np.zeros(0) for name in series.ARRAYS[1:]},
        ),
        "train_values has the shape (0, 3, 1); expected one sequence of three values at least",
    ),
    "NaN": (
        lambda: npz(train_values=np.full((1, 3, 1), np.nan)),
        "train_values holds other than numbers from -1e+09 to 1e+09",
    ),
    "no frequency": (
        lambda: npz(train_frequency=np.zeros(1)),
        "train_frequency holds other than numbers from 1e-06 to 1e+06",
    ),
    "no time step": (
        lambda: npz(time_step=np.array(0.0)),
        "time_step is 0.0; expected a number above 0",
    ),
}


@pytest.mark.parametrize("mistake", DATA)
def test_a_data_file_that_is_none(folder: Path, mistake: str) -> None:
    make, message = DATA[mistake]
    make()
    assert said(lambda: series.load(Path("d.npz"), "train")) == f"d.npz: {message}"
    assert not Path("ran").exists()


def safetensors(
    facts: Any = FACTS, forged: bool = False, keep: tuple[str, ...] = (), **changes: torch.Tensor
) -> None:
    """Write m.safetensors with other facts or tensors, and with the digest of both.

    forged: with facts that are written as they are. keep: the only tensors, or all of them.
    """
    fuzz.small_files(Path("."))
    with contextlib.closing(io.BytesIO(Path("m.safetensors").read_bytes())) as stream:
        tensors = model.safetensors.torch.load(stream.read()) | changes
    tensors = {name: value for name, value in tensors.items() if not keep or name in keep}
    text = facts
    if not forged:
        text = json.dumps(facts | {"sha256": model.digest(facts, tensors)}, sort_keys=True)
    save_file(tensors, "m.safetensors", {"model": text})


UNLOADED = "is not a readable model file"
MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "a pickle": (
        lambda: torch.save(Bomb, "m.safetensors"),
        f"{UNLOADED} (Error while deserializing header: header too large); {AGAIN}",
    ),
    "an empty file": (
        lambda: Path("m.safetensors").write_bytes(b""),
        f"{UNLOADED} (Error while deserializing header: header too small); {AGAIN}",
    ),
    "no facts": (
        lambda: save_file({"a": torch.zeros(1)}, "m.safetensors"),
        f"does not say what model it holds; {AGAIN}",
    ),
    "facts that are no JSON": (
        lambda: safetensors("{", forged=True),
        f"{UNLOADED} (Expecting property name enclosed in double quotes: line 1 column 2 "
        f"(char 1)); {AGAIN}",
    ),
    "facts that are a list": (
        lambda: safetensors("[1]", forged=True),
        f"does not say what model it holds; {AGAIN}",
    ),
    "facts that are nested": (
        lambda: safetensors("[" * 100_000, forged=True),
        f"{UNLOADED} (maximum recursion depth exceeded while decoding a JSON array from a unicode "
        f"string); {AGAIN}",
    ),
    "other facts": (
        lambda: safetensors(json.dumps(FACTS | {"sha256": "0"}), forged=True),
        f"is damaged: its content is not what was saved; {AGAIN}",
    ),
    "a billion units": (
        lambda: safetensors(FACTS | {"hidden_size": 10**9}),
        "its fact hidden_size is 1000000000: Input should be less than or equal to 4096",
    ),
    "units in words": (
        lambda: safetensors(FACTS | {"hidden_size": "two"}),
        "its fact hidden_size is 'two': Input should be a valid integer",
    ),
    "an unknown cell": (
        lambda: safetensors(FACTS | {"cell": "os.system"}),
        "its fact cell is 'os.system': Input should be 'linear', 'rnn', 'gru' or 'lstm'",
    ),
    "a step of NaN": (
        lambda: safetensors(FACTS | {"time_step": float("nan")}),
        "its fact time_step is nan: Input should be a finite number",
    ),
    "thousands of units": (
        lambda: safetensors(FACTS | {"hidden_size": 4096, "num_layers": 64, "cell": "lstm"}),
        "tensors do not fit the facts: carried_state has the shape (1, 1, 1, 2); "
        "expected (2, 64, 1, 4096)",
    ),
    "another cell": (
        lambda: safetensors(FACTS | {"cell": "gru"}),
        "tensors do not fit the facts: rnn.bias_hh_l0 has the shape (2,); expected (6,)",
    ),
    "a missing tensor": (
        lambda: safetensors(keep=("linear.weight",)),
        "tensors do not fit the facts: linear.bias has the shape None; expected (1,)",
    ),
    "a tensor too many": (
        lambda: safetensors(more=torch.zeros(3)),
        "tensors do not fit the facts: more has the shape (3,); expected None",
    ),
    "whole numbers": (
        lambda: safetensors(**{"linear.bias": torch.zeros(1, dtype=torch.int64)}),
        "linear.bias holds torch.int64; expected floats",
    ),
    "NaN": (
        lambda: safetensors(**{"linear.bias": torch.tensor([float("nan")])}),
        "linear.bias holds numbers that are not finite",
    ),
}


@pytest.mark.parametrize("mistake", MODELS)
def test_a_model_file_that_is_none(folder: Path, mistake: str) -> None:
    make, message = MODELS[mistake]
    make()
    assert said(lambda: model.load(Path("m.safetensors"))) == f"m.safetensors: {message}"
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "load",
    [lambda path: series.load(path, "train"), model.load, reports.read],
    ids=["data", "model", "report"],
)
def test_what_is_no_file_is_told_and_a_link_is_followed(folder: Path, load: Callable) -> None:
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
    data, network = fuzz.small_files(Path("."))
    path.symlink_to(network if load is model.load else data)
    load(path)
    path.resolve().chmod(0)
    if not os.access(path, os.R_OK):  # root may read everything
        assert said(lambda: load(path)) == "given: cannot be read: Permission denied"


def run(main: Callable[[], None], *arguments: str) -> tuple[Any, str]:
    """Run a stage in this process, in the current folder; return its exit code and its stderr."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stderr(io.StringIO()) as stderr,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        patch.setattr(entry, "refuse_foreign_copy", lambda: None)
        patch.setattr(sys, "argv", ["stage", *arguments])
        try:
            entry.run(main)
        except SystemExit as ended:
            return ended.code, stderr.getvalue()
    return 0, stderr.getvalue()


TRAIN = ("stable", "d.npz", "--out", "m.safetensors", "--curve", "t.csv")


def make_data(**settings: Any) -> None:
    row = Dataset(sequences=4, validation_sequences=2, test_sequences=3, **settings)
    series.save(Path("d.npz"), generate.generate(row))


def diverging(network: model.Network, *_: Any) -> tuple[float, torch.Tensor]:
    """Stand in for a gradient, where the loss is not finite from some iteration on."""
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    loss = float("nan") if network.linear.bias < -0.5 else 1.0
    return loss, network.initial_state(4)


def test_a_loss_that_is_not_finite_stops_the_stage(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(training, "elman_gradient", diverging)
    Path("params.yaml").write_text(SMALL.replace("learning_rate: 0.01", "learning_rate: 0.5"))
    make_data()
    code, told = run(train.main, *TRAIN)
    assert code == 2 and re.fullmatch(
        r"error: training: the loss is nan at iteration [2-4] of Adam; "
        r"likely cause: learning_rate 0.5 is too high\n",
        told,
    )
    assert sorted(os.listdir()) == ["d.npz", "params.yaml"]


def test_a_loss_without_a_slope_stops_the_stage(folder: Path) -> None:
    adam = "adam: {iterations: 20, learning_rate: 0.01, batch: 4}"
    Path("params.yaml").write_text(SMALL.replace(adam, "levenberg_marquardt: {}"))
    make_data(amplitude=1e6, frequency=1e-6, phase=[1.5])
    assert run(train.main, *TRAIN) == (
        2,
        "error: training: the loss has no slope at iteration 1 of Levenberg-Marquardt; likely "
        "cause: values up to 9.97e+05 leave every unit at its limit\n",
    )
    assert sorted(os.listdir()) == ["d.npz", "params.yaml"]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("x: can't allocate memory: you")])
def test_a_lack_of_memory_is_one_line(folder: Path, monkeypatch, error: Exception) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(train, "train", fail)
    Path("params.yaml").write_text(SMALL)
    make_data()
    told = "not enough memory; expected fewer or shorter sequences, or a smaller network"
    assert run(train.main, *TRAIN) == (2, f"error: {told}\n")


def unstable(cell: str, factor: float) -> model.Model:
    """Return a network whose read-out is far too large, or two lags that explode."""
    if cell == "linear":
        lags = model.Lags(2).double()
        lags.weight.data = torch.tensor([2.0, 1.0]).double() * factor
        return lags
    network = model.Network(cell, 4, 1).double()
    training.draw_uniform(network, torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.linear.weight *= factor
    return network


@pytest.mark.parametrize("cell", ["linear", "rnn", "gru", "lstm"])
@pytest.mark.parametrize("factor", [10.0, 1e200])
@pytest.mark.filterwarnings("error")
def test_a_rollout_that_blows_up_is_a_result(folder: Path, cell: str, factor: float) -> None:
    Path("params.yaml").write_text(SMALL.replace("periods: 5", "periods: 100"))
    Path("t.csv").write_text("phase,iteration,steps_seen,loss\nadam,1,1,1\n")
    make_data()
    facts = {"dataset": "d", "cell": cell, "lags": 2, "hidden_size": 4, "num_layers": 1}
    model.save(Path("m"), unstable(cell, factor), None, facts | {"time_step": 10 / 49})
    assert run(evaluate.main, *"m d.npz t.csv --out r --card c.json".split()) == (0, "")
    metrics = json.loads(Path("r/metrics.json").read_text(), parse_constant=pytest.fail)
    free = metrics["free_running"]
    assert free["survivors"] == 0
    if cell == "linear" or factor > 1e100:
        assert free["rmse_100_periods"] == "diverged"
    else:
        assert free["rmse_100_periods"] > 1
