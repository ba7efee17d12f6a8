"""Predictions of a free run, and their derivatives by all weights."""

from collections import defaultdict
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

from stages.files import InputError
from stages.networks.network import Network

# Weight, bias and input of a linear map, and a tensor with the gradient of its output.
Application = tuple[Tensor, Tensor | None, Tensor, Tensor]
CELLS = (torch.rnn_tanh_cell, torch.gru_cell, torch.lstm_cell)


class Rollout(NamedTuple):
    """The predictions that count: inputs are `warmup` true values, then own outputs.

    steps_counted: steps of the free run, ascending: 1 is the first prediction after the warm-up. 0
    and below are those within the warm-up, from true values alone.
    """

    warmup: int
    counted: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Steps that the network takes."""
        return self.warmup + max(self.counted[-1], 1) - 1

    @property
    def places(self) -> list[int]:
        """The steps whose predictions count, from zero."""
        return [self.warmup + step - 2 for step in self.counted]

    def targets(self, values: Any) -> Any:
        """Take the values that are predicted, (batch, residuals), out of (batch, time, 1)."""
        return values[:, [place + 1 for place in self.places], 0]


def predictions(network: Network, values: Tensor, rollout: Rollout) -> Tensor:
    """Predict the counted values, (batch, residuals), from values (batch, time, 1)."""
    state, x, outputs = network.initial_state(len(values)), values[:, 0], []
    for step in range(rollout.steps):
        x, state = network.step(values[:, step] if step < rollout.warmup else x, state)
        outputs.append(x)
    return torch.cat([outputs[place] for place in rollout.places], 1)


class Tape(TorchFunctionMode):
    """Record the inputs of each linear map, while a network runs.

    The gradient of a map's output is also that of its bias. torch's cells do not give the outputs
    of their maps; there the bias is copied for each sequence, and the copy's gradient is used.
    """

    def __init__(self) -> None:
        super().__init__()
        self.applications: list[Application] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        if function is linear:
            x, weight, bias = (*args, *(kwargs or {}).values())
            output = function(x, weight, bias)
            self.applications.append((weight, bias, x, output))
            return output
        if function in CELLS:
            x, state, w_ih, w_hh, b_ih, b_hh = args
            h = state[0] if isinstance(state, tuple) else state
            by_x, by_h = (
                b.detach().expand(len(x), -1).clone().requires_grad_() for b in (b_ih, b_hh)
            )
            self.applications += [(w_ih, b_ih, x, by_x), (w_hh, b_hh, h, by_h)]
            return function(x, state, w_ih, w_hh, by_x, by_h)
        return function(*args, **(kwargs or {}))


def jacobian(network: Network, values: Tensor, rollout: Rollout) -> tuple[Tensor, Tensor]:
    """Predict the counted values, (batch, residuals), and differentiate them by all weights.

    The derivatives are (batch, residuals, weights), in the order of `network.parameters()`. One
    pass back takes all residuals to the outputs of the linear maps: delta(t). A weight matrix then
    has the derivative Σ_t delta(t) ⊗ x(t), a bias Σ_t delta(t). Outputs that were fed back are
    differentiated too.
    Raises InputError where a weight belongs neither to an `nn.Linear` nor to a layer of torch.
    """
    with Tape() as tape:
        predicted = predictions(network, values, rollout)
    check_weights(network, tape.applications)
    batch, residuals = predicted.shape
    one_each = torch.eye(residuals).to(predicted)[:, None].expand(-1, batch, -1)
    deltas = torch.autograd.grad(
        predicted,
        [output for *_, output in tape.applications],
        one_each,
        is_grads_batched=True,
        allow_unused=True,
    )
    multiplied = defaultdict(list)
    for (weight, bias, x, _), delta in zip(tape.applications, deltas, strict=True):
        if delta is not None:
            multiplied[weight, bias].append((delta, x.detach()))
    derivatives: dict[Tensor | None, Any] = defaultdict(float)
    for (weight, bias), pairs in multiplied.items():
        delta, x = (torch.stack(part) for part in zip(*pairs, strict=True))
        derivatives[weight] += torch.einsum("tkbr,tbc->bkrc", delta, x).flatten(2)
        derivatives[bias] += delta.sum(0).transpose(0, 1)
    none = predicted.new_zeros(batch, residuals, 1)
    columns = [
        derivatives[weight] if weight in derivatives else none.expand(-1, -1, weight.numel())
        for weight in network.parameters()
    ]
    return predicted.detach(), torch.cat(columns, 2)


def check_weights(network: Network, applications: list[Application]) -> None:
    """Raise InputError for a weight that no linear map used: its derivative would be lost."""
    used = {part for weight, bias, *_ in applications for part in (weight, bias)}
    for name, weight in network.weights.items():
        if weight not in used:
            raise InputError(
                f"training: Levenberg-Marquardt cannot train {name}; "
                "expected weights of nn.Linear alone, or a phase of adam"
            )
