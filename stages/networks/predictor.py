"""A trained network as the rollouts use every model: NumPy arrays in and out, flat states."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stages.networks.cells import Cell, Innovation
from stages.networks.network import Network, State

Floats = NDArray[np.float64]


class Predictor:
    """A network that is run, not trained; in the network's own precision.

    A state is (batch, size): what the network's own state holds of each sequence.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.parameters = sum(weight.numel() for weight in network.parameters())
        size, hidden = network.sizes.hidden_size, 0
        if isinstance(network.rnn, Innovation):
            hidden = network.sizes.memory_size
        self.memory = slice(size, size + hidden) if hidden else slice(0, 0)

    def initial_state(self, batch: int) -> Floats:
        """Begin before the first value, with zeros: (batch, size)."""
        return self.flat(self.network.initial_state(batch))

    @torch.no_grad()
    def forward(self, values: Floats, state: Floats) -> tuple[Floats, Floats, Floats]:
        """Predict each next value of values (batch, time, 1), given the state before them.

        Return predictions (batch, time, 1), the hidden states (batch, time, hidden) and the state
        after the last value.
        """
        own = self.own(state)
        predictions, hidden = [], []
        for x in torch.from_numpy(values).to(self.network.linear.weight).unbind(1):
            prediction, own = self.network.step(x, own)
            predictions.append(prediction)
            hidden.append(self.hidden(own))
        return array(torch.stack(predictions, 1)), array(torch.stack(hidden, 1)), self.flat(own)

    @torch.no_grad()
    def run(self, output: Floats, state: Floats, steps: int) -> tuple[Floats, Floats, Floats]:
        """Run freely from the last output (batch, 1) and the state behind it.

        Return the next outputs (batch, steps, 1), their hidden states and the last state.
        """
        x, own = torch.from_numpy(output).to(self.network.linear.weight), self.own(state)
        outputs, hidden = [], []
        for _ in range(steps):
            x, own = self.network.step(x, own)
            outputs.append(x)
            hidden.append(self.hidden(own))
        return array(torch.stack(outputs, 1)), array(torch.stack(hidden, 1)), self.flat(own)

    def hidden(self, state: State) -> Tensor:
        """Take h(t) of the last layer, with the memory units, out of a state: (batch, hidden)."""
        if isinstance(self.network.rnn, Cell):
            return state[:, : max(self.memory.stop, self.network.sizes.hidden_size)]
        return state[0][-1] if isinstance(self.network.rnn, nn.LSTM) else state[-1]

    def flat(self, state: State) -> Floats:
        """Write a state as one row for each sequence."""
        if isinstance(self.network.rnn, Cell):
            return array(state)
        layers = torch.cat(state) if isinstance(state, tuple) else state
        return array(layers.transpose(0, 1).flatten(1))

    def own(self, state: Floats) -> State:
        """Read a state that `flat` wrote."""
        rows = torch.from_numpy(state).to(self.network.linear.weight)
        if isinstance(self.network.rnn, Cell):
            return rows
        layers = rows.unflatten(1, (-1, self.network.sizes.hidden_size)).transpose(0, 1)
        if isinstance(self.network.rnn, nn.LSTM):
            return layers.chunk(2)
        return layers


def array(tensor: Tensor) -> Floats:
    """Read a tensor as a NumPy array of float64."""
    return tensor.cpu().numpy().astype(np.float64, copy=False)
