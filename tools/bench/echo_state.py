"""Echo-state networks (Jaeger 2001) on the tasks, with settings chosen on validation sequences.

Reservoirs are drawn by reservoirpy. Their states are computed here for all sequences at once, and
the read-out by QR, which loses fewer digits than reservoirpy's normal equations.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from stages.networks.cells import Array
from stages.signals.sines import Floats, Sines
from stages.training.triangle import upper_triangle
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

GRID = {
    "spectral radius": (0.3, 0.6, 0.9, 1.1),
    "leak": (0.3, 0.6, 1.0),
    "input scaling": (0.1, 0.3, 1.0, 2.0),
    "bias": (0.0, 0.3),
    "connectivity": (0.1, 1.0),
    "input noise": (0.0, 1e-8, 1e-6, 1e-4, 1e-2),
}
RIDGES = (1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)  # each is tried with every draw from the grid
DRAWS = {16: 300, 100: 60, 500: 12}  # from the grid, by units
SEARCHED = 128  # sequences in the search
FINALISTS, FINAL_SEEDS = 4, 2
SEEDS = {16: 5, 100: 5, 500: 3}  # of what is reported
ATTEMPTS = {16: 10, 100: 4, 500: 1}  # of a seed; the one that does best on validation is kept
MOST_SEQUENCES = 1024  # a read-out of 501 weights needs no more
BLOCK = 128  # sequences whose states are in memory at one time
Choice = dict[str, float]


@dataclass(frozen=True)
class LeakyNetwork:
    """An echo-state network: h' = (1 − leak) h + leak·tanh(W_in x + W h + bias), ŷ = w·h' + c.

    All matrices are transposed, (from, to). A state is h, (batch, units).
    """

    w_in: Array
    w: Array
    bias: float
    leak: float
    read_out: Array | None = None  # (units + 1,), the constant last
    memory = slice(0, 0)

    @property
    def parameters(self) -> int:
        """Number of trained values: those of the read-out."""
        return len(self.w) + 1

    def initial_state(self, batch: int) -> Array:
        return np.zeros((batch, len(self.w)))

    def step(self, x: Array, state: Array) -> Array:
        """Take x(t), (batch, 1), and the state at t-1; return the state at t."""
        after = np.tanh(x @ self.w_in + state @ self.w + self.bias)
        return (1 - self.leak) * state + self.leak * after

    def states(self, values: Array, state: Array) -> Array:
        """Return the states (batch, time, units) under values (batch, time, 1)."""
        found = np.empty((values.shape[1], *state.shape))
        for t, x in enumerate(values.swapaxes(0, 1)):
            found[t] = state = self.step(x, state)
        return found.swapaxes(0, 1)

    def predicted(self, states: Array) -> Array:
        return (states @ self.read_out[:-1] + self.read_out[-1])[..., None]

    def forward(self, values: Array, state: Array) -> tuple[Array, Array, Array]:
        states = self.states(values, state)
        return self.predicted(states), states, states[:, -1]

    def run(self, output: Array, state: Array, steps: int) -> tuple[Array, Array, Array]:
        found = np.empty((steps, *state.shape))
        for t in range(steps):
            found[t] = state = self.step(output, state)
            output = self.predicted(state)
        states = found.swapaxes(0, 1)
        return self.predicted(states), states, state


def draw(units: int, choice: Choice, seed: int) -> LeakyNetwork:
    """Return a reservoir as reservoirpy draws it, without a read-out."""
    from reservoirpy.nodes import Reservoir  # no dependency of the pipeline: `make bench` adds it

    node = Reservoir(
        units,
        sr=choice["spectral radius"],
        lr=choice["leak"],
        input_scaling=choice["input scaling"],
        bias=choice["bias"],
        rc_connectivity=choice["connectivity"],
        input_connectivity=choice["connectivity"],
        seed=seed,
        input_dim=1,
    )
    node.initialize(np.zeros(1))
    return LeakyNetwork(dense(node.Win).T, dense(node.W).T.copy(), choice["bias"], choice["leak"])


def dense(matrix: object) -> Array:
    """Return a matrix of reservoirpy, which may be sparse, as an array."""
    return matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)


def triangle(network: LeakyNetwork, where: Task, sines: Sines, noise: float, seed: int) -> Floats:
    """Return R of the QR decomposition of [h 1 y] over the training sequences after the warm-up."""
    random = np.random.default_rng(seed)
    truth = sines.truth(np.arange(sines.values.shape[1]))[:, :, None]
    # The first values, while h depends on the zeros that it began with, do not count.
    skipped = min(where.warmup, (truth.shape[1] - 1) * 2 // 5)

    def rows() -> Iterator[Floats]:
        for first in range(0, len(truth), BLOCK):
            here = slice(first, first + BLOCK)
            x = sines.values[here, :-1]
            x = x + noise * random.normal(size=x.shape)
            h = network.states(x, network.initial_state(len(x)))
            found = np.concatenate((h, np.ones_like(x), truth[here, 1:]), axis=2)[:, skipped:]
            yield found.reshape(-1, found.shape[2])

    return upper_triangle(rows())


def with_read_out(network: LeakyNetwork, triangle: Floats, ridge: float) -> LeakyNetwork:
    """Return the network with the read-out that ridge regression gives.

    ridge: relative to the largest diagonal element; the constant is not penalised.
    """
    size = triangle.shape[1] - 1
    penalty = ridge * np.abs(np.diag(triangle)[:size]).max() * np.eye(size, size + 1)
    penalty[-1] = 0
    r = scipy.linalg.qr(np.concatenate((triangle, penalty)), mode="r", check_finite=False)[0]
    # Not by substitution: where states are dependent, R is singular.
    weights = scipy.linalg.lstsq(r[:size, :size], r[:size, -1], cond=1e-15)[0]
    return LeakyNetwork(network.w_in, network.w, network.bias, network.leak, weights)


def fitted(
    units: int, choice: Choice, where: Task, sines: Sines, seed: int, ridges: tuple[float, ...]
) -> Iterator[tuple[float, LeakyNetwork]]:
    """Yield an echo-state network for each ridge, all with one reservoir."""
    network = draw(units, choice, seed)
    found = triangle(network, where, sines, choice["input noise"], seed)
    for ridge in ridges:
        yield ridge, with_read_out(network, found, ridge)


def searched(units: int, where: Task, *, draws: int, far: float) -> Choice:
    """Return the settings that do best on validation sequences.

    Random draws from the grid, each with all ridges, by the error over ten periods on few
    sequences. Then from the best of them one setting after another is changed to each of its other
    values. Then the best on more sequences and other reservoirs, by the median error over `far`
    periods.
    """
    random = np.random.default_rng(0)
    few, validation = some(where.train, SEARCHED), some(where.validation, 64)
    found: list[tuple[float, Choice]] = []

    def look(choice: Choice, seed: int) -> None:
        for ridge, network in fitted(units, choice, where, few, seed, RIDGES):
            error = capped_error(network, validation, where.warmup, 10)
            found.append((error, choice | {"ridge": ridge}))
        found.sort(key=lambda pair: pair[0])

    for number in range(draws):
        look({name: float(random.choice(values)) for name, values in GRID.items()}, number)
    for number, (name, values) in enumerate(GRID.items(), start=draws):
        best = {key: found[0][1][key] for key in GRID}
        for value in values:
            look(best | {name: value}, number)
    finalists = []
    for _, choice in found[:FINALISTS]:
        sines, ridge = some(where.train, 512), (choice["ridge"],)
        errors = [
            capped_error(network, where.validation, where.warmup, far)
            for seed in range(FINAL_SEEDS)
            for _, network in fitted(units, choice, where, sines, 1000 + seed, ridge)
        ]
        finalists.append((float(np.median(errors)), choice))
    return min(finalists, key=lambda pair: pair[0])[1]


def trained(units: int, choice: Choice, where: Task, seed: int, far: float) -> LeakyNetwork:
    """Return the best of some attempts, as the validation sequences tell."""
    sines = some(where.train, MOST_SEQUENCES)
    attempts = [
        network
        for attempt in range(ATTEMPTS[units])
        for _, network in fitted(
            units, choice, where, sines, 100 * (seed + 1) + attempt, (choice["ridge"],)
        )
    ]
    return min(attempts, key=lambda n: capped_error(n, where.validation, where.warmup, far))


def measure(units: int, where: Task, *, quick: bool) -> list[Row]:
    """Return what echo-state networks of a size reach on a task."""
    blog = BlogLoop(quick=quick)
    far = 100.0 if np.ptp(where.train.frequency) == 0 and not quick else 10.0
    draws, seeds = (2, 1) if quick else (DRAWS[units], SEEDS[units])
    searching, choice = cpu_seconds(lambda: searched(units, where, draws=draws, far=far))
    seconds, runs = [], []
    for seed in range(seeds):
        took, network = cpu_seconds(lambda seed=seed: trained(units, choice, where, seed, far))
        check(network, where.validation.values[0, :50])
        seconds.append(took)
        runs.append(judged(network, where))
    whole = blog.seconds()
    row = {"name": f"ESN {units}", "units": units, "parameters": units + 1, **over_seeds(runs)}
    row |= {"time": float(np.median(seconds)) / whole, "search_time": searching / whole}
    return [row | {"settings": ", ".join(f"{key} {value:g}" for key, value in choice.items())}]


def check(network: LeakyNetwork, x: Floats) -> None:
    """Raise ValueError unless reservoirpy's own nodes predict what the network does."""
    from reservoirpy.nodes import Reservoir, Ridge

    units = len(network.w)
    reservoir = Reservoir(
        units, W=network.w.T, Win=network.w_in.T, bias=network.bias, lr=network.leak, input_dim=1
    )
    read_out = Ridge(Wout=network.read_out[:-1, None], bias=network.read_out[-1:])
    reservoir.initialize(x[0])
    read_out.initialize(np.zeros(units), np.zeros(1))
    theirs = [read_out.step(reservoir.step(value))[0] for value in x]
    ours = network.forward(x[None], network.initial_state(1))[0][0, :, 0]
    if not np.allclose(theirs, ours, rtol=1e-6, atol=1e-6 * np.abs(network.read_out).max()):
        raise ValueError("the echo-state network is not what reservoirpy computes")
