"""Continue a column of a CSV file by a trained model. Not a stage of dvc.yaml."""

import argparse
import csv
import io
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from stages import files
from stages.baselines.sine_fits import FEWEST
from stages.files import InputError
from stages.forecasts import figure
from stages.forecasts.continuation import Continuation, errors_of
from stages.forecasts.scale import Scale, Sine, continued, dominant_sine
from stages.forecasts.season import has_trend, season_of
from stages.networks import forecaster_file, model_file
from stages.networks.model_file import Facts, SeriesFacts
from stages.reporting import style
from stages.settings import entry
from stages.signals import series_file, times
from stages.signals.sines import Floats

EPILOG = """The values are evenly spaced in time, one a line, below a line of column names. A model
of sines is given the last 100 at most, brought to level zero and to the amplitudes that it was
trained on. A model of a measured series is given as many as its task says, and adds intervals.
Exit codes: 0 done, 2 bad input (one line, and no output is changed), 130 interrupted."""
WARMUP = 100  # values that a model of sines is given: as many as the tasks of any sine give
MOST_STEPS = 1_000_000
FLAT = 1e-12  # of the level: less than this is rounding, no sine
SMALLEST = 1e-100  # the squares of smaller values underflow
DIVERGED = 100  # amplitudes
NEAR = 0.005  # relative: how well a period is known
BEYOND = 1.1  # of the largest amplitude of the training, and no value lies further out
REST = 0.1  # amplitudes: the noise of the task in noise against its smallest sine
DIGITS = 6  # of a value, relative to the range of the values


def trained_periods(facts: Facts) -> tuple[float, float]:
    """Compute the shortest and the longest period of a model's training sequences [values]."""
    steps = [2 * math.pi / (frequency * facts.time_step) for frequency in facts.frequency]
    return min(steps), max(steps)


def outline(facts: Facts) -> str:
    """Describe the sines that a model was trained on."""
    periods, amplitudes = (
        " to ".join(dict.fromkeys(f"{end:.3g}" for end in (min(ends), max(ends))))
        for ends in (trained_periods(facts), facts.amplitude)
    )
    return f"a period of {periods} values and an amplitude of {amplitudes}"


def usable(path: Path, values: Floats, facts: Facts) -> Sine:
    """Fit the dominant sine; raises InputError where values are too few or constant."""
    fewest = max(FEWEST, math.ceil(trained_periods(facts)[0]))
    if len(values) < fewest:
        raise InputError(
            f"{path}: gives the model {len(values)} values; expected {fewest} at least, "
            "the shortest period that it was trained on"
        )
    if np.ptp(values) <= max(FLAT * np.abs(values).max(), SMALLEST):
        raise InputError(
            f"{path}: the values given are constant; expected some that go up and down"
        )
    return dominant_sine(values)


def doubts_of_sines(sine: Sine, given: Floats, scaled: Floats, facts: Facts) -> list[str]:
    """List how values, at the scale of the task, differ from the training sequences."""
    doubts = []
    shortest, longest = trained_periods(facts)
    if has_trend(given):
        doubts.append("the values have a trend; no model of sines was trained on one")
    if not shortest * (1 - NEAR) <= sine.period <= longest * (1 + NEAR):
        doubts.append(f"the period, {sine.period:.4g}, is outside of what it was trained on")
    peak = float(np.abs(scaled).max())
    if peak > BEYOND * max(facts.amplitude):
        doubts.append(f"the values reach {peak:.3g} when scaled, beyond what it was trained on")
    if sine.rest > REST:
        doubts.append(
            f"the values are no single sine: the rest has a standard deviation of "
            f"{sine.rest:.2g} amplitudes; no model here was trained on more than {REST:g}"
        )
    return doubts


def warn(doubts: Sequence[str]) -> None:
    for doubt in doubts:
        print(f"warning: {doubt}", file=sys.stderr)


def continue_sine(path: Path, model_path: Path, given: Floats, steps: int) -> Continuation:
    """Continue values by a model of sines; raises InputError where its free run diverges."""
    model, _, facts = model_file.load(model_path)
    past = given[-WARMUP:]
    sine = usable(path, past, facts)
    target = (min(facts.amplitude) + max(facts.amplitude)) / 2
    scale = Scale(sine.level, sine.amplitude / target)
    print(f"{model_path}: trained on sines with {outline(facts)}")
    print(
        f"{path}: the last {len(past)} of {len(given)} values: period {sine.period:.4g}, "
        f"amplitude {sine.amplitude:.4g} around {sine.level:.4g}, scaled to {target:.3g}",
        flush=True,
    )
    warn(doubts_of_sines(sine, past, scale.to_task(past), facts))
    values = continued(model, past, steps, scale)
    near = np.isfinite(values) & (np.abs(values - sine.level) <= DIVERGED * sine.amplitude)
    if not near.all():
        raise InputError(
            f"{model_path}: the free run diverges: step {near.argmin() + 1} is more than "
            f"{DIVERGED} amplitudes away; nothing was written"
        )
    return Continuation(values)


def continue_series(path: Path, model_path: Path, given: Floats, steps: int) -> Continuation:
    """Continue values by a model of a measured series; raises InputError where they are too few."""
    trained = forecaster_file.load(model_path)
    facts = trained.facts
    if len(given) < facts.warmup:
        raise InputError(
            f"{path}: gives the model {len(given)} values; expected {facts.warmup} at least, "
            f"the warm-up of {facts.dataset}"
        )
    past = given[-facts.warmup :]
    print(
        f"{model_path}: {facts.cell}, trained on {facts.column} of {facts.dataset}, season "
        f"{facts.season}, given the last {facts.warmup} of {len(given)} values",
        flush=True,
    )
    low, high = trained.range
    if past.max() > high + (high - low) or past.min() < low - (high - low):
        warn([f"the values lie far outside of {low:.4g} to {high:.4g}, its training part"])
    if steps > facts.horizon:
        warn([f"intervals end after {facts.horizon} steps, the horizon that it was tested over"])
    values = trained.forecaster.forecast(past[None, :, None], steps)[0, :, 0]
    if not np.isfinite(values).all():
        raise InputError(f"{model_path}: the forecast diverges; nothing was written")
    return Continuation(values, trained.half_widths)


def table(name: str, forecast: Continuation, dates: tuple[str, ...] | None, given: Floats) -> str:
    """Write a forecast as the text of a CSV file."""
    spread = float(np.ptp(given)) or 1.0
    decimals = DIGITS - 1 - math.floor(math.log10(spread))
    columns: dict[str, Sequence[object]] = {"step": range(1, len(forecast.values) + 1)}
    if dates is not None:
        columns["time"] = dates
    numbers = {name: forecast.values}
    for level in forecast.half_widths:
        low, high = forecast.interval(level)
        numbers |= {f"low_{level}": low, f"high_{level}": high}
    for column, values in numbers.items():
        columns[column] = [
            "" if math.isnan(value) else round(value, decimals) for value in values.tolist()
        ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stages.forecast", description=__doc__, epilog=EPILOG
    )
    parser.add_argument("model", type=Path, help="model file (.safetensors)")
    parser.add_argument("values", type=Path, help="one's own numbers (.csv)")
    parser.add_argument("--steps", type=int, required=True, help="how many values to forecast")
    parser.add_argument("--out", type=Path, required=True, help="forecast to write (.csv)")
    parser.add_argument("--figure", type=Path, help="figure to write (.png)")
    parser.add_argument("--column", help="name of the column, where the file has several")
    parser.add_argument(
        "--time", help="name of the column of times; the forecast goes on with them"
    )
    parser.add_argument("--least", type=float, help="least value that is possible, such as 0")
    parser.add_argument(
        "--held-out",
        "--hold-out",
        action="store_true",
        help="keep the last values back, as many as steps, and compare with them",
    )
    return parser


def check(arguments: argparse.Namespace) -> None:
    """Raise InputError unless the options are in range, and all paths differ."""
    if not 1 <= arguments.steps <= MOST_STEPS:
        raise InputError(f"--steps {arguments.steps}: expected 1 to {MOST_STEPS:,}")
    if arguments.least is not None and not math.isfinite(arguments.least):
        raise InputError(f"--least {arguments.least}: expected a number")
    taken = {arguments.model.resolve(), arguments.values.resolve()}
    for path in filter(None, (arguments.out, arguments.figure)):
        if path.resolve() in taken:
            raise InputError(f"{path}: is named twice; expected another file to write to")
        taken.add(path.resolve())


def main(arguments: argparse.Namespace) -> None:
    check(arguments)
    _, facts = model_file.read(arguments.model)
    column = series_file.load(arguments.values, arguments.column, arguments.time)
    count = len(column.values)
    end = max(0, count - arguments.steps) if arguments.held_out else count
    given, came = column.values[:end], column.values[end:]
    measured = isinstance(facts, SeriesFacts)
    continue_by = continue_series if measured else continue_sine
    forecast = continue_by(arguments.values, arguments.model, given, arguments.steps)
    least = arguments.least
    if least is not None:
        forecast = Continuation(np.maximum(forecast.values, least), forecast.half_widths, least)
    dates = column.times and times.next_times(column.times[:end], arguments.steps)
    outputs: dict[Path, str | Callable[[Path], None]] = {
        arguments.out: table(column.name, forecast, dates, given)
    }
    with style.style():
        if arguments.figure:
            warmup = min(facts.warmup if measured else WARMUP, len(given))
            drawn = figure.draw(column.name, given, forecast, came, warmup)
            outputs[arguments.figure] = lambda path: style.save(drawn, path)
        files.write_all(outputs)
    print(f"{arguments.out}: {len(forecast.values)} values")
    if len(came):
        season = facts.season if measured else season_of(given)
        errors = errors_of(forecast.values, came, given, season)
        print("held out, RMSE: " + ", ".join(f"{name} {e:.4g}" for name, e in errors.items()))


if __name__ == "__main__":
    arguments = parser().parse_args()
    entry.finish(lambda: main(arguments))
