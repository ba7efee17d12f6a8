"""Levenberg–Marquardt on a stream: every iteration sees other sequences, in noise drawn anew.

Source: Ngia and Sjöberg 2000, "Efficient training of neural nets for nonlinear adaptive filtering
using a recursive Levenberg–Marquardt algorithm". In noise a fixed set of sequences is soon learned
by heart; a stream is not, and costs no more.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from stages.networks.network import Network
from stages.signals.sines import Floats
from stages.training.jacobian import Rollout, jacobian, predictions
from stages.training.levenberg_marquardt import BLOCK, Report, flat, with_weights

FIRST_DAMPING = 1e-3  # relative to the largest diagonal element of JᵀJ, as is the least
LEAST_DAMPING = 1e-10
SMALLEST_GAIN = 0.1  # of the gain foretold, for a step to be taken
TRIES = 12  # of a step, each with more damping, before the iteration goes without
SHARE = 0.3  # of the newest sequences in the running error of each step of the free run
LARGEST = np.finfo(np.float64).max


@dataclass(frozen=True)
class Batch:
    """Sequences of one iteration: inputs (batch, warmup, 1) go in, targets come out.

    targets: what is to be predicted, (residuals, batch), in the order of the rollout's rows.
    """

    inputs: Floats
    targets: Floats


@dataclass(frozen=True)
class Stream:
    """Where the sequences come from.

    truth: values without noise, (sequences, time, 1); rollout: which predictions count; sequences:
    how many an iteration sees; noise: standard deviation, on what goes in. scaling: each piece is
    multiplied by a number within 1 ± this, so that the ends of a range are not its rarest part.
    """

    truth: Floats
    rollout: Rollout
    sequences: int
    noise: float
    scaling: float = 0.0

    def draw(self, random: np.random.Generator) -> Batch:
        """Return pieces of sequences drawn without replacement, begun anywhere, in new noise."""
        length = self.rollout.steps + 1
        count = min(self.sequences, len(self.truth))
        chosen = random.choice(len(self.truth), count, replace=False)
        first = random.integers(0, self.truth.shape[1] - length, count, endpoint=True)
        pieces = self.truth[chosen[:, None], first[:, None] + np.arange(length)]
        pieces = pieces * random.uniform(1 - self.scaling, 1 + self.scaling, (count, 1, 1))
        true_past = pieces[:, : self.rollout.warmup]
        noise = self.noise * random.normal(size=true_past.shape)
        return Batch(true_past + noise, self.rollout.targets(pieces))


@dataclass(frozen=True)
class Scale:
    """What a residual r counts as: cap·asinh(r / cap) / error.

    error: (residuals, 1), the running RMS error of the network at each step that counts. With it
    late steps of the free run do not outweigh early ones. Beyond the cap only the order of
    magnitude counts. A sequence that is lost then does not outweigh the rest. One that blows up
    still tells in what direction it would grow less.
    """

    cap: float
    error: Floats

    def count(self, residuals: Floats) -> tuple[Floats, Floats]:
        """Return residuals as they count, and their derivatives by the residuals."""
        with np.errstate(over="ignore"):
            bounded = residuals / self.cap
        bounded = np.nan_to_num(bounded, nan=LARGEST, posinf=LARGEST, neginf=-LARGEST)
        root = np.hypot(1, bounded)
        # asinh, whose last digits in the C library changed with glibc 2.43; those of log did not.
        counted = np.copysign(np.log(root) + np.log1p(np.abs(bounded) / root), bounded)
        return self.cap * counted / self.error, 1 / root / self.error


@dataclass(frozen=True)
class Quadratic:
    """A loss around the present weights: loss + 2 gradient·step + step·matrix·step."""

    loss: float
    gradient: Floats
    matrix: Floats

    def change(self, step: Floats) -> float:
        """Return the change of the loss that a step brings."""
        return float(step @ (2 * self.gradient + self.matrix @ step))

    def moved(self, step: Floats, *, weight: float) -> "Quadratic":
        """Return a share of it, seen from the weights after a step."""
        gradient = self.gradient + self.matrix @ step
        return Quadratic(
            weight * (self.loss + self.change(step)), weight * gradient, weight * self.matrix
        )

    def plus(self, other: "Quadratic") -> "Quadratic":
        """Return the sum of two losses around the same weights."""
        return Quadratic(
            self.loss + other.loss, self.gradient + other.gradient, self.matrix + other.matrix
        )

    def damped_step(self, damping: float) -> Floats:
        """Return the step to the least of it and damping |step|²."""
        matrix = self.matrix + damping * np.eye(len(self.matrix))
        factor = scipy.linalg.cho_factor(matrix, overwrite_a=True, check_finite=False)
        return -scipy.linalg.cho_solve(factor, self.gradient, check_finite=False)


def recursive_levenberg_marquardt(
    network: Network,
    stream: Stream,
    *,
    iterations: int,
    forgetting: tuple[float, float],
    cap: float,
    balanced: bool,
    random: np.random.Generator,
    report: Report,
) -> Network:
    """Return the network with weights that lessen the squared residuals of the stream.

    forgetting: what an iteration weighs in the next one, at the first and at the last iteration:
    0.9 remembers about ten. cap: beyond it a residual counts by its order of magnitude. balanced:
    whether a residual counts against the running error at its step, or as it is. The loss reported
    is the mean square, as it counts. Damping as Nielsen 1999. An iteration in which no step lessens
    the loss of its own sequences takes none.
    """
    past: Quadratic | None = None
    scale, damping = None, 0.0
    for iteration in range(1, iterations + 1):
        batch = stream.draw(random)
        if scale is None:
            scale = first_scale(network, stream.rollout, batch, cap, balanced=balanced)
        here, errors = quadratic(network, stream.rollout, batch, scale)
        both = here if past is None else past.plus(here)
        largest = float(both.matrix.diagonal().max())
        damping = max(damping or FIRST_DAMPING * largest, LEAST_DAMPING * largest)
        growth, weights, step = 2.0, flat(network), np.zeros(len(both.gradient))
        for _ in range(TRIES):
            tried_step = both.damped_step(damping)
            tried = with_weights(network, (weights + tried_step).astype(network.dtype))
            gain = here.loss - loss(tried, stream.rollout, batch, scale)
            ratio = gain / -here.change(tried_step)
            if ratio > SMALLEST_GAIN:
                network, step = tried, tried_step
                damping *= max(1 / 3, 1 - (2 * min(ratio, 1) - 1) ** 3)
                break
            damping, growth = damping * growth, growth * 2
        past = both.moved(step, weight=kept(iteration, iterations, forgetting))
        if balanced:
            scale = Scale(cap, np.sqrt((1 - SHARE) * scale.error**2 + SHARE * errors**2))
        seen = iteration * len(batch.inputs) * stream.rollout.steps
        report(iteration, seen, here.loss / batch.targets.size)
    return network


def kept(iteration: int, iterations: int, forgetting: tuple[float, float]) -> float:
    """Return what this iteration weighs in the next; 1 - weight goes geometrically."""
    first, last = (1 - weight for weight in forgetting)
    return 1 - first * (last / first) ** (iteration / iterations)


def first_scale(
    network: Network, rollout: Rollout, batch: Batch, cap: float, *, balanced: bool
) -> Scale:
    """Return how residuals count at first: against their own error where they are balanced."""
    plain = Scale(cap, np.ones((len(batch.targets), 1)))
    if not balanced:
        return plain
    counted, _ = plain.count(predictions(network, batch.inputs, rollout) - batch.targets)
    return Scale(cap, np.sqrt((counted**2).mean(axis=1, keepdims=True)))


def loss(network: Network, rollout: Rollout, batch: Batch, scale: Scale) -> float:
    """Return the sum of squared residuals, as they count."""
    counted, _ = scale.count(predictions(network, batch.inputs, rollout) - batch.targets)
    return float((counted**2).sum())


def quadratic(
    network: Network, rollout: Rollout, batch: Batch, scale: Scale
) -> tuple[Quadratic, Floats]:
    """Return the loss around the network's weights, and the RMS error at each step that counts.

    Gauss–Newton: of the second derivatives, those of the residuals are left out. In blocks of
    sequences, so that memory does not grow with their number. errors: (residuals, 1), capped.
    """
    size, squares = network.parameters, np.zeros((len(batch.targets), 1))
    gradient, matrix, total = np.zeros(size), np.zeros((size, size)), 0.0
    for first in range(0, len(batch.inputs), BLOCK):
        here = slice(first, first + BLOCK)
        found, slopes = jacobian(network, batch.inputs[here], rollout)
        counted, by_residual = scale.count(found - batch.targets[:, here])
        rows = (slopes * by_residual.T[..., None]).reshape(-1, size).astype(np.float64, copy=False)
        # What has blown up beyond all numbers has no slope.
        rows[~np.isfinite(rows).all(axis=1)] = 0
        gradient += counted.T.ravel() @ rows
        matrix += rows.T @ rows
        total += float((counted**2).sum())
        squares += ((counted * scale.error) ** 2).sum(axis=1, keepdims=True)
    return Quadratic(total, gradient, matrix), np.sqrt(squares / len(batch.inputs))
