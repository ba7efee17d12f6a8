"""Time the derivatives of a free run by all weights: the pipeline's code and `torch.func`."""

import time
from collections.abc import Callable
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
from tools.bench.measure import Row, in_turns, task

REPEATS, QUICK_SEQUENCES = 5, 4
# By row: settings, hidden units, sequences and free run, as in one of its longest phases.
CASES = {
    "innovation": ({"cell": "innovation", "products": 1}, 2, 128, Rollout(70, (1, 10, 40))),
    "innovation_noisy": (
        {"cell": "innovation", "memory_size": 3, "products": 12, "precision": "float32"},
        *(8, 256, Rollout(100, (1, 21, 61, 201))),
    ),
    "elman": ({"cell": "rnn"}, 24, 256, Rollout(100, (1, 20, 40, 80))),
}


class FreeRun(nn.Module):
    """The predictions of a rollout as a module, since `torch.func` replaces weights of modules."""

    def __init__(self, network: Network, rollout: Rollout) -> None:
        super().__init__()
        self.network, self.rollout = network, rollout

    def forward(self, values: Tensor) -> Tensor:
        return predictions(self.network, values, self.rollout)

    def of_one(self, weights: dict[str, Tensor], sequence: Tensor) -> Tensor:
        """Predict for one sequence (time, 1), with weights of its own: (residuals,)."""
        # The read-out has two names here. With tied weights it would keep these after the call.
        with patch.dict(STEPS, {nn.RNN: plain_cell}):
            return functional_call(self, weights, (sequence[None],), tie_weights=False)[0]


def plain_cell(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    """Compute `torch.rnn_tanh_cell`, which `vmap` refuses, since it adds in place."""
    w_ih, w_hh, b_ih, b_hh = weights
    return torch.tanh(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh))


def by_jacrev(run: FreeRun, values: Tensor) -> Tensor:
    """Differentiate each sequence by `jacrev`, all sequences in one `vmap`."""
    weights = {name: weight.detach() for name, weight in run.named_parameters()}
    derivatives = vmap(jacrev(run.of_one), in_dims=(None, 0))(weights, values)
    return torch.cat([derivatives[name].flatten(2) for name in weights], 2)


def measure(*, quick: bool) -> list[Row]:
    """Time the Jacobian of each case."""
    return [timed(name, quick=quick) for name in CASES]


def timed(name: str, *, quick: bool) -> Row:
    """Time the Jacobian of a case in each way; raises AssertionError where they differ."""
    row, units, count, rollout = CASES[name]
    drawn = {"dataset": "noisy", "hidden_size": units, "initial": EchoState(spectral_radius=0.5)}
    network = initial_network(NetworkRow(**row, **drawn), np.random.default_rng(0))
    count, repeats = (QUICK_SEQUENCES, 1) if quick else (count, REPEATS)
    values = torch.from_numpy(task("noisy").train.values[:count]).to(network.linear.weight)
    run = FreeRun(network, rollout)
    ways: dict[str, Callable[[], Tensor | None]] = {
        "`stages.training.jacobian`, ms": lambda: jacobian(network, values, rollout)[1],
        "`vmap(jacrev(f))`, ms": lambda: by_jacrev(run, values),
    }
    ours, other = (work() for work in ways.values())
    torch.testing.assert_close(other, ours, rtol=1e-3, atol=1e-3 * float(ours.abs().max()))
    ways["no Jacobian: backward of a sum, ms"] = lambda: run(values).sum().backward()
    ms = in_turns(ways, repeats, lambda: 1e3 * time.process_time())
    size = f"{ours.shape[2]} weights, {count} sequences, {str(values.dtype)[6:]}"
    return {"row": f"`{name}`", "size": size} | ms
