"""Time of the derivatives of a free run by all weights, in four ways of torch."""

from collections.abc import Callable
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap
from torch.nn.functional import linear

from stages.networks.network import STEPS, Network
from stages.settings.model import EchoState, NetworkRow
from stages.training.jacobian import Rollout, jacobian, predictions
from stages.training.recipe import initial_network
from tools.bench.measure import Row, cpu_seconds, in_turns, task

REPEATS, QUICK_SEQUENCES = 5, 4
RECIPE = {"dataset": "noisy", "initial": EchoState(spectral_radius=0.5)}


@dataclass(frozen=True)
class Case:
    """A network, and the free run of so many sequences that is differentiated."""

    row: NetworkRow
    sequences: int
    rollout: Rollout


CASES = {  # as in the longest phases of their rows
    "innovation": Case(
        NetworkRow(cell="innovation", hidden_size=2, products=1, **RECIPE),
        128,
        Rollout(70, (1, 10, 40)),
    ),
    "innovation_noisy": Case(
        NetworkRow(
            **{"cell": "innovation", "hidden_size": 8, "memory_size": 3, "products": 12},
            **{"precision": "float32"} | RECIPE,
        ),
        256,
        Rollout(100, (1, 21, 61, 201)),
    ),
    "elman": Case(
        NetworkRow(cell="rnn", hidden_size=24, **RECIPE), 256, Rollout(100, (1, 20, 40, 80))
    ),
}


class FreeRun(nn.Module):
    """The predictions that count, as a module: `torch.func` replaces the weights of modules."""

    def __init__(self, network: Network, rollout: Rollout) -> None:
        super().__init__()
        self.network, self.rollout = network, rollout

    def forward(self, values: Tensor) -> Tensor:
        return predictions(self.network, values, self.rollout)

    def of_one(self, weights: dict[str, Tensor], sequence: Tensor) -> Tensor:
        """Predict for one sequence (time, 1), with weights of its own: (residuals,)."""
        # With ties a module that has two names, as the read-out here, would keep these weights.
        with patch.dict(STEPS, {nn.RNN: plain_cell}):
            return functional_call(self, weights, (sequence[None],), tie_weights=False)[0]


def plain_cell(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> Tensor:
    """Compute `torch.rnn_tanh_cell`, which `vmap` refuses, since it adds in place."""
    return torch.tanh(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh))


def by_jacrev(run: FreeRun, values: Tensor) -> Tensor:
    """Differentiate each sequence by `jacrev`, all sequences in one `vmap`."""
    weights = {name: weight.detach() for name, weight in run.named_parameters()}
    slopes = vmap(jacrev(run.of_one), in_dims=(None, 0))(weights, values)
    return torch.cat([slopes[name].flatten(2) for name in weights], 2)


def by_residual(run: FreeRun, values: Tensor) -> Tensor:
    """Differentiate by one backward pass a residual, with a copy of the weights a sequence."""
    copies = {
        name: weight.detach().expand(len(values), *weight.shape).clone().requires_grad_()
        for name, weight in run.named_parameters()
    }
    predicted = vmap(run.of_one)(copies, values)
    rows = [
        torch.autograd.grad(column.sum(), list(copies.values()), retain_graph=True)
        for column in predicted.unbind(1)
    ]
    return torch.stack([torch.cat([part.flatten(1) for part in row], 1) for row in rows], 1)


def summed_loss(run: FreeRun, values: Tensor) -> None:
    """Run forward and backward once for a summed loss: no Jacobian, the least that there is."""
    torch.autograd.grad(run(values).square().sum(), list(run.parameters()))


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Warm some work up; give a function that runs it and gives its CPU seconds."""
    work()
    return lambda: cpu_seconds(work)[0]


def measure(*, quick: bool) -> list[Row]:
    """Time the Jacobian of each case."""
    return [timed_row(name, case, quick=quick) for name, case in CASES.items()]


def timed_row(name: str, case: Case, *, quick: bool) -> Row:
    """Time the Jacobian of a case in each way; raises AssertionError where two of them differ."""
    network = initial_network(case.row, np.random.default_rng(0))
    count = QUICK_SEQUENCES if quick else case.sequences
    values = torch.from_numpy(task("noisy").train.values[:count]).to(network.linear.weight)
    run = FreeRun(network, case.rollout)
    works: dict[str, Callable[[], object]] = {
        "`stages.training.jacobian`": lambda: jacobian(network, values, case.rollout)[1],
        "`vmap(jacrev(f))`": lambda: by_jacrev(run, values),
        "a backward pass a residual": lambda: by_residual(run, values),
    }
    ours, *others = (work() for work in works.values())
    for other in others:
        torch.testing.assert_close(ours, other, rtol=1e-3, atol=1e-3 * float(ours.abs().max()))
    works["forward and backward of a summed loss"] = lambda: summed_loss(run, values)
    ms = in_turns({way: timed(work) for way, work in works.items()}, 1 if quick else REPEATS)
    weights = sum(weight.numel() for weight in network.parameters())
    size = f"{weights} weights, {count} sequences, {case.row.precision}"
    return {"ms": f"`{name}`: {size}"} | {way: 1e3 * seconds for way, seconds in ms.items()}
