"""Layers to compare networks with: torch's own, and cells of one's own."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from stages.networks.cells import CELLS, Cell
from stages.networks.network import Network, Sizes

OWN = "own"


def plain(cell: str, sizes: Sizes, tensors: Mapping[str, Tensor]) -> tuple[nn.Module, nn.Linear]:
    """Load the weights of a network into torch's own layers, by their names."""
    rnn = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell](
        1, sizes.hidden_size, sizes.num_layers, batch_first=True
    )
    linear = nn.Linear(sizes.hidden_size, 1)
    for prefix, layer in (("rnn.", rnn), ("linear.", linear)):
        own = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        layer.to(next(iter(own.values()))).load_state_dict(own, strict=True)
    return rnn, linear


class Gated(Cell):
    """A cell of two linear maps, one of them without bias: h' = tanh(A x + B h) ⊙ A x."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(hidden_size)
        self.A = nn.Linear(input_size, hidden_size)
        self.B = nn.Linear(hidden_size, hidden_size, bias=False)

    def step(self, x: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(self.A(x) + self.B(state)) * self.A(x)


class Delay(Cell):
    """The last values, latest first, without weights: predictions are linear in the read-out."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(hidden_size)

    def step(self, x: Tensor, state: Tensor) -> Tensor:
        return torch.cat((x, state[:, :-1]), 1)


def own(cell: type[Cell] = Gated, hidden: int = 3) -> Network:
    """Draw a network in float64 around a cell of one's own."""
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        patch.setitem(CELLS, OWN, cell)
        torch.manual_seed(0)
        return Network(OWN, Sizes(hidden)).double()
