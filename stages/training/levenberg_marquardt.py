"""Levenberg–Marquardt on the predictions of a free run, over all weights of a network."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from stages.files import InputError
from stages.networks.cells import Array
from stages.networks.network import Network
from stages.signals.sines import Floats
from stages.training.jacobian import Rollout, jacobian, predictions
from stages.training.triangle import least_squares, upper_triangle

# (iteration, training steps seen so far, loss), after every iteration.
Report = Callable[[int, int, float], None]

BLOCK = 128  # sequences whose derivatives are in memory at one time
FIRST_DAMPING = 1e-5  # relative to the largest diagonal element of JᵀJ
SMALLEST_STEP = 1e-12  # relative to the weights


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

    def capped(self, residuals: Array) -> tuple[Array, Array]:
        """Return the residuals as they count, and their derivatives by the residuals."""
        if self.cap is None:
            return residuals, np.ones_like(residuals)
        scale = 1 / np.sqrt(1 + (residuals / self.cap) ** 2)
        return residuals * scale, scale**3

    def loss(self, network: Network) -> float:
        """Return the sum of squares; infinite where a prediction is not finite."""
        found = predictions(network, self.inputs, self.rollout)
        with np.errstate(over="ignore", invalid="ignore"):
            residuals, _ = self.capped(found - self.rollout.targets(self.targets))
            total = float((residuals * residuals).sum())
        return total if math.isfinite(total) else math.inf


def levenberg_marquardt(
    network: Network, problem: Problem, iterations: int, report: Report
) -> Network:
    """Return the network with weights that lessen the sum of squared residuals.

    Marquardt 1963, with the damping of Nielsen 1999. The network is float64. The loss reported is
    the mean square. Ends early where no step lessens it.
    Raises InputError where no weight makes a difference, or nothing is finite at the start.
    """
    before = problem.loss(network)
    if not math.isfinite(before):
        raise InputError("training: the free run blows up before the first iteration")
    count = len(problem.inputs) * len(problem.rollout.counted)
    damping, growth = 0.0, 2.0
    for iteration in range(1, iterations + 1):
        triangle = upper_triangle(rows_of(network, problem))
        slopes, residual = triangle[:, :-1], triangle[:, -1]
        damping = damping or FIRST_DAMPING * float((slopes * slopes).sum(axis=0).max())
        if damping == 0:
            raise InputError(
                f"training: the loss has no slope at iteration {iteration} of Levenberg-Marquardt"
            )
        gradient, weights = slopes.T @ residual, flat(network)
        while True:
            step = -least_squares(triangle, damping)
            if np.linalg.norm(step) <= SMALLEST_STEP * np.linalg.norm(weights):
                return network
            tried = with_weights(network, weights + step)
            after = problem.loss(tried)
            # Nielsen 1999: the gain, over the gain that the linear model foretold.
            gain = (before - after) / float(step @ (damping * step - gradient))
            if gain > 0:
                break
            damping, growth = damping * growth, growth * 2
        network, before = tried, after
        damping, growth = damping * max(1 / 5, 1 - (2 * gain - 1) ** 3), 2.0
        report(iteration, iteration * problem.steps, before / count)
    return network


def rows_of(network: Network, problem: Problem) -> Iterator[Floats]:
    """Yield the rows of [J r], (rows, weights + 1), for a block of sequences at a time."""
    for first in range(0, len(problem.inputs), BLOCK):
        here = slice(first, first + BLOCK)
        found, slopes = jacobian(network, problem.inputs[here], problem.rollout)
        residuals = found - problem.rollout.targets(problem.targets[here])
        residuals, scale = problem.capped(residuals)
        rows = np.concatenate((slopes * scale[..., None], residuals[..., None]), axis=2)
        yield rows.reshape(-1, rows.shape[2])


def flat(network: Network) -> Floats:
    """Return all weights, one after another."""
    return np.concatenate([value.ravel() for value in network.weights.values()])


def with_weights(network: Network, weights: Floats) -> Network:
    """Return the network with other weights, given one after another."""
    ends = np.cumsum([value.size for value in network.weights.values()])[:-1]
    pieces = zip(network.weights.items(), np.split(weights, ends), strict=True)
    return network.replace({name: new.reshape(old.shape) for (name, old), new in pieces})
