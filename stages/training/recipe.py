"""A recipe: draw a network, train it in phases, and try again until its error is accepted."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from stages.networks.network import Network, State
from stages.settings.model import Adam, LevenbergMarquardt, NetworkRow, Ridge
from stages.training.adam import adam
from stages.training.initial import grown, initial_network
from stages.training.levenberg_marquardt import levenberg_marquardt
from stages.training.ridge import fit_read_out
from stages.training.sequences import Report, Sequences

# (attempt, phase) → the report of its iterations.
Reports = Callable[[int, str], Report]
Validate = Callable[[Network], float]


@dataclass(frozen=True)
class Trained:
    """A trained network.

    carried: its hidden state after training, if it was carried between iterations. error: on the
    validation part; None for a single attempt without `accept`. attempts: the number of its
    attempt, from 1. accepted: whether the error is at most `accept.rmse`.
    """

    network: Network
    carried: State | None
    error: float | None
    attempts: int
    accepted: bool


def train(row: NetworkRow, data: Sequences, validate: Validate, reports: Reports) -> Trained:
    """Train until an attempt is accepted; if none is, return the one with the least error."""
    best: Trained | None = None
    for attempt in range(row.attempts):
        random = np.random.default_rng([row.seed, attempt])
        network, carried = train_attempt(row, data, validate, random, partial(reports, attempt))
        if row.attempts == 1 and "accept" not in row.model_fields_set:
            return Trained(network, carried, None, 1, True)
        error = validate(network)
        trained = Trained(network, carried, error, attempt + 1, error <= row.accept.rmse)
        if trained.accepted:
            return trained
        if best is None or error < best.error:
            best = trained
    return best


def train_attempt(
    row: NetworkRow,
    data: Sequences,
    validate: Validate,
    random: np.random.Generator,
    report: Callable[[str], Report],
) -> tuple[Network, State | None]:
    """Draw a network and train it in the row's phases."""
    network, carried = initial_network(row, random), None
    for phase in row.training:
        log = report(phase.phase)
        match phase:
            case Adam():
                carried = adam(network, data, phase, validate=validate, random=random, report=log)
            case Ridge():
                loss = fit_read_out(network, data, phase, random)
                log(1, 2 * data.values[: phase.sequences, 1:].size, loss)
            case LevenbergMarquardt():
                if phase.products is not None:
                    network = grown(network, phase.products, random)
                levenberg_marquardt(network, data, phase, random=random, report=log)
    return network, carried
