"""Generate one row of `datasets`: training, validation and test sequences of sines."""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

import stages
from stages import files
from stages.settings import entry, whole
from stages.settings.dataset import Dataset, as_range
from stages.settings.whole import Settings
from stages.signals import dataset_file, sines

SHOWN_SEQUENCES = 4
LOOKED_THROUGH = 1000  # sequences, for some that differ
SHOWN_STEPS = 200
BINS = 12


def generate(row: Dataset) -> dict[str, sines.Sines]:
    """Draw the three splits of a row, each from an independent random stream."""
    counts = (row.sequences, row.validation_sequences, row.test_sequences)
    test_seed = row.seed if row.test_seed is None else row.test_seed
    seeds = (row.seed, row.seed, test_seed)
    phases = (row.phase, row.phase, row.test_phase or row.phase)
    return {
        split: sines.sample(
            np.random.SeedSequence(seed).spawn(len(seeds))[place],
            sequences=count,
            steps=row.steps,
            time_step=row.time_step,
            phase=None if phase == "uniform" else phase,
            frequency=as_range(row.frequency),
            amplitude=as_range(row.amplitude),
            noise=row.noise,
        )
        for place, (split, count, seed, phase) in enumerate(
            zip(dataset_file.SPLITS, counts, seeds, phases, strict=True)
        )
    }


def shown_sequences(split: sines.Sines) -> Iterable[tuple[float, ...]]:
    """Yield (sequence, periods, value, truth) of the first sequences of a split that differ.

    Periods are those of the median frequency, so that others are seen to be faster or slower.
    """
    kinds = np.column_stack((split.phase, split.frequency, split.amplitude))[:LOOKED_THROUGH]
    firsts = np.sort(np.unique(kinds, axis=0, return_index=True)[1])[:SHOWN_SEQUENCES]
    shown = replace(split, **{name: getattr(split, name)[firsts] for name in dataset_file.ARRAYS})
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


def columns(names: tuple[str, ...], rows: Iterable[tuple]) -> dict[str, tuple]:
    """Return rows as columns by name."""
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m stages.generate", description=__doc__, epilog=entry.EPILOG
    )
    found.add_argument("row", help="name of a row of `datasets` in params.yaml")
    found.add_argument("--out", type=Path, required=True, help="dataset file to write (.npz)")
    found.add_argument("--report", type=Path, required=True, help="folder of what figures show")
    return found


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    splits = generate(whole.row(settings.datasets, arguments.row))
    train = splits["train"]
    shown = columns(("sequence", "periods", "value", "truth"), shown_sequences(train))
    spread = columns(("quantity", "low", "high", "share"), distributions(train))
    files.write_all(
        {
            arguments.report / "sequences.csv": stages.csv(shown),
            arguments.report / "distributions.csv": stages.csv(spread),
            arguments.out: lambda path: dataset_file.save(path, splits),
        }
    )


if __name__ == "__main__":
    entry.run(parser(), main)
