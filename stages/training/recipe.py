"""A recipe: weights are drawn, and trained in phases, again until the free run holds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stages.networks.cells import Array
from stages.networks.network import Network
from stages.settings.model import (
    SETTLED,
    Adam,
    EchoState,
    LevenbergMarquardt,
    NetworkRow,
    Normal,
    RecursiveLevenbergMarquardt,
    Ridge,
)
from stages.signals.sines import Floats, Sines
from stages.training import initial
from stages.training.attempts import free_run_error
from stages.training.growth import grown
from stages.training.jacobian import Rollout
from stages.training.levenberg_marquardt import Problem, Report, levenberg_marquardt
from stages.training.recursive import Stream, recursive_levenberg_marquardt
from stages.training.ridge import fit_read_out

# (attempt, phase) → the report of its iterations.
Reports = Callable[[int, str], Report]


@dataclass(frozen=True)
class Sequences:
    """What a network is trained on: values go in, targets are predicted, (sequences, time, 1).

    In noise the targets are the values without it.
    """

    values: Floats
    targets: Floats


@dataclass(frozen=True)
class Trained:
    """A network, the state (1, size) that it was left in if it was carried, and how it held.

    error: of the free run on the validation sequences.
    """

    network: Network
    carried: Array | None
    error: float


def train(row: NetworkRow, sines: Sines, validation: Sines, reports: Reports) -> Trained:
    """Return the first of the row's attempts that holds, or else the one with the least error.

    Whether it holds is decided by the free run of the validation sequences alone.
    """
    truth = sines.truth(np.arange(sines.values.shape[1]))[:, :, None]
    sequences = Sequences(sines.values, truth)
    kept: Trained | None = None
    for attempt in range(row.attempts):
        random = np.random.default_rng([row.seed, attempt])
        network, carried = once(row, sequences, random, lambda phase, n=attempt: reports(n, phase))
        accept = row.accept
        error = free_run_error(network, validation, accept.warmup, accept.periods)
        if kept is None or error < kept.error:
            kept = Trained(network, carried, error)
        if error <= accept.rmse:
            break
    return kept


def once(
    row: NetworkRow,
    sequences: Sequences,
    random: np.random.Generator,
    report: Callable[[str], Report],
) -> tuple[Network, Array | None]:
    """Draw a network and train it in the row's phases; return it, and a state that was carried."""
    network, carried = drawn(row, random), None
    for phase in row.training:
        match phase:
            case Adam():
                network, carried = run_adam(network, phase, sequences, report("adam"))
            case Ridge():
                network = run_ridge(network, phase, sequences, random, report("ridge"))
            case LevenbergMarquardt():
                problem = problem_of(phase, sequences, random)
                network = levenberg_marquardt(
                    network, problem, phase.iterations, report("levenberg_marquardt")
                )
            case RecursiveLevenbergMarquardt():
                name = "recursive_levenberg_marquardt"
                network = run_recursive(network, phase, sequences, random, report(name))
    return network, carried


def run_recursive(
    network: Network,
    phase: RecursiveLevenbergMarquardt,
    sequences: Sequences,
    random: np.random.Generator,
    report: Report,
) -> Network:
    """Return the network after a phase on a stream, with more products if the phase asks."""
    if phase.products is not None:
        network = grown(network, phase.products, random)
    rollout = Rollout(phase.warmup, tuple(phase.free_steps))
    return recursive_levenberg_marquardt(
        network,
        Stream(sequences.targets, rollout, phase.sequences, phase.noise, phase.scaling),
        iterations=phase.iterations,
        forgetting=(phase.forgetting[0], phase.forgetting[1]),
        cap=phase.cap,
        balanced=phase.balanced,
        random=random,
        report=report,
    )


def drawn(row: NetworkRow, random: np.random.Generator) -> Network:
    """Return the network of a row with initial weights."""
    network = initial.empty(
        row.cell,
        hidden_size=row.hidden_size,
        num_layers=row.num_layers,
        memory_size=row.memory_size,
        products=row.products,
        dtype=row.precision,
    )
    match row.initial:
        case Normal(sd=sd):
            return initial.normal(network, sd, random)
        case EchoState(spectral_radius=radius, input_scale=scale, averages=averages):
            drawing = {"spectral_radius": radius, "input_scale": scale, "random": random}
            if row.cell == "innovation":
                return initial.innovation(network, **drawing, averages=averages)
            return initial.echo_state(network, **drawing)
    return initial.uniform(network, random)


def run_adam(
    network: Network, phase: Adam, sequences: Sequences, report: Report
) -> tuple[Network, Array | None]:
    """Return the network after a phase of Adam, and the state that it carried."""
    from stages.training.adam import adam  # torch takes seconds to load

    return adam(
        network,
        sequences.values,
        targets=sequences.targets,
        iterations=phase.iterations,
        learning_rate=phase.learning_rate,
        batch=phase.batch,
        carry_hidden_state=phase.carry_hidden_state,
        report=report,
    )


def run_ridge(
    network: Network,
    phase: Ridge,
    sequences: Sequences,
    random: np.random.Generator,
    report: Report,
) -> Network:
    """Return the network with its best read-out."""
    values = sequences.values[: phase.sequences]
    network, loss = fit_read_out(
        network,
        values,
        targets=sequences.targets[: phase.sequences],
        warmup=phase.warmup,
        noise=phase.noise,
        noise_weight=phase.noise_weight,
        ridge=phase.ridge,
        random=random,
    )
    report(1, 2 * values[:, 1:].size, loss)
    return network


def problem_of(
    phase: LevenbergMarquardt, sequences: Sequences, random: np.random.Generator
) -> Problem:
    """Return what a phase of Levenberg–Marquardt minimises.

    Without free steps all predictions count that are made from true values, but for the first ones.
    """
    rollout = Rollout(phase.warmup, tuple(phase.free_steps))
    if not phase.free_steps:
        rollout = Rollout(phase.warmup, tuple(range(SETTLED + 2 - phase.warmup, 2)))
    values = sequences.values[: phase.sequences]
    noise = phase.noise * random.normal(size=values.shape)
    return Problem(values + noise, sequences.targets[: phase.sequences], rollout, phase.cap)
