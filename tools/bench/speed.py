"""Speed: free runs, evaluation, the start of a stage, and the Jacobian of the closed loop."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stages.networks.network import Network
from stages.rollouts.evaluation import Subject, run_freely
from stages.rollouts.regimes import free_running
from stages.settings.model import EchoState, NetworkRow
from stages.training.jacobian import Rollout, jacobian
from stages.training.recipe import drawn
from tools.bench.growth import process_seconds, small_project
from tools.bench.measure import Row, against, cpu_seconds, in_turns, settings, some, task

REPEATS = 5
FREE_STEPS = 5000
SEQUENCES = 64
JACOBIAN_SEQUENCES = 128
PEAK_SIZE = 1024  # of the matrices whose product tells one core's peak
MODULES = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


@cache
def rollout() -> Rollout:
    """Return what counts in the last phase of `innovation`."""
    phase = settings().models["innovation"].training[-1]
    return Rollout(phase.warmup, tuple(phase.free_steps))


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Run some work once, which does not count; return what runs it and tells its CPU seconds."""
    work()
    return lambda: cpu_seconds(work)[0]


def any_network(cell: str) -> Network:
    """Return a network of 16 units; of `innovation`, the sizes of the row."""
    row = settings().models["innovation"]
    if cell != "innovation":
        row = NetworkRow(cell=cell, dataset="sines", initial=EchoState())
    return drawn(row, np.random.default_rng(0))


def module_of(network: Network) -> tuple[nn.Module, nn.Linear]:
    """Return torch's module with the weights of a network, and its read-out."""
    rnn = MODULES[network.cell](1, network.hidden_size, batch_first=True).double()
    linear = nn.Linear(network.hidden_size, 1).double()
    modules = {"rnn": rnn, "linear": linear}
    with torch.no_grad():
        for name, value in network.weights.items():
            module, _, weight = name.partition(".")
            getattr(modules[module], weight).copy_(torch.from_numpy(value))
    return rnn, linear


@torch.no_grad()
def module_free_run(rnn: nn.Module, linear: nn.Linear, past: torch.Tensor, steps: int) -> None:
    """Feed a module its own outputs, one call a step."""
    states, state = rnn(past)
    x = linear(states[:, -1:])
    for _ in range(steps - 1):
        states, state = rnn(x, state)
        x = linear(states)


def stepped_free_run(network: Network, past: np.ndarray, steps: int) -> None:
    """Feed a network its own outputs, one call of `step` each."""
    outputs, _, state = network.forward(past, network.initial_state(len(past)))
    output = outputs[:, -1]
    for _ in range(steps - 1):
        output, state = network.step(output, state)


def fast_free_run(network: Network, past: np.ndarray, steps: int) -> None:
    """Feed a network its own outputs, as the pipeline does."""
    for _ in free_running(network, past, steps):
        pass


def measure_free_runs(*, quick: bool) -> list[Row]:
    """Return µs a step of the free run of each cell: the module or the step called, and ours."""
    steps, repeats = (200, 1) if quick else (FREE_STEPS, REPEATS)
    past = task("sines").test.values[:SEQUENCES, :20]
    rows = []
    for cell in ("rnn", "gru", "lstm", "innovation"):
        network = any_network(cell)
        if cell == "innovation":
            plain, theirs = "`step`", partial(stepped_free_run, network, past, steps)
        else:
            rnn, linear = module_of(network)
            plain = f"torch's {type(rnn).__name__}"
            theirs = partial(module_free_run, rnn, linear, torch.from_numpy(past), steps)
        ours = partial(fast_free_run, network, past, steps)
        slow, fast = in_turns({plain: timed(theirs), cell: timed(ours)}, repeats).values()
        rows.append(
            {
                "free run of 64 sequences": cell,
                "against calling": plain,
                "that, µs a step": slow / steps * 1e6,
                "ours, µs a step": fast / steps * 1e6,
                "times faster": slow / fast,
            }
        )
    return rows


def measure_evaluate(*, quick: bool) -> list[Row]:
    """Return the time of a whole evaluation of an Elman row against the module loop alone."""
    where = task("phases", quick=quick)
    network = any_network("rnn")
    subject = Subject(network, None, where.test, where.warmup, where.periods)
    steps = int(np.ceil(where.periods * where.test.steps_per_period.max()))
    parts, past = module_of(network), torch.from_numpy(where.test.values[:, : where.warmup])
    repeats = 1 if quick else 3
    plain = f"module loop, {len(where.test.phase)} sequences × {where.periods} periods"
    works = {
        plain: timed(lambda: module_free_run(*parts, past, steps)),
        "free run and all its metrics, as `evaluate`": timed(lambda: run_freely(subject)),
    }
    return against(in_turns(works, repeats), plain)


def measure_start(*, quick: bool) -> list[Row]:
    """Return the time of `train` of a row without network against importing NumPy and pandas."""
    repeats = 1 if quick else REPEATS
    with tempfile.TemporaryDirectory() as name:
        folder = small_project(Path(name))
        python = sys.executable
        make = (python, "-m", "stages.generate", "phases", "--out", "d.npz", "--report", "d")
        subprocess.run(make, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        fit = ("-m", "stages.train", "linear", "d.npz", "--out", "m", "--curve", "t.csv")
        bare = "python -c 'import numpy, pandas'"
        commands = {bare: ("-c", "import numpy, pandas"), "train of `linear`": fit}

        def run(arguments: tuple[str, ...]) -> float:
            return process_seconds(folder, python, *arguments)[0]

        works = {label: partial(run, arguments) for label, arguments in commands.items()}
        in_turns(works, 1)  # the first does not count: it fills the caches of the disk
        return against(in_turns(works, repeats), bare)


def torch_innovation(w: dict[str, torch.Tensor], values: torch.Tensor) -> torch.Tensor:
    """Return the predictions that count of an innovation cell, written in torch."""
    hidden, memory = w["wave"].shape[0], w["gain"].shape[0]
    batch = len(values)
    h, m = values.new_zeros(batch, hidden), values.new_zeros(batch, memory)
    output, one, found = values.new_zeros(batch, 1), values.new_ones(batch, 1), []
    for step in range(rollout().steps):
        x = values[:, step] if step < rollout().warmup else output
        z = torch.cat((one, x, h, m), 1)
        q = torch.tanh(torch.cat((one, m), 1) @ w["gate"].T) * (z @ w["signal"].T)
        u = torch.cat((z, q), 1)
        h, m = u @ w["wave"].T, m + (x - output) * torch.tanh(u @ w["gain"].T)
        output = torch.cat((h, one), 1) @ w["read_out"].T
        found.append(output[:, 0])
    return torch.stack([found[row] for row in rollout().rows])


def torch_elman(w: dict[str, torch.Tensor], values: torch.Tensor) -> torch.Tensor:
    """Return the predictions that count of an Elman network, written in torch."""
    h = values.new_zeros(len(values), w["rnn.weight_hh_l0"].shape[0])
    output, found = values[:, 0], []
    for step in range(rollout().steps):
        x = values[:, step] if step < rollout().warmup else output
        driven = x @ w["rnn.weight_ih_l0"].T + w["rnn.bias_ih_l0"] + w["rnn.bias_hh_l0"]
        h = torch.tanh(driven + h @ w["rnn.weight_hh_l0"].T)
        output = h @ w["linear.weight"].T + w["linear.bias"]
        found.append(output[:, 0])
    return torch.stack([found[row] for row in rollout().rows])


def torch_jacobian(
    forward: Callable[[dict[str, torch.Tensor], torch.Tensor], torch.Tensor],
    network: Network,
    values: np.ndarray,
) -> np.ndarray:
    """Return the same Jacobian by torch's autograd, in one batch.

    Each sequence has a copy of the weights, so that one backward pass gives a row for all of them.
    """
    given = torch.from_numpy(values)
    weights = {name: torch.from_numpy(value) for name, value in network.weights.items()}

    def one(copied: dict[str, torch.Tensor], sequence: torch.Tensor) -> torch.Tensor:
        return forward(copied, sequence[None])[:, 0]

    found = torch.func.vmap(torch.func.jacrev(one), in_dims=(None, 0))(weights, given)
    flat = [found[name].flatten(2) for name in network.weights]
    return torch.cat(flat, dim=2).numpy()


def core_peak(repeats: int) -> float:
    """Return the floating-point operations a second that a large matrix product reaches."""
    a = np.random.default_rng(0).normal(size=(PEAK_SIZE, PEAK_SIZE))
    return 2 * PEAK_SIZE**3 / in_turns({"product": timed(lambda: a @ a)}, repeats)["product"]


def operations(network: Network, sequences: int) -> float:
    """Return the floating-point operations of a Jacobian, by its matrix products alone.

    A weight takes a multiplication and an addition: at each step forward; and for each prediction
    that is on the way back, once for the delta and once for the weight's own derivative.
    """
    active = sum(row + 1 for row in rollout().rows)
    return 2.0 * network.parameters * sequences * (rollout().steps + 2 * active)


def measure_jacobian(*, quick: bool) -> list[Row]:
    """Return the time of the Jacobian of the closed loop: ours, autograd, and the peak of a core.

    Raises ValueError where the two Jacobians differ.
    """
    repeats, count = (1, 4) if quick else (REPEATS, JACOBIAN_SEQUENCES)
    values = some(task("sines").train, count).values
    peak = core_peak(repeats)
    rows = []
    for cell, forward in (("rnn", torch_elman), ("innovation", torch_innovation)):
        network = any_network(cell)
        _, slopes = jacobian(network, values, rollout())
        if not np.allclose(slopes, torch_jacobian(forward, network, values), rtol=1e-6, atol=1e-9):
            raise ValueError(f"{cell}: autograd gives another Jacobian")
        works = {
            "ours": timed(partial(jacobian, network, values, rollout())),
            "autograd": timed(partial(torch_jacobian, forward, network, values)),
        }
        ours, theirs = in_turns(works, repeats).values()
        at_peak = operations(network, count) / peak
        rows.append(
            {
                "Jacobian": f"{cell}, {network.parameters} weights, {count} sequences",
                "autograd, ms": theirs * 1e3,
                "ours, ms": ours * 1e3,
                "times faster": theirs / ours,
                "its operations at a core's peak, ms": at_peak * 1e3,
                "share of the peak": at_peak / ours,
                "peak, Gflop/s": peak / 1e9,
            }
        )
    return rows
