"""Evaluate one model on the test part of its task: teacher-forced and free-running."""

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages import files, table
from stages.files import AGAIN
from stages.networks import forecaster_file, model_file
from stages.networks.model_file import Facts
from stages.rollouts import series_tables
from stages.rollouts.evaluation import Subject, report, run_freely
from stages.rollouts.tables import tables
from stages.settings import entry, whole
from stages.settings.dataset import Dataset
from stages.settings.whole import Settings
from stages.signals import dataset_file

# The metrics of a model, its card, and the texts of its tables by file name.
Evaluated = tuple[dict[str, Any], dict[str, Any], dict[str, str]]
NOT_OF_SERIES = (
    "hidden.csv",
    "multipliers.csv",
    "settling.csv",
)  # empty for a measured series: DVC warns of files without a byte


def load(model_path: Path, data: Path, settings: Settings) -> tuple[Subject, Facts]:
    """Read a model and the test sequences of its task; also give the model's facts.

    Raises InputError where one cannot be read, or where they do not fit together.
    """
    model, carried, facts = model_file.load(model_path)
    sines = dataset_file.load(data, "test")
    task: Dataset = whole.row(settings.datasets, facts.dataset)
    if facts.time_step != sines.time_step:
        raise files.InputError(
            f"{data}: time_step is {sines.time_step:g}; expected {facts.time_step:g}, "
            f"the one that {model_path} was trained with"
        )
    most = sines.values.shape[1] - 2
    if task.warmup > most:
        raise files.InputError(
            f"{data}: has sequences of {most + 2} values; expected {task.warmup + 2} at least "
            f"for datasets.{facts.dataset}.warmup {task.warmup}: make it again with `dvc repro`"
        )
    return Subject(model, carried, sines, task.warmup, task.periods), facts


def evaluate_sines(arguments: argparse.Namespace, settings: Settings) -> Evaluated:
    """Evaluate a model of sines: its metrics, its card and the texts of its tables."""
    subject, facts = load(arguments.model, arguments.data, settings)
    task, accepted = facts.dataset, int(facts.accepted)
    result, shown = run_freely(subject)
    metrics = {"task": task, "accepted": accepted, **report(subject, result)}
    card = {"task": task, "kind": "sines", "warmup": subject.warmup, "periods": subject.periods}
    return metrics, card, texts_of(tables(subject, result, shown))


def evaluate_series(arguments: argparse.Namespace) -> Evaluated:
    """Evaluate a forecaster of a measured series, as `evaluate_sines` does a model of sines."""
    series = dataset_file.load_series(arguments.data)
    trained = forecaster_file.load(arguments.model)
    task = trained.facts.dataset
    if (trained.facts.season, trained.facts.warmup) != (series.season, series.warmup):
        raise files.InputError(
            f"{arguments.data}: is another task than {arguments.model}'s; {AGAIN}"
        )
    metrics = {"task": task, **series_tables.report(series, trained)}
    card = {"task": task, "kind": "measured", "season": series.season, "horizon": series.horizon}
    texts = texts_of(series_tables.tables(series, trained))
    return metrics, card, texts | dict.fromkeys(NOT_OF_SERIES, "\n")


def texts_of(written: Mapping[str, Any]) -> dict[str, str]:
    """Write tables as the texts of CSV files."""
    return {name: table.csv(columns) for name, columns in written.items()}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stages.evaluate", description=__doc__, epilog=entry.EPILOG
    )
    parser.add_argument("model", type=Path, help="model file to evaluate (.safetensors)")
    parser.add_argument("data", type=Path, help="dataset file with the test sequences (.npz)")
    parser.add_argument("training", type=Path, help="the model's training curve (.csv)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model's reports")
    parser.add_argument("--card", type=Path, required=True, help="card of the model (.json)")
    return parser


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    curve = files.text(arguments.training)
    if dataset_file.is_series(arguments.data):
        metrics, card, texts = evaluate_series(arguments)
    else:
        metrics, card, texts = evaluate_sines(arguments, settings)
    texts["metrics.json"] = json.dumps(metrics, indent=2, allow_nan=False) + "\n"
    written = {arguments.out / name: text for name, text in texts.items()}
    texts["training.csv"] = curve
    digests = {name: hashlib.sha256(texts[name].encode()).hexdigest() for name in sorted(texts)}
    card["sha256"] = digests
    written[arguments.card] = json.dumps(card, indent=2, sort_keys=True) + "\n"
    files.write_all(written)


if __name__ == "__main__":
    entry.run(parser(), main)
