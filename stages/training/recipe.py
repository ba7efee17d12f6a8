"""A recipe: weights are drawn, and trained in phases, again until the free run holds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from stages.networks.network import Network, Sizes, State
from stages.settings.model import (
    SETTLED,
    Adam,
    EchoState,
    LevenbergMarquardt,
    NetworkRow,
    Normal,
    Ridge,
    ZeroReadOut,
)
from stages.training import initial
from stages.training.adam import adam
from stages.training.jacobian import Rollout
from stages.training.levenberg_marquardt import Report, levenberg_marquardt
from stages.training.ridge import fit_read_out
from stages.training.sequences import Sequences, Stream, fixed_batch

# (attempt, phase) → the report of its iterations.
Reports = Callable[[int, str], Report]
Validate = Callable[[Network], float]


@dataclass(frozen=True)
class Trained:
    """A network, the state that it carried through training if it did, and its validation error.

    error: None where it decides nothing: one attempt of a row that does not write `accept`.
    attempts: this one's number; accepted: whether the error is at most `accept.rmse`.
    """

    network: Network
    carried: State | None
    error: float | None
    attempts: int
    accepted: bool


def train(row: NetworkRow, data: Sequences, validate: Validate, reports: Reports) -> Trained:
    """Train until an attempt is accepted; without one, keep that with the least error."""
    best: Trained | None = None
    for attempt in range(row.attempts):
        random = np.random.default_rng([row.seed, attempt])
        network, carried = train_attempt(
            row, data, validate, random, lambda phase, n=attempt: reports(n, phase)
        )
        if row.attempts == 1 and "accept" not in row.model_fields_set:
            return Trained(network, carried, None, 1, True)
        error = validate(network)
        if best is None or error < best.error:
            best = Trained(network, carried, error, attempt + 1, error <= row.accept.rmse)
        if best.accepted:
            break
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
                    network = initial.grown(network, phase.products, random)
                run_levenberg_marquardt(network, data, phase, random, log)
    return network, carried


def initial_network(row: NetworkRow, random: np.random.Generator) -> Network:
    """Draw the network of a row, on its device."""
    sizes = Sizes(row.hidden_size, row.num_layers, row.memory_size, row.products)
    network = initial.as_torch(row.cell, sizes, random).double()
    match row.initial:
        case Normal(sd=sd):
            initial.normal(network, sd, random)
        case EchoState(spectral_radius=radius, input_scale=scale, averages=averages):
            drawing = {"spectral_radius": radius, "input_scale": scale, "random": random}
            if row.cell == "innovation":
                initial.innovation(network, **drawing, averages=averages)
            else:
                initial.echo_state(network, **drawing)
        case ZeroReadOut():
            initial.zero_read_out(network)
    return network.to(row.device, getattr(torch, row.precision))


def run_levenberg_marquardt(
    network: Network,
    data: Sequences,
    phase: LevenbergMarquardt,
    random: np.random.Generator,
    report: Report,
) -> None:
    """Run a phase of Levenberg–Marquardt, on a fixed batch or on a stream.

    Without free steps all predictions within the warm-up count, but for the first ones.
    """
    counted = tuple(phase.free_steps) or tuple(range(SETTLED + 2 - phase.warmup, 2))
    rollout = Rollout(phase.warmup, counted)
    if phase.fresh:
        jitter = phase.amplitude_jitter
        stream = Stream(data.targets, rollout, phase.sequences, phase.noise, jitter, random)
        draw = stream.draw
    else:
        batch = fixed_batch(data, rollout, phase.sequences, phase.noise, random)
        draw = lambda: batch  # noqa: E731
    levenberg_marquardt(
        network,
        rollout,
        draw,
        iterations=phase.iterations,
        soft_limit=phase.soft_limit,
        normalise_by_step=phase.normalise_by_step,
        forgetting=(phase.forgetting[0], phase.forgetting[-1]) if phase.fresh else None,
        report=report,
    )
