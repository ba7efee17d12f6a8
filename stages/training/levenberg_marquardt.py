"""Levenberg–Marquardt on the predictions of a free run, over all weights of a network.

Marquardt 1963. On a fixed batch, steps follow the curve of the
residuals (geodesic acceleration, Transtrum and Sethna 2012). On a stream of batches, past
iterations count too, less each time (recursive Levenberg–Marquardt, Ngia and Sjöberg 2000).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray

from stages.files import InputError
from stages.networks.network import Network
from stages.training.jacobian import Rollout, jacobian, predictions
from stages.training.sequences import Batch

Floats = NDArray[np.float64]
# (iteration, training steps seen so far, loss), after every iteration.
Report = Callable[[int, int, float], None]

BLOCK = 256  # sequences that are differentiated together
FIRST_DAMPING, LEAST_DAMPING = 1e-3, 1e-10  # relative to the largest diagonal element of JᵀJ
SMALLEST_GAIN = 0.1  # of the predicted gain, for a step on a stream to be taken
DAMPING_FACTOR = 2.0  # the damping falls by it after a step, and rises by it after a failure
TRIES = 20  # attempts with rising damping before an iteration is skipped
PROBE = 0.1  # distance at which the curvature along a step is measured, relative to the step
LARGEST_ACCELERATION = 0.375  # that is trusted, relative to the step
SHARE = 0.3  # of the newest batch in the running error of each step
LARGEST = np.finfo(np.float64).max


@dataclass(frozen=True)
class Residuals:
    """Residuals of errors: soft_limit·asinh(error / soft_limit) / scale.

    Beyond the soft limit only the order of magnitude of an error counts. A sequence that is lost
    then does not outweigh the others; None limits nothing. scale: (residuals,), the running RMS
    error of each step.
    """

    soft_limit: float | None
    scale: Floats

    def of(self, errors: Floats) -> tuple[Floats, Floats]:
        """Map errors (batch, residuals) to residuals, and to their derivatives by the errors."""
        if self.soft_limit is None:
            return errors / self.scale, np.broadcast_to(1 / self.scale, errors.shape)
        ratio = np.nan_to_num(
            errors / self.soft_limit, nan=LARGEST, posinf=LARGEST, neginf=-LARGEST
        )
        root = np.hypot(1, ratio)
        # asinh itself has other last digits in glibc 2.43 than before; those of log did not change.
        bounded = np.copysign(np.log(root) + np.log1p(np.abs(ratio) / root), ratio)
        return self.soft_limit * bounded / self.scale, 1 / root / self.scale


@dataclass(frozen=True)
class Quadratic:
    """A loss around the present weights: loss + 2 gradient·step + step·matrix·step."""

    loss: float
    gradient: Floats
    matrix: Floats

    def change(self, step: Floats) -> float:
        """Predict the change of the loss by a step."""
        return float(step @ (2 * self.gradient + self.matrix @ step))

    def moved(self, step: Floats, weight: float) -> "Quadratic":
        """Weigh the loss, and centre it on the weights after a step."""
        gradient = self.gradient + self.matrix @ step
        return Quadratic(
            weight * (self.loss + self.change(step)), weight * gradient, weight * self.matrix
        )

    def plus(self, other: "Quadratic") -> "Quadratic":
        """Add two losses around the same weights."""
        return Quadratic(
            self.loss + other.loss, self.gradient + other.gradient, self.matrix + other.matrix
        )


@dataclass(frozen=True)
class Linearised:
    """The residuals of a batch around the present weights, (batch · residuals,)."""

    residuals: Floats
    rows: Floats  # their derivatives, (batch · residuals, weights)

    @property
    def quadratic(self) -> Quadratic:
        """Leave out the second derivatives of the residuals (Gauss–Newton)."""
        gradient = self.residuals @ self.rows
        return Quadratic(float(self.residuals @ self.residuals), gradient, self.rows.T @ self.rows)


@dataclass
class Problem:
    """A network, the batch that it predicts now, and how its errors count."""

    network: Network
    rollout: Rollout
    batch: Batch
    residuals: Residuals

    @property
    def weights(self) -> Floats:
        vector = torch.nn.utils.parameters_to_vector(self.network.parameters())
        return vector.detach().cpu().numpy().astype(np.float64)

    def move(self, weights: Floats) -> None:
        """Set the weights of the network."""
        vector = torch.from_numpy(weights).to(self.network.linear.weight)
        torch.nn.utils.vector_to_parameters(vector, self.network.parameters())

    def errors(self) -> Floats:
        """Predict the batch, less its targets: (batch, residuals)."""
        with torch.no_grad():
            inputs = torch.from_numpy(self.batch.inputs).to(self.network.linear.weight)
            predicted = predictions(self.network, inputs, self.rollout)
        return predicted.cpu().numpy().astype(np.float64) - self.batch.targets

    def residuals_at(self, weights: Floats) -> Floats:
        """Compute the residuals at other weights, flat."""
        self.move(weights)
        return self.residuals.of(self.errors())[0].ravel()

    def linearised(self) -> tuple[Linearised, Floats]:
        """Compute the residuals and their derivatives; also give the errors, softly limited."""
        flat, rows, limited = [], [], []
        for start in range(0, len(self.batch.inputs), BLOCK):
            here = slice(start, start + BLOCK)
            inputs = torch.from_numpy(self.batch.inputs[here]).to(self.network.linear.weight)
            predicted, derivatives = jacobian(self.network, inputs, self.rollout)
            errors = predicted.cpu().numpy().astype(np.float64) - self.batch.targets[here]
            residuals, by_error = self.residuals.of(errors)
            scaled = by_error[:, :, None] * derivatives.cpu().numpy()
            scaled = scaled.reshape(residuals.size, -1)
            scaled[~np.isfinite(scaled).all(axis=1)] = 0  # diverged rows contribute nothing
            flat.append(residuals.ravel())
            rows.append(scaled)
            limited.append(residuals * self.residuals.scale)
        return Linearised(np.concatenate(flat), np.concatenate(rows)), np.concatenate(limited)


def levenberg_marquardt(
    network: Network,
    rollout: Rollout,
    draw: Callable[[], Batch],
    *,
    iterations: int,
    soft_limit: float | None,
    normalise_by_step: bool,
    forgetting: tuple[float, float] | None,
    report: Report,
) -> None:
    """Lessen the sum of squared residuals, by moving the network's weights.

    draw: gives the batch of an iteration. forgetting: the weight of past iterations, at the first
    and at the last iteration; None for a fixed batch, which is sampled once. The loss reported is
    the mean square. On a fixed batch it ends early where no step lessens the loss. Raises
    InputError where a free run diverges at the start, or no weight changes the loss.
    """
    one = np.ones(len(rollout.counted))
    problem = Problem(network, rollout, draw(), Residuals(soft_limit, one))
    errors = problem.errors()
    if forgetting is None and not np.isfinite(errors).all():
        raise InputError("training: the free run diverges before the first iteration")
    if normalise_by_step:
        problem.residuals = Residuals(soft_limit, rms(problem.residuals.of(errors)[0]))
    past, damping = None, 0.0
    for iteration in range(1, iterations + 1):
        if forgetting and iteration > 1:
            problem.batch = draw()
        here, limited = problem.linearised()
        own = here.quadratic
        loss = own if past is None else own.plus(past)
        largest = float(loss.matrix.diagonal().max())
        if largest == 0:
            raise InputError(f"training: no weight changes the loss at iteration {iteration}")
        damping = max(damping or FIRST_DAMPING * largest, LEAST_DAMPING * largest)
        step, damping = descend(problem, here, loss, damping, curved=forgetting is None)
        seen = iteration * len(problem.batch.inputs) * rollout.steps
        report(iteration, seen, own.loss / here.residuals.size)
        if forgetting:
            past = loss.moved(step, remembered(iteration, iterations, forgetting))
        elif not step.any():
            return
        if forgetting and normalise_by_step:
            most = soft_limit or np.inf
            newest = rms(np.clip(limited, -most, most))
            running = np.sqrt((1 - SHARE) * problem.residuals.scale**2 + SHARE * newest**2)
            problem.residuals = Residuals(soft_limit, running)


def rms(errors: Floats) -> Floats:
    """Compute the root mean square of each step over the batch: (residuals,)."""
    return np.sqrt((errors**2).mean(axis=0))


def descend(
    problem: Problem, here: Linearised, loss: Quadratic, damping: float, *, curved: bool
) -> tuple[Floats, float]:
    """Move the weights by a damped step, and give it with the next damping.

    A step on a fixed batch must lessen its loss. On a stream it must gain a share of the predicted
    gain: measured on this batch, and predicted on the past ones, which are gone. The step is zero
    if no damping gives one. curved: correct steps for the curvature of the residuals.
    """
    own, weights, first_damping = here.quadratic, problem.weights, damping
    for _ in range(TRIES):
        step = damped_step(problem, here, loss, damping, weights, curved=curved)
        if step is not None:
            residuals = problem.residuals_at(weights + step)
            change = loss.change(step)
            of_past = change - own.change(step)  # zero on a fixed batch
            gain = own.loss - float(residuals @ residuals) - of_past
            if gain > (0 if curved else SMALLEST_GAIN * -change):
                return step, damping / DAMPING_FACTOR
        damping *= DAMPING_FACTOR
    problem.move(weights)
    return np.zeros_like(weights), DAMPING_FACTOR * first_damping


def damped_step(
    problem: Problem,
    here: Linearised,
    loss: Quadratic,
    damping: float,
    weights: Floats,
    *,
    curved: bool,
) -> Floats | None:
    """Solve for −(JᵀJ + λI)⁻¹Jᵀr, corrected for the curvature of the residuals along it if asked.

    Three points along the step give the second derivative of the residuals in its direction.
    None where rounding errors forbid the step, or a long correction shows that it is too long.
    """
    damped = loss.matrix + damping * np.eye(len(loss.matrix))
    try:
        factor = scipy.linalg.cho_factor(damped, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    step = -scipy.linalg.cho_solve(factor, loss.gradient, check_finite=False)
    if not curved:
        return step
    ahead, behind = (problem.residuals_at(weights + h * step) for h in (PROBE, -PROBE))
    curvature = (ahead - 2 * here.residuals + behind) / PROBE**2
    correction = -scipy.linalg.cho_solve(factor, curvature @ here.rows, check_finite=False) / 2
    if np.linalg.norm(correction) <= LARGEST_ACCELERATION * np.linalg.norm(step):
        return step + correction
    return None


def remembered(iteration: int, iterations: int, forgetting: tuple[float, float]) -> float:
    """Compute the weight of past iterations; 1 - weight is geometric from first to last."""
    first, last = (1 - weight for weight in forgetting)
    return 1 - first * (last / first) ** (iteration / iterations)
