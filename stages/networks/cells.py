"""Recurrent cells in NumPy: one step of time, and the way back through it.

`step` is the only dynamics of a cell. It takes x(t) and the state at t-1. It returns the state at
t, with what the way back needs. `back` takes derivatives by the new state. It returns those by
x(t), by the old state, and by what each weight matrix adds.

Here the batch comes last: arrays are (feature, batch), derivatives (feature, residual, batch).
NumPy's inner loops then run over many sequences instead of a few features, which takes half the
time. `Network` turns the arrays of its callers.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Weights = dict[str, Array]


class Products(NamedTuple):
    """What one weight matrix did at a step: it multiplied `inputs`, and `delta` came back.

    weight: its name; bias: the name of what was added to the product, or None. inputs: (column,
    batch). delta: derivatives by the result, (row, residual, batch).
    """

    weight: str
    bias: str | None
    inputs: Array
    delta: Array


class Cell(Protocol):
    """One layer: its weights by name and shape, the size of its state, a step and the way back."""

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]: ...

    def state_size(self, hidden: int) -> int: ...

    def step(self, w: Weights, x: Array, state: Array) -> tuple[Array, Any]: ...

    def back(
        self, w: Weights, kept: Any, by_state: Array
    ) -> tuple[Array, Array, list[Products]]: ...


def affine(weight: Array, x: Array, bias: Array) -> Array:
    """Return weight · x + bias."""
    received = weight @ x
    received += bias[:, None]
    return received


def through(weight: Array, delta: Array) -> Array:
    """Return derivatives by x, from those by weight · x: (column, residual, batch)."""
    flat = delta.reshape(len(delta), -1)
    return (weight.T @ flat).reshape(-1, *delta.shape[1:])


def logistic_of(exponent: Array, numerator: float = 1) -> Array:
    """Put numerator / (1 + exp(exponent)) into the place of exponent, and return it.

    With the exponent -x it is the logistic function of x. SciPy's takes long to load.
    """
    np.exp(exponent, exponent)
    exponent += 1
    return np.divide(numerator, exponent, exponent)


def tanh_of(exponent: Array) -> Array:
    """Put tanh x into the place of the exponent -2x, and return it.

    tanh x is 2 / (1 + exp(-2x)) - 1, off by at most a rounding error of 1. NumPy's tanh takes 1.5
    to 2 times as long, without AVX-512.
    """
    logistic_of(exponent, 2)
    exponent -= 1
    return exponent


def gated_shapes(gates: int, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Return the weights of a layer of torch's RNN, GRU or LSTM."""
    rows = gates * hidden
    return {
        "weight_ih": (rows, inputs),
        "weight_hh": (rows, hidden),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
    }


def gated_products(x: Array, h: Array, by_input: Array, by_hidden: Array) -> list[Products]:
    return [
        Products("weight_ih", "bias_ih", x, by_input),
        Products("weight_hh", "bias_hh", h, by_hidden),
    ]


class Elman:
    """h' = tanh(W x + b + U h + d) (Elman 1990), as `torch.nn.RNN`."""

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return gated_shapes(1, inputs, hidden)

    def state_size(self, hidden: int) -> int:
        return hidden

    def step(self, w: Weights, x: Array, state: Array) -> tuple[Array, Any]:
        received = affine(w["weight_ih"], x, w["bias_ih"])
        received += affine(w["weight_hh"], state, w["bias_hh"])
        received *= -2
        after = tanh_of(received)
        return after, (x, state, after)

    def back(self, w: Weights, kept: Any, by_state: Array) -> tuple[Array, Array, list[Products]]:
        x, state, after = kept
        delta = by_state * (1 - after * after)[:, None]
        products = gated_products(x, state, delta, delta)
        return through(w["weight_ih"], delta), through(w["weight_hh"], delta), products


class GRU:
    """Cho et al. 2014, in the form of `torch.nn.GRU`; gates in the order r, z, n."""

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return gated_shapes(3, inputs, hidden)

    def state_size(self, hidden: int) -> int:
        return hidden

    def step(self, w: Weights, x: Array, state: Array) -> tuple[Array, Any]:
        size = len(state)
        from_input = affine(w["weight_ih"], x, w["bias_ih"])
        from_hidden = affine(w["weight_hh"], state, w["bias_hh"])
        gates = logistic_of(-from_input[: 2 * size] - from_hidden[: 2 * size])
        reset, update = gates[:size], gates[size:]
        n_hidden = from_hidden[2 * size :]
        candidate = tanh_of(-2 * (from_input[2 * size :] + reset * n_hidden))
        after = candidate + update * (state - candidate)
        return after, (x, state, reset, update, n_hidden, candidate)

    def back(self, w: Weights, kept: Any, by_state: Array) -> tuple[Array, Array, list[Products]]:
        x, state, reset, update, n_hidden, candidate = kept
        by_candidate = by_state * ((1 - update) * (1 - candidate * candidate))[:, None]
        by_update = by_state * ((state - candidate) * update * (1 - update))[:, None]
        by_reset = by_candidate * (n_hidden * reset * (1 - reset))[:, None]
        by_input = np.concatenate((by_reset, by_update, by_candidate))
        by_hidden = np.concatenate((by_reset, by_update, by_candidate * reset[:, None]))
        before = by_state * update[:, None] + through(w["weight_hh"], by_hidden)
        products = gated_products(x, state, by_input, by_hidden)
        return through(w["weight_ih"], by_input), before, products


class LSTM:
    """Hochreiter and Schmidhuber 1997, as `torch.nn.LSTM`; gates in the order i, f, g, o.

    The state is [h, c].
    """

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return gated_shapes(4, inputs, hidden)

    def state_size(self, hidden: int) -> int:
        return 2 * hidden

    def step(self, w: Weights, x: Array, state: Array) -> tuple[Array, Any]:
        size = len(state) // 2
        h, c = state[:size], state[size:]
        received = affine(w["weight_ih"], x, w["bias_ih"])
        received += affine(w["weight_hh"], h, w["bias_hh"])
        i, f, o = (logistic_of(-received[k * size : (k + 1) * size]) for k in (0, 1, 3))
        g = tanh_of(-2 * received[2 * size : 3 * size])
        c_after = f * c + i * g
        bounded = tanh_of(-2 * c_after)
        after = np.concatenate((o * bounded, c_after))
        return after, (x, h, c, i, f, g, o, bounded)

    def back(self, w: Weights, kept: Any, by_state: Array) -> tuple[Array, Array, list[Products]]:
        x, h, c, i, f, g, o, bounded = kept
        size = len(h)
        by_h, by_c = by_state[:size], by_state[size:]
        by_c = by_c + by_h * (o * (1 - bounded * bounded))[:, None]
        delta = np.concatenate(
            (
                by_c * (g * i * (1 - i))[:, None],
                by_c * (c * f * (1 - f))[:, None],
                by_c * (i * (1 - g * g))[:, None],
                by_h * (bounded * o * (1 - o))[:, None],
            )
        )
        before = np.concatenate((through(w["weight_hh"], delta), by_c * f[:, None]))
        return through(w["weight_ih"], delta), before, gated_products(x, h, delta, delta)


class Innovation:
    """A cell that learns from its own surprise.

    The state is [h, m, ŷ]: waves h, memory m and the last prediction ŷ. With products q:

        e  = x − ŷ                        The innovation.
        z  = [1, x, h, m]
        q  = tanh(C [1, m]) ⊙ (D z)       Gated by the memory alone.
        h' = O [z, q]                     Linear.
        m' = m + e · tanh(K [z, q])       Changes only where the prediction was wrong.
        ŷ' = w [h', 1]                    Linear.

    In a free run x is ŷ, so e is zero and m stays to the last bit. For a given memory the free run
    is then linear in x and h, so no amplitude is preferred to another. Innovations as inputs: Zhou
    et al. 2025 (arXiv 2505.05916), after the Kalman filter. Products: Sutskever et al. 2011.
    """

    def __init__(self, memory: int, products: int) -> None:
        self.memory = memory
        self.products = products

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        seen = 1 + inputs + hidden + self.memory
        return {
            "gate": (self.products, 1 + self.memory),
            "signal": (self.products, seen),
            "wave": (hidden, seen + self.products),
            "gain": (self.memory, seen + self.products),
            "read_out": (1, hidden + 1),
        }

    def state_size(self, hidden: int) -> int:
        return hidden + self.memory + 1

    def step(self, w: Weights, x: Array, state: Array) -> tuple[Array, Any]:
        hidden = len(w["wave"])
        one, memory, last = np.ones_like(x), state[hidden:-1], state[-1:]
        known = np.concatenate((one, memory))
        gate = np.tanh(w["gate"] @ known)
        seen = 2 + hidden + self.memory
        u = np.empty((seen + self.products, x.shape[1]), x.dtype)
        u[0], u[1], u[2:seen] = 1, x[0], state[:-1]
        signal = w["signal"] @ u[:seen]
        np.multiply(gate, signal, u[seen:])
        innovation = x - last
        gain = np.tanh(w["gain"] @ u)
        features = np.concatenate((w["wave"] @ u, one))
        output = w["read_out"] @ features
        after = np.concatenate((features[:-1], memory + innovation * gain, output))
        return after, (known, gate, signal, u, innovation, gain, features)

    def back(self, w: Weights, kept: Any, by_state: Array) -> tuple[Array, Array, list[Products]]:
        known, gate, signal, u, innovation, gain, features = kept
        hidden = len(w["wave"])
        seen = 2 + hidden + self.memory
        by_memory, by_output = by_state[hidden:-1], by_state[-1:]
        by_wave = by_state[:hidden] + by_output * w["read_out"][0, :-1, None, None]
        by_innovation = (by_memory * gain[:, None]).sum(axis=0, keepdims=True)
        by_gain = by_memory * (innovation * (1 - gain * gain))[:, None]
        by_u = through(w["wave"], by_wave) + through(w["gain"], by_gain)
        by_q = by_u[seen:]
        by_gate = by_q * (signal * (1 - gate * gate))[:, None]
        by_signal = by_q * gate[:, None]
        by_z = by_u[:seen] + through(w["signal"], by_signal)
        by_z[2 + hidden :] += by_memory + through(w["gate"][:, 1:], by_gate)
        products = [
            Products("gate", None, known, by_gate),
            Products("signal", None, u[:seen], by_signal),
            Products("wave", None, u, by_wave),
            Products("gain", None, u, by_gain),
            Products("read_out", None, features, by_output),
        ]
        before = np.concatenate((by_z[2:], -by_innovation))
        return by_z[1:2] + by_innovation, before, products


def cell_of(kind: str, memory: int, products: int) -> Cell:
    """Return the cell of a kind: rnn, gru, lstm or innovation."""
    match kind:
        case "rnn":
            return Elman()
        case "gru":
            return GRU()
        case "lstm":
            return LSTM()
        case "innovation":
            return Innovation(memory, products)
    raise ValueError(f"expected rnn, gru, lstm or innovation, got {kind}")
