"""Recurrent cells: torch's, and cells of our own, which define one time step.

A cell of your own is a subclass of `Cell` with a `step`, and one entry of `CELLS`.
"""

import torch
from torch import Tensor, nn


class Cell(nn.Module):
    """A recurrent layer that is defined by its `step`; it is called as `nn.RNN` is.

    A state is (batch, state_size). Its first `hidden_size` columns are the hidden state h(t).
    """

    def __init__(self, hidden_size: int, state_size: int | None = None) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.state_size = hidden_size if state_size is None else state_size

    def step(self, x: Tensor, state: Tensor) -> Tensor:
        """Compute the state at t from x(t), (batch, input), and the state at t-1."""
        raise NotImplementedError

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Step through x (batch, time, input) to h (batch, time, hidden) and the last state."""
        hidden = []
        state = x.new_zeros(len(x), self.state_size) if state is None else state
        for value in x.unbind(1):
            state = self.step(value, state)
            hidden.append(state[:, : self.hidden_size])
        return torch.stack(hidden, 1), state


class Innovation(Cell):
    """A cell that learns from its own prediction errors.

    The state is [h, m]: waves h and memory m. With the read-out ŷ = w [h, 1] and products q:

        e  = x − ŷ                        The innovation.
        z  = [x, h, m]
        q  = tanh(C [m, 1]) ⊙ (D [z, 1])  Gated by the memory alone.
        h' = O [z, q, 1]                  Linear.
        m' = m + e · tanh(K [z, q, 1])    Changes only where the prediction was wrong.

    In a free run x is ŷ. Then e is zero, and m is constant to the last bit. For a given memory the
    free run is linear in x and h, so no amplitude is preferred. Innovations as inputs: Zhou et
    al. 2025 (arXiv 2505.05916), after the Kalman filter. Products: Sutskever et al. 2011.
    """

    def __init__(
        self, input_size: int, hidden_size: int, memory_size: int, products: int, w: nn.Linear
    ) -> None:
        super().__init__(hidden_size, hidden_size + memory_size)
        z = input_size + hidden_size + memory_size
        self.w = w
        self.C = nn.Linear(memory_size, products)
        self.D = nn.Linear(z, products)
        self.O = nn.Linear(z + products, hidden_size)
        self.K = nn.Linear(z + products, memory_size)

    def step(self, x: Tensor, state: Tensor) -> Tensor:
        """Compute [h', m'] from x(t), (batch, 1), and [h, m] at t-1."""
        h, m = state[:, : self.hidden_size], state[:, self.hidden_size :]
        e = x - self.w(h)
        z = torch.cat((x, state), 1)
        q = torch.tanh(self.C(m)) * self.D(z)
        zq = torch.cat((z, q), 1)
        return torch.cat((self.O(zq), m + e * torch.tanh(self.K(zq))), 1)


# The cells by their name in params.yaml.
CELLS: dict[str, type[nn.Module]] = {
    "rnn": nn.RNN,
    "gru": nn.GRU,
    "lstm": nn.LSTM,
    "innovation": Innovation,
}
