"""Make the dataset file of one row of `datasets`: draw sines, or read a measured series."""

import argparse
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from stages import files, table
from stages.settings import entry, params_file
from stages.settings.dataset import Dataset, Measured, as_range
from stages.settings.params_file import Settings
from stages.signals import dataset_file, series_file, sines
from stages.signals.series import Series, check

SHOWN_SEQUENCES = 4
SEARCHED_SEQUENCES = 1000  # first ones of a split, searched for different sequences
SHOWN_STEPS = 200
BINS = 12


def generate(row: Dataset) -> dict[str, sines.Sines]:
    """Draw the three splits of a row, each from an independent random stream."""
    test_seed = row.seed if row.test_seed is None else row.test_seed
    splits = (
        ("train", row.sequences, row.seed, row.phase),
        ("validation", row.validation_sequences, row.seed, row.phase),
        ("test", row.test_sequences, test_seed, row.test_phase or row.phase),
    )
    return {
        split: sines.sample(
            np.random.SeedSequence(seed).spawn(len(splits))[place],
            sequences=count,
            steps=row.steps,
            time_step=row.time_step,
            phase=None if phase == "uniform" else phase,
            frequency=as_range(row.frequency),
            amplitude=as_range(row.amplitude),
            noise=row.noise,
        )
        for place, (split, count, seed, phase) in enumerate(splits)
    }


def shown_sequences(split: sines.Sines) -> Iterable[tuple[float, ...]]:
    """Yield (sequence, periods, value, truth) of the first sequences of a split that differ.

    periods: time in periods of the median frequency; other frequencies look faster or slower.
    """
    kinds = np.column_stack((split.phase, split.frequency, split.amplitude))[:SEARCHED_SEQUENCES]
    firsts = np.sort(np.unique(kinds, axis=0, return_index=True)[1])[:SHOWN_SEQUENCES]
    steps = np.arange(min(split.values.shape[1], SHOWN_STEPS))
    periods = steps * split.time_step * float(np.median(split.frequency)) / (2 * np.pi)
    shown = replace(split, **{name: getattr(split, name)[firsts] for name in dataset_file.ARRAYS})
    for sequence, values, truth in zip(firsts, shown.values, shown.truth(steps), strict=True):
        for row in zip(periods, values[steps, 0], truth, strict=True):
            yield int(sequence) + 1, *row


def distributions(split: sines.Sines) -> Iterable[tuple[str, float, float, float]]:
    """Yield (quantity, low, high, share): the distribution of a split's sequences.

    A row is a bin from low to high. If a quantity has few values, a row is one value: low = high.
    """
    for quantity in ("phase", "frequency", "amplitude"):
        values = getattr(split, quantity)
        edges, counts = np.unique(values, return_counts=True)
        highs = edges
        if len(edges) > BINS:
            counts, edges = np.histogram(values, BINS)
            edges, highs = edges[:-1], edges[1:]
        for low, high, count in zip(edges, highs, counts, strict=True):
            yield quantity, low, high, count / len(values)


def read_series(row: Measured) -> Series:
    """Read the series of a row; raises InputError where it is not one, or is too short."""
    column = series_file.load(Path(row.csv), row.column, row.time)
    protocol = {key: getattr(row, key) for key in dataset_file.PROTOCOL}
    series = Series(column.name, column.values, column.times, **protocol)
    check(series, row.csv)
    return series


def shown_series(series: Series) -> dict[str, object]:
    """Write the values of a series as columns, with the part that each belongs to."""
    steps = np.arange(len(series.values))
    starts = [series.bounds(part)[0] for part in ("validation", "test")]
    parts = np.array(["training", "validation", "test"])[np.searchsorted(starts, steps, "right")]
    times = series.times or [""] * len(steps)
    return {"step": steps, "time": times, "value": series.values, "part": parts}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stages.generate", description=__doc__, epilog=entry.EPILOG
    )
    parser.add_argument("row", help="name of a row of `datasets` in params.yaml")
    parser.add_argument("--out", type=Path, required=True, help="dataset file to write (.npz)")
    parser.add_argument("--report", type=Path, required=True, help="folder for the tables to draw")
    return parser


def csv_of(names: str, rows: Iterable[tuple[object, ...]]) -> str:
    """Write rows as the text of a CSV file. names: of the columns, separated by spaces."""
    return table.csv(dict(zip(names.split(), zip(*rows, strict=True), strict=True)))


def outputs(row: Dataset | Measured, out: Path, report: Path) -> dict[Path, files.Content]:
    """Make the files of a row, by path: a dataset file, and the tables of its figures."""
    if isinstance(row, Measured):
        series = read_series(row)
        target = os.path.relpath(row.csv, report)
        return {
            report / "source.csv": lambda path: path.symlink_to(target),
            report / "sequences.csv": table.csv(shown_series(series)),
            report / "distributions.csv": "\n",
            out: lambda path: dataset_file.save_series(path, series),
        }
    splits = generate(row)
    shown, spread = shown_sequences(splits["train"]), distributions(splits["train"])
    return {
        report / "source.csv": "\n",
        report / "sequences.csv": csv_of("sequence periods value truth", shown),
        report / "distributions.csv": csv_of("quantity low high share", spread),
        out: lambda path: dataset_file.save(path, splits),
    }


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    row = params_file.row(settings.datasets, arguments.row)
    files.write_all(outputs(row, arguments.out, arguments.report))


if __name__ == "__main__":
    entry.run(parser(), main)
