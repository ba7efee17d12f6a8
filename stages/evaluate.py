"""Evaluate one model on the test part of its task: teacher-forced and free-running."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from stages import files, table
from stages.files import AGAIN, InputError
from stages.networks import forecaster_file, model_file
from stages.networks.model_file import Facts
from stages.rollouts import forecasts
from stages.rollouts.evaluation import Subject, report, run_freely
from stages.rollouts.tables import tables
from stages.settings import entry, params_file
from stages.settings.dataset import Dataset
from stages.settings.params_file import Settings
from stages.signals import dataset_file

# The task of a model, its metrics, its card, and the columns of its tables by file name.
Evaluated = tuple[str, dict[str, Any], dict[str, Any], dict[str, dict[str, Any]]]
# For a measured series these files hold only a line end: DVC warns of empty files.
OF_SINES = ("hidden.csv", "multipliers.csv", "settling.csv")


def load(model_path: Path, data: Path, settings: Settings) -> tuple[Subject, Facts]:
    """Read a model, the test sequences of its task, and the facts in the model file.

    Raises InputError for a file that cannot be read, and for files that do not fit together.
    """
    model, carried, facts = model_file.load(model_path)
    sines = dataset_file.load(data, "test")
    task: Dataset = params_file.row(settings.datasets, facts.dataset)
    if facts.time_step != sines.time_step:
        raise InputError(
            f"{data}: time_step is {sines.time_step:g}; expected {facts.time_step:g}, "
            f"the one that {model_path} was trained with"
        )
    most = sines.values.shape[1] - 2
    if task.warmup > most:
        raise InputError(
            f"{data}: has sequences of {most + 2} values; expected {task.warmup + 2} at least "
            f"for datasets.{facts.dataset}.warmup {task.warmup}: make it again with `dvc repro`"
        )
    return Subject(model, carried, sines, task.warmup, task.periods), facts


def evaluate_sines(arguments: argparse.Namespace, settings: Settings) -> Evaluated:
    """Evaluate a model of sines."""
    subject, facts = load(arguments.model, arguments.data, settings)
    result, outputs, hidden = run_freely(subject)
    metrics = {"accepted": int(facts.accepted), **report(subject, result)}
    card = {"kind": "sines", "warmup": subject.warmup, "periods": subject.periods}
    return facts.dataset, metrics, card, tables(subject, result, outputs, hidden)


def evaluate_series(arguments: argparse.Namespace) -> Evaluated:
    """Evaluate a forecaster of a measured series."""
    series = dataset_file.load_series(arguments.data)
    trained = forecaster_file.load(arguments.model)
    facts, half_widths = trained.facts, trained.half_widths
    if (facts.season, facts.warmup) != (series.season, series.warmup):
        raise InputError(f"{arguments.data}: is not the task of {arguments.model}; {AGAIN}")
    made = forecasts.forecast(series, trained.forecaster)
    metrics = forecasts.report(series, trained.forecaster, made, half_widths)
    card = {"kind": "measured", "season": series.season, "horizon": series.horizon}
    return facts.dataset, metrics, card, forecasts.tables(series, made, half_widths)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stages.evaluate", description=__doc__, epilog=entry.EPILOG
    )
    parser.add_argument("model", type=Path, help="model file to evaluate (.safetensors)")
    parser.add_argument("data", type=Path, help="dataset file with the test sequences (.npz)")
    parser.add_argument("training", type=Path, help="the model's training curve (.csv)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model's reports")
    parser.add_argument(
        "--card",
        type=Path,
        required=True,
        help="card to write (.json): the task, and a digest of each report",
    )
    return parser


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    curve = files.text(arguments.training)
    if dataset_file.is_series(arguments.data):
        task, metrics, card, written = evaluate_series(arguments)
    else:
        task, metrics, card, written = evaluate_sines(arguments, settings)
    texts = dict.fromkeys(OF_SINES, "\n")
    texts |= {name: table.csv(columns) for name, columns in written.items()}
    texts["metrics.json"] = json.dumps({"task": task, **metrics}, indent=2, allow_nan=False) + "\n"
    outputs = {arguments.out / name: text for name, text in texts.items()}
    texts["training.csv"] = curve
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    card |= {"task": task, "sha256": digests}
    outputs[arguments.card] = json.dumps(card, indent=2, sort_keys=True) + "\n"
    files.write_all(outputs)


if __name__ == "__main__":
    entry.run(parser(), main)
