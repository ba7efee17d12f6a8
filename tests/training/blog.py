"""The blog's training loop, in its plainest form."""

import numpy as np
import torch
from torch import nn


def blog_losses(
    rnn: nn.RNN, read_out: nn.Linear, sequences: np.ndarray, fused: bool | None = None
) -> list[float]:
    """Train as the blog does, one sequence an iteration, and give the losses.

    fused: as for `torch.optim.Adam`; the blog leaves it out.
    """
    weights = [*rnn.parameters(), *read_out.parameters()]
    optimiser = torch.optim.Adam(weights, lr=0.01, fused=fused)
    hidden = torch.zeros(1, 1, 16)
    losses = []
    for data in sequences:
        x = torch.tensor(data[:-1]).float().view(1, 49, 1)
        y = torch.tensor(data[1:]).float().view(1, 49, 1)
        output, hidden = rnn(x, hidden)
        hidden = hidden.detach()
        loss = nn.functional.mse_loss(read_out(output.view(-1, 16)).unsqueeze(0), y)
        rnn.zero_grad()
        read_out.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses
