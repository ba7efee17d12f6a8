"""Forecasts of one's own numbers: laws of the scale and of the free run, and bad input."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.networks.fits import Prony
from stages.networks.linear import Lags

from stages import forecast
from stages.forecasts.scale import Scale, continued, dominant_sine
from stages.networks import model_file
from stages.networks.model_file import Facts, Model
from stages.networks.network import Network, shapes
from stages.settings import entry

ROOT = Path(__file__).parents[2]
SEATTLE = Path(__file__).parent / "seattle_hours.csv"
FACTS = {"dataset": "sines", "time_step": 10 / 49, "frequency": [0.5, 2.0], "amplitude": [0.5, 1.5]}
SIZES = {"hidden_size": 5, "num_layers": 1, "memory_size": 1, "products": 1}


def sine(start: int, stop: int, period: float = 37.3) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(start, stop) / period + 0.4)


def some_network() -> Network:
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.4, shape) for name, shape in shapes("rnn", **SIZES).items()}
    return Network("rnn", **SIZES, weights=weights)


def saved(folder: Path, model: Model, cell: str, **facts: object) -> Path:
    path = folder / f"{cell}.safetensors"
    model_file.save(path, model, None, Facts.model_validate({**FACTS, "cell": cell, **facts}))
    return path


def run(*arguments: object) -> int:
    """Run the command in this process; return its exit code."""
    parsed = forecast.parser().parse_args([str(argument) for argument in arguments])
    try:
        entry.finish(lambda: forecast.main(parsed))
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.lists(st.floats(-10, 10), min_size=1))
def test_there_and_back_is_where_it_began(level: float, size: float, values: list[float]) -> None:
    scale, x = Scale(level, size), np.array(values)
    np.testing.assert_allclose(
        scale.to_task(scale.back(x)), x, rtol=1e-14, atol=4e-16 * (10 + abs(level) / size)
    )


@pytest.mark.parametrize("period", [15.4, 24.0, 37.3, 61.6])
def test_level_and_amplitude_are_exact_where_the_last_period_is_not_whole(period: float) -> None:
    found = dominant_sine(7e3 + 0.02 * sine(0, 100, period))
    assert found.level == pytest.approx(7e3, abs=1e-8)
    assert found.amplitude == pytest.approx(0.02, rel=1e-6)
    assert found.period == pytest.approx(period, rel=1e-6)
    assert found.rest < 1e-6


@pytest.mark.parametrize(("size", "shift"), [(1e-3, 0.0), (40.0, -273.15), (1e6, 5e6)])
def test_a_scaled_and_shifted_sine_is_continued_by_the_scaled_and_shifted_free_run(
    size: float, shift: float
) -> None:
    values = sine(0, 100) + 0.1 * sine(0, 100, 9.1)
    runs = []
    for x in (values, shift + size * values):
        found = dominant_sine(x)
        runs.append(continued(some_network(), x, 60, Scale(found.level, found.amplitude)))
    np.testing.assert_allclose((runs[1] - shift) / size, runs[0], atol=1e-7)


def test_the_file_has_a_row_a_step_and_goes_on_with_the_sine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    values, out = tmp_path / "values.csv", tmp_path / "out.csv"
    values.write_text("\ufefflevel\n" + "\n".join(map(str, 50 + 3 * sine(0, 130))) + "\n\n")
    drawn = tmp_path / "drawn.png"
    model = saved(tmp_path, Prony(), "prony")
    assert run(model, values, "--steps", 200, "--out", out, "--figure", drawn) == 0
    head, *rows = csv.reader(out.open())
    assert head == ["step", "level"]
    assert [int(step) for step, _ in rows] == list(range(1, 201))
    told = np.array([float(value) for _, value in rows])
    np.testing.assert_allclose(told, 50 + 3 * sine(130, 330), atol=1e-4)
    assert drawn.read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr()
    assert "a period of 15.4 to 61.6 values and an amplitude of 0.5 to 1.5" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("x", "warned"),
    [
        (sine(0, 100, 80.0), ["period"]),
        (sine(0, 100, 10.0), ["period"]),
        (sine(0, 100) + 0.8 * sine(0, 100, 16.1), ["reach", "no single sine"]),
    ],
)
def test_warns_outside_of_what_the_model_was_trained_on(x: np.ndarray, warned: list[str]) -> None:
    facts, found = Facts.model_validate({**FACTS, "cell": "prony"}), dominant_sine(x)
    said = forecast.warnings(found, Scale(found.level, found.amplitude).to_task(x), facts)
    assert len(said) == len(warned)
    assert all(word in line for word, line in zip(warned, said, strict=True))


def test_held_out_days_are_compared_with_the_last_one_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    chosen = (saved(tmp_path, Prony(), "prony"), SEATTLE, "--column", "temperature")
    assert run(*chosen, "--steps", 72, "--hold-out", "--out", tmp_path / "out.csv") == 0
    x = np.loadtxt(SEATTLE, delimiter=",", skiprows=1, usecols=1)
    came, told = x[168:], np.loadtxt(tmp_path / "out.csv", delimiter=",", skiprows=1, usecols=1)
    rmse, repeated = (
        np.sqrt(np.mean((guess - came) ** 2)) for guess in (told, np.tile(x[144:168], 3))
    )
    expected = f"held out: RMSE {rmse:.3g}; of the last 24 values repeated: {repeated:.3g}\n"
    assert capsys.readouterr().out.endswith(expected)


GOOD = "\n".join(map(str, sine(0, 60)))
BAD = {
    "empty": (b"", "empty"),
    "only a name": (b"level\n", "0 values"),
    "no number": (b"1\n2\n3\n4\n5\n6\nseven\n8\n", "line 7"),
    "a gap": (b"1\n2\n\n4\n", "line 3"),
    "not a number": (b"1\n2\nnan\n", "line 3"),
    "infinite": (b"1\n1e999\n3\n", "line 2"),
    "too few": (b"1\n2\n3\n4\n5\n", "5 values"),
    "two columns": (b"time,level\n1,2\n", "--column: time, level"),
    "a line with one more": (b"level\n1\n2,3\n", "line 3"),
    "not UTF-8": (b"temp\xe9rature\n1\n2\n", "UTF-8"),
    "constant": (b"0.1\n" * 60, "constant"),
    "a field without end": (b'level\n"' + b"1" * 200_000, "CSV"),
}


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the one line that a command says before it ends with exit code 2."""
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    return said


@pytest.mark.parametrize(("content", "told"), BAD.values(), ids=BAD)
def test_a_bad_file_gets_one_line_and_changes_nothing(
    content: bytes,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    values, out = tmp_path / "values.csv", tmp_path / "out.csv"
    values.write_bytes(content)
    out.write_text("old")
    model = saved(tmp_path, Prony(), "prony")
    said = refused(capsys, model, values, "--steps", 5, "--out", out)
    assert str(values) in said and told in said
    assert out.read_text() == "old"


def test_a_bad_command_gets_one_line_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    values, out, absent = tmp_path / "values.csv", tmp_path / "out.csv", tmp_path / "absent"
    values.write_text(GOOD)
    out.write_text("old")
    model = saved(tmp_path, Prony(), "prony")
    assert "no such file" in refused(capsys, model, absent, "--steps", 5, "--out", out)
    assert "no such file" in refused(capsys, absent, values, "--steps", 5, "--out", out)
    assert "not a readable model" in refused(capsys, values, values, "--steps", 5, "--out", out)
    assert "--steps 0" in refused(capsys, model, values, "--steps", 0, "--out", out)
    assert "named twice" in refused(capsys, model, values, "--steps", 5, "--out", values)
    assert "a folder" in refused(capsys, model, values, "--steps", 5, "--out", tmp_path)
    inside = ("--steps", 5, "--out", out, "--figure", values / "drawn.png")
    assert "cannot be written" in refused(capsys, model, values, *inside)
    chosen = ("--steps", 5, "--out", out, "--column", "level")
    assert "--column level" in refused(capsys, model, values, *chosen)
    assert "0 values" in refused(capsys, model, values, "--steps", 99, "--hold-out", "--out", out)
    assert out.read_text() == "old" and values.read_text() == GOOD


def test_a_free_run_that_blows_up_is_told_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    values, out = tmp_path / "values.csv", tmp_path / "out.csv"
    values.write_text(GOOD)
    model = saved(tmp_path, Lags(np.array([3.0])), "linear")
    assert "blows up" in refused(capsys, model, values, "--steps", 2000, "--out", out)
    assert not out.exists()


def test_the_command_line_ends_with_exit_code_2_and_no_traceback(tmp_path: Path) -> None:
    command = ["-m", "stages.forecast", "absent", "absent", "--steps", "5", "--out", "absent.csv"]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not (ROOT / "absent.csv").exists()
