"""Evaluate one model on the test sequences: teacher-forced, free-running, and without memory."""

import argparse
import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from stages import files
from stages.networks import network as model
from stages.rollouts import metrics
from stages.rollouts import multipliers as stability
from stages.rollouts import regimes as rollout
from stages.settings import entry, params
from stages.settings.evaluation import SHOWN_PERIODS, Evaluation
from stages.signals import dataset_file as series
from stages.signals.sines import Floats, Sines

CURVE_POINTS = 60
LATE_PERIODS = 2
SHOWN_UNITS = 16


@dataclass(frozen=True)
class Subject:
    """What is evaluated: a model, with the state it was left in by training, on true sines."""

    model: model.Model
    carried: torch.Tensor | None
    sines: Sines
    settings: Evaluation

    @property
    def values(self) -> torch.Tensor:
        """The observed test sequences: (batch, time, 1)."""
        return torch.from_numpy(self.sines.values)

    def horizons(self) -> Floats:
        """Periods at which the RMSE of the rollout is taken: from one step to the horizon."""
        first = 1 / float(self.sines.steps_per_period.max())
        curve = np.geomspace(first, self.settings.periods, CURVE_POINTS)
        return np.unique(np.concatenate((curve[:-1], self.named_horizons())))

    def named_horizons(self) -> list[float]:
        """Periods whose RMSE is a metric: powers of ten up to the horizon, and the horizon."""
        powers = [10.0**k for k in range(6) if 10**k < self.settings.periods]
        return [*powers, float(self.settings.periods)]


def one_step_metrics(subject: Subject) -> dict[str, Any]:
    """Return the metrics of the regimes in which the true past is given, and of the cold start."""
    values, after = subject.values, slice(subject.settings.warmup, None)
    x, y = values[:, :-1], values[:, 1:].numpy()
    predictions, _, _ = rollout.teacher_forced(subject.model, x)
    wiped = rollout.memory_wiped(subject.model, x)
    state = None
    if subject.carried is not None:
        state = subject.carried.expand(-1, -1, len(values), -1).contiguous()
    cold = rollout.free_running(subject.model, values[:, :1], y.shape[1], state)
    outputs = torch.cat([block for block, _ in cold], dim=1).numpy()
    return {
        "teacher_forced": metrics.one_step(predictions.numpy()[:, after], y[:, after]),
        "cold_start": {"mse": metrics.one_step(outputs, y)["mse"]},
        "memory_wiped": {"rmse": metrics.one_step(wiped.numpy()[:, after], y[:, after])["rmse"]},
    }


@dataclass(frozen=True)
class Shown:
    """The part of a rollout that is drawn, of the first test sequence.

    steps: counted from the end of the warm-up; outputs: (time,); hidden: (time, hidden).
    """

    steps: np.ndarray
    outputs: Floats
    hidden: Floats


def run_freely(subject: Subject) -> tuple[metrics.FreeRun, Shown]:
    """Roll the model out over the horizon; keep the result and the first and last periods."""
    warmup = subject.settings.warmup
    meter = metrics.FreeRunMeter(subject.sines, warmup, subject.horizons())
    early, late, horizon = shown_steps(subject)
    steps, outputs, hidden = [], [], []
    blocks = rollout.free_running(subject.model, subject.values[:, :warmup], meter.steps)
    # Shown in a terminal alone.
    with tqdm(total=meter.steps, desc="free run", unit="step", leave=False, disable=None) as bar:
        for block, states in blocks:
            here = np.arange(meter.seen, meter.seen + block.shape[1])
            shown = ((here < early) | (here >= late)) & (here < horizon)
            if shown.any():  # kept pieces, however small, would scatter the memory of the blocks
                steps.append(here[shown])
                outputs.append(block[0, shown, 0].numpy())
                hidden.append(states[0, shown].numpy())
            meter.add(block[:, :, 0].numpy())
            bar.update(block.shape[1])
    kept = Shown(*(np.concatenate(part) for part in (steps, outputs, hidden)))
    return meter.result(), kept


def shown_steps(subject: Subject) -> tuple[int, int, int]:
    """Return where the first periods that are drawn end, and where the last ones begin and end.

    Counted from the end of the warm-up, for the first test sequence.
    """
    early, late, horizon = (
        int(metrics.count_steps(subject.sines, periods)[0])
        for periods in (SHOWN_PERIODS, LATE_PERIODS, subject.settings.periods)
    )
    return min(early, horizon), max(horizon - late, 0), horizon


def true_past(subject: Subject) -> tuple[np.ndarray, torch.Tensor]:
    """Return the steps from the warm-up to the last shown early one, and the truth there.

    The steps count from the end of the warm-up; the truth is that of the first test sequence,
    (1, time, 1), with one value more than there are steps.
    """
    first = -subject.settings.warmup
    last, _, _ = shown_steps(subject)
    steps = np.arange(first, last)
    truth = subject.sines.truth(np.arange(last - first + 1))[:1, :, None]
    return steps, torch.from_numpy(truth)


def tables(subject: Subject, result: metrics.FreeRun, shown: Shown) -> dict[str, pd.DataFrame]:
    """Return what is drawn, by file name: the first test sequence, and the error of all."""
    per_period = float(subject.sines.steps_per_period[0])
    steps, truth = true_past(subject)
    x = truth[:, :-1]
    forced, hidden, _ = rollout.teacher_forced(subject.model, x)
    # A prediction made at one step is of the value at the next.
    rolled = pd.DataFrame(
        {
            "step": steps,
            "periods": steps / per_period,
            "truth": x[0, :, 0].numpy(),
            "teacher_forced": np.concatenate(([np.nan], forced[0, :-1, 0].numpy())),
            "memory_wiped": np.concatenate(
                ([np.nan], rollout.memory_wiped(subject.model, x)[0, :-1, 0].numpy())
            ),
        }
    )
    own = pd.DataFrame({"step": shown.steps, "free_running": shown.outputs})
    late = own[own.step >= shown_steps(subject)[1]]
    late.insert(1, "periods", late.step / per_period)
    late.insert(2, "truth", subject.sines.truth(subject.settings.warmup + late.step.to_numpy())[0])
    return {
        "rollout.csv": rolled.merge(own, on="step", how="left"),
        "late.csv": late,
        "horizon.csv": pd.DataFrame({"periods": result.horizons, "rmse": result.rmse}),
        "hidden.csv": orbit(steps, hidden[0].numpy(), shown, per_period),
        "multipliers.csv": multipliers(subject),
    }


def multipliers(subject: Subject) -> pd.DataFrame:
    """Return the multipliers of the closed loop, of the free run of the first test sequence."""
    warmup = subject.values[:1, : subject.settings.warmup]
    predictions, _, state = rollout.teacher_forced(subject.model, warmup)
    moduli = stability.multipliers(
        subject.model, predictions[:, -1], state, float(subject.sines.steps_per_period[0])
    )
    return pd.DataFrame({"order": np.arange(1, len(moduli) + 1), "multiplier": moduli})


def orbit(steps: np.ndarray, forced: Floats, shown: Shown, per_period: float) -> pd.DataFrame:
    """Return hidden states in both regimes, with their first two principal components.

    forced: teacher-forced states (time, hidden) at `steps`; the components are those of its last
    two periods, when the transient of the initial state is gone.
    """
    last = forced[-int(np.ceil(2 * per_period)) :]
    centre, axes = last.mean(axis=0), principal_axes(last)
    parts = []
    for regime, when, states in (
        ("teacher_forced", steps, forced),
        ("free_running", shown.steps - 1, shown.hidden),  # an output is read out of h(t-1)
    ):
        columns = {"regime": regime, "step": when, "periods": when / per_period}
        with np.errstate(over="ignore", invalid="ignore"):  # a rollout may blow up
            components = ((states - centre) @ axes.T).T
        columns |= dict(zip(("pc1", "pc2"), components, strict=True))
        units = states[:, :SHOWN_UNITS].T
        columns |= {f"h_{unit}": values for unit, values in enumerate(units, start=1)}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts)


def principal_axes(states: Floats) -> Floats:
    """Return the first two principal axes of states (time, hidden): (2, hidden)."""
    axes = np.zeros((2, states.shape[1]))
    for row, axis in enumerate(
        np.linalg.svd(states - states.mean(axis=0), full_matrices=False)[2][:2]
    ):
        # The sign of an axis is arbitrary: its largest element is made positive.
        axes[row] = axis * np.sign(axis[np.abs(axis).argmax()])
    return axes


def write_texts(texts: dict[Path, str]) -> None:
    """Write all files or, where one of them cannot be written, none."""
    with ExitStack() as stack:
        for path, text in texts.items():
            partial = stack.enter_context(files.whole(path))
            partial.write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.evaluate", description=__doc__, epilog=entry.EPILOG
    )
    parser.add_argument("model", type=Path, help="model file to evaluate (.safetensors)")
    parser.add_argument("data", type=Path, help="dataset file with the test sequences (.npz)")
    parser.add_argument("training", type=Path, help="the model's training curve (.csv)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model's reports")
    parser.add_argument("--card", type=Path, required=True, help="card of the model (.json)")
    arguments = entry.arguments(parser)
    settings = params.read(entry.PARAMS, ("evaluate",), Evaluation)
    subject, facts = load(arguments.model, arguments.data, settings)
    curve = files.text(arguments.training)

    result, shown = run_freely(subject)
    report = {
        "parameters": sum(weights.numel() for weights in subject.model.parameters()),
        **one_step_metrics(subject),
        "free_running": metrics.summary(result, subject.named_horizons()),
    }
    texts = {
        name: table.to_csv(index=False, float_format=files.SIGNIFICANT, lineterminator="\n")
        for name, table in tables(subject, result, shown).items()
    }
    texts["metrics.json"] = json.dumps(report, indent=2, allow_nan=False) + "\n"
    written = {arguments.out / name: text for name, text in texts.items()}
    texts["training.csv"] = curve
    digests = {name: hashlib.sha256(texts[name].encode()).hexdigest() for name in sorted(texts)}
    card = {"model": facts, "evaluate": settings.model_dump(), "sha256": digests}
    written[arguments.card] = json.dumps(card, indent=2, sort_keys=True) + "\n"
    write_texts(written)


def load(model_path: Path, data: Path, settings: Evaluation) -> tuple[Subject, dict[str, Any]]:
    """Read the model and its test sequences.

    Raises InputError where one cannot be read, or where they do not fit together.
    """
    network, carried, facts = model.load(model_path)
    sines = series.load(data, "test")
    if facts["time_step"] != sines.time_step:
        raise files.InputError(
            f"{data}: time_step is {sines.time_step:g}; expected {facts['time_step']:g}, "
            f"the one that {model_path} was trained with"
        )
    most = sines.values.shape[1] - 2
    if settings.warmup > most:
        raise files.InputError(
            f"{data}: has sequences of {most + 2} values; expected {settings.warmup + 2} at least "
            f"for evaluate.warmup {settings.warmup}: make it again with `dvc repro`"
        )
    return Subject(network, carried, sines, settings), facts


if __name__ == "__main__":
    entry.run(main)
