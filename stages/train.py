"""Train one row of `models` on its dataset."""

import argparse
from collections.abc import Callable
from pathlib import Path

import stages
from stages import files
from stages.networks import model_file
from stages.networks.fits import Prony, SineFit
from stages.networks.model_file import Facts, Model
from stages.networks.network import Network
from stages.settings import entry, whole
from stages.settings.model import Fit, Lags, NetworkRow
from stages.settings.whole import Settings
from stages.signals import dataset_file
from stages.signals.sines import Floats, Sines
from stages.training.lags import fit_lags

COLUMNS = ("attempt", "phase", "iteration", "steps_seen", "loss")  # columns of the training curve
REPORT_EVERY = 100  # iterations, as the blog prints its loss


class Curve:
    """The training curve: prints the loss while a row is trained, and keeps it."""

    def __init__(self, row: str) -> None:
        self._row = row
        self.rows: list[dict[str, str | int | float]] = []

    def report(self, attempt: int, phase: str) -> Callable[[int, int, float], None]:
        """Return what takes the losses of a phase: iteration, steps seen in the phase, loss."""
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
        """Return the curve by column, a row an iteration."""
        return {column: [row[column] for row in self.rows] for column in COLUMNS}


def train(
    name: str, row: Lags | Fit | NetworkRow, sines: Sines, validation: Sines
) -> tuple[Model, Floats | None, Curve]:
    """Return the trained model, the state that it carried if it did, and the training curve."""
    curve = Curve(name)
    match row:
        case Lags(lags=lags):
            model, loss = fit_lags(lags, sines.values)
            curve.report(0, "least_squares")(1, sines.values[:, 1:].size, loss)
            return model, None, curve
        case Fit(cell=cell):
            return Prony() if cell == "prony" else SineFit(), None, curve
    from stages.training import recipe  # SciPy takes as long to load as all the rest

    trained = recipe.train(row, sines, validation, curve.report)
    if row.attempts > 1:
        print(f"{name}: validation RMSE of the free run {trained.error:.3g}")
    return trained.network, trained.carried, curve


def facts_of(row: Lags | Fit | NetworkRow, model: Model, sines: Sines) -> Facts:
    """Return what the model file says of the model, and of the sequences that it was trained on.

    A network may have grown in training: its own sizes count, not those of its row.
    """
    said = row.model_dump(include=Facts.model_fields.keys())
    if isinstance(model, Network):
        said |= model.sizes
    return Facts(
        **said,
        time_step=sines.time_step,
        frequency=[float(sines.frequency.min()), float(sines.frequency.max())],
        amplitude=[float(sines.amplitude.min()), float(sines.amplitude.max())],
    )


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m stages.train", description=__doc__, epilog=entry.EPILOG
    )
    found.add_argument("row", help="name of a row of `models` in params.yaml")
    found.add_argument("data", type=Path, help="dataset file to train on (.npz)")
    found.add_argument("--out", type=Path, required=True, help="model file to write")
    found.add_argument("--curve", type=Path, required=True, help="training curve to write (.csv)")
    return found


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    row = whole.row(settings.models, arguments.row)
    sines, validation = (dataset_file.load(arguments.data, s) for s in ("train", "validation"))
    model, carried, curve = train(arguments.row, row, sines, validation)
    facts = facts_of(row, model, sines)
    files.write_all(
        {
            arguments.curve: stages.csv(curve.table()),
            arguments.out: lambda path: model_file.save(path, model, carried, facts),
        }
    )


if __name__ == "__main__":
    entry.run(parser(), main)
