"""Levenberg–Marquardt on the predictions of a free run, over all weights of a network.

Marquardt 1963. On a fixed batch, steps are corrected for curvature (geodesic acceleration,
Transtrum and Sethna 2012). On a stream of batches, the loss includes past batches with a decaying
weight (recursive Levenberg–Marquardt, Ngia and Sjöberg 2000).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from stages.files import InputError
from stages.networks.network import Network
from stages.networks.predictor import array
from stages.settings.model import UNSETTLED, LevenbergMarquardt
from stages.training.jacobian import Rollout, jacobian, predictions
from stages.training.sequences import Batch, Floats, Report, Sequences, fixed_batch, fresh_batch

FIRST_DAMPING, LEAST_DAMPING = 1e-3, 1e-10  # relative to the largest diagonal element of JᵀJ
SMALLEST_GAIN = 0.1  # of a step on a stream, relative to the predicted gain
DAMPING_FACTOR = 2.0  # divides the damping after a step, multiplies it after a failed one
TRIES = 20  # attempts with rising damping before an iteration is given up
PROBE = 0.1  # distance at which the curvature along a step is measured, relative to the step
LARGEST_CORRECTION = 0.375  # length of a correction for curvature, relative to the step
NEWEST_SHARE = 0.3  # of the newest batch, in the running error of each time step
LARGEST = np.finfo(np.float64).max


def levenberg_marquardt(
    network: Network,
    data: Sequences,
    phase: LevenbergMarquardt,
    *,
    random: np.random.Generator,
    report: Report,
) -> None:
    """Reduce the sum of squared residuals, by moving the network's weights.

    Without free steps, the predictions from all true values of the warm-up count, except the first
    `UNSETTLED`. The reported loss is the mean square. On a fixed batch training ends where no step
    reduces the loss.
    Raises InputError where a free run diverges, or no weight changes the loss.
    """
    counted = tuple(phase.free_steps) or tuple(range(UNSETTLED + 2 - phase.warmup, 2))
    rollout = Rollout(phase.warmup, counted)
    draw = fresh_batch if phase.fresh else fixed_batch
    problem = Problem(network, rollout, draw(data, rollout, phase, random), phase.soft_limit)
    if phase.normalise_by_step:
        problem.scale = rms(problem.residuals(problem.errors())[0])
    past, damping = None, 0.0
    for iteration in range(1, phase.iterations + 1):
        if phase.fresh and iteration > 1:
            problem.batch = draw(data, rollout, phase, random)
        here = problem.linearise()
        if not np.isfinite(here.residuals).all():
            raise InputError(f"training: the free run diverges at iteration {iteration}")
        loss = here.loss if past is None else here.loss.plus(past)
        largest = float(loss.matrix.diagonal().max())
        if largest == 0:
            raise InputError(f"training: no weight changes the loss at iteration {iteration}")
        damping = max(damping or FIRST_DAMPING * largest, LEAST_DAMPING * largest)
        step, damping = descend(problem, here, loss, damping, curved=not phase.fresh)
        steps_seen = iteration * len(problem.batch.inputs) * rollout.steps
        report(iteration, steps_seen, here.loss.value / here.residuals.size)
        if phase.fresh:
            past = loss.moved(step, past_weight(iteration, phase.iterations, phase.forgetting))
            if phase.normalise_by_step:
                problem.follow_scale(here.residuals)
        elif not step.any():
            return


def past_weight(iteration: int, iterations: int, forgetting: Sequence[float]) -> float:
    """Compute the weight of past batches; 1 - weight changes geometrically over iterations."""
    first, last = 1 - forgetting[0], 1 - forgetting[-1]
    return 1 - first * (last / first) ** (iteration / iterations)


@dataclass(frozen=True)
class Quadratic:
    """A loss around the present weights: value + 2 gradient·step + step·matrix·step.

    gradient: half the derivative of the loss.
    """

    value: float
    gradient: Floats
    matrix: Floats

    def change(self, step: Floats) -> float:
        """Predict the change of the loss by a step."""
        return float(step @ (2 * self.gradient + self.matrix @ step))

    def moved(self, step: Floats, factor: float) -> "Quadratic":
        """Centre the loss on the weights after a step, and multiply it by a factor."""
        value, gradient = self.value + self.change(step), self.gradient + self.matrix @ step
        return Quadratic(factor * value, factor * gradient, factor * self.matrix)

    def plus(self, other: "Quadratic") -> "Quadratic":
        """Add two losses around the same weights."""
        value, gradient = self.value + other.value, self.gradient + other.gradient
        return Quadratic(value, gradient, self.matrix + other.matrix)


@dataclass(frozen=True)
class Linearised:
    """The residuals of a batch around some weights, and their first derivatives.

    residuals: r, (batch · residuals,). jacobian: J, (batch · residuals, weights).
    """

    weights: Floats
    residuals: Floats
    jacobian: Floats

    @cached_property
    def loss(self) -> Quadratic:
        """Compute |r + J step|², without the second derivatives of r (Gauss–Newton)."""
        r, J = self.residuals, self.jacobian
        return Quadratic(float(r @ r), r @ J, J.T @ J)


@dataclass
class Problem:
    """A network, its current batch, and the settings that map errors to residuals.

    scale: (residuals,), the running RMS error of each step.
    """

    network: Network
    rollout: Rollout
    batch: Batch
    soft_limit: float | None
    scale: Floats | float = 1.0

    @property
    def weights(self) -> Floats:
        return array(parameters_to_vector(self.network.parameters()).detach())

    def move(self, weights: Floats) -> None:
        """Set the weights of the network."""
        vector = torch.from_numpy(weights).to(self.network.linear.weight)
        vector_to_parameters(vector, self.network.parameters())

    def residuals(self, errors: Floats) -> tuple[Floats, Floats]:
        """Map errors to residuals soft_limit·asinh(error / soft_limit) / scale.

        Returns the residuals and their derivatives by the errors, both (batch, residuals). Beyond
        the soft limit only the order of magnitude of an error counts. So a lost sequence does not
        outweigh the others. Without a soft limit, residuals are error / scale.
        """
        if self.soft_limit is None:
            return errors / self.scale, np.broadcast_to(1 / self.scale, errors.shape)
        ratio = np.nan_to_num(errors / self.soft_limit, nan=LARGEST)
        root = np.hypot(1, ratio)
        # asinh itself has other last digits in glibc 2.43 than before; those of log did not change.
        asinh = np.copysign(np.log(root) + np.log1p(np.abs(ratio) / root), ratio)
        return self.soft_limit * asinh / self.scale, 1 / root / self.scale

    @torch.no_grad()
    def errors(self) -> Floats:
        """Predict the batch, less its targets: (batch, residuals)."""
        inputs = torch.from_numpy(self.batch.inputs).to(self.network.linear.weight)
        return array(predictions(self.network, inputs, self.rollout)) - self.batch.targets

    def residuals_at(self, weights: Floats) -> Floats:
        """Compute the residuals at other weights, flat."""
        self.move(weights)
        return self.residuals(self.errors())[0].ravel()

    def linearise(self) -> Linearised:
        """Compute the residuals and their derivatives."""
        inputs = torch.from_numpy(self.batch.inputs).to(self.network.linear.weight)
        predicted, derivatives = jacobian(self.network, inputs, self.rollout)
        residuals, by_error = self.residuals(array(predicted) - self.batch.targets)
        rows = (by_error[:, :, None] * derivatives.cpu().numpy()).reshape(residuals.size, -1)
        rows[~np.isfinite(rows).all(axis=1)] = 0  # diverged rows contribute nothing
        return Linearised(self.weights, residuals.ravel(), rows)

    def follow_scale(self, residuals: Floats) -> None:
        """Update the scale with the errors of the newest batch, clipped at the soft limit."""
        most = self.soft_limit or np.inf
        errors = residuals.reshape(self.batch.targets.shape) * self.scale
        newest = rms(np.clip(errors, -most, most))
        self.scale = np.sqrt((1 - NEWEST_SHARE) * self.scale**2 + NEWEST_SHARE * newest**2)


def rms(errors: Floats) -> Floats:
    """Compute the root mean square of each step over the batch: (residuals,)."""
    return np.sqrt((errors**2).mean(axis=0))


def descend(
    problem: Problem, here: Linearised, loss: Quadratic, damping: float, *, curved: bool
) -> tuple[Floats, float]:
    """Move the weights by a damped step; return the step and the next damping.

    On a fixed batch a step must reduce the loss. On a stream its gain must reach a share of the
    predicted gain; for past batches, which are not stored, the gain is always the predicted one.
    Returns a zero step if all fail. curved: the batch is fixed, so that steps can be corrected for
    the curvature of the residuals.
    """
    first_damping = damping
    for _ in range(TRIES):
        step = damped_step(problem, here, loss, damping, curved=curved)
        if step is not None:
            residuals = problem.residuals_at(here.weights + step)
            change = loss.change(step)
            past_change = change - here.loss.change(step)  # zero on a fixed batch
            gain = here.loss.value - float(residuals @ residuals) - past_change
            if gain > (0 if curved else SMALLEST_GAIN * -change):
                return step, damping / DAMPING_FACTOR
        damping *= DAMPING_FACTOR
    problem.move(here.weights)
    return np.zeros_like(here.weights), DAMPING_FACTOR * first_damping


def damped_step(
    problem: Problem, here: Linearised, loss: Quadratic, damping: float, *, curved: bool
) -> Floats | None:
    """Compute the step −(JᵀJ + λI)⁻¹Jᵀr; curved: correct it for the curvature of the residuals.

    Three points along the step give the second derivative of the residuals in its direction.
    Returns None where rounding makes JᵀJ + λI indefinite, or where the correction is too long.
    """
    damped = loss.matrix + damping * np.eye(len(loss.matrix))
    try:
        factor = scipy.linalg.cho_factor(damped, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    step = -scipy.linalg.cho_solve(factor, loss.gradient, check_finite=False)
    if not curved:
        return step
    ahead, behind = (problem.residuals_at(here.weights + h * step) for h in (PROBE, -PROBE))
    curvature = (ahead - 2 * here.residuals + behind) / PROBE**2
    correction = -scipy.linalg.cho_solve(factor, curvature @ here.jacobian, check_finite=False) / 2
    if np.linalg.norm(correction) <= LARGEST_CORRECTION * np.linalg.norm(step):
        return step + correction
    return None
