"""Train one row of `models` on its dataset."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import stages
from stages import files
from stages.baselines.lags import fit_lags
from stages.networks import model_file
from stages.networks.model_file import Facts, Tensors
from stages.settings import entry, whole
from stages.settings.model import Fit, Lags, NetworkRow
from stages.settings.whole import Settings
from stages.signals import dataset_file
from stages.signals.sines import Sines

COLUMNS = ("attempt", "phase", "iteration", "steps_seen", "loss")  # columns of the training curve
REPORT_EVERY = 100  # iterations, as the blog prints its loss


class Curve:
    """The training curve: prints the loss while a row is trained, and keeps it."""

    def __init__(self, row: str) -> None:
        self._row = row
        self.rows: list[dict[str, str | int | float]] = []

    def report(self, attempt: int, phase: str) -> Callable[[int, int, float], None]:
        """Begin a phase; what it gives takes each iteration's number, steps seen and loss."""
        seen_before = int(self.rows[-1]["steps_seen"]) if self.rows else 0
        print(f"{self._row}: attempt {attempt + 1}, {phase}", flush=True)

        def take(iteration: int, steps_seen: int, loss: float) -> None:
            if phase == "adam" and iteration > REPORT_EVERY and iteration % REPORT_EVERY:
                return
            row = {"attempt": attempt + 1, "phase": phase, "iteration": iteration}
            self.rows.append(row | {"steps_seen": seen_before + steps_seen, "loss": loss})
            if iteration % REPORT_EVERY == 0:
                print(f"{self._row}: {phase} iteration {iteration} loss {loss:.6g}", flush=True)

        return take

    def table(self) -> dict[str, list[str | int | float]]:
        """Give the curve by column, a row an iteration."""
        return {column: [row[column] for row in self.rows] for column in COLUMNS}


def train(
    name: str, row: Lags | Fit | NetworkRow, sines: Sines, validation: Sines
) -> tuple[Tensors, dict[str, object], Curve]:
    """Train a row; give its tensors, the facts that training settled, and its curve."""
    curve = Curve(name)
    match row:
        case Lags(lags=lags):
            model, loss = fit_lags(lags, sines.values)
            curve.report(0, "least_squares")(1, sines.values[:, 1:].size, loss)
            return {"weight": model.weight}, {}, curve
        case Fit():
            return {}, {}, curve
    from stages.training.sines import train_on_sines  # loads torch

    trained = train_on_sines(row, sines, validation, curve.report)
    if row.attempts > 1:
        print(f"{name}: validation RMSE of the free run {trained.error:.3g}")
    if not trained.accepted and row.attempts > 1:
        wanted = f"accept.rmse {row.accept.rmse:g}"
        line = f"warning: {name}: none of {row.attempts} attempts reached {wanted}; kept the best"
        print(line, file=sys.stderr)
    return trained.tensors, trained.facts, curve


def facts_of(row: Lags | Fit | NetworkRow, settled: dict[str, object], sines: Sines) -> Facts:
    """State the facts of a model: its row's, what training settled, and its sequences' ranges."""
    return Facts(
        **(row.model_dump(include=set(Facts.model_fields)) | settled),
        time_step=sines.time_step,
        frequency=[float(sines.frequency.min()), float(sines.frequency.max())],
        amplitude=[float(sines.amplitude.min()), float(sines.amplitude.max())],
    )


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
    row = whole.row(settings.models, arguments.row)
    sines, validation = (dataset_file.load(arguments.data, s) for s in ("train", "validation"))
    tensors, settled, curve = train(arguments.row, row, sines, validation)
    facts = facts_of(row, settled, sines)
    files.write_all(
        {
            arguments.curve: stages.csv(curve.table()),
            arguments.out: lambda path: model_file.save(path, tensors, facts),
        }
    )


if __name__ == "__main__":
    entry.run(parser(), main)
