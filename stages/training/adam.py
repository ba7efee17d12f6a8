"""The blog's training loop: Adam on the mean squared error."""

import copy
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from stages.files import InputError
from stages.networks.network import Network, State
from stages.settings.model import Adam
from stages.training.sequences import Report, Sequences


def adam(
    network: Network,
    data: Sequences,
    phase: Adam,
    *,
    validate: Callable[[Network], float],
    random: np.random.Generator,
    report: Report,
) -> State | None:
    """Train a network; return the hidden state if it was carried, else None.

    Without free steps the loss is that of one-step predictions of whole sequences, taken in their
    order, as in the blog. With free steps it is that of free runs, on pieces drawn at random.
    Source: Kingma and Ba 2015. decay: the last learning rate relative to the first. clip: the
    largest norm of a gradient. check_every: iterations between validations; at the end the weights
    with the least validation error are restored.
    Raises InputError where the loss is not finite.
    """
    criterion = nn.MSELoss()
    # The unfused step takes torch.sqrt, whose last digit differs between processors.
    optimizer = torch.optim.Adam(network.parameters(), lr=phase.learning_rate, fused=True)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(
        optimizer, phase.decay ** (1 / phase.iterations)
    )
    values, targets = (
        torch.from_numpy(part).to(network.linear.weight) for part in (data.values, data.targets)
    )
    hidden_prev, best_error, best_weights = None, math.inf, None
    for iteration in range(1, phase.iterations + 1):
        if phase.free_steps:
            x, y = pieces(values, targets, phase, random)
            output = free_run(network, x, phase.free_steps)
        else:
            last = iteration * phase.batch
            batch = torch.arange(last - phase.batch, last) % len(values)
            x, y = values[batch, :-1], targets[batch, 1:]
            output, hidden_prev = network(x, hidden_prev)
            hidden_prev = detached(hidden_prev) if phase.carry_hidden_state else None
        loss = criterion(output, y)
        if not math.isfinite(loss.item()):
            raise InputError(
                f"training: the loss is {loss.item()} at iteration {iteration} of Adam; "
                f"likely cause: learning_rate {phase.learning_rate:g} is too high"
            )
        optimizer.zero_grad()
        loss.backward()
        if phase.clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), phase.clip)
        optimizer.step()
        scheduler.step()
        steps = x.shape[1] + max(phase.free_steps - 1, 0)
        report(iteration, iteration * len(x) * steps, loss.item())
        if phase.check_every and iteration % phase.check_every == 0:
            error = validate(network)
            if error < best_error:
                best_error, best_weights = error, copy.deepcopy(network.state_dict())
    if best_weights is not None:
        network.load_state_dict(best_weights)
    return hidden_prev


def free_run(network: Network, x: Tensor, steps: int) -> Tensor:
    """Predict from true values x (batch, warmup, 1), then from own outputs: (batch, steps, 1)."""
    output, state = network(x)
    outputs = [output[:, -1]]
    for _ in range(steps - 1):
        output, state = network.step(outputs[-1], state)
        outputs.append(output)
    return torch.stack(outputs, 1)


def pieces(
    values: Tensor, targets: Tensor, phase: Adam, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Draw inputs (batch, warmup, 1) and targets (batch, free_steps, 1) that follow them."""
    length = phase.warmup + phase.free_steps
    chosen = random.integers(0, len(values), phase.batch)[:, None]
    first = random.integers(0, values.shape[1] - length, phase.batch, endpoint=True)
    past, future = np.split(first[:, None] + np.arange(length), [phase.warmup], axis=1)
    x = values[chosen, past]
    if phase.noise:
        x = x + phase.noise * torch.from_numpy(random.normal(size=tuple(x.shape))).to(x)
    return x, targets[chosen, future]


def detached(state: State) -> State:
    """Detach a state from the graph that computed it."""
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
