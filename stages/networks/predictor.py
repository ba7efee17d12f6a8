"""Give a trained network the interface of `Model`: NumPy arrays in and out, flat states."""

from collections.abc import Iterable
from itertools import repeat

import numpy as np
import torch
from torch import Tensor, nn

from stages.baselines.model import Model, loop
from stages.networks.cells import Cell, Innovation
from stages.networks.network import Network, State
from stages.signals.sines import Floats


class Predictor(Model):
    """A network behind the interface of `Model`. It runs in the network's own precision.

    A state is (batch, size): the network's state as one row for each sequence.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.parameters = sum(weight.numel() for weight in network.parameters())
        if isinstance(network.rnn, Innovation):
            self.memory = slice(network.sizes.hidden_size, network.rnn.state_size)

    def initial_state(self, batch: int) -> Floats:
        return self.flat(self.network.initial_state(batch))

    def forward(self, values: Floats, state: Floats) -> tuple[Floats, Floats, Floats]:
        return self._loop(self._tensor(values).unbind(1), None, state)

    def run(self, output: Floats, state: Floats, steps: int) -> tuple[Floats, Floats, Floats]:
        return self._loop(repeat(None, steps), self._tensor(output), state)

    @torch.no_grad()
    def _loop(
        self, inputs: Iterable[Tensor | None], output: Tensor | None, state: Floats
    ) -> tuple[Floats, Floats, Floats]:
        outputs, hidden, last = loop(self._step, inputs, output, self.unflat(state))
        return array(torch.stack(outputs, 1)), array(torch.stack(hidden, 1)), self.flat(last)

    def _step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Step the network; h(t) is that of its last layer, with the memory units."""
        output, state = self.network.step(x, state)
        if isinstance(self.network.rnn, Cell):
            size = max(self.memory.stop, self.network.sizes.hidden_size)
            return output, state[:, :size], state
        return output, state[0][-1] if isinstance(self.network.rnn, nn.LSTM) else state[-1], state

    def flat(self, state: State) -> Floats:
        """Write a state as one row for each sequence."""
        if isinstance(self.network.rnn, Cell):
            return array(state)
        layers = torch.cat(state) if isinstance(state, tuple) else state
        return array(layers.transpose(0, 1).flatten(1))

    def unflat(self, state: Floats) -> State:
        """Read a state that `flat` wrote."""
        rows = self._tensor(state)
        if isinstance(self.network.rnn, Cell):
            return rows
        layers = rows.unflatten(1, (-1, self.network.sizes.hidden_size)).transpose(0, 1)
        return layers.chunk(2) if isinstance(self.network.rnn, nn.LSTM) else layers

    def _tensor(self, values: Floats) -> Tensor:
        return torch.from_numpy(values).to(self.network.linear.weight)


def array(tensor: Tensor) -> Floats:
    """Read a tensor as a NumPy array of float64."""
    return tensor.cpu().numpy().astype(np.float64, copy=False)
