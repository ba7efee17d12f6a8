"""Evaluate one model on the test sequences of its task: teacher-forced and free-running."""

import argparse
import hashlib
import json
from pathlib import Path

import stages
from stages import files
from stages.networks import model_file
from stages.rollouts.evaluation import Subject, report, run_freely
from stages.rollouts.tables import tables
from stages.settings import entry, whole
from stages.settings.dataset import Dataset
from stages.settings.whole import Settings
from stages.signals import dataset_file


def load(model_path: Path, data: Path, settings: Settings) -> tuple[Subject, str]:
    """Read a model and the test sequences of its task; also return the task's name.

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
    return Subject(model, carried, sines, task.warmup, task.periods), facts.dataset


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m stages.evaluate", description=__doc__, epilog=entry.EPILOG
    )
    found.add_argument("model", type=Path, help="model file to evaluate (.safetensors)")
    found.add_argument("data", type=Path, help="dataset file with the test sequences (.npz)")
    found.add_argument("training", type=Path, help="the model's training curve (.csv)")
    found.add_argument("--out", type=Path, required=True, help="folder of the model's reports")
    found.add_argument("--card", type=Path, required=True, help="card of the model (.json)")
    return found


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    subject, task = load(arguments.model, arguments.data, settings)
    curve = files.text(arguments.training)
    result, shown = run_freely(subject)
    metrics = {"task": task, **report(subject, result)}
    texts = {name: stages.csv(table) for name, table in tables(subject, result, shown).items()}
    texts["metrics.json"] = json.dumps(metrics, indent=2, allow_nan=False) + "\n"
    written = {arguments.out / name: text for name, text in texts.items()}
    texts["training.csv"] = curve
    digests = {name: hashlib.sha256(texts[name].encode()).hexdigest() for name in sorted(texts)}
    card = {"task": task, "warmup": subject.warmup, "periods": subject.periods, "sha256": digests}
    written[arguments.card] = json.dumps(card, indent=2, sort_keys=True) + "\n"
    files.write_all(written)


if __name__ == "__main__":
    entry.run(parser(), main)
