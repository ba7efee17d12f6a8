"""The blog's `Net`: a recurrent layer, and a linear read-out of the next value."""

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import stages
from stages.networks.cells import CELLS, Cell, Innovation

torch.set_num_threads(1)
torch.backends.mkldnn.enabled = False  # its code differs between processors
stages.require_pinned(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())

State = Tensor | tuple[Tensor, Tensor]
STEPS = {nn.RNN: torch.rnn_tanh_cell, nn.GRU: torch.gru_cell, nn.LSTM: torch.lstm_cell}


@dataclass(frozen=True)
class Sizes:
    """The sizes of a network; memory_size and products are those of an innovation cell."""

    hidden_size: int
    num_layers: int = 1
    memory_size: int = 1
    products: int = 1


class Network(nn.Module):
    """Predict the next value from the current one and the hidden state.

    `rnn` is torch's layer, or a cell of our own, of one input. `linear` reads the prediction out
    of its hidden state. States have the layer's own form: (layers, batch, hidden) for torch's RNN
    and GRU, a pair of them for its LSTM, (batch, state_size) for a `Cell`.
    """

    def __init__(self, cell: str, sizes: Sizes) -> None:
        super().__init__()
        self.cell, self.sizes = cell, sizes
        self.linear = nn.Linear(sizes.hidden_size, 1)
        layer = CELLS[cell]
        if issubclass(layer, nn.RNNBase):
            self.rnn = layer(1, sizes.hidden_size, sizes.num_layers, batch_first=True)
        elif layer is Innovation:
            numbers = (sizes.hidden_size, sizes.memory_size, sizes.products)
            self.rnn = Innovation(1, *numbers, self.linear)
        else:
            self.rnn = layer(1, sizes.hidden_size)

    def forward(self, x: Tensor, hidden_prev: State | None = None) -> tuple[Tensor, State]:
        """Predict each next value from the true ones: x and predictions are (batch, time, 1)."""
        out, hidden_prev = self.rnn(x, hidden_prev)
        return self.linear(out), hidden_prev

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Predict the next value, (batch, 1), from x (batch, 1): one step of `forward`."""
        if isinstance(self.rnn, Cell):
            state = self.rnn.step(x, state)
            return self.linear(state[:, : self.sizes.hidden_size]), state
        cell, after = STEPS[type(self.rnn)], []
        pairs = isinstance(self.rnn, nn.LSTM)
        layers = zip(*state, strict=True) if pairs else state
        for weights, before in zip(self.rnn.all_weights, layers, strict=True):
            new = cell(x, before, *weights)
            after.append(new)
            x = new[0] if pairs else new
        if pairs:
            return self.linear(x), tuple(torch.stack(part) for part in zip(*after, strict=True))
        return self.linear(x), torch.stack(after)

    def initial_state(self, batch: int) -> State:
        """Make the state before the first value: zeros."""
        zeros = self.linear.weight.new_zeros
        if isinstance(self.rnn, Cell):
            return zeros(batch, self.rnn.state_size)
        h = zeros(self.sizes.num_layers, batch, self.sizes.hidden_size)
        return (h, torch.zeros_like(h)) if isinstance(self.rnn, nn.LSTM) else h

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """Name all trained tensors."""
        return dict(self.named_parameters())

    def copy(self) -> "Network":
        """Make a network of the same cell, sizes and weights."""
        return deepcopy(self)
