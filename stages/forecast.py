"""Continue one's own numbers by the free run of a trained model. Not a stage of dvc.yaml."""

import argparse
import csv
import io
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stages import files
from stages.baselines.sine_fits import FEWEST
from stages.files import InputError
from stages.forecasts import figure, values_file
from stages.forecasts.scale import Scale, Sine, continued, dominant_sine
from stages.networks import model_file
from stages.networks.model_file import Facts
from stages.reporting import style
from stages.settings import entry
from stages.signals.sines import Floats

EPILOG = """The values are evenly spaced in time, one a line; the first line may name the columns.
The last 100 at most warm the model up. They are brought to level zero and to the middle of the
amplitudes that the model was trained on, and the forecast is brought back. Exit codes: 0 done, 2
bad input (one line, and no output is changed), 130 interrupted."""
WARMUP = 100  # values a model is fed: as many as the tasks of any sine give
MOST_STEPS = 1_000_000
FLAT = 1e-12  # of the level: less than this is rounding, no sine
SMALLEST = 1e-100  # the squares of smaller values underflow
BLOWN_UP = 100  # amplitudes
NEAR = 0.005  # relative: how well a period is known
BEYOND = 1.1  # of the largest amplitude of the training, and no value lies further out
REST = 0.1  # amplitudes: the noise of the task in noise against its smallest sine


def trained_periods(facts: Facts) -> tuple[float, float]:
    """Return the shortest and the longest period of a model's training sequences [values]."""
    steps = [2 * math.pi / (frequency * facts.time_step) for frequency in facts.frequency]
    return min(steps), max(steps)


def outline(facts: Facts) -> str:
    """Return what sines a model was trained on, in words."""
    periods, amplitudes = (
        " to ".join(dict.fromkeys(f"{end:.3g}" for end in (min(ends), max(ends))))
        for ends in (trained_periods(facts), facts.amplitude)
    )
    return f"a period of {periods} values and an amplitude of {amplitudes}"


def usable(path: Path, values: Floats, facts: Facts) -> Sine:
    """Return the dominant sine of values; raises InputError where they are too few or constant."""
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


def warnings(sine: Sine, scaled: Floats, facts: Facts) -> list[str]:
    """Return where values, at the scale of the task, lie outside of what a model was trained on."""
    found = []
    shortest, longest = trained_periods(facts)
    if not shortest * (1 - NEAR) <= sine.period <= longest * (1 + NEAR):
        found.append(f"the period, {sine.period:.4g}, is outside of what it was trained on")
    peak = float(np.abs(scaled).max())
    if peak > BEYOND * max(facts.amplitude):
        found.append(f"the values reach {peak:.3g} when scaled, beyond what it was trained on")
    if sine.rest > REST:
        found.append(
            f"the values are no single sine: what one leaves has a standard deviation of "
            f"{sine.rest:.2g} amplitudes; no model here was trained on more than {REST:g}"
        )
    return found


def decimals_of(amplitude: float) -> int:
    """Return the decimals of six digits of an amplitude: below zero, if it is large."""
    return 5 - math.floor(math.log10(amplitude))


def table(name: str, told: Floats, amplitude: float) -> str:
    """Return a forecast as the text of a CSV file."""
    decimals = decimals_of(amplitude)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("step", name))
    writer.writerows((n, round(value, decimals)) for n, value in enumerate(told.tolist(), 1))
    return text.getvalue()


def compared(told: Floats, came: Floats, given: Floats, period: float) -> str:
    """Return how far a forecast is from what came, and the last period repeated beside it."""
    last = given[-max(1, round(period)) :]
    rmse, repeated = (
        float(np.sqrt(np.mean((guess - came) ** 2))) for guess in (told, np.resize(last, len(came)))
    )
    return f"RMSE {rmse:.3g}; of the last {len(last)} values repeated: {repeated:.3g}"


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m stages.forecast", description=__doc__, epilog=EPILOG
    )
    found.add_argument("model", type=Path, help="model file (.safetensors)")
    found.add_argument("values", type=Path, help="one's own numbers (.csv)")
    found.add_argument("--steps", type=int, required=True, help="how many values to forecast")
    found.add_argument("--out", type=Path, required=True, help="forecast to write (.csv)")
    found.add_argument("--figure", type=Path, help="figure to write (.png)")
    found.add_argument("--column", help="name of the column, where the file has several")
    found.add_argument(
        "--hold-out", action="store_true", help="keep the last values back, and compare with them"
    )
    return found


def check(arguments: argparse.Namespace) -> None:
    """Raise InputError unless the steps can be run, and no output is another file of these."""
    if not 1 <= arguments.steps <= MOST_STEPS:
        raise InputError(f"--steps {arguments.steps}: expected 1 to {MOST_STEPS:,}")
    taken = {arguments.model.resolve(), arguments.values.resolve()}
    for path in filter(None, (arguments.out, arguments.figure)):
        if path.resolve() in taken:
            raise InputError(f"{path}: is named twice; expected another file to write to")
        taken.add(path.resolve())


def main(arguments: argparse.Namespace) -> None:
    check(arguments)
    model, _, facts = model_file.load(arguments.model)
    name, values = values_file.load(arguments.values, arguments.column)
    end = max(0, len(values) - arguments.steps) if arguments.hold_out else len(values)
    given, came = values[:end], values[end:]
    fed = given[-WARMUP:]
    sine = usable(arguments.values, fed, facts)
    target = (min(facts.amplitude) + max(facts.amplitude)) / 2
    scale = Scale(sine.level, sine.amplitude / target)

    level = round(sine.level, decimals_of(sine.amplitude))
    print(f"{arguments.model}: trained on sines with {outline(facts)}")
    print(
        f"{arguments.values}: {name}, the last {len(fed)} of {len(given)} values: period "
        f"{sine.period:.4g}, amplitude {sine.amplitude:.4g} around {level:.6g}, "
        f"scaled to {target:.3g}",
        flush=True,
    )
    for warning in warnings(sine, scale.to_task(fed), facts):
        print(f"warning: {warning}", file=sys.stderr)

    told = continued(model, fed, arguments.steps, scale)
    kept = np.isfinite(told) & (np.abs(told - sine.level) <= BLOWN_UP * sine.amplitude)
    if not kept.all():
        raise InputError(
            f"{arguments.model}: the free run blows up: step {kept.argmin() + 1} is more than "
            f"{BLOWN_UP} amplitudes away; nothing was written"
        )
    outputs: dict[Path, str | Callable[[Path], None]] = {
        arguments.out: table(name, told, sine.amplitude)
    }
    with style.style():
        if arguments.figure:
            drawn = figure.forecast(name, given, told, came, warmup=len(fed))
            outputs[arguments.figure] = lambda path: style.save(drawn, path)
        files.write_all(outputs)
    print(f"{arguments.out}: {len(told)} values")
    if len(came):
        print(f"held out: {compared(told, came, given, sine.period)}")


if __name__ == "__main__":
    arguments = parser().parse_args()
    entry.finish(lambda: main(arguments))
