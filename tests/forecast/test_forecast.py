"""Forecasts of one's own numbers: their scale, warnings, intervals, and bad input."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from stages import forecast, train
from stages.forecasts.sine import continue_sine, fit_sine
from stages.networks import model_file
from stages.networks.model_file import Facts
from stages.settings import entry
from stages.settings.model import Forecaster
from stages.signals import series_file
from tests.examples import predictor
from tests.measured import series

SEATTLE = Path(__file__).parent / "seattle_hours.csv"
CO2 = Path(__file__).parents[2] / "data/series/co2.csv"
FACTS = {"dataset": "sines", "time_step": 10 / 49, "frequency": [0.5, 2.0], "amplitude": [0.5, 1.5]}
PRONY, OUT = "prony.safetensors", ("--out", "out.csv")


def sine(start: int, stop: int, period: float = 37.3) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(start, stop) / period + 0.4)


def write(path: str, values: np.ndarray) -> None:
    """Write values to a file, one a line."""
    Path(path).write_text("\n".join(map(str, values)))


def read(path: Path | str, column: int = 1) -> np.ndarray:
    """Read a column of numbers below a line of names."""
    return np.loadtxt(path, delimiter=",", skiprows=1, usecols=column)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a folder with two models of sines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(entry, "refuse_foreign_copy", lambda: None)
    model_file.save(Path(PRONY), {}, Facts(**FACTS, cell="prony"))
    weights = {"weight": np.array([3.0])}
    model_file.save(Path("linear.safetensors"), weights, Facts(**FACTS, cell="linear"))


class Done(NamedTuple):
    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    """Run the command in this process."""
    parsed, code = forecast.parser().parse_args([str(argument) for argument in arguments]), 0
    try:
        entry.finish(lambda: forecast.main(parsed))
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    return Done(code, *capsys.readouterr())


@pytest.mark.parametrize("period", [15.4, 24.0, 37.3, 61.6])
def test_level_and_amplitude_are_exact_where_the_last_period_is_incomplete(period: float) -> None:
    fit = fit_sine(7e3 + 0.02 * sine(0, 100, period))
    assert fit.level == pytest.approx(7e3, abs=1e-8)
    assert fit.amplitude == pytest.approx(0.02, rel=1e-6)
    assert fit.period == pytest.approx(period, rel=1e-6)
    assert fit.residual < 1e-6


@pytest.mark.parametrize(("size", "shift"), [(1e-3, 0.0), (40.0, -273.15), (1e6, 5e6)])
def test_a_forecast_scales_and_shifts_with_its_values(size: float, shift: float) -> None:
    values = sine(0, 100) + 0.1 * sine(0, 100, 9.1)
    plain, changed = (
        continue_sine(predictor("rnn"), x, fit_sine(x), amplitude=1.0, steps=60)
        for x in (values, shift + size * values)
    )
    np.testing.assert_allclose((changed - shift) / size, plain, atol=1e-7)


def test_the_file_continues_the_sine_a_row_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    Path("x.csv").write_text("\ufefflevel\n" + "\n".join(map(str, 50 + 3 * sine(0, 130))) + "\n\n")
    done = run(capsys, PRONY, "x.csv", "--steps", 200, *OUT, "--figure", "figure.png")
    assert (done.code, done.err) == (0, "")
    assert "trained on sines with a period of 15.4 to 61.6 values" in done.out
    assert Path("out.csv").read_text().startswith("step,level\n")
    np.testing.assert_array_equal(read("out.csv", 0), range(1, 201))
    np.testing.assert_allclose(read("out.csv"), 50 + 3 * sine(130, 330), atol=1e-4)
    assert Path("figure.png").read_bytes().startswith(b"\x89PNG")


UNLIKE = {
    "long": sine(0, 130, 80.0),
    "short": sine(0, 130, 10.0),
    "trend": sine(0, 130) + 0.2 * np.arange(130),
    "two sines": sine(0, 130) + 0.8 * sine(0, 130, 16.1),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_one_warning_where_values_differ_from_the_training_data(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("x.csv", 7e3 + 0.02 * UNLIKE[name])
    done = run(capsys, PRONY, "x.csv", "--steps", 5, *OUT)
    assert done.code == 0 and done.err.count("\n") == 1
    assert done.err.startswith("warning: the values differ from the training data")


def test_held_out_days_are_compared_with_repetitions(capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, PRONY, SEATTLE, "--column=temperature", "--steps", 72, "--held-out", *OUT)
    given, truth = np.split(read(SEATTLE), [168])
    guesses = (read("out.csv"), given[-1], np.tile(given[-24:], 3))
    rmse, last, season = (f"{np.sqrt(np.mean((guess - truth) ** 2)):.4g}" for guess in guesses)
    expected = f"held out, RMSE: forecast {rmse}, last value {last}, last 24 values {season}\n"
    assert done.code == 0 and done.out.endswith(expected)


def test_intervals_end_with_their_horizon_and_at_the_least_value() -> None:
    made = forecast.Forecast(np.array([1.0, 2.0, 3.0]), {80: np.array([2.0, 1.0])}, 9, 1)
    columns = forecast.columns_of("x", made, least=1.5)
    np.testing.assert_array_equal(columns["x"], [1.5, 2.0, 3.0])
    np.testing.assert_array_equal(columns["low_80"], [1.5, 1.5, np.nan])
    np.testing.assert_array_equal(columns["high_80"], [3.5, 3.0, np.nan])


def test_a_measured_series_continues_with_its_dates_and_intervals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made, ar = series(series_file.load(CO2, "co2").values), Forecaster(cell="ar", dataset="d")
    model_file.save(Path("ar"), *train.train_series(ar, made, train.Curve("ar")))
    done = run(capsys, "ar", CO2, "--column=co2", "--time=time", "--steps", 30, *OUT)
    assert done.code == 0 and "intervals end after 24 steps" in done.err
    rows = list(csv.DictReader(Path("out.csv").open()))
    assert [row["time"] for row in rows[:2]] == ["2002-01", "2002-02"] and len(rows) == 30
    low_95, low_80, value, high_80, high_95 = (
        float(rows[0][name]) for name in ("low_95", "low_80", "co2", "high_80", "high_95")
    )
    assert low_95 < low_80 < value < high_80 < high_95
    assert rows[23]["low_80"] and rows[24]["low_80"] == ""


# Arguments, and a part of the one line.
BAD = [
    (f"{PRONY} absent --steps 5 --out out.csv", "absent: no such file"),
    ("absent good.csv --steps 5 --out out.csv", "absent: no such file"),
    ("good.csv good.csv --steps 5 --out out.csv", "good.csv: is not a readable model"),
    (f"{PRONY} good.csv --steps 0 --out out.csv", "--steps 0: expected 1 to 1,000,000"),
    (f"{PRONY} good.csv --steps 5 --out good.csv", "good.csv: is named twice"),
    (f"{PRONY} good.csv --steps 5 --out .", ".: is a folder"),
    (f"{PRONY} good.csv --steps 5 --out out.csv --figure good.csv/f.png", "cannot be written"),
    (f"{PRONY} good.csv --steps 5 --out out.csv --column x", "good.csv:1: has no columns"),
    (f"{PRONY} good.csv --steps 99 --out out.csv --held-out", "good.csv: 0 values for the model"),
    (f"{PRONY} word.csv --steps 5 --out out.csv", "word.csv:3: expected a number"),
    (f"{PRONY} same.csv --steps 5 --out out.csv", "same.csv: the values given are constant"),
    ("linear.safetensors good.csv --steps 2000 --out out.csv", "the forecast diverges"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_gets_one_line_and_changes_nothing(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("good.csv", sine(0, 60))
    write("same.csv", np.full(60, 0.1))
    Path("word.csv").write_text("1\n2\nthree\n")
    Path("out.csv").write_text("old")
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    done = run(capsys, *arguments.split())
    line = done.err.splitlines()[-1]
    assert done.code == 2 and line.startswith("error: ") and message in line
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before
