"""Forecasts of one's own numbers: their scale, warnings, intervals, and bad input."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages import forecast
from stages.baselines.lags import Lags
from stages.baselines.sine_fits import Prony
from stages.forecasts.sine import continue_sine, fit_sine
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


def saved(folder: Path, model: Model, cell: str, **facts: object) -> Path:
    path = folder / f"{cell}.safetensors"
    tensors = {"weight": model.weight} if isinstance(model, Lags) else {}
    model_file.save(path, tensors, Facts.model_validate({**FACTS, "cell": cell, **facts}))
    return path


def run(*arguments: object) -> int:
    """Run the command in this process; return its exit code."""
    parsed = forecast.parser().parse_args([str(argument) for argument in arguments])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "refuse_foreign_copy", lambda: None)
        try:
            entry.finish(lambda: forecast.main(parsed))
        except SystemExit as stopped:
            return int(stopped.code or 0)
    return 0


@pytest.mark.parametrize("period", [15.4, 24.0, 37.3, 61.6])
def test_level_and_amplitude_are_exact_where_the_last_period_is_incomplete(period: float) -> None:
    fit = fit_sine(7e3 + 0.02 * sine(0, 100, period))
    assert fit.level == pytest.approx(7e3, abs=1e-8)
    assert fit.amplitude == pytest.approx(0.02, rel=1e-6)
    assert fit.period == pytest.approx(period, rel=1e-6)
    assert fit.residual < 1e-6


@pytest.mark.parametrize(("size", "shift"), [(1e-3, 0.0), (40.0, -273.15), (1e6, 5e6)])
def test_a_forecast_scales_and_shifts_with_its_values(size: float, shift: float) -> None:
    network = Predictor(initial.as_torch("rnn", Sizes(5), np.random.default_rng(0)).double())
    values = sine(0, 100) + 0.1 * sine(0, 100, 9.1)
    plain, changed = (
        continue_sine(network, x, fit_sine(x), amplitude=1.0, steps=60)
        for x in (values, shift + size * values)
    )
    np.testing.assert_allclose((changed - shift) / size, plain, atol=1e-7)


def test_the_file_has_a_row_a_step_and_continues_the_sine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values, out, image = (tmp_path / name for name in ("values.csv", "out.csv", "figure.png"))
    values.write_text("\ufefflevel\n" + "\n".join(map(str, 50 + 3 * sine(0, 130))) + "\n\n")
    model = saved(tmp_path, Prony(), "prony")
    assert run(model, values, "--steps", 200, "--out", out, "--figure", image) == 0
    head, *rows = csv.reader(out.open())
    assert head == ["step", "level"]
    assert [int(step) for step, _ in rows] == list(range(1, 201))
    written = np.array([float(value) for _, value in rows])
    np.testing.assert_allclose(written, 50 + 3 * sine(130, 330), atol=1e-4)
    assert image.read_bytes().startswith(b"\x89PNG")
    output = capsys.readouterr()
    assert "trained on sines with a period of 15.4 to 61.6 values" in output.out
    assert output.err == ""


@pytest.mark.parametrize(
    "x",
    [
        sine(0, 130, 80.0),
        sine(0, 130, 10.0),
        sine(0, 130) + 0.2 * np.arange(130),
        sine(0, 130) + 0.8 * sine(0, 130, 16.1),
    ],
    ids=["long", "short", "trend", "two sines"],
)
def test_one_warning_where_values_differ_from_the_training_data(
    x: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.csv"
    values.write_text("\n".join(map(str, x)))
    model = saved(tmp_path, Prony(), "prony")
    assert run(model, values, "--steps", 5, "--out", tmp_path / "out.csv") == 0
    error = capsys.readouterr().err
    assert error.startswith("warning: the values differ from the training data")
    assert error.count("\n") == 1


def test_held_out_days_are_compared_with_the_last_one_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = (saved(tmp_path, Prony(), "prony"), SEATTLE, "--column", "temperature")
    assert run(*chosen, "--steps", 72, "--held-out", "--out", tmp_path / "out.csv") == 0
    x = np.loadtxt(SEATTLE, delimiter=",", skiprows=1, usecols=1)
    truth, values = x[168:], np.loadtxt(tmp_path / "out.csv", delimiter=",", skiprows=1, usecols=1)
    guesses = (values, np.full(72, x[167]), np.tile(x[144:168], 3))
    rmse, last, season = (f"{np.sqrt(np.mean((guess - truth) ** 2)):.4g}" for guess in guesses)
    expected = f"held out, RMSE: forecast {rmse}, last value {last}, last 24 values {season}\n"
    assert capsys.readouterr().out.endswith(expected)


def test_intervals_end_with_their_horizon_and_at_the_least_value() -> None:
    made = forecast.Forecast(np.array([1.0, 2.0, 3.0]), {80: np.array([2.0, 1.0])}, 9, 1)
    columns = forecast.columns_of("x", made, least=1.5)
    np.testing.assert_array_equal(columns["x"], [1.5, 2.0, 3.0])
    np.testing.assert_array_equal(columns["low_80"], [1.5, 1.5, np.nan])
    np.testing.assert_array_equal(columns["high_80"], [3.5, 3.0, np.nan])


@pytest.mark.parametrize("cell", ["co2_ar", "co2_gru"])
def test_a_measured_series_continues_with_its_dates_and_intervals(
    cell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
OUT = ("--out", "out.csv")
MODEL = "prony.safetensors"
# Arguments, and a part of the one line.
BAD = [
    ((MODEL, "absent", "--steps", 5, *OUT), "absent: no such file"),
    (("absent", "good.csv", "--steps", 5, *OUT), "absent: no such file"),
    (("good.csv", "good.csv", "--steps", 5, *OUT), "good.csv: is not a readable model"),
    ((MODEL, "good.csv", "--steps", 0, *OUT), "--steps 0: expected 1 to 1,000,000"),
    ((MODEL, "good.csv", "--steps", 5, "--out", "good.csv"), "good.csv: is named twice"),
    ((MODEL, "good.csv", "--steps", 5, "--out", "."), ".: is a folder"),
    (
        (MODEL, "good.csv", "--steps", 5, *OUT, "--figure", "good.csv/figure.png"),
        "good.csv/figure.png: cannot be written",
    ),
    ((MODEL, "good.csv", "--steps", 5, *OUT, "--column", "level"), "good.csv:1: has no columns"),
    ((MODEL, "good.csv", "--steps", 99, "--held-out", *OUT), "good.csv: 0 values for the model"),
    ((MODEL, "word.csv", "--steps", 5, *OUT), "word.csv:3: expected a number"),
    ((MODEL, "constant.csv", "--steps", 5, *OUT), "constant.csv: the values given are constant"),
    (("linear.safetensors", "good.csv", "--steps", 2000, *OUT), "the forecast diverges"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_gets_one_line_and_changes_nothing(
    arguments: tuple[object, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path, Prony(), "prony")
    saved(tmp_path, Lags(np.array([3.0])), "linear")
    contents = {"good.csv": GOOD, "word.csv": "1\n2\nthree\n", "constant.csv": "0.1\n" * 60}
    contents |= {"out.csv": "old"}
    for name, content in contents.items():
        Path(name).write_text(content)
    assert run(*arguments) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ") and message in error
    assert {name: Path(name).read_text() for name in contents} == contents


def test_the_command_line_ends_with_exit_code_2_and_no_traceback() -> None:
    command = ["-m", "stages.forecast", "absent", "absent", "--steps", "5", "--out", "absent.csv"]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not (ROOT / "absent.csv").exists()
