"""Continue a column of a CSV file by a trained model. Not a stage of dvc.yaml."""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages import files
from stages import table as tables
from stages.baselines.sine_fits import FEWEST
from stages.files import InputError
from stages.forecasts import figure
from stages.forecasts.sine import continue_sine, fit_sine
from stages.networks import forecaster_file, model_file
from stages.networks.model_file import SeriesFacts
from stages.reporting import style
from stages.settings import entry
from stages.signals import series_file, times
from stages.signals.sines import Floats

EPILOG = """The CSV file has a line of column names, then one value a line, evenly spaced in time. A
model of sines is given the last 100 values, or all if they are fewer, scaled to the level and
amplitude of its training data. A model of a measured series is given the last `warmup` values of
its task, and adds intervals. Exit codes: 0 done, 2 bad input (one line, and no output is changed),
130 interrupted."""
WARMUP = 100  # values that a model of sines is given: the warm-up of `sines` and `noisy`
MOST_STEPS = 1_000_000
NEAR = 0.005  # relative tolerance of the range of periods: the error of a fitted period
RESIDUAL = 0.1  # amplitudes: the noise 0.05 of `noisy` ÷ its least amplitude 0.5
DIVERGED = 100  # amplitudes from the level: a forecast beyond them has diverged
DIGITS = 6  # significant digits of the range of the given values, for rounding


class Forecast(NamedTuple):
    """A forecast: values (steps,).

    half_widths: of the intervals around the first values, by level [%]. warmup: number of values
    that the model was given. season: number of values in a season.
    """

    values: Floats
    half_widths: Mapping[int, Floats]
    warmup: int
    season: int


def by_sines(path: Path, model_path: Path, given: Floats, steps: int) -> Forecast:
    """Forecast by a model of sines; raises InputError where values are too few or constant."""
    model, _, facts = model_file.load(model_path)
    periods = [2 * math.pi / (frequency * facts.time_step) for frequency in facts.frequency]
    shortest, longest = min(periods), max(periods)
    past = given[-WARMUP:]
    check_count(path, past, max(FEWEST, math.ceil(shortest)), "the shortest training period")
    if np.ptp(past) == 0:
        raise InputError(f"{path}: the values given are constant; expected a sine")
    sine = fit_sine(past)
    trained = f"sines with a period of {shortest:.3g} to {longest:.3g} values"
    print(f"{model_path}: trained on {trained}")
    print(
        f"{path}: the last {len(past)} of {len(given)} values: period {sine.period:.4g}, "
        f"amplitude {sine.amplitude:.4g} around {sine.level:.4g}",
        flush=True,
    )
    is_near = shortest * (1 - NEAR) <= sine.period <= longest * (1 + NEAR)
    if not is_near or sine.residual > RESIDUAL:
        warn(
            f"the values differ from the training data: expected {trained}, and residuals of up to "
            f"{RESIDUAL:g} amplitudes; got a period of {sine.period:.4g}, and residuals of "
            f"{sine.residual:.2g} amplitudes"
        )
    amplitude = (min(facts.amplitude) + max(facts.amplitude)) / 2
    values = continue_sine(model, past, sine, amplitude=amplitude, steps=steps)
    values[np.abs(values - sine.level) > DIVERGED * sine.amplitude] = np.nan
    return Forecast(values, {}, len(past), min(round(sine.period), len(past)))


def by_series(path: Path, model_path: Path, given: Floats, steps: int) -> Forecast:
    """Forecast by a model of a measured series; raises InputError where values are too few."""
    trained = forecaster_file.load(model_path)
    facts = trained.facts
    check_count(path, given, facts.warmup, f"the warm-up of {facts.dataset}")
    past = given[-facts.warmup :]
    print(
        f"{model_path}: {facts.cell}, trained on column {facts.column} of {facts.dataset}, season "
        f"{facts.season}; it is given the last {facts.warmup} of {len(given)} values",
        flush=True,
    )
    low, high = trained.range
    if past.max() > high + (high - low) or past.min() < low - (high - low):
        warn(f"the values lie far outside the range of the training part, {low:.4g} to {high:.4g}")
    if steps > facts.horizon:
        warn(f"intervals end after {facts.horizon} steps, the horizon of the model's test")
    values = trained.forecaster.forecast(past[None, :, None], steps)[0, :, 0]
    return Forecast(values, trained.half_widths, facts.warmup, facts.season)


def check_count(path: Path, given: Floats, least: int, reason: str) -> None:
    """Raise InputError where too few values are given to a model."""
    if len(given) < least:
        expected = f"expected {least} at least: {reason}"
        raise InputError(f"{path}: {len(given)} values for the model; {expected}")


def warn(doubt: str) -> None:
    print(f"warning: {doubt}", file=sys.stderr)


def columns_of(name: str, forecast: Forecast, least: float) -> dict[str, Floats]:
    """Make columns (steps,) of the forecast and the ends of its intervals, none below `least`.

    The ends are NaN after the horizon for which intervals were measured.
    """
    values = np.maximum(forecast.values, least)
    columns = {name: values}
    for level, measured in forecast.half_widths.items():
        widths = np.full(len(values), np.nan)
        widths[: len(measured)] = measured[: len(widths)]
        columns[f"low_{level}"] = np.maximum(values - widths, least)
        columns[f"high_{level}"] = values + widths
    return columns


def table(columns: dict[str, Floats], dates: Sequence[str] | None, spread: float) -> str:
    """Write a forecast as the text of a CSV file; spread: the range of the values given."""
    decimals = DIGITS - 1 - math.floor(math.log10(spread or 1.0))
    written: dict[str, Sequence[object]] = {"step": range(1, len(next(iter(columns.values()))) + 1)}
    if dates:
        written["time"] = dates
    for name, values in columns.items():
        numbers = [round(value, decimals) for value in values.tolist()]
        written[name] = ["" if math.isnan(number) else str(number) for number in numbers]
    return tables.csv(written)


def compare(values: Floats, truth: Floats, given: Floats, season: int) -> str:
    """Write the RMSE of a forecast, and of repeating the last value or the last season."""
    guesses = {
        "forecast": values[: len(truth)],
        "last value": given[-1],
        f"last {season} values": np.resize(given[-season:], len(truth)),
    }
    return ", ".join(
        f"{name} {np.sqrt(np.mean((guess - truth) ** 2)):.4g}" for name, guess in guesses.items()
    )


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stages.forecast", description=__doc__, epilog=EPILOG
    )
    add = parser.add_argument
    add("model", type=Path, help="model file (.safetensors)")
    add("values", type=Path, help="file with the values to continue (.csv)")
    add("--steps", type=int, required=True, help="how many values to forecast")
    add("--out", type=Path, required=True, help="forecast to write (.csv)")
    add("--figure", type=Path, help="figure to write (.png)")
    add("--column", help="column of the values, if the file has several")
    add("--time", help="column of times; the forecast continues them")
    add("--least", type=float, default=-math.inf, help="lower limit of all values, such as 0")
    add(
        "--held-out",
        action="store_true",
        help="forecast the last --steps values of the file, and compare with them",
    )
    return parser


def check(arguments: argparse.Namespace) -> None:
    """Raise InputError unless the steps are in range, and all paths differ."""
    if not 1 <= arguments.steps <= MOST_STEPS:
        raise InputError(f"--steps {arguments.steps}: expected 1 to {MOST_STEPS:,}")
    taken = {arguments.model.resolve(), arguments.values.resolve()}
    for path in filter(None, (arguments.out, arguments.figure)):
        if path.resolve() in taken:
            raise InputError(f"{path}: is named twice; expected a different path for each file")
        taken.add(path.resolve())


def main(arguments: argparse.Namespace) -> None:
    check(arguments)
    _, facts = model_file.read(arguments.model)
    column = series_file.load(arguments.values, arguments.column, arguments.time)
    steps, count = arguments.steps, len(column.values)
    end = max(0, count - steps) if arguments.held_out else count
    given, truth = column.values[:end], column.values[end:]
    forecast_by = by_series if isinstance(facts, SeriesFacts) else by_sines
    forecast = forecast_by(arguments.values, arguments.model, given, steps)
    columns = columns_of(column.name, forecast, arguments.least)
    values = columns[column.name]
    if not np.isfinite(values).all():
        raise InputError(f"{arguments.model}: the forecast diverges; nothing was written")
    dates = column.times and times.next_times(column.times[:end], steps)
    outputs: dict[Path, files.Content] = {
        arguments.out: table(columns, dates, float(np.ptp(given)))
    }
    with style.style():
        if arguments.figure:
            image = figure.draw(given, columns, truth, forecast.warmup)
            outputs[arguments.figure] = lambda path: style.save(image, path)
        files.write_all(outputs)
    print(f"{arguments.out}: {steps} values")
    if len(truth):
        print(f"held out, RMSE: {compare(values, truth, given, forecast.season)}")


if __name__ == "__main__":
    arguments = parser().parse_args()
    entry.finish(lambda: main(arguments))
