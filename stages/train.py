"""Train one row of `models` on its dataset."""

import argparse
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import torch
from pydantic import Field
from tqdm import tqdm

from stages.core import entry, files, model, params, series, training

REPORT_EVERY = 100  # iterations, as the blog prints its loss
SIGNIFICANT = "%.6g"


class Adam(params.Schema):
    """A phase of training: Adam on the one-step error."""

    method: Literal["adam"]
    iterations: int = Field(ge=1, le=10_000_000, description="a whole number from 1 to 10000000")
    learning_rate: float = Field(gt=0, le=10, description="a number above 0 and up to 10")
    batch: int = Field(1, ge=1, le=100_000, description="a whole number from 1 to 100000")
    carry_hidden_state: bool = Field(False, description="true or false")


Phase = Annotated[Adam, Field(discriminator="method")]


class ModelRow(params.Schema):
    """One row of `models` in params.yaml."""

    dataset: str = Field(description="the name of a row of `datasets`")
    cell: Literal["linear", "rnn", "gru", "lstm"] = Field(
        "rnn", description="one of linear, rnn, gru, lstm"
    )
    lags: int = Field(1, ge=1, le=1000, description="a whole number from 1 to 1000")
    hidden_size: int = Field(16, ge=1, le=4096, description="a whole number from 1 to 4096")
    num_layers: int = Field(1, ge=1, le=64, description="a whole number from 1 to 64")
    seed: int = Field(0, ge=0, lt=2**32, description="a whole number from 0 to 4294967295")
    precision: Literal["float32", "float64"] = Field("float64", description="float32 or float64")
    initial_sd: float | None = Field(None, gt=0, le=10, description="a number above 0 and up to 10")
    training: list[Adam] = Field([], description="a list of phases of training")


class Progress:
    """Shows the loss while training runs, and keeps the rows of the training curve."""

    def __init__(self, row: str, phase: str, iterations: int, rows: list[dict[str, Any]]) -> None:
        self._row, self._phase, self._rows = row, phase, rows
        self._iterations = iterations
        self._steps_before = rows[-1]["steps_seen"] if rows else 0
        self._every = min(REPORT_EVERY, max(1, iterations // 10))
        self._bar = tqdm(
            total=iterations,
            desc=f"{row} {phase}",
            disable=not sys.stderr.isatty(),
            leave=False,
        )

    def __call__(self, iteration: int, steps_seen: int, loss: float) -> None:
        """Take the loss after an iteration; steps_seen: training steps of this phase so far."""
        if iteration % self._every and iteration != self._iterations:
            return
        self._rows.append(
            {
                "phase": self._phase,
                "iteration": iteration,
                "steps_seen": self._steps_before + steps_seen,
                "loss": loss,
            }
        )
        self._bar.set_postfix_str(f"loss {loss:.3g}", refresh=False)
        self._bar.update(iteration - self._bar.n)
        if self._bar.disable:
            print(f"{self._row} {self._phase} iteration {iteration} loss {loss:.6g}", flush=True)
        if iteration == self._iterations:
            self._bar.close()


def train(
    name: str, row: ModelRow, values: torch.Tensor
) -> tuple[model.Model, torch.Tensor | None, pd.DataFrame]:
    """Train a row on values (sequences, time, 1) float64.

    Returns the model, the hidden state carried out of the last phase if it was carried, and the
    training curve.
    """
    network = model.build(row.cell, row.hidden_size, row.num_layers, row.lags)
    rows: list[dict[str, Any]] = []
    if isinstance(network, model.Lags):
        loss = training.fit_lags(network, values)
        steps = values.shape[0] * (values.shape[1] - 1)
        Progress(name, "least_squares", 1, rows)(1, steps, loss)
        return network, None, pd.DataFrame(rows)
    dtype = getattr(torch, row.precision)
    network, values = network.to(dtype), values.to(dtype)
    training.draw_weights(network, row.initial_sd, torch.Generator().manual_seed(row.seed))
    carried = None
    for phase in row.training:
        carried = training.adam(
            network,
            values,
            phase.iterations,
            phase.learning_rate,
            phase.batch,
            phase.carry_hidden_state,
            Progress(name, phase.method, phase.iterations, rows),
        )
        if not phase.carry_hidden_state:
            carried = None
    return network, carried, pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stages.train", description=__doc__)
    parser.add_argument("row", help="name of a row of `models` in params.yaml")
    parser.add_argument("data", type=Path, help="dataset file to train on (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="model file to write")
    parser.add_argument("--curve", type=Path, required=True, help="training curve to write (.csv)")
    arguments = parser.parse_args()
    row = params.read(Path("params.yaml"), ("models", arguments.row), ModelRow)
    sines = series.load(arguments.data, "train")
    network, carried, curve = train(arguments.row, row, torch.from_numpy(sines.values))
    facts = row.model_dump(include={"dataset", "cell", "lags", "hidden_size", "num_layers"})
    facts |= {"time_step": sines.time_step}
    with files.whole(arguments.curve) as partial:
        curve.to_csv(partial, index=False, float_format=SIGNIFICANT, lineterminator="\n")
    model.save(arguments.out, network, carried, facts)


if __name__ == "__main__":
    entry.run(main)
