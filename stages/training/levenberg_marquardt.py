"""Training as a nonlinear least-squares problem: Levenberg–Marquardt with the read-out eliminated.

The predictions are linear in the read-out, so for any weights of the cell the best read-out is a
linear least-squares solution. Variable projection (Golub and Pereyra 1973, with the Jacobian of
Kaufman 1975) puts it in, and leaves to Levenberg–Marquardt (Marquardt 1963; damping of Nielsen
1999) the weights of the cell alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from stages.files import InputError
from stages.networks.network import Network, Tape
from stages.signals.sines import Floats
from stages.training.adam import Report

FIRST_DAMPING = 1e-15  # relative to the largest diagonal element of JᵀJ
SMALLEST_STEP = 1e-14  # relative to the weights


@dataclass(frozen=True)
class Problem:
    """Sequences to predict, and how much each counts.

    inputs, targets: (batch, time, 1) float64; weight of a sequence's residuals: (batch,).
    warmup: predictions at the begin of a sequence that do not count, while the hidden state still
    depends on the zeros that it began with. ridge: penalty on the weights of the read-out, relative
    to the number of residuals (ridge regression: Hoerl and Kennard 1970).
    """

    inputs: Tensor
    targets: Tensor
    weight: Floats
    warmup: int
    ridge: float

    @property
    def counted(self) -> float:
        """Number of the residuals, each counted by its squared weight."""
        return float(np.sum(self.weight**2)) * (self.inputs.shape[1] - self.warmup)

    def weighted(self, rows: Floats) -> Floats:
        """Weight rows (batch, time, …) of the counted steps and stack them: (batch·time, …)."""
        weighted = rows * self.weight.reshape(-1, *[1] * (rows.ndim - 1))
        return weighted.reshape(-1, *rows.shape[2:])


@dataclass(frozen=True)
class ReadOut:
    """The best read-out for given cell weights, and what it leaves.

    weights: (hidden + 1,), the bias last. residual: weighted predictions less targets, and the
    penalised weights below. basis: orthonormal columns, of what a read-out can add to `residual`.
    """

    weights: Floats
    basis: Floats
    residual: Floats

    @property
    def loss(self) -> float:
        """Sum of the squared residuals, the penalty included."""
        return float(self.residual @ self.residual)


def with_noisy_copy(
    values: Tensor,
    warmup: int,
    noise: float,
    weight: float,
    ridge: float,
    generator: torch.Generator,
) -> Problem:
    """Return the problem of predicting values, from themselves and from noisy copies of them.

    values: (batch, time, 1). noise: standard deviation, added to the inputs of the copies alone;
    weight: of the copies' residuals. warmup, ridge: as in `Problem`. Without the copies nothing
    tells the network what to do next to the orbit, and a free run may leave it, however small its
    one-step error (input noise as a regulariser of the Jacobian: Bishop 1995; for free runs:
    Jaeger 2001).
    """
    inputs, targets = values[:, :-1], values[:, 1:]
    added = torch.randn(inputs.shape, generator=generator, dtype=values.dtype)
    return Problem(
        inputs=torch.cat((inputs, inputs + noise * added)),
        targets=torch.cat((targets, targets)),
        weight=np.repeat([1.0, weight], len(values)),
        warmup=warmup,
        ridge=ridge,
    )


def levenberg_marquardt(
    network: Network, problem: Problem, iterations: int, report: Report
) -> None:
    """Minimise the weighted squared one-step error over all weights of a float64 network.

    The loss reported is a weighted mean of squares. Ends early at a minimum.
    Raises InputError where no weight of the cell makes a difference.
    """
    read_out = best_read_out(network, problem)
    damping, growth = 0.0, 2.0
    for iteration in range(1, iterations + 1):
        columns = problem.weighted(jacobian(network, problem, read_out.weights))
        columns = np.pad(columns, ((0, len(read_out.weights)), (0, 0)))  # no cell, no penalty
        columns -= read_out.basis @ (read_out.basis.T @ columns)
        damping = damping or FIRST_DAMPING * float((columns * columns).sum(axis=0).max())
        if damping == 0:
            largest = float(problem.inputs.abs().max())
            raise InputError(
                f"training: the loss has no slope at iteration {iteration} of Levenberg-Marquardt; "
                f"likely cause: values up to {largest:.3g} leave every unit at its limit"
            )
        slope, before, weights = columns.T @ read_out.residual, read_out.loss, cell_weights(network)
        triangle = upper_triangle(np.column_stack((columns, read_out.residual)))
        while True:
            step = damped_step(triangle, damping)
            if np.linalg.norm(step) <= SMALLEST_STEP * np.linalg.norm(weights):
                set_cell_weights(network, weights)
                set_read_out(network, read_out.weights)
                report(iteration, iteration * problem.inputs.numel(), before / problem.counted)
                return
            set_cell_weights(network, weights + step)
            tried = best_read_out(network, problem)
            # Nielsen 1999: the gain, over the gain that the linear model foretold.
            gain = (before - tried.loss) / float(step @ (damping * step - slope))
            if gain > 0:
                break
            damping, growth = damping * growth, growth * 2
        damping, growth, read_out = damping * max(1 / 5, 1 - (2 * gain - 1) ** 3), 2.0, tried
        report(iteration, iteration * problem.inputs.numel(), read_out.loss / problem.counted)
    set_read_out(network, read_out.weights)


def upper_triangle(matrix: Floats) -> Floats:
    """Return R of the QR decomposition."""
    return scipy.linalg.qr(matrix, mode="r", overwrite_a=True, check_finite=False)[0]


def damped_step(triangle: Floats, damping: float) -> Floats:
    """Return the step that minimises |J step + r|² + damping |step|².

    triangle: R of the QR decomposition of [J r]. JᵀJ would square the condition number of J, and
    the damping that helps lies at 1e-16 of its largest element.
    """
    size = triangle.shape[1] - 1
    damped = np.concatenate((triangle, math.sqrt(damping) * np.eye(size, size + 1)))
    r = upper_triangle(damped)
    return -scipy.linalg.solve_triangular(r[:size, :size], r[:size, -1], check_finite=False)


def best_read_out(network: Network, problem: Problem) -> ReadOut:
    """Return the best read-out for the cell as it is: a ridge regression on the hidden states."""
    hidden = network_states(network, problem.inputs)[:, problem.warmup :]
    features = np.concatenate((hidden, np.ones((*hidden.shape[:2], 1))), axis=2)
    size = features.shape[2]
    penalty = problem.ridge * math.sqrt(problem.counted) * np.eye(size)
    target = problem.weighted(problem.targets[:, problem.warmup :, 0].numpy())
    target = np.concatenate((target, np.zeros(size)))
    rows = np.concatenate((problem.weighted(features), penalty))
    basis, triangle = scipy.linalg.qr(rows, mode="economic")
    projected = basis.T @ target
    weights = scipy.linalg.solve_triangular(triangle, projected)
    return ReadOut(weights, basis, basis @ projected - target)


@torch.no_grad()
def network_states(network: Network, inputs: Tensor) -> Floats:
    """Return the last layer's hidden states (batch, time, hidden) for inputs (batch, time, 1)."""
    return network(inputs, network.initial_state(len(inputs)))[1].numpy()


def jacobian(network: Network, problem: Problem, read_out: Floats) -> Floats:
    """Return the derivatives of the counted predictions by the cell's weights.

    Shape (batch, counted time, cell weights), the weights in the order of `network.rnn`.
    By reverse accumulation, every prediction a seed of its own: the predictions are differentiated
    by what each layer receives at each step, which enters linearly in the weights; the outer
    product with the inputs and states behind it is the derivative by the weights themselves.
    """
    tape: Tape = []
    state = network.initial_state(len(problem.inputs))
    for x in problem.inputs.unbind(dim=1):
        _, state = network.step(x, state, tape)
    layers = network.rnn.num_layers
    hidden = torch.stack([entry.hidden for entry in tape[layers - 1 :: layers]])
    predictions = hidden[problem.warmup :] @ torch.from_numpy(read_out[:-1])
    received = [entry.from_input for entry in tape] + [entry.from_hidden for entry in tape]
    count, batch = predictions.shape
    seeds = torch.eye(count, dtype=predictions.dtype)[:, :, None].expand(-1, -1, batch)
    derivatives = torch.autograd.grad(predictions, received, seeds, is_grads_batched=True)
    by_input, by_hidden = derivatives[: len(tape)], derivatives[len(tape) :]
    blocks: list[Floats] = []
    for layer in range(layers):
        here = slice(layer, None, layers)
        w_ih, b_ih = outer([entry.x for entry in tape[here]], by_input[here])
        w_hh, b_hh = outer([entry.before for entry in tape[here]], by_hidden[here])
        blocks += [w_ih, w_hh, b_ih, b_hh]
    return np.concatenate(blocks, axis=2)


def outer(behind: Sequence[Tensor], derivatives: Sequence[Tensor]) -> tuple[Floats, Floats]:
    """Return Σ_t derivative(t) ⊗ behind(t) and Σ_t derivative(t): by a matrix and by its bias.

    behind: what the matrix multiplies, a tensor (batch, inputs) a step. derivatives: of each of
    `count` predictions, a tensor (count, batch, units) a step. Both (batch, count, …).
    """
    values = np.stack([value.detach().numpy() for value in behind], axis=1)
    by_unit = np.stack([derivative.numpy() for derivative in derivatives], axis=-1)
    count, batch, units, time = by_unit.shape
    by_unit = by_unit.transpose(1, 0, 2, 3).reshape(batch, count * units, time)
    return (
        (by_unit @ values).reshape(batch, count, -1),
        by_unit.sum(axis=2).reshape(batch, count, units),
    )


def set_read_out(network: Network, weights: Floats) -> None:
    """Set the read-out, (hidden + 1,), the bias last."""
    with torch.no_grad():
        network.linear.weight.copy_(torch.from_numpy(weights[None, :-1]))
        network.linear.bias.fill_(weights[-1])


def cell_weights(network: Network) -> Floats:
    """Return all weights of the cell, flat, in the order of `network.rnn`."""
    return parameters_to_vector(network.rnn.parameters()).detach().numpy().copy()


def set_cell_weights(network: Network, weights: Floats) -> None:
    """Set what `cell_weights` returns."""
    with torch.no_grad():
        vector_to_parameters(torch.from_numpy(weights), network.rnn.parameters())
