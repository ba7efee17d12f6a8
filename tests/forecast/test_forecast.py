"""Forecasts of one's own numbers: laws of the scale and of the free run, and bad input."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import forecast
from stages.baselines.lags import Lags
from stages.baselines.sine_fits import Prony
from stages.forecasts.continuation import Continuation
from stages.forecasts.scale import Scale, continued, dominant_sine
from stages.forecasts.season import has_trend, season_of
from stages.networks import model_file
from stages.networks.model_file import Facts, Model
from stages.networks.network import Sizes
from stages.networks.predictor import Predictor
from stages.settings import entry
from stages.training import initial

ROOT = Path(__file__).parents[2]
SEATTLE = Path(__file__).parent / "seattle_hours.csv"
FACTS = {"dataset": "sines", "time_step": 10 / 49, "frequency": [0.5, 2.0], "amplitude": [0.5, 1.5]}


def sine(start: int, stop: int, period: float = 37.3) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(start, stop) / period + 0.4)


def some_network() -> Predictor:
    return Predictor(initial.as_torch("rnn", Sizes(5), np.random.default_rng(0)).double())


def saved(folder: Path, model: Model, cell: str, **facts: object) -> Path:
    path = folder / f"{cell}.safetensors"
    tensors = {"weight": model.weight} if isinstance(model, Lags) else {}
    model_file.save(path, tensors, Facts.model_validate({**FACTS, "cell": cell, **facts}))
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
    fit = dominant_sine(7e3 + 0.02 * sine(0, 100, period))
    assert fit.level == pytest.approx(7e3, abs=1e-8)
    assert fit.amplitude == pytest.approx(0.02, rel=1e-6)
    assert fit.period == pytest.approx(period, rel=1e-6)
    assert fit.rest < 1e-6


@pytest.mark.parametrize(("size", "shift"), [(1e-3, 0.0), (40.0, -273.15), (1e6, 5e6)])
def test_a_scaled_and_shifted_sine_is_continued_by_the_scaled_and_shifted_free_run(
    size: float, shift: float
) -> None:
    values = sine(0, 100) + 0.1 * sine(0, 100, 9.1)
    runs = []
    for x in (values, shift + size * values):
        fit = dominant_sine(x)
        runs.append(continued(some_network(), x, 60, Scale(fit.level, fit.amplitude)))
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
    written = np.array([float(value) for _, value in rows])
    np.testing.assert_allclose(written, 50 + 3 * sine(130, 330), atol=1e-4)
    assert drawn.read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr()
    assert "a period of 15.4 to 61.6 values and an amplitude of 0.5 to 1.5" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("x", "warned"),
    [
        (sine(0, 100, 80.0), ["period"]),
        (sine(0, 100, 10.0), ["period"]),
        (sine(0, 100) + 0.2 * np.arange(100), ["trend", "period"]),
        (sine(0, 100) + 0.8 * sine(0, 100, 16.1), ["reach", "no single sine"]),
    ],
)
def test_warns_outside_of_what_the_model_was_trained_on(x: np.ndarray, warned: list[str]) -> None:
    facts, fit = Facts.model_validate({**FACTS, "cell": "prony"}), dominant_sine(x)
    scaled = Scale(fit.level, fit.amplitude).to_task(x)
    doubts = forecast.doubts_of_sines(fit, x, scaled, facts)
    assert len(doubts) == len(warned)
    assert all(word in line for word, line in zip(warned, doubts, strict=True))


def test_held_out_days_are_compared_with_the_last_one_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    chosen = (saved(tmp_path, Prony(), "prony"), SEATTLE, "--column", "temperature")
    assert run(*chosen, "--steps", 72, "--hold-out", "--out", tmp_path / "out.csv") == 0
    x = np.loadtxt(SEATTLE, delimiter=",", skiprows=1, usecols=1)
    came, values = x[168:], np.loadtxt(tmp_path / "out.csv", delimiter=",", skiprows=1, usecols=1)
    guesses = (values, np.full(72, x[167]), np.tile(x[144:168], 3))
    rmse, last, season = (f"{np.sqrt(np.mean((guess - came) ** 2)):.4g}" for guess in guesses)
    expected = f"held out, RMSE: forecast {rmse}, last value {last}, last 24 values {season}\n"
    assert capsys.readouterr().out.endswith(expected)


def test_a_season_is_the_lag_of_the_largest_autocorrelation_after_the_trend() -> None:
    steps = np.arange(120)
    season = 10 * np.sin(2 * np.pi * steps / 12)
    assert season_of(season) == season_of(season + 5 * steps) == 12
    assert season_of(steps.astype(float)) == season_of(np.ones(9)) == 1
    assert has_trend(season + 5 * steps) and not has_trend(season)


def test_intervals_end_where_they_were_not_measured_and_at_the_least_value() -> None:
    forecast = Continuation(np.array([1.0, 2.0, 3.0]), {80: np.array([2.0, 1.0])}, least=0.0)
    low, high = forecast.interval(80)
    np.testing.assert_array_equal(low, [0.0, 1.0, np.nan])
    np.testing.assert_array_equal(high, [3.0, 3.0, np.nan])


@pytest.mark.parametrize("cell", ["co2_ar", "co2_gru"])
def test_a_measured_series_goes_on_with_its_dates_and_intervals(
    cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    model, out = ROOT / f"models/{cell}.safetensors", tmp_path / "out.csv"
    if not model.exists():
        pytest.skip("the pipeline was not run here")
    chosen = (model, ROOT / "data/series/co2.csv", "--column", "co2", "--time", "time")
    assert run(*chosen, "--steps", 30, "--least", 0, "--out", out) == 0
    rows = list(csv.DictReader(out.open()))
    assert [row["time"] for row in rows[:2]] == ["2002-01", "2002-02"] and len(rows) == 30
    first = {name: float(value) for name, value in rows[0].items() if name != "time"}
    assert first["low_95"] <= first["low_80"] < first["co2"] < first["high_80"] <= first["high_95"]
    assert rows[29]["low_80"] == ""
    assert "intervals end after 24 steps" in capsys.readouterr().err


GOOD = "\n".join(map(str, sine(0, 60)))
BAD = {
    "empty": (b"", "empty"),
    "no number": (b"1\n2\n3\n4\n5\n6\nseven\n8\n", ":7:"),
    "infinite": (b"1\n1e999\n3\n", ":2:"),
    "too few": (b"1\n2\n3\n4\n5\n", "5 values"),
    "constant": (b"0.1\n" * 60, "constant"),
}  # tests/signals/test_series_file.py has the others


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command; give the one line that it prints before it ends with exit code 2."""
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    return said


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_gets_one_line_and_changes_nothing(
    content: bytes,
    message: str,
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
    assert str(values) in said and message in said
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
    assert "column names" in refused(capsys, model, values, *chosen)
    assert "0 values" in refused(capsys, model, values, "--steps", 99, "--hold-out", "--out", out)
    assert out.read_text() == "old" and values.read_text() == GOOD


def test_a_free_run_that_diverges_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    values, out = tmp_path / "values.csv", tmp_path / "out.csv"
    values.write_text(GOOD)
    model = saved(tmp_path, Lags(np.array([3.0])), "linear")
    assert "diverges" in refused(capsys, model, values, "--steps", 2000, "--out", out)
    assert not out.exists()


def test_the_command_line_ends_with_exit_code_2_and_no_traceback(tmp_path: Path) -> None:
    command = ["-m", "stages.forecast", "absent", "absent", "--steps", "5", "--out", "absent.csv"]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not (ROOT / "absent.csv").exists()
