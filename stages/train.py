"""Train one row of `models` on its dataset."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stages import files, table
from stages.baselines.lags import fit_lags
from stages.networks import forecaster_file, model_file
from stages.networks.model_file import Facts, SeriesFacts, Tensors
from stages.settings import entry, params_file
from stages.settings.model import ROWS, Lags, NetworkRow, Row, with_defaults
from stages.settings.params_file import Settings
from stages.signals import dataset_file
from stages.signals.intervals import interval_half_widths
from stages.signals.series import Series
from stages.signals.sines import Sines

MOST_FREE_STEPS = 80  # of the free runs in a default training
COLUMNS = ("attempt", "phase", "iteration", "steps_seen", "loss")  # of the training curve
REPORT_EVERY = 100  # iterations, as the blog prints its loss


class Curve:
    """The training curve: prints and records the loss while a row is trained."""

    def __init__(self, row: str) -> None:
        self._row = row
        self.rows: list[tuple[int, str, int, int, float]] = []

    def report(self, attempt: int, phase: str) -> Callable[[int, int, float], None]:
        """Begin a phase; return a recorder of iteration, steps seen and loss."""
        seen_before = self.rows[-1][3] if self.rows else 0
        print(f"{self._row}: attempt {attempt + 1}, {phase}", flush=True)

        def record(iteration: int, steps_seen: int, loss: float) -> None:
            if phase == "adam" and iteration > REPORT_EVERY and iteration % REPORT_EVERY:
                return
            self.rows.append((attempt + 1, phase, iteration, seen_before + steps_seen, loss))
            if iteration % REPORT_EVERY == 0:
                print(f"{self._row}: {phase} iteration {iteration} loss {loss:.6g}", flush=True)

        return record

    def table(self) -> dict[str, list[str | int | float]]:
        """List the columns of the curve; each row is a recorded iteration."""
        return {column: [row[i] for row in self.rows] for i, column in enumerate(COLUMNS)}


def train_sines(
    name: str, row: Row, sines: Sines, validation: Sines, curve: Curve
) -> tuple[Tensors, Facts]:
    """Train a row on sines; return its tensors and facts."""
    tensors, trained_facts = {}, {}
    if isinstance(row, Lags):
        model, loss = fit_lags(row.lags, sines.values)
        curve.report(0, "least_squares")(1, sines.values[:, 1:].size, loss)
        tensors = {"weight": model.weight}
    elif isinstance(row, NetworkRow):
        from stages.training.sines import train_on_sines  # loads torch

        warmup = sines.values.shape[1] // 3  # of a default training
        row = with_defaults(row, kind_of(sines), warmup, min(warmup, MOST_FREE_STEPS))
        trained, tensors, trained_facts = train_on_sines(row, sines, validation, curve.report)
        if trained.error is not None:
            print(f"{name}: validation RMSE of the free run {trained.error:.3g}")
        if not trained.accepted:
            print(
                f"warning: {name}: none of {row.attempts} attempts reached accept.rmse "
                f"{row.accept.rmse:g}; kept the best",
                file=sys.stderr,
            )
    facts = Facts(
        **(row.model_dump(include=set(Facts.model_fields) - {"attempts"}) | trained_facts),
        time_step=sines.time_step,
        frequency=[float(sines.frequency.min()), float(sines.frequency.max())],
        amplitude=[float(sines.amplitude.min()), float(sines.amplitude.max())],
    )
    return tensors, facts


def kind_of(sines: Sines) -> str:
    """Classify training sequences, as `Dataset.kind` does."""
    if sines.noise > 0:
        return "in noise"
    return "any sine" if np.ptp(sines.frequency) > 0 else "one sine"


def train_series(row: Row, series: Series, curve: Curve) -> tuple[Tensors, SeriesFacts]:
    """Train a row on a measured series, with intervals from its errors on the validation part."""
    if isinstance(row, NetworkRow):
        from stages.training.series import train_on_series  # loads torch

        used = series.season if row.transform == "seasonal_difference" else 0
        row = with_defaults(row, "measured", series.warmup - used, series.horizon)
        forecaster = train_on_series(row, series, curve.report)
    else:
        forecaster = forecaster_file.BASELINES[row.cell].fit(series)
    tensors = forecaster.tensors()
    origins = series.every_origin("validation")
    errors = forecaster.forecast(series.past(origins), series.horizon) - series.future(origins)
    for level in forecaster_file.LEVELS:
        tensors[f"half_widths_{level}"] = interval_half_widths(errors[:, :, 0], level / 100)
    tensors["range"] = np.array([series.training.min(), series.training.max()])
    facts = SeriesFacts(
        **row.model_dump(include=set(SeriesFacts.model_fields)),
        column=series.name,
        season=series.season,
        warmup=series.warmup,
        horizon=series.horizon,
        options=forecaster.options(),
    )
    return tensors, facts


def check_network(name: str, row: NetworkRow, settings: Settings) -> None:
    """Raise InputError where the cell or the device of a row does not exist here."""
    import torch

    from stages.networks.cells import CELLS

    if row.cell not in CELLS:
        known = ", ".join((*ROWS, *CELLS))
        raise settings.mistake(("models", name, "cell"), f"is {row.cell}; expected one of {known}")
    try:
        torch.zeros(1).to(row.device).cpu()
    except (RuntimeError, AssertionError) as error:
        reason = f"torch says: {files.reason(error)}"
        text = f"is {row.device}; expected a device that torch has here ({reason})"
        raise settings.mistake(("models", name, "device"), text) from None
    if row.device != "cpu":
        note = f"note: outputs may not match dvc.lock: {name} trains on {row.device}"
        print(note, file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stages.train", description=__doc__, epilog=entry.EPILOG
    )
    parser.add_argument("row", help="name of a row of `models` in params.yaml")
    parser.add_argument("data", type=Path, help="dataset file to train on (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="model file to write")
    parser.add_argument("--curve", type=Path, required=True, help="training curve to write (.csv)")
    return parser


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    row = params_file.row(settings.models, arguments.row)
    if isinstance(row, NetworkRow):
        check_network(arguments.row, row, settings)
    curve = Curve(arguments.row)
    if dataset_file.is_series(arguments.data):
        tensors, facts = train_series(row, dataset_file.load_series(arguments.data), curve)
    else:
        splits = (dataset_file.load(arguments.data, split) for split in ("train", "validation"))
        tensors, facts = train_sines(arguments.row, row, *splits, curve)
    files.write_all(
        {
            arguments.curve: table.csv(curve.table()),
            arguments.out: lambda path: model_file.save(path, tensors, facts),
        }
    )


if __name__ == "__main__":
    entry.run(parser(), main)
