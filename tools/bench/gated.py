"""GRU and LSTM as people train them, with torch: by Adam, and by pytorch/examples' L-BFGS.

Adam (Kingma and Ba 2015) trains one step ahead first, then on the network's own free run, which
grows longer. The learning rate is chosen on validation sequences. At every look the free run of the
validation sequences is scored, and the best network so far is kept.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from stages.networks.network import Network
from tools.bench.measure import (
    BlogLoop,
    Row,
    Task,
    capped_error,
    cpu_seconds,
    judged,
    over_seeds,
    some,
)

UNITS = 64
BATCH = 64
LEARNING_RATES = (1e-3, 3e-3, 1e-2)
PILOT = 0.1  # share of the iterations with which the learning rates are compared
NOISE = 1e-2  # standard deviation on the inputs, one step ahead, in a task without noise
LONGEST = 60  # steps of the free run, at most
FIRST = 5  # steps of the free run, at first
LOOKS = 20  # at the validation sequences, in each phase
FAR = 10.0  # periods of the free run that is scored

# Iterations one step ahead and on the free run: ten times our training time; in noise, four times.
ITERATIONS = {"phases": (500, 500), "sines": (800, 1200), "noisy": (1200, 1800)}

EXAMPLE_UNITS, EXAMPLE_LAYERS, EXAMPLE_STEPS, EXAMPLE_RATE = 51, 2, 15, 0.8
EXAMPLE_SEQUENCES = 128  # the recipe's own file has 97


class Recurrent(nn.Module):
    """A GRU or LSTM with a linear read-out."""

    def __init__(self, cell: str, units: int, layers: int = 1) -> None:
        super().__init__()
        kind = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.cell, self.units, self.layers = cell, units, layers
        self.rnn = kind(1, units, layers, batch_first=True)
        self.linear = nn.Linear(units, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the predictions of the next values, (batch, time, 1)."""
        return self.linear(self.rnn(x)[0])

    def freely(self, past: Tensor, steps: int) -> Tensor:
        """Return the predictions of a free run after the past: (batch, steps, 1)."""
        states, state = self.rnn(past)
        output = self.linear(states[:, -1:])
        outputs = [output]
        for _ in range(steps - 1):
            states, state = self.rnn(output, state)
            output = self.linear(states)
            outputs.append(output)
        return torch.cat(outputs, dim=1)

    def network(self) -> Network:
        """Return the same network as the pipeline's, in float64."""
        weights = {
            name: value.detach().numpy().astype(np.float64).copy()
            for name, value in self.named_parameters()
        }
        return Network(self.cell, self.units, self.layers, 1, 1, weights)


@dataclass
class Best:
    """The network that did best on the validation sequences so far."""

    where: Task
    error: float = math.inf
    network: Network | None = None

    def look(self, module: Recurrent) -> None:
        network = module.network()
        if not all(np.isfinite(value).all() for value in network.weights.values()):
            return
        error = capped_error(network, some(self.where.validation, 64), self.where.warmup, FAR)
        if error < self.error or self.network is None:
            self.error, self.network = error, network


def batches(where: Task, steps: int, iterations: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield pieces of `steps` + 1 values of random training sequences, and the truth of them."""
    random = np.random.default_rng(seed)
    values, truth = (torch.from_numpy(array).float() for array in (where.train.values, where.truth))
    for _ in range(iterations):
        chosen = torch.from_numpy(random.integers(len(values), size=BATCH))
        start = int(random.integers(values.shape[1] - steps))
        piece = slice(start, start + steps + 1)
        yield values[chosen, piece], truth[chosen, piece]


def trained(
    cell: str, where: Task, rate: float, iterations: tuple[int, int], seed: int
) -> tuple[Best, Best]:
    """Return the best network one step ahead, and the best when it was then run freely too."""
    torch.manual_seed(seed)
    module = Recurrent(cell, UNITS)
    optimiser = torch.optim.Adam(module.parameters(), rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, sum(iterations))
    ahead = Best(where)
    length = where.train.values.shape[1] - 1
    for count, (x, y) in enumerate(batches(where, length, iterations[0], seed), start=1):
        noise = 0.0 if where.train.noise else NOISE
        predictions = module(x[:, :-1] + noise * torch.randn_like(x[:, :-1]))
        step(module, optimiser, schedule, (predictions - y[:, 1:]).square().mean())
        if count % max(1, iterations[0] // LOOKS) == 0:
            ahead.look(module)
    free = Best(where, ahead.error, ahead.network)
    longest = min(LONGEST, length - where.warmup + 1)
    pieces = batches(where, where.warmup + longest - 1, iterations[1], seed + 1)
    for count, (x, y) in enumerate(pieces, start=1):
        # The free run is at full length for the last half of the iterations.
        steps = min(longest, round(FIRST + 2 * count / iterations[1] * (longest - FIRST)))
        outputs = module.freely(x[:, : where.warmup], steps)
        wanted = y[:, where.warmup : where.warmup + steps]
        step(module, optimiser, schedule, (outputs - wanted).square().mean())
        if count % max(1, iterations[1] // LOOKS) == 0:
            free.look(module)
    return ahead, free


def step(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    loss: Tensor,
) -> None:
    """Take a step of Adam, on gradients that are clipped to a norm of 1."""
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimiser.step()
    schedule.step()


def measure(cell: str, where: Task, *, quick: bool) -> list[Row]:
    """Return what a GRU or LSTM reaches on a task, one step ahead and then on its free run."""
    blog = BlogLoop(quick=quick)
    iterations = (4, 4) if quick else ITERATIONS[where.name]
    pilot = tuple(max(2, round(count * PILOT)) for count in iterations)

    def error(rate: float) -> float:
        return trained(cell, where, rate, pilot, 1)[1].error

    searching, rate = cpu_seconds(lambda: min(LEARNING_RATES, key=error))
    seconds, found = cpu_seconds(lambda: trained(cell, where, rate, iterations, 0))
    whole = blog.seconds()
    rows = []
    for best, how in zip(found, ("one step ahead", "then on its free run"), strict=True):
        rows.append(
            {
                "name": f"{cell.upper()} {UNITS}, {how}",
                "units": UNITS,
                "parameters": best.network.parameters,
                **over_seeds([judged(best.network, where)]),
                "time": seconds / whole,
                "search_time": searching / whole,
                "settings": f"learning rate {rate:g}, {iterations[0]} + {iterations[1]} iterations",
            }
        )
    return rows


def measure_example(where: Task, *, quick: bool) -> list[Row]:
    """Return what the recipe of pytorch/examples, time_sequence_prediction, reaches on a task.

    Two layers of 51 LSTM units in float64, trained one step ahead. L-BFGS has the learning rate 0.8
    and takes 15 steps of up to 20 iterations, on all sequences at once. The step that does best on
    the validation sequences counts.
    """
    blog = BlogLoop(quick=quick)
    torch.manual_seed(0)
    module = Recurrent("lstm", EXAMPLE_UNITS, EXAMPLE_LAYERS).double()
    values, truth = (
        torch.from_numpy(array[:EXAMPLE_SEQUENCES]) for array in (where.train.values, where.truth)
    )
    optimiser = torch.optim.LBFGS(module.parameters(), lr=EXAMPLE_RATE)
    best = Best(where)

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = (module(values[:, :-1]) - truth[:, 1:]).square().mean()
        loss.backward()
        return loss

    def train() -> int:
        for number in range(1, 2 if quick else EXAMPLE_STEPS + 1):
            loss = float(optimiser.step(closure).detach())
            if not math.isfinite(loss):
                return number
            best.look(module)
        return number

    seconds, steps = cpu_seconds(train)
    row = {
        "name": "LSTM 2 × 51, L-BFGS",
        "units": EXAMPLE_UNITS * EXAMPLE_LAYERS,
        "parameters": best.network.parameters,
        **over_seeds([judged(best.network, where)]),
    }
    return [row | {"time": seconds / blog.seconds(), "settings": f"{steps} steps of L-BFGS"}]
