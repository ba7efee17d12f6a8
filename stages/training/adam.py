"""Adam on the one-step error, as the blog uses it."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch.optim.adam import adam as torch_adam

import stages
from stages.files import InputError
from stages.networks.cells import Array, Weights
from stages.networks.network import Network
from stages.training.levenberg_marquardt import Report

torch.set_num_threads(1)
stages.require_pinned(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())


def adam(
    network: Network,
    values: Array,
    *,
    targets: Array,
    iterations: int,
    learning_rate: float,
    batch: int,
    carry_hidden_state: bool,
    report: Report,
) -> tuple[Network, Array | None]:
    """Return the network with a smaller one-step error, and a state (1, size) that was carried.

    Adam: Kingma and Ba 2015. values: what goes in, targets: what is predicted, both
    (sequences, time, 1), taken `batch` at a time in their order, again from the first when they
    end. carry_hidden_state: begin each iteration with the state that the last one ended with, as
    the blog does; else with zeros. Raises InputError when the loss is not finite.
    """
    values, targets = values.astype(network.dtype), targets.astype(network.dtype)
    weights = {name: value.copy() for name, value in network.weights.items()}
    network = network.replace(weights)
    step = optimiser(weights, learning_rate)
    plain = network.cell == "rnn" and network.num_layers == 1
    gradient = elman_gradient if plain else gradient_by_steps
    sequences, time = values.shape[0], values.shape[1] - 1
    state = network.initial_state(batch)
    for iteration in range(1, iterations + 1):
        chosen = np.arange((iteration - 1) * batch, iteration * batch) % sequences
        before = state if carry_hidden_state else np.zeros_like(state)
        x, y = values[chosen, :-1], targets[chosen, 1:]
        loss, slopes, state = gradient(network, x, y, before)
        if not math.isfinite(loss):
            raise InputError(
                f"training: the loss is {loss} at iteration {iteration} of Adam; "
                f"likely cause: learning_rate {learning_rate:g} is too high"
            )
        step(slopes)
        report(iteration, iteration * batch * time, loss)
    return network, state[-1:] if carry_hidden_state else None


def optimiser(weights: Weights, learning_rate: float) -> Callable[[Weights], None]:
    """Return what moves the weights, in place, by a step of Adam against their gradient.

    `torch.optim.Adam` does the same, but loads torch's compiler, which takes more than a second.
    """
    # The tensors share the arrays' memory: to move them moves the network's weights.
    parameters = [torch.from_numpy(weight) for weight in weights.values()]
    means, squares = ([torch.zeros_like(weight) for weight in parameters] for _ in range(2))
    steps = [torch.zeros(()) for _ in parameters]

    def step(slopes: Weights) -> None:
        # fused: the unfused one takes torch.sqrt, whose last digit differs between processors.
        torch_adam(
            parameters,
            [torch.from_numpy(slopes[name]) for name in weights],
            means,
            squares,
            [],
            steps,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=0,
            eps=1e-8,
            maximize=False,
        )

    return step


@np.errstate(over="ignore", invalid="ignore")  # a loss that is not finite stops `adam`
def gradient_by_steps(
    network: Network, x: Array, y: Array, state: Array
) -> tuple[float, Weights, Array]:
    """Return the mean squared error of x → y, its gradient by weight, and the last state.

    Back-propagation through time (Werbos 1990), step by step. x, y: (batch, time, 1).
    """
    kept, outputs, state = [], [], state.T
    for values in x.transpose(1, 2, 0):
        output, state, left = network.step_keeping(values, state)
        outputs.append(output)
        kept.append(left)
    error = np.stack(outputs) - y.transpose(1, 2, 0)
    slopes = {name: np.zeros_like(value) for name, value in network.weights.items()}
    by_state = np.zeros_like(state[:, None])
    for by_output in (error * (2 / error.size))[::-1, :, None]:
        _, by_state, products = network.back(kept.pop(), by_output, by_state)
        for weight, bias, inputs, delta in products:
            slopes[weight] += delta[:, 0] @ inputs.T
            if bias is not None:
                slopes[bias] += delta[:, 0].sum(axis=1)
    return float(np.mean(error * error)), slopes, state.T


@np.errstate(over="ignore", invalid="ignore")  # a loss that is not finite stops `adam`
def elman_gradient(
    network: Network, x: Array, y: Array, state: Array
) -> tuple[float, Weights, Array]:
    """Do as `gradient_by_steps`, for one layer of the plain Elman cell.

    For 16 units nearly all the time is overhead of small operations; here a step costs two forward
    and two backward.
    """
    w = network.layers[0]
    w_out, b_out = network.weights["linear.weight"], network.weights["linear.bias"]
    inputs, targets = x.swapaxes(0, 1), y.swapaxes(0, 1)
    driven = inputs @ w["weight_ih"].T + (w["bias_ih"] + w["bias_hh"])
    hidden = elman_states(driven, w["weight_hh"], state)
    error = hidden[1:] @ w_out.T + b_out - targets

    d_prediction = error * (2 / error.size)
    deltas = d_prediction @ w_out
    slopes = 1 - hidden[1:] * hidden[1:]
    behind = np.zeros_like(deltas[0])
    for delta, slope in zip(list(deltas[::-1]), list(slopes[::-1]), strict=True):
        delta += behind.dot(w["weight_hh"])
        delta *= slope
        behind = delta

    flat = deltas.reshape(-1, deltas.shape[2])
    d_bias = flat.sum(axis=0)
    gradients = {
        "rnn.weight_ih_l0": flat.T @ inputs.reshape(-1, 1),
        "rnn.weight_hh_l0": flat.T @ hidden[:-1].reshape(flat.shape),
        "rnn.bias_ih_l0": d_bias,
        "rnn.bias_hh_l0": d_bias.copy(),
        "linear.weight": d_prediction.reshape(1, -1) @ hidden[1:].reshape(flat.shape),
        "linear.bias": d_prediction.sum(axis=(0, 1)),
    }
    return float(np.mean(error * error)), gradients, hidden[-1]


def elman_states(driven: Array, w_hh: Array, initial: Array) -> Array:
    """Return the hidden states, the initial one first: (time + 1, batch, hidden).

    driven: what the inputs and biases add at each step, (time, batch, hidden).
    """
    hidden = np.concatenate((initial[None], driven))
    recurrent = np.ascontiguousarray(w_hh.T)
    before = hidden[0]
    for after in list(hidden[1:]):
        after += before.dot(recurrent)
        before = np.tanh(after, after)
    return hidden
