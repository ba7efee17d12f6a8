"""Train one row of `models` on its dataset."""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from stages import files
from stages.networks import network as model
from stages.settings import entry, params
from stages.settings.model import CHECKED, EchoState, Initial, ModelRow, Normal, Uniform
from stages.signals import dataset_file as series
from stages.training import adam as training
from stages.training import levenberg_marquardt as least_squares

REPORT_EVERY = 100  # iterations, as the blog prints its loss
STABLE_DEPARTURE = 1.3  # of the free run from the teacher-forced states, in typical distances


class Progress:
    """Shows the loss while a phase of training runs, and adds its rows to the training curve."""

    def __init__(self, row: str, phase: str, iterations: int, curve: list[dict[str, Any]]) -> None:
        self._name, self._phase, self._curve = f"{row} {phase}", phase, curve
        self._steps_before = curve[-1]["steps_seen"] if curve else 0
        self._every = REPORT_EVERY if iterations > REPORT_EVERY else 1
        self._bar = tqdm(
            total=iterations, desc=self._name, disable=not sys.stderr.isatty(), leave=False
        )
        self._last: tuple[int, int, float] | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._last:
            self._show(*self._last)
        self._bar.close()

    def __call__(self, iteration: int, steps_seen: int, loss: float) -> None:
        """Take the loss after an iteration; steps_seen: training steps of this phase so far."""
        self._last = (iteration, steps_seen, loss)
        if iteration % self._every == 0:
            self._show(*self._last)
            self._last = None

    def _show(self, iteration: int, steps_seen: int, loss: float) -> None:
        self._curve.append(
            {
                "phase": self._phase,
                "iteration": iteration,
                "steps_seen": self._steps_before + steps_seen,
                "loss": loss,
            }
        )
        if self._bar.disable:
            print(f"{self._name} iteration {iteration} loss {loss:.6g}", flush=True)
        self._bar.set_postfix_str(f"loss {loss:.3g}", refresh=False)
        self._bar.update(iteration - self._bar.n)


def draw_weights(network: model.Network, initial: Initial, generator: torch.Generator) -> None:
    """Draw the initial weights of a network as its row says."""
    match initial:
        case Uniform():
            training.draw_uniform(network, generator)
        case Normal():
            training.draw_normal(network, initial.sd, generator)
        case EchoState():
            training.draw_echo_state(
                network, initial.spectral_radius, initial.input_scale, generator
            )


def fit(
    name: str,
    row: ModelRow,
    values: torch.Tensor,
    generator: torch.Generator,
    curve: list[dict[str, Any]],
) -> tuple[model.Network, torch.Tensor | None]:
    """Draw the weights of a network and train it on values (sequences, time, 1).

    Returns it with the hidden state that Adam carried from one iteration into the next, if it did.
    """
    network = model.Network(row.cell, row.hidden_size, row.num_layers).to(values.dtype)
    draw_weights(network, row.initial, generator)
    carried = None
    if adam := row.training.adam:
        with Progress(name, "adam", adam.iterations, curve) as progress:
            carried = training.adam(
                network,
                values,
                adam.iterations,
                adam.learning_rate,
                adam.batch,
                adam.carry_hidden_state,
                progress,
            )
    if least := row.training.levenberg_marquardt:
        problem = least_squares.with_noisy_copy(
            values[: least.sequences],
            least.warmup,
            least.noise,
            least.noise_weight,
            least.ridge,
            generator,
        )
        with Progress(name, "levenberg_marquardt", least.iterations, curve) as progress:
            least_squares.levenberg_marquardt(network, problem, least.iterations, progress)
    return network, carried


def train(
    name: str, row: ModelRow, values: torch.Tensor, validation: torch.Tensor
) -> tuple[model.Model, torch.Tensor | None, pd.DataFrame]:
    """Train a row on values (sequences, time, 1) float64; choose on validation, of the same shape.

    A network whose free run leaves the orbit is drawn and trained again, up to the row's
    `attempts`; the one that leaves it least is kept. Returns the model, the hidden state that it
    carried, if it did, and the training curve.
    """
    curve: list[dict[str, Any]] = []
    if row.cell == "linear":
        lags = model.Lags(row.lags).double()
        with Progress(name, "least_squares", 1, curve) as progress:
            progress(1, values[:, 1:].numel(), training.fit_lags(lags, values))
        return lags, None, pd.DataFrame(curve)
    dtype = getattr(torch, row.precision)
    values, validation = values.to(dtype), validation.to(dtype)
    kept: tuple[float, model.Network, torch.Tensor | None] | None = None
    for seed in np.random.SeedSequence(row.seed).generate_state(row.attempts):
        generator = torch.Generator().manual_seed(int(seed))
        network, carried = fit(name, row, values, generator, curve)
        if row.attempts == 1:
            return network, carried, pd.DataFrame(curve)
        departure = training.departure(network, values[:CHECKED], validation[:CHECKED], generator)
        print(f"{name} free run ends {departure:.3g} typical distances off its orbit", flush=True)
        if kept is None or departure < kept[0]:
            kept = departure, network, carried
        if departure <= STABLE_DEPARTURE:
            break
    return kept[1], kept[2], pd.DataFrame(curve)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.train", description=__doc__, epilog=entry.EPILOG
    )
    parser.add_argument("row", help="name of a row of `models` in params.yaml")
    parser.add_argument("data", type=Path, help="dataset file to train on (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="model file to write")
    parser.add_argument("--curve", type=Path, required=True, help="training curve to write (.csv)")
    arguments = entry.arguments(parser)
    row = params.read(entry.PARAMS, ("models", arguments.row), ModelRow)
    sines, validation = (series.load(arguments.data, split) for split in ("train", "validation"))
    network, carried, curve = train(
        arguments.row, row, *(torch.from_numpy(split.values) for split in (sines, validation))
    )
    facts = row.model_dump(include={"dataset", "cell", "lags", "hidden_size", "num_layers"})
    facts |= {"time_step": sines.time_step}
    with files.whole(arguments.curve) as partial:
        curve.to_csv(partial, index=False, float_format=files.SIGNIFICANT, lineterminator="\n")
        model.save(arguments.out, network, carried, facts)


if __name__ == "__main__":
    entry.run(main)
