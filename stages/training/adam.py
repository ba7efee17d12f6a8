"""Training: initial weights, Adam as the blog uses it, and least squares for the linear models."""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor, nn

from stages.files import InputError
from stages.networks.network import Lags, Network

# (iteration, training steps seen so far, loss), after every iteration.
Report = Callable[[int, int, float], None]


def draw_uniform(network: Network, generator: torch.Generator) -> None:
    """Draw all weights as torch does: uniform within ±1/√hidden_size."""
    bound = 1 / math.sqrt(network.rnn.hidden_size)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)


def draw_normal(network: Network, sd: float, generator: torch.Generator) -> None:
    """Draw the weights of the cell from N(0, sd²), as the blog does; the read-out as torch does."""
    draw_uniform(network, generator)
    for parameter in network.rnn.parameters():
        nn.init.normal_(parameter, 0.0, sd, generator=generator)


def draw_echo_state(
    network: Network, spectral_radius: float, input_scale: float, generator: torch.Generator
) -> None:
    """Draw the weights of an echo-state network (Jaeger 2001); biases and read-out are zero.

    Recurrent matrices are normal, scaled to the spectral radius; input matrices are uniform within
    ±input_scale/√inputs. Both for each layer and gate.
    """
    size = network.rnn.hidden_size
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for w_ih, w_hh, *_ in network.rnn.all_weights:
            bound = input_scale / math.sqrt(w_ih.shape[1])
            nn.init.uniform_(w_ih, -bound, bound, generator=generator)
            for gate in w_hh.split(size):
                nn.init.normal_(gate, generator=generator)
                largest = np.abs(np.linalg.eigvals(gate.numpy())).max()
                gate.mul_(spectral_radius / largest)


@torch.no_grad()
def departure(
    network: Network, values: Tensor, validation: Tensor, generator: torch.Generator
) -> float:
    """Return how far from the teacher-forced states a free run ends, after a disturbed warm-up.

    values, validation: (batch, time, 1); the first half of the validation sequences is the warm-up,
    each value off by a thousandth. The free run goes on for 10,000 steps. The unit is the distance
    at which the teacher-forced states of `validation` lie from those of `values`, or the thousandth
    if that is more: about 1 where the free run comes back to the orbit, far above where it leaves.
    """
    begin, steps, last, off = validation.shape[1] // 2, 10_000, 500, 1e-3
    forced, unseen = (
        network(part, network.initial_state(len(part)))[1][:, begin:].flatten(0, 1).numpy()
        for part in (values, validation)
    )
    warmup = validation[:8, :begin]
    noise = torch.randn(warmup.shape, generator=generator, dtype=warmup.dtype)
    outputs, _, state = network(warmup + off * noise, network.initial_state(len(warmup)))
    output = outputs[:, -1]
    for _ in range(0, steps, last):
        outputs, hidden, state = network.run(output, state, last)
        output = outputs[:, -1]
    ended = hidden.flatten(0, 1).numpy()
    if not np.isfinite(ended).all():
        return math.inf
    nearest = KDTree(forced).query
    return float(nearest(ended)[0].mean() / max(nearest(unseen)[0].mean(), off))


def fit_lags(model: Lags, values: Tensor) -> float:
    """Set the weights of a linear model by least squares; return the mean squared residual.

    values: (batch, time, 1) float64, time > lags.
    """
    lags = len(model.weight)
    windows = np.lib.stride_tricks.sliding_window_view(values[:, :, 0].numpy(), lags + 1, axis=1)
    windows = windows.reshape(-1, lags + 1)
    past, target = windows[:, -2::-1], windows[:, -1]
    weight = np.linalg.lstsq(past, target, rcond=None)[0]
    model.weight.data = torch.from_numpy(weight)
    return float(np.mean((past @ weight - target) ** 2))


def adam(
    network: Network,
    values: Tensor,
    iterations: int,
    learning_rate: float,
    batch: int,
    carry_hidden_state: bool,
    report: Report,
) -> Tensor | None:
    """Minimise the one-step error with Adam (Kingma and Ba 2015); return a carried state.

    values: (sequences, time, 1), taken `batch` at a time in their order, again from the first when
    they end. carry_hidden_state: begin each iteration with the state that the last one ended with,
    detached, as the blog does; else with zeros.
    Raises InputError when the loss is not finite.
    """
    parameters = list(network.parameters())
    # fused: the unfused one takes torch.sqrt, whose last digit differs between processors.
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, fused=True)
    gradient = elman_gradient if is_elman(network) else autograd_gradient
    sequences, time = values.shape[0], values.shape[1] - 1
    state = network.initial_state(batch)
    for iteration in range(1, iterations + 1):
        first = (iteration - 1) * batch
        chosen = values[torch.arange(first, first + batch) % sequences]
        before = state if carry_hidden_state else torch.zeros_like(state)
        loss, state = gradient(network, chosen[:, :-1], chosen[:, 1:], before)
        if not math.isfinite(loss):
            raise InputError(
                f"training: the loss is {loss} at iteration {iteration} of Adam; "
                f"likely cause: learning_rate {learning_rate:g} is too high"
            )
        optimiser.step()
        report(iteration, iteration * batch * time, loss)
    return state if carry_hidden_state else None


def is_elman(network: Network) -> bool:
    """Tell whether the network is a single layer of the plain Elman cell."""
    return network.cell == "rnn" and network.rnn.num_layers == 1


def autograd_gradient(
    network: Network, x: Tensor, y: Tensor, state: Tensor
) -> tuple[float, Tensor]:
    """Set the gradients of the mean squared error of x → y; return the error and the last state.

    x, y: (batch, time, 1).
    """
    network.zero_grad()
    predictions, _, state = network(x, state)
    loss = nn.functional.mse_loss(predictions, y)
    loss.backward()
    return loss.item(), state.detach()


@np.errstate(over="ignore", invalid="ignore")  # a loss that is not finite stops `adam`
def elman_gradient(network: Network, x: Tensor, y: Tensor, state: Tensor) -> tuple[float, Tensor]:
    """Do as `autograd_gradient`, with back-propagation through time (Werbos 1990) written out.

    For 16 units nearly all the time of autograd is overhead of small operations; here a step costs
    two forward and two backward, in NumPy, whose calls are the cheapest.
    """
    w_ih, w_hh, b_ih, b_hh = (p.detach().numpy() for p in network.rnn.all_weights[0])
    w_out, b_out = network.linear.weight.detach().numpy(), network.linear.bias.detach().numpy()
    inputs, targets = x.numpy().swapaxes(0, 1), y.numpy().swapaxes(0, 1)
    hidden = elman_states(inputs @ w_ih.T + (b_ih + b_hh), w_hh, state[0, 0].numpy())
    error = hidden[1:] @ w_out.T + b_out - targets

    d_prediction = error * (2 / error.size)
    deltas = d_prediction @ w_out
    slopes = 1 - hidden[1:] * hidden[1:]
    behind = np.zeros_like(deltas[0])
    for delta, slope in zip(list(deltas[::-1]), list(slopes[::-1]), strict=True):
        delta += behind.dot(w_hh)
        delta *= slope
        behind = delta

    flat = deltas.reshape(-1, len(w_hh))
    d_bias = flat.sum(axis=0)
    gradients = (
        flat.T @ inputs.reshape(-1, 1),
        flat.T @ hidden[:-1].reshape(flat.shape),
        d_bias,
        d_bias.copy(),
        d_prediction.reshape(1, -1) @ hidden[1:].reshape(flat.shape),
        d_prediction.sum(axis=(0, 1)),
    )
    for parameter, value in zip(network.parameters(), gradients, strict=True):
        parameter.grad = torch.from_numpy(value)
    return float(np.mean(error * error)), torch.from_numpy(hidden[-1])[None, None]


def elman_states(driven: NDArray, w_hh: NDArray, initial: NDArray) -> NDArray:
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
