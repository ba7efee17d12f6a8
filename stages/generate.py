"""Generate one row of `datasets`: training, validation and test sequences of sines."""

import argparse
from pathlib import Path

import numpy as np

from stages.core import entry, params, series, sines
from stages.core.dataset import Dataset, as_range


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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stages.generate", description=__doc__)
    parser.add_argument("row", help="name of a row of `datasets` in params.yaml")
    parser.add_argument("--out", type=Path, required=True, help="dataset file to write (.npz)")
    arguments = parser.parse_args()
    row = params.read(Path("params.yaml"), ("datasets", arguments.row), Dataset)
    series.save(arguments.out, generate(row))


if __name__ == "__main__":
    entry.run(main)
