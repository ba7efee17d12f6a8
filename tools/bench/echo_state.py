"""Echo-state networks (Jaeger 2001) on the tasks, with settings chosen on validation sequences.

Reservoirs are drawn by reservoirpy. Their states are computed here for all sequences at once, and
the read-out by QR, which loses fewer digits than reservoirpy's normal equations.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg

from stages.signals.sines import Floats, Sines
from tools.bench import measure as m
from tools.bench.blog import blog_seconds

GRID = {
    "spectral radius": (0.3, 0.6, 0.9, 1.1),
    "leak": (0.3, 0.6, 1.0),
    "input scaling": (0.1, 0.3, 1.0, 2.0),
    "bias": (0.0, 0.3),
    "connectivity": (0.1, 1.0),
    "input noise": (0.0, 1e-8, 1e-6, 1e-4, 1e-2),
}
RIDGES = (1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)  # each is tried with every draw from the grid
DRAWS = {16: 300, 100: 60, 500: 12}  # random choices from the grid, by units
SEARCHED = 128  # training sequences in the search
FINALISTS, FINAL_SEEDS = 4, (1000, 1001)
SEEDS = {16: 5, 100: 5, 500: 3}  # networks whose errors are reported, by units
ATTEMPTS = {16: 10, 100: 4, 500: 1}  # reservoirs per seed, of which the best is taken, by units
MOST_SEQUENCES = 1024  # a read-out of 501 weights needs no more
BLOCK = 128  # sequences whose states are in memory at one time
Choice = dict[str, float]


@dataclass(frozen=True)
class LeakyNetwork:
    """An echo-state network: h' = (1 − leak) h + leak·tanh(W_in x + W h + bias), ŷ = w·h' + c.

    All matrices are transposed, (from, to). A state is h, (batch, units).
    """

    w_in: Floats
    w: Floats
    bias: float
    leak: float
    read_out: Floats | None = None  # (units + 1,), the constant last
    memory = slice(0, 0)

    def initial_state(self, batch: int) -> Floats:
        return np.zeros((batch, len(self.w)))

    def step(self, x: Floats, h: Floats) -> Floats:
        """Take x(t), (batch, 1), and the state at t-1 to the state at t."""
        after = np.tanh(x @ self.w_in + h @ self.w + self.bias)
        return (1 - self.leak) * h + self.leak * after

    def output(self, h: Floats) -> Floats:
        return (h @ self.read_out[:-1] + self.read_out[-1])[..., None]

    def states(self, values: Floats) -> Floats:
        """Compute the states (batch, time, units) under values (batch, time, 1), from zeros."""
        states = [self.initial_state(len(values))]
        for x in values.swapaxes(0, 1):
            states.append(self.step(x, states[-1]))
        return np.stack(states[1:], axis=1)

    def forward(self, values: Floats, _: Floats) -> tuple[Floats, Floats, Floats]:
        states = self.states(values)
        return self.output(states), states, states[:, -1]

    def run(self, output: Floats, h: Floats, steps: int) -> tuple[Floats, Floats, Floats]:
        states = [h]
        for _ in range(steps):
            states.append(self.step(output, states[-1]))
            output = self.output(states[-1])
        stacked = np.stack(states[1:], axis=1)
        return self.output(stacked), stacked, states[-1]


def draw(units: int, choice: Choice, seed: int) -> LeakyNetwork:
    """Draw a reservoir by reservoirpy, without a read-out.

    Raises ValueError if the states here differ from reservoirpy's.
    """
    from reservoirpy.nodes import Reservoir  # no dependency of the pipeline: `make bench` adds it

    names = {"spectral radius": "sr", "leak": "lr", "input scaling": "input_scaling"}
    names |= {"bias": "bias", "connectivity": "rc_connectivity"}
    given = {name: choice[setting] for setting, name in names.items()}
    given["input_connectivity"] = choice["connectivity"]
    node = Reservoir(units, **given, seed=seed, input_dim=1)
    x = np.linspace(-1, 1, 9)[:, None]
    node.initialize(x[0])
    w_in, w = (m.toarray() if hasattr(m, "toarray") else np.asarray(m) for m in (node.Win, node.W))
    network = LeakyNetwork(w_in.T, w.T.copy(), choice["bias"], choice["leak"])
    if not np.allclose([node.step(value) for value in x], network.states(x[None])[0]):
        raise ValueError("the states of the echo-state network differ from those of reservoirpy")
    return network


def triangle(
    network: LeakyNetwork, sines: Sines, warmup: int, *, noise: float, seed: int
) -> Floats:
    """Compute R of the QR decomposition of [h 1 y] over the training sequences.

    The first values are left out: there h still depends on its initial zeros.
    """
    random, targets = np.random.default_rng(seed), m.truth(sines)
    skipped = min(warmup, (targets.shape[1] - 1) * 2 // 5)
    r = np.empty((0, len(network.w) + 2))
    for first in range(0, len(targets), BLOCK):
        here = slice(first, first + BLOCK)
        x = sines.values[here, :-1]
        h = network.states(x + noise * random.normal(size=x.shape))
        rows = np.concatenate((h, np.ones_like(x), targets[here, 1:]), axis=2)[:, skipped:]
        r = np.linalg.qr(np.concatenate((r, rows.reshape(-1, rows.shape[2]))), mode="r")
    return r


def with_read_out(network: LeakyNetwork, r: Floats, ridge: float) -> LeakyNetwork:
    """Solve for the read-out by ridge regression.

    ridge: relative to the largest diagonal element; the constant is not penalised.
    """
    size = r.shape[1] - 1
    penalty = ridge * np.abs(np.diag(r)[:size]).max() * np.eye(size, size + 1)
    penalty[-1] = 0
    r = np.linalg.qr(np.concatenate((r, penalty)), mode="r")
    # Not by substitution: where states are dependent, R is singular.
    return replace(network, read_out=scipy.linalg.lstsq(r[:size, :size], r[:size, -1], 1e-15)[0])


@dataclass(frozen=True)
class Search:
    """A search for the best network on a task.

    units: of each network. where: the task. far: periods over which the finalists are compared.
    """

    units: int
    where: m.Task
    far: float

    def fit(
        self, choice: Choice, sequences: int, seed: int, ridges: Sequence[float] = ()
    ) -> Iterator[LeakyNetwork]:
        """Fit one reservoir with each of the ridges; without ridges, with that of the choice."""
        network, sines = draw(self.units, choice, seed), m.some(self.where.train, sequences)
        noise = choice["input noise"]
        r = triangle(network, sines, self.where.warmup, noise=noise, seed=seed)
        for ridge in ridges or (choice["ridge"],):
            yield with_read_out(network, r, ridge)

    def error(self, network: LeakyNetwork) -> float:
        return m.capped_error(network, self.where.validation, self.where.warmup, self.far)

    def choose(self, draws: int) -> Choice:
        """Choose settings on the validation sequences.

        First, random choices from the grid, each with all ridges, are ranked by the error over ten
        periods on few sequences. Then one setting after another of the best choice is set to each
        of its values. At last the finalists are fitted to more sequences with other reservoirs, and
        the one of the least median error over `far` periods is chosen.
        """
        random, validation = np.random.default_rng(0), m.some(self.where.validation, 64)
        ranking: list[tuple[float, Choice]] = []

        def rank(choice: Choice, seed: int) -> None:
            networks = self.fit(choice, SEARCHED, seed, RIDGES)
            for ridge, network in zip(RIDGES, networks, strict=True):
                error = m.capped_error(network, validation, self.where.warmup, 10)
                ranking.append((error, choice | {"ridge": ridge}))
            ranking.sort(key=lambda pair: pair[0])

        def median_error(choice: Choice) -> float:
            networks = [network for s in FINAL_SEEDS for network in self.fit(choice, 512, s)]
            return float(np.median([self.error(network) for network in networks]))

        for number in range(draws):
            rank({name: float(random.choice(values)) for name, values in GRID.items()}, number)
        for number, (name, values) in enumerate(GRID.items(), start=draws):
            best = {key: ranking[0][1][key] for key in GRID}
            for value in values:
                rank(best | {name: value}, number)
        return min((choice for _, choice in ranking[:FINALISTS]), key=median_error)

    def train(self, choice: Choice, seed: int) -> LeakyNetwork:
        """Draw and fit some reservoirs; return the best on the validation sequences."""
        numbers = [100 * (seed + 1) + number for number in range(ATTEMPTS[self.units])]
        networks = [n for number in numbers for n in self.fit(choice, MOST_SEQUENCES, number)]
        return min(networks, key=self.error)


def measure(units: int, name: str, *, quick: bool) -> list[m.Row]:
    """Search, train and judge echo-state networks of a size on a task: one table row."""
    where, before = m.task(name, quick=quick), blog_seconds(quick=quick)
    far = 100.0 if np.ptp(where.train.frequency) == 0 and not quick else 10.0
    draws, seeds = (2, 1) if quick else (DRAWS[units], SEEDS[units])
    search = Search(units, where, far)
    searching, choice = m.seconds(lambda: search.choose(draws))
    trained = [m.seconds(lambda s=s: search.train(choice, s)) for s in range(seeds)]
    runs = m.over_seeds([m.judged(network, where) for _, network in trained])
    loop = np.mean([before, blog_seconds(quick=quick)])
    row = {"name": f"ESN {units}", "units": units, "parameters": units + 1, **runs}
    row["time"] = float(np.median([seconds for seconds, _ in trained])) / loop
    row["search_time"] = searching / loop
    return [row | {"settings": ", ".join(f"{key} {value:g}" for key, value in choice.items())}]
