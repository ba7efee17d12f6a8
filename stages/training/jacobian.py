"""Predictions of a free run, and their derivatives with respect to all weights."""

from collections import defaultdict
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

from stages.files import InputError
from stages.networks.network import STEPS, Network


class Rollout(NamedTuple):
    """A free run after `warmup` true values, and the steps whose predictions count.

    counted: ascending. Step 1 predicts the first value after the warm-up. Steps 0 and below
    predict values within it, from true values alone.
    """

    warmup: int
    counted: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Steps that the network takes."""
        return self.warmup + max(self.counted[-1], 1) - 1

    @property
    def places(self) -> list[int]:
        """The counted steps as indices: 0 is the prediction from the first true value."""
        return [self.warmup + step - 2 for step in self.counted]

    def targets(self, values: Any) -> Any:
        """Take the values to predict, (batch, residuals), out of values (batch, time, 1)."""
        return values[:, [place + 1 for place in self.places], 0]


def predictions(network: Network, values: Tensor, rollout: Rollout) -> Tensor:
    """Predict the counted values, (batch, residuals), from values (batch, time, 1)."""
    state, x, outputs = network.initial_state(len(values)), values[:, 0], []
    for step in range(rollout.steps):
        x, state = network.step(values[:, step] if step < rollout.warmup else x, state)
        outputs.append(x)
    return torch.cat([outputs[place] for place in rollout.places], 1)


class Tape(TorchFunctionMode):
    """Record each use of a linear map, while a network runs: (weight, bias, input, output).

    torch's cells do not return the outputs of their maps. For these, each sequence has its own
    copy of the bias, recorded in place of the output: both have the same gradient.
    """

    def __init__(self) -> None:
        super().__init__()
        self.uses: list[tuple[Tensor, Tensor | None, Tensor, Tensor]] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        if function is linear:
            x, weight, bias = args
            output = function(x, weight, bias)
            self.uses.append((weight, bias, x, output))
            return output
        if function in STEPS.values():
            x, state, w_ih, w_hh, b_ih, b_hh = args
            h = state[0] if isinstance(state, tuple) else state
            by_x, by_h = (
                b.detach().expand(len(x), -1).clone().requires_grad_() for b in (b_ih, b_hh)
            )
            self.uses += [(w_ih, b_ih, x, by_x), (w_hh, b_hh, h, by_h)]
            return function(x, state, w_ih, w_hh, by_x, by_h)
        return function(*args, **(kwargs or {}))


def jacobian(network: Network, values: Tensor, rollout: Rollout) -> tuple[Tensor, Tensor]:
    """Predict the counted values, (batch, residuals), and differentiate them by the weights.

    The derivatives are (batch, residuals, weights), in the order of `network.parameters()`. One
    backward pass for all residuals gives delta(t), their gradients with respect to the outputs of
    the linear maps W x(t) + b. The derivative by W is Σ_t delta(t) ⊗ x(t), that by b is
    Σ_t delta(t). Gradients pass through outputs that are fed back.
    Raises InputError for a weight that no linear map used: its derivative would be lost.
    """
    with Tape() as tape:
        predicted = predictions(network, values, rollout)
    used = {part for weight, bias, *_ in tape.uses for part in (weight, bias)}
    for name, weight in network.weights.items():
        if weight not in used:
            raise InputError(
                f"training: Levenberg-Marquardt cannot train {name}; "
                "expected weights of nn.Linear alone, or a phase of adam"
            )
    batch, residuals = predicted.shape
    deltas = torch.autograd.grad(
        predicted,
        [output for *_, output in tape.uses],
        torch.eye(residuals).to(predicted)[:, None].expand(-1, batch, -1),
        is_grads_batched=True,
        allow_unused=True,
    )
    pairs = defaultdict(list)
    for (weight, bias, x, _), delta in zip(tape.uses, deltas, strict=True):
        if delta is not None:
            pairs[weight, bias].append((delta, x.detach()))
    derivatives = {
        weight: predicted.new_zeros(batch, residuals, weight.numel())
        for weight in network.parameters()
    }
    for (weight, bias), over_time in pairs.items():
        delta, x = (torch.stack(part) for part in zip(*over_time, strict=True))
        derivatives[weight] += torch.einsum("tkbr,tbc->bkrc", delta, x).flatten(2)
        if bias is not None:
            derivatives[bias] += delta.sum(0).transpose(0, 1)
    return predicted.detach(), torch.cat(list(derivatives.values()), 2)
