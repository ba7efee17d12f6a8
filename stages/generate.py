"""Generate one row of `datasets`: training, validation and test sequences of sines."""

import argparse
import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from stages import files
from stages.settings import entry, params
from stages.settings.dataset import Dataset, as_range
from stages.signals import dataset_file as series
from stages.signals import sines

SHOWN_SEQUENCES = 4
LOOKED_THROUGH = 1000  # sequences, for some that differ
SHOWN_STEPS = 200
BINS = 12


def generate(row: Dataset) -> dict[str, sines.Sines]:
    """Draw the three splits of a row, each from an independent random stream."""
    counts = (row.sequences, row.validation_sequences, row.test_sequences)
    streams = np.random.SeedSequence(row.seed).spawn(len(series.SPLITS))
    return {
        split: sines.sample(
            stream,
            count,
            row.steps,
            row.time_step,
            None if row.phase == "uniform" else row.phase,
            as_range(row.frequency),
            as_range(row.amplitude),
            row.noise,
        )
        for split, count, stream in zip(series.SPLITS, counts, streams, strict=True)
    }


def shown_sequences(split: sines.Sines) -> Iterable[tuple[float, ...]]:
    """Yield (sequence, periods, value, truth) of the first sequences of a split that differ.

    Periods are those of the median frequency, so that others are seen to be faster or slower.
    """
    kinds = np.column_stack((split.phase, split.frequency, split.amplitude))[:LOOKED_THROUGH]
    firsts = np.sort(np.unique(kinds, axis=0, return_index=True)[1])[:SHOWN_SEQUENCES]
    shown = replace(split, **{name: getattr(split, name)[firsts] for name in series.ARRAYS})
    steps = np.arange(min(split.values.shape[1], SHOWN_STEPS))
    periods = steps * split.time_step * float(np.median(split.frequency)) / (2 * np.pi)
    for sequence, values, truth in zip(firsts, shown.values, shown.truth(steps), strict=True):
        for row in zip(periods, values[steps, 0], truth, strict=True):
            yield int(sequence) + 1, *row


def distributions(split: sines.Sines) -> Iterable[tuple[str, float, float, float]]:
    """Yield (quantity, low, high, share): how a split's sequences spread over values, or over bins.

    A quantity with few values has a row for each of them, with low equal to high.
    """
    for quantity in ("phase", "frequency", "amplitude"):
        drawn = getattr(split, quantity)
        edges, counts = np.unique(drawn, return_counts=True)
        highs = edges
        if len(edges) > BINS:
            counts, edges = np.histogram(drawn, BINS)
            edges, highs = edges[:-1], edges[1:]
        for low, high, count in zip(edges, highs, counts, strict=True):
            yield quantity, low, high, count / len(drawn)


def write_table(path: Path, header: str, rows: Iterable[tuple[str | float, ...]]) -> None:
    """Write a CSV file; floats have six significant digits."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header.split(","))
        for row in rows:
            writer.writerow(
                files.SIGNIFICANT % cell if isinstance(cell, float) else cell for cell in row
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.generate", description=__doc__, epilog=entry.EPILOG
    )
    parser.add_argument("row", help="name of a row of `datasets` in params.yaml")
    parser.add_argument("--out", type=Path, required=True, help="dataset file to write (.npz)")
    parser.add_argument("--report", type=Path, required=True, help="folder of what figures show")
    arguments = entry.arguments(parser)
    row = params.read(entry.PARAMS, ("datasets", arguments.row), Dataset)
    splits = generate(row)
    # All outputs or none: each is put in its place when the others are written.
    with (
        files.whole(arguments.report / "sequences.csv") as sequences,
        files.whole(arguments.report / "distributions.csv") as spread,
    ):
        train = splits["train"]
        write_table(sequences, "sequence,periods,value,truth", shown_sequences(train))
        write_table(spread, "quantity,low,high,share", distributions(train))
        series.save(arguments.out, splits)


if __name__ == "__main__":
    entry.run(main)
