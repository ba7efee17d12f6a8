"""A recurrent network: one or more layers of a cell, and a linear read-out."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from stages.networks.cells import (
    Array,
    Cell,
    Innovation,
    Products,
    Weights,
    affine,
    cell_of,
    logistic_of,
    tanh_of,
    through,
)

READ_OUT = ("linear.weight", "linear.bias")


@dataclass(frozen=True)
class Network:
    """A cell of `num_layers` layers, and what its predictions are read out with.

    cell: rnn, gru, lstm or innovation. memory_size, products: of an innovation cell, which has one
    layer and a read-out of its own. weights: by name, as in `torch.nn.RNN` and `torch.nn.Linear`;
    all have one type. A state is flat, (batch, size): the states of the layers, one after another.
    """

    cell: str
    hidden_size: int
    num_layers: int
    memory_size: int
    products: int
    weights: Weights

    def replace(self, weights: Weights) -> "Network":
        """Return the network with other weights."""
        return replace(self, weights=weights)

    @property
    def kind(self) -> Cell:
        """Return the cell of every layer."""
        return cell_of(self.cell, self.memory_size, self.products)

    @property
    def sizes(self) -> dict[str, int]:
        """Return what `shapes` takes to give the network's weights."""
        names = ("hidden_size", "num_layers", "memory_size", "products")
        return {name: getattr(self, name) for name in names}

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(value.size for value in self.weights.values())

    @property
    def memory(self) -> slice:
        """Return where the memory units stand in the hidden state; nowhere but in `innovation`."""
        if isinstance(self.kind, Innovation):
            return slice(self.hidden_size, self.hidden_size + self.memory_size)
        return slice(0, 0)

    @property
    def dtype(self) -> np.dtype[Any]:
        return next(iter(self.weights.values())).dtype

    @cached_property
    def layers(self) -> list[Weights]:
        """Return the weights of each layer, by their names in the cell."""
        names = self.kind.shapes(1, self.hidden_size)
        return [
            {name: self.weights[weight_name(self.cell, name, layer)] for name in names}
            for layer in range(self.num_layers)
        ]

    def initial_state(self, batch: int) -> Array:
        """Return the state before the first value, zeros: (batch, size)."""
        size = self.kind.state_size(self.hidden_size)
        return np.zeros((batch, size * self.num_layers), self.dtype)

    def part(self, layer: int) -> slice:
        """Return where the state of a layer stands in the state."""
        size = self.kind.state_size(self.hidden_size)
        return slice(size * layer, size * (layer + 1))

    def hidden(self, state: Array) -> Array:
        """Return what is called the hidden state: h(t) of the last layer, and the memory units."""
        if isinstance(self.kind, Innovation):
            return state[:, :-1]
        size = self.kind.state_size(self.hidden_size)
        first = size * (self.num_layers - 1)
        return state[:, first : first + self.hidden_size]

    @np.errstate(over="ignore")  # of a gate: exp beyond all numbers leaves 0, rightly
    def step(self, x: Array, state: Array) -> tuple[Array, Array]:
        """Take x(t), (batch, 1), and the state at t-1; return x̂(t+1) and the state at t."""
        prediction, state, _ = self.step_keeping(x.T, state.T)
        return prediction.T, state.T

    def step_keeping(self, x: Array, state: Array) -> tuple[Array, Array, list[Any]]:
        """Do as `step`, with the batch last: (1, batch), (size, batch).

        Also return what `back` needs. Training ignores overflow once a pass, not at every step.
        """
        kind, states, kept = self.kind, [], []
        for layer in range(self.num_layers):
            before = state[self.part(layer)]
            after, left = kind.step(self.layers[layer], x, before)
            states.append(after)
            kept.append(left)
            x = after[: self.hidden_size]
        if isinstance(kind, Innovation):
            return after[-1:], after, kept
        weight, bias = READ_OUT
        prediction = affine(self.weights[weight], x, self.weights[bias])
        return prediction, np.concatenate(states), [*kept, x]

    def back(
        self, kept: list[Any], by_prediction: Array, by_state: Array
    ) -> tuple[Array, Array, list[Products]]:
        """Go back through a step: from derivatives by its prediction and its new state.

        by_prediction: (1, residual, batch); by_state: (size, residual, batch). Returns the
        derivatives by x(t) and by the old state, and what each weight multiplied.
        """
        kind, products = self.kind, []
        by_states = [by_state[self.part(layer)].copy() for layer in range(self.num_layers)]
        if isinstance(kind, Innovation):
            by_states[-1][-1:] += by_prediction
        else:
            weight, bias = READ_OUT
            products.append(Products(weight, bias, kept[-1], by_prediction))
            by_states[-1][: self.hidden_size] += through(self.weights[weight], by_prediction)
        for layer in reversed(range(self.num_layers)):
            w = self.layers[layer]
            by_x, by_states[layer], used = kind.back(w, kept[layer], by_states[layer])
            products += used if isinstance(kind, Innovation) else named(used, layer)
            if layer:
                by_states[layer - 1][: self.hidden_size] += by_x
        return by_x, np.concatenate(by_states), products

    def forward(self, values: Array, state: Array) -> tuple[Array, Array, Array]:
        """Take values (batch, time, 1) and the state before them.

        Return the predictions of the next values (batch, time, 1), the hidden states
        (batch, time, hidden) and the state after the last value.
        """
        return stacked(self, values.transpose(1, 0, 2), state)

    @np.errstate(over="ignore", invalid="ignore")  # a free run may blow up
    def run(self, output: Array, state: Array, steps: int) -> tuple[Array, Array, Array]:
        """Run freely: take the last output (batch, 1) and the state behind it.

        Return the next outputs (batch, steps, 1), the hidden states (batch, steps, hidden) behind
        them, and the last state. One layer takes a fast path, which equals stepping.
        """
        if self.num_layers > 1:
            outputs, hidden = [], []
            for _ in range(steps):
                output, state = self.step(output, state)
                outputs.append(output)
                hidden.append(self.hidden(state))
            return np.stack(outputs, axis=1), np.stack(hidden, axis=1), state
        return FAST[self.cell](self, state, steps)


def stacked(network: Network, values: Array, state: Array) -> tuple[Array, Array, Array]:
    """Step through values (time, batch, 1); return what `Network.forward` does."""
    predictions, hidden = [], []
    for x in values:
        prediction, state = network.step(x, state)
        predictions.append(prediction)
        hidden.append(network.hidden(state))
    return np.stack(predictions, axis=1), np.stack(hidden, axis=1), state


def named(products: list[Products], layer: int) -> list[Products]:
    """Return what a layer's weights did, by their names in the network."""
    return [
        Products(f"rnn.{weight}_l{layer}", f"rnn.{bias}_l{layer}", *rest)
        for weight, bias, *rest in products
    ]


def weight_name(cell: str, name: str, layer: int) -> str:
    """Return the name of a layer's weight in the network."""
    return name if cell == "innovation" else f"rnn.{name}_l{layer}"


def shapes(
    cell: str, *, hidden_size: int, num_layers: int, memory_size: int, products: int
) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of a network's weights."""
    kind, found = cell_of(cell, memory_size, products), {}
    for layer in range(num_layers):
        inputs = hidden_size if layer else 1
        for name, shape in kind.shapes(inputs, hidden_size).items():
            found[weight_name(cell, name, layer)] = shape
    if cell != "innovation":
        found |= dict(zip(READ_OUT, ((1, hidden_size), (1,)), strict=True))
    return found


# Below, everything is (units, batch): the parts of what a step receives are then whole rows, and
# NumPy goes through each of them in one piece.


def folded(network: Network) -> tuple[Array, Array]:
    """Return (U, b): what h(t-1) and the prediction read out of it bring, U h(t-1) + b.

    In a free run the next input x is v·h + c. Then W x + b + U h + d is (U + W v) h + W c + b + d.
    U is (rows, hidden), b (rows, 1).
    """
    w = network.layers[0]
    v, c = (network.weights[name] for name in READ_OUT)
    bias = w["bias_ih"] + w["weight_ih"] @ c + w["bias_hh"]
    return w["weight_hh"] + w["weight_ih"] @ v, bias[:, None]


def run_elman(network: Network, state: Array, steps: int) -> tuple[Array, Array, Array]:
    """Do as `Network.run`, with the read-out folded into the recurrent matrix."""
    recurrent, bias = folded(network)
    recurrent, bias = -2 * recurrent, np.tile(-2 * bias, (1, len(state)))
    h = np.ascontiguousarray(state.T)
    hidden = np.empty((steps, *h.shape), state.dtype)
    for after in hidden:
        np.dot(recurrent, h, after)
        np.add(after, bias, after)
        h = tanh_of(after)
    return read_out(network, hidden, h.T.copy())


def run_gru(network: Network, state: Array, steps: int) -> tuple[Array, Array, Array]:
    """Do as `Network.run`; r and z by the folded matrix, and both parts of n beside them."""
    w, size = network.layers[0], network.hidden_size
    recurrent, bias = folded(network)
    n_hidden, n_bias = w["weight_hh"][2 * size :], w["bias_hh"][2 * size :, None]
    # n takes W x + b and U h + d apart: W x + b is what is folded less U h + d.
    matrix, bias = np.concatenate((recurrent, n_hidden)), np.concatenate((bias, n_bias))
    matrix[2 * size : 3 * size] -= n_hidden
    bias[2 * size : 3 * size] -= n_bias
    # The exponents of r, z and both parts of n are -1, -1 and -2 times what they receive.
    factors = np.repeat(bias.dtype.type((-1, -1, -2, -2)), size)[:, None]
    matrix, bias = factors * matrix, np.tile(factors * bias, (1, len(state)))
    h = np.ascontiguousarray(state.T)
    hidden = np.empty((steps, *h.shape), state.dtype)
    received = np.empty((4 * size, len(state)), state.dtype)
    gates, (reset, update, n, from_hidden) = received[: 2 * size], np.split(received, 4)
    for after in hidden:
        np.dot(matrix, h, received)
        np.add(received, bias, received)
        logistic_of(gates)
        np.multiply(reset, from_hidden, from_hidden)
        np.add(n, from_hidden, n)
        tanh_of(n)
        np.subtract(h, n, after)
        np.multiply(after, update, after)
        h = np.add(after, n, after)
    return read_out(network, hidden, h.T.copy())


def run_lstm(network: Network, state: Array, steps: int) -> tuple[Array, Array, Array]:
    """Do as `Network.run`, with the read-out folded into the recurrent matrix."""
    size = network.hidden_size
    recurrent, bias = folded(network)
    # The exponents of i, f, g and o are -1, -1, -2 and -1 times what they receive.
    factors = np.repeat(bias.dtype.type((-1, -1, -2, -1)), size)[:, None]
    recurrent, bias = factors * recurrent, np.tile(factors * bias, (1, len(state)))
    h, c = np.split(state.T.copy(), 2)
    hidden = np.empty((steps, *h.shape), state.dtype)
    received = np.empty((4 * size, len(state)), state.dtype)
    i, f, g, o = np.split(received, 4)
    for after in hidden:
        np.dot(recurrent, h, received)
        np.add(received, bias, received)
        logistic_of(received)
        np.multiply(g, 2, g)
        np.subtract(g, 1, g)
        np.multiply(i, g, i)
        np.multiply(c, f, c)
        np.add(c, i, c)
        np.multiply(c, -2, after)
        tanh_of(after)
        h = np.multiply(after, o, after)
    return read_out(network, hidden, np.concatenate((h, c)).T.copy())


def read_out(network: Network, hidden: Array, state: Array) -> tuple[Array, Array, Array]:
    """Return hidden states (time, hidden, batch) and what is read out of them, batch first."""
    weight, bias = (network.weights[name] for name in READ_OUT)
    outputs = weight @ hidden + bias
    return outputs.transpose(2, 0, 1), hidden.transpose(2, 0, 1), state


def run_innovation(network: Network, state: Array, steps: int) -> tuple[Array, Array, Array]:
    """Do as `Network.run`: the memory is constant, and so are the gates.

    With x = v·h + c folded in, D z and O z are linear in h, and what 1 and m add is constant.
    """
    w, size = network.weights, network.hidden_size
    seen = w["signal"].shape[1]
    memory = state[:, size:-1].T
    v, c = w["read_out"][:, :-1], w["read_out"][0, -1]
    linear = np.concatenate((w["signal"], w["wave"][:, :seen]))
    matrix = linear[:, 2 : 2 + size] + linear[:, 1:2] @ v
    constant = linear[:, :1] + linear[:, 1:2] * c + linear[:, 2 + size :] @ memory
    gate = np.tanh(w["gate"][:, :1] + w["gate"][:, 1:] @ memory)
    from_products = np.ascontiguousarray(w["wave"][:, seen:])
    hidden = np.empty((steps, size + len(memory), len(state)), state.dtype)
    hidden[:, size:] = memory
    received = np.empty((len(linear), len(state)), state.dtype)
    signal, direct = received[: len(gate)], received[len(gate) :]
    h = np.ascontiguousarray(state[:, :size].T)
    for after in hidden[:, :size]:
        np.dot(matrix, h, received)
        np.add(received, constant, received)
        np.multiply(gate, signal, signal)
        np.dot(from_products, signal, after)
        h = np.add(after, direct, after)
    outputs = v @ hidden[:, :size] + c
    state = np.concatenate((h, memory, outputs[-1])).T.copy()
    return outputs.transpose(2, 0, 1), hidden.transpose(2, 0, 1), state


FAST = {"rnn": run_elman, "gru": run_gru, "lstm": run_lstm, "innovation": run_innovation}
