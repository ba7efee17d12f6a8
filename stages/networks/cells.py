"""Recurrent cells in NumPy: one step of time, and the way back through it.

`step` is the only dynamics of a cell. It takes x(t) and the state at t-1. It returns the state at
t, with what the way back needs. `back` takes derivatives by the new state. It returns those by
x(t), by the old state, and by what each weight matrix adds. Arrays are (batch, …); derivatives are
(residuals, batch, …).
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[Any]
Weights = dict[str, Array]


class Products(NamedTuple):
    """What one weight matrix did at a step: it multiplied `inputs`, and `delta` came back.

    inputs: (batch, columns), None for a bias. delta: derivatives by the result, (residuals, batch,
    rows).
    """

    weight: str
    inputs: Array | None
    delta: Array


class Cell(Protocol):
    """One layer: its weights by name and shape, the size of its state, a step and the way back."""

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]: ...

    def state_size(self, hidden: int) -> int: ...

    def step(self, w: Weights, x: Array, state: Array) -> tuple[Array, Any]: ...

    def back(
        self, w: Weights, kept: Any, by_state: Array
    ) -> tuple[Array, Array, list[Products]]: ...


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
        Products("weight_ih", x, by_input),
        Products("weight_hh", h, by_hidden),
        Products("bias_ih", None, by_input),
        Products("bias_hh", None, by_hidden),
    ]


class Elman:
    """h' = tanh(W x + b + U h + d) (Elman 1990), as `torch.nn.RNN`."""

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return gated_shapes(1, inputs, hidden)

    def state_size(self, hidden: int) -> int:
        return hidden

    def step(self, w: Weights, x: Array, state: Array) -> tuple[Array, Any]:
        received = x @ w["weight_ih"].T + w["bias_ih"] + (state @ w["weight_hh"].T + w["bias_hh"])
        after = np.tanh(received)
        return after, (x, state, after)

    def back(self, w: Weights, kept: Any, by_state: Array) -> tuple[Array, Array, list[Products]]:
        x, state, after = kept
        delta = by_state * (1 - after * after)
        products = gated_products(x, state, delta, delta)
        return delta @ w["weight_ih"], delta @ w["weight_hh"], products


class GRU:
    """Cho et al. 2014, in the form of `torch.nn.GRU`; gates in the order r, z, n."""

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return gated_shapes(3, inputs, hidden)

    def state_size(self, hidden: int) -> int:
        return hidden

    def step(self, w: Weights, x: Array, state: Array) -> tuple[Array, Any]:
        size = state.shape[1]
        from_input = x @ w["weight_ih"].T + w["bias_ih"]
        from_hidden = state @ w["weight_hh"].T + w["bias_hh"]
        gates = expit(from_input[:, : 2 * size] + from_hidden[:, : 2 * size])
        reset, update = gates[:, :size], gates[:, size:]
        n_hidden = from_hidden[:, 2 * size :]
        candidate = np.tanh(from_input[:, 2 * size :] + reset * n_hidden)
        after = candidate + update * (state - candidate)
        return after, (x, state, reset, update, n_hidden, candidate)

    def back(self, w: Weights, kept: Any, by_state: Array) -> tuple[Array, Array, list[Products]]:
        x, state, reset, update, n_hidden, candidate = kept
        by_candidate = by_state * ((1 - update) * (1 - candidate * candidate))
        by_update = by_state * ((state - candidate) * update * (1 - update))
        by_reset = by_candidate * (n_hidden * reset * (1 - reset))
        by_input = np.concatenate((by_reset, by_update, by_candidate), axis=2)
        by_hidden = np.concatenate((by_reset, by_update, by_candidate * reset), axis=2)
        before = by_state * update + by_hidden @ w["weight_hh"]
        return by_input @ w["weight_ih"], before, gated_products(x, state, by_input, by_hidden)


class LSTM:
    """Hochreiter and Schmidhuber 1997, as `torch.nn.LSTM`; gates in the order i, f, g, o.

    The state is [h, c].
    """

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return gated_shapes(4, inputs, hidden)

    def state_size(self, hidden: int) -> int:
        return 2 * hidden

    def step(self, w: Weights, x: Array, state: Array) -> tuple[Array, Any]:
        size = state.shape[1] // 2
        h, c = state[:, :size], state[:, size:]
        received = x @ w["weight_ih"].T + w["bias_ih"] + (h @ w["weight_hh"].T + w["bias_hh"])
        i, f, o = (expit(received[:, k * size : (k + 1) * size]) for k in (0, 1, 3))
        g = np.tanh(received[:, 2 * size : 3 * size])
        c_after = f * c + i * g
        bounded = np.tanh(c_after)
        after = np.concatenate((o * bounded, c_after), axis=1)
        return after, (x, h, c, i, f, g, o, bounded)

    def back(self, w: Weights, kept: Any, by_state: Array) -> tuple[Array, Array, list[Products]]:
        x, h, c, i, f, g, o, bounded = kept
        size = h.shape[1]
        by_h, by_c = by_state[..., :size], by_state[..., size:]
        by_c = by_c + by_h * (o * (1 - bounded * bounded))
        delta = np.concatenate(
            (
                by_c * (g * i * (1 - i)),
                by_c * (c * f * (1 - f)),
                by_c * (i * (1 - g * g)),
                by_h * (bounded * o * (1 - o)),
            ),
            axis=2,
        )
        before = np.concatenate((delta @ w["weight_hh"], by_c * f), axis=2)
        return delta @ w["weight_ih"], before, gated_products(x, h, delta, delta)


class Innovation:
    """A cell that learns from its own surprise.

    The state is [h, m, ŷ]: waves h, memory m and the last prediction ŷ. With products q:

        e  = x − ŷ                        the innovation
        z  = [1, x, h, m]
        q  = tanh(C [1, m]) ⊙ (D z)       gated by the memory alone
        h' = O [z, q]                     linear
        m' = m + e · tanh(K [z, q])       changes only where the prediction was wrong
        ŷ' = w [h', 1]

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
        hidden, last = w["wave"].shape[0], state.shape[1] - 1
        one = np.ones_like(x)
        z = np.concatenate((one, x, state[:, :last]), axis=1)
        known = np.concatenate((one, state[:, hidden:last]), axis=1)
        gate, signal = np.tanh(known @ w["gate"].T), z @ w["signal"].T
        u = np.concatenate((z, gate * signal), axis=1)
        innovation = x - state[:, last:]
        gain = np.tanh(u @ w["gain"].T)
        memory = state[:, hidden:last] + innovation * gain
        features = np.concatenate((u @ w["wave"].T, one), axis=1)
        after = np.concatenate((features[:, :-1], memory, features @ w["read_out"].T), axis=1)
        return after, (z, known, gate, signal, u, innovation, gain, features)

    def back(self, w: Weights, kept: Any, by_state: Array) -> tuple[Array, Array, list[Products]]:
        z, known, gate, signal, u, innovation, gain, features = kept
        hidden, seen = w["wave"].shape[0], z.shape[1]
        by_memory, by_output = by_state[..., hidden:-1], by_state[..., -1:]
        by_wave = by_state[..., :hidden] + by_output * w["read_out"][0, :-1]
        by_innovation = (by_memory * gain).sum(axis=2, keepdims=True)
        by_gain = by_memory * (innovation * (1 - gain * gain))
        by_u = by_wave @ w["wave"] + by_gain @ w["gain"]
        by_q = by_u[..., seen:]
        by_gate = by_q * (signal * (1 - gate * gate))
        by_signal = by_q * gate
        by_z = by_u[..., :seen] + by_signal @ w["signal"]
        by_z[..., 2 + hidden :] += by_memory + (by_gate @ w["gate"])[..., 1:]
        products = [
            Products("gate", known, by_gate),
            Products("signal", z, by_signal),
            Products("wave", u, by_wave),
            Products("gain", u, by_gain),
            Products("read_out", features, by_output),
        ]
        before = np.concatenate((by_z[..., 2:], -by_innovation), axis=2)
        return by_z[..., 1:2] + by_innovation, before, products


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
