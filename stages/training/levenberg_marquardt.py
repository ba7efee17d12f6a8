"""Levenberg–Marquardt on the predictions of a free run, over all weights of a network."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from stages.files import InputError
from stages.networks.cells import Array
from stages.networks.network import Network
from stages.signals.sines import Floats
from stages.training.jacobian import Rollout, jacobian, predictions

# (iteration, training steps seen so far, loss), after every iteration.
Report = Callable[[int, int, float], None]
# What is like the residuals → what the weights change to take it away, by damped least squares.
Solve = Callable[[Floats], Floats]

BLOCK = 256  # sequences that go back through time together
FIRST_DAMPING = 1e-5  # relative to the largest diagonal element of JᵀJ
DAMPING_FACTOR = 2.0  # the damping falls by it after a step, and rises by it after a failure
SMALLEST_STEP = 1e-12  # relative to the weights
PROBE = 0.1  # where the curvature along a step is felt, relative to the step
MOST_BEND = 0.375  # the largest acceleration that is trusted, relative to the step


@dataclass(frozen=True)
class Point:
    """A network, and what a problem makes of it.

    residuals: as they count, (residuals, batch); scale: their derivatives by the predictions.
    """

    network: Network
    residuals: Array
    scale: Array

    @property
    def loss(self) -> float:
        """Return the sum of squares."""
        return float(np.sum(self.residuals * self.residuals))

    @property
    def weights(self) -> Floats:
        """Return all weights, one after another."""
        return flat(self.network)


@dataclass(frozen=True)
class Problem:
    """What is to be predicted, from what.

    inputs: true values that go in, with noise where there is some; targets: the values without it.
    Both (batch, time, 1). cap: where given, a residual r counts as r/√(1 + (r/cap)²), so that what
    is lost does not outweigh the rest.
    """

    inputs: Array
    targets: Array
    rollout: Rollout
    cap: float | None = None

    @property
    def steps(self) -> int:
        """Training steps that one look at all sequences takes."""
        return len(self.inputs) * self.rollout.steps

    def at(self, network: Network) -> Point:
        """Return what the problem makes of a network."""
        found = predictions(network, self.inputs, self.rollout)
        return Point(network, *self.capped(found - self.rollout.targets(self.targets)))

    def capped(self, residuals: Array) -> tuple[Array, Array]:
        """Return the residuals as they count, and their derivatives by the residuals."""
        if self.cap is None:
            return residuals, np.ones_like(residuals)
        scale = 1 / np.sqrt(1 + (residuals / self.cap) ** 2)
        return residuals * scale, scale**3

    def blocks(self) -> Iterator[slice]:
        """Yield which sequences are looked at together."""
        for first in range(0, len(self.inputs), BLOCK):
            yield slice(first, first + BLOCK)


@np.errstate(over="ignore", invalid="ignore")  # a step to a loss that is not finite is not taken
def levenberg_marquardt(
    network: Network, problem: Problem, iterations: int, report: Report
) -> Network:
    """Return the network with weights that lessen the sum of squared residuals.

    Marquardt 1963, with the geodesic acceleration of Transtrum and Sethna 2012: the valleys of the
    loss are curved, and straight steps crawl along them. The network is float64. In memory are the
    derivatives of all residuals by all weights. The loss reported is the mean square. Ends early
    where no step lessens it.
    Raises InputError where no weight makes a difference, or nothing is finite at the start.
    """
    here, damping = problem.at(network), 0.0
    if not math.isfinite(here.loss):
        raise InputError("training: the free run blows up before the first iteration")
    for iteration in range(1, iterations + 1):
        slopes = slopes_of(problem, here)
        matrix = slopes.T @ slopes
        damping = damping or FIRST_DAMPING * float(matrix.diagonal().max())
        if damping == 0:
            raise InputError(
                f"training: the loss has no slope at iteration {iteration} of Levenberg-Marquardt"
            )
        tried = None
        while tried is None:
            if solve := solver(slopes, matrix, damping):
                step = solve(here.residuals)
                if not np.linalg.norm(step) > SMALLEST_STEP * np.linalg.norm(here.weights):
                    return here.network
                tried = bent(problem, here, step, solve)
            damping *= 1 / DAMPING_FACTOR if tried else DAMPING_FACTOR
        here = tried
        report(iteration, iteration * problem.steps, here.loss / here.residuals.size)
    return here.network


def slopes_of(problem: Problem, here: Point) -> Floats:
    """Return the derivatives of the residuals as they count: (batch · residuals, weights)."""
    rows = []
    for block in problem.blocks():
        _, slopes = jacobian(here.network, problem.inputs[block], problem.rollout)
        rows.append((slopes * here.scale[:, block].T[:, :, None]).reshape(-1, slopes.shape[2]))
    return np.concatenate(rows)


def solver(slopes: Floats, matrix: Floats, damping: float) -> Solve | None:
    """Return v ↦ -(JᵀJ + damping)⁻¹ Jᵀv, or None where rounding errors forbid it; matrix: JᵀJ."""
    damped = matrix + damping * np.eye(len(matrix))
    try:
        factor = scipy.linalg.cho_factor(damped, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    return lambda v: -scipy.linalg.cho_solve(factor, v.T.ravel() @ slopes, check_finite=False)


def bent(problem: Problem, here: Point, step: Floats, solve: Solve) -> Point | None:
    """Return where a step leads, bent along the valley, if that is better than here.

    A bend that is long tells that the step is too long.
    """
    bend = acceleration(problem, here, step, solve)
    if not np.linalg.norm(bend) <= MOST_BEND * np.linalg.norm(step):
        return None
    there = problem.at(moved(here, step + bend))
    return there if there.loss < here.loss else None


def acceleration(problem: Problem, here: Point, step: Floats, solve: Solve) -> Floats:
    """Return what is to be added to a step, so that it follows the curve of the residuals.

    Three points along the step give the second derivative of the residuals in its direction.
    """
    ahead, behind = (problem.at(moved(here, length * step)) for length in (PROBE, -PROBE))
    return solve(ahead.residuals - 2 * here.residuals + behind.residuals) / (2 * PROBE**2)


def flat(network: Network) -> Floats:
    """Return all weights, one after another."""
    return np.concatenate([value.ravel() for value in network.weights.values()])


def with_weights(network: Network, weights: Floats) -> Network:
    """Return the network with other weights, given one after another."""
    ends = np.cumsum([value.size for value in network.weights.values()])[:-1]
    pieces = zip(network.weights.items(), np.split(weights, ends), strict=True)
    return network.replace({name: new.reshape(old.shape) for (name, old), new in pieces})


def moved(here: Point, step: Floats) -> Network:
    """Return the network with weights a step away."""
    return with_weights(here.network, here.weights + step)
