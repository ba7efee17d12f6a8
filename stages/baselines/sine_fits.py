"""Models without trained weights: a sine fitted to each sequence's own past.

In a free run nothing is fitted again.
"""

import numpy as np

from stages.baselines.model import Model
from stages.signals.sines import Floats

FINENESS = 4  # frequencies of the grid for each value of a sequence
REFINEMENTS = 5  # Gauss–Newton iterations; after 5 the frequency has a relative error of 1e-11
TINY = 1e-300  # in place of zero as a divisor
FEWEST = 4  # values for a fit of the three parameters of a sine


class Prony(Model):
    """Two lags, x̂(t+1) = c·x(t) - x(t-1), with c fitted to the past by least squares.

    c = Σ x(t)·(x(t+1) + x(t-1)) / Σ x(t)² over all triples of values seen so far. Without a triple
    c = 2: a straight line. Exact for a sine without noise, where c = 2cos(ωΔ). Source: Prony
    1795, with the coefficient of x(t-1) fixed at -1, so that no sine grows or decays.
    A state is (batch, 5): both sums, x(t), x(t-1), and how many values were seen. The hidden state
    is c and x(t-1).
    """

    state_size = 5

    def step(self, x: Floats, state: Floats) -> tuple[Floats, Floats, Floats]:
        x, (numerator, denominator, last, before, seen) = x[:, 0], state.T
        numerator = numerator + np.where(seen >= 2, last * (x + before), 0)
        denominator = denominator + np.where(seen >= 2, last * last, 0)
        last = np.where(seen >= 1, last, x)  # the first value stands for the one before it
        c = _coefficient(numerator, denominator)
        state = np.stack((numerator, denominator, x, last, seen + 1), axis=1)
        return (c * x - last)[:, None], np.stack((c, last), axis=1), state

    @np.errstate(over="ignore", invalid="ignore")  # it grows without limit where |c| > 2
    def run(self, output: Floats, state: Floats, steps: int) -> tuple[Floats, Floats, Floats]:
        """Run freely with a constant c: it fits the model's own outputs exactly."""
        numerator, denominator, last, _, seen = state.T
        c = _coefficient(numerator, denominator)
        path = np.empty((steps + 2, len(state)))
        path[0], path[1] = last, output[:, 0]
        for before, last, after in zip(path, path[1:], path[2:], strict=False):
            np.multiply(c, last, out=after)
            after -= before
        hidden = np.stack((np.broadcast_to(c, path[:-2].shape), path[:-2]), axis=-1)
        state = np.stack((numerator, denominator, path[-2], path[-3], seen + steps), axis=1)
        return path[2:, :, None].swapaxes(0, 1), hidden.swapaxes(0, 1), state


class SineFit(Model):
    """The maximum-likelihood sine of all values seen so far, in white Gaussian noise.

    The sine is p·cos(ωt) + q·sin(ωt); p, q and ω are fitted by least squares. First p and q are
    solved at each frequency of a grid, 0 < ω < π [rad per step], below the Nyquist frequency. Then
    Gauss–Newton starts from the best one. Source: Rife and Boorstyn 1974. After fewer than four
    values it repeats the last one. A hidden state is the amplitude, ω [rad per step] and the phase
    at the next value. A state is (batch, 4): those, and the number of values seen.
    """

    state_size = 4

    def forward(self, values: Floats, state: Floats) -> tuple[Floats, Floats, Floats]:
        """Predict each next value by a new fit; the time grows with length².

        Raises ValueError where the state is not the initial one: a state does not hold the past.
        """
        if state[:, 3].any():
            raise ValueError(f"expected the initial state, got one after {state[0, 3]:g} values")
        x = values[:, :, 0]
        hidden = np.stack((np.abs(x), 0 * x, np.copysign(np.pi / 2, x)), axis=-1)
        grid = _Grid(*x.shape)
        for seen in range(1, x.shape[1] + 1):
            grid.add(x[:, seen - 1 : seen])
            if seen >= FEWEST:
                hidden[:, seen - 1] = _refined(x[:, :seen], grid)
        predictions = hidden[:, :, :1] * np.sin(hidden[:, :, 2:])
        seen = np.full((len(x), 1), x.shape[1])
        return predictions, hidden, np.concatenate((hidden[:, -1], seen), axis=1)

    def fit(self, values: Floats) -> Floats:
        """Fit a sine to each sequence (batch, time, 1): the state after it.

        Raises ValueError where there are fewer than four values.
        """
        if values.shape[1] < FEWEST:
            raise ValueError(f"expected values (batch, time >= {FEWEST}, 1), got {values.shape}")
        x = values[:, :, 0]
        grid = _Grid(*x.shape)
        grid.add(x)
        return np.concatenate((_refined(x, grid), np.full((len(x), 1), x.shape[1])), axis=1)

    def run(self, output: Floats, state: Floats, steps: int) -> tuple[Floats, Floats, Floats]:
        """Run freely: continue the sine of the state."""
        amplitude, frequency, phase, seen = state.T
        angle = phase[:, None] + frequency[:, None] * np.arange(1, steps + 1)
        outputs = amplitude[:, None] * np.sin(angle)
        last = np.remainder(angle[:, -1], 2 * np.pi)
        constant = np.broadcast_to(state[:, None, :2], (*angle.shape, 2))
        hidden = np.concatenate((constant, angle[:, :, None]), axis=-1)
        return outputs[:, :, None], hidden, np.stack((amplitude, frequency, last, seen), axis=1)


class _Grid:
    """Running sums for least-squares fits of a sine at each grid frequency."""

    def __init__(self, batch: int, time: int) -> None:
        count = FINENESS * max(time, FEWEST)
        self.spacing = np.pi / count
        self._frequencies = self.spacing * np.arange(1, count)
        self._seen = 0
        self._with_cos, self._with_sin = np.zeros((2, batch, count - 1))
        self._cc, self._ss, self._cs = np.zeros((3, count - 1))

    def add(self, x: Floats) -> None:
        """Add the next values of each sequence, (batch, time), to the sums."""
        steps = np.arange(self._seen, self._seen + x.shape[1])
        angle = steps[:, None] * self._frequencies
        cos, sin = np.cos(angle), np.sin(angle)
        self._with_cos += x @ cos
        self._with_sin += x @ sin
        self._cc += (cos * cos).sum(0)
        self._ss += (sin * sin).sum(0)
        self._cs += (cos * sin).sum(0)
        self._seen += x.shape[1]

    def best(self) -> Floats:
        """Choose the grid frequency with the least squared error: (batch,), rad per step."""
        c, s = self._with_cos, self._with_sin
        determinant = self._cc * self._ss - self._cs**2
        explained = (self._ss / determinant) * c
        explained -= (2 * self._cs / determinant) * s
        explained *= c
        explained += (self._cc / determinant) * s * s
        return self._frequencies[explained.argmax(axis=1)]


def _refined(x: Floats, grid: _Grid) -> Floats:
    """Fit sines to x (batch, time): amplitude, frequency, and the phase at the next value.

    Gauss–Newton starts from the best frequency of the grid, and moves it by at most the spacing. At
    each frequency p and q are solved again. Returns (batch, 3).
    """
    # With time 0 in the middle, errors of the frequency and the phase hardly correlate.
    steps = np.arange(x.shape[1]) - (x.shape[1] - 1) / 2
    frequency, spacing = grid.best(), grid.spacing
    low = np.maximum(frequency - spacing, spacing / 2)
    high = np.minimum(frequency + spacing, np.pi - spacing / 2)
    for _ in range(REFINEMENTS):
        cos, sin = _waves(frequency, steps)
        p, q = _amplitudes(x, cos, sin)
        slope = steps * (q * cos - p * sin)
        # Project the slope onto the orthogonal complement of cos and sin.
        slope_p, slope_q = _amplitudes(slope, cos, sin)
        slope -= slope_p * cos + slope_q * sin
        change = (slope * (x - p * cos - q * sin)).sum(1) / np.maximum((slope**2).sum(1), TINY)
        frequency = np.clip(frequency + change, low, high)
    p, q = _amplitudes(x, *_waves(frequency, steps))
    phase = np.arctan2(p, q)[:, 0] + frequency * (steps[-1] + 1)
    return np.stack((np.hypot(p, q)[:, 0], frequency, np.remainder(phase, 2 * np.pi)), axis=1)


def _waves(frequency: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """Compute cos(ωt) and sin(ωt), (batch, time); steps: counted from the middle."""
    half = len(steps) // 2
    angle = frequency[:, None] * steps[half:]
    cos, sin = np.cos(angle), np.sin(angle)
    earlier = slice(None, -half - 1, -1)  # their mirror image, without the middle
    return (
        np.concatenate((cos[:, earlier], cos), axis=1),
        np.concatenate((-sin[:, earlier], sin), axis=1),
    )


def _amplitudes(x: Floats, cos: Floats, sin: Floats) -> tuple[Floats, Floats]:
    """Fit p·cos + q·sin to x (batch, time) by least squares: p and q, each (batch, 1)."""
    # With time 0 in the middle, sine and cosine are orthogonal.
    p = (x * cos).sum(1) / (cos * cos).sum(1)
    q = (x * sin).sum(1) / (sin * sin).sum(1)
    return p[:, None], q[:, None]


def _coefficient(numerator: Floats, denominator: Floats) -> Floats:
    """Divide the sums of `Prony`: c, (batch,)."""
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1), 2.0)
