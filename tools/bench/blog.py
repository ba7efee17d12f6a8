"""The blog's own training loop, in whose units all times are given."""

import time

import numpy as np
import torch
from torch import nn

from stages.generate import generate
from tools.bench.measure import settings


def blog_losses(sequences: np.ndarray) -> list[float]:
    """Train the blog's network as the blog does, one sequence an iteration; give the losses."""
    torch.manual_seed(0)
    rnn, linear = nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1)
    for weight in rnn.parameters():
        nn.init.normal_(weight, 0, 0.001)
    optimizer = torch.optim.Adam([*rnn.parameters(), *linear.parameters()], lr=0.01)
    hidden, losses = torch.zeros(1, 1, 16), []
    for data in sequences:
        x = torch.tensor(data[:-1]).float().view(1, 49, 1)
        y = torch.tensor(data[1:]).float().view(1, 49, 1)
        out, hidden = rnn(x, hidden)
        hidden = hidden.detach()
        loss = nn.functional.mse_loss(linear(out.view(-1, 16)).unsqueeze(0), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def blog_seconds(*, quick: bool) -> float:
    """Measure the CPU seconds of the blog's loop by the first of its iterations."""
    sequences = generate(settings().datasets["blog"])["train"].values[:, :, 0]
    first = sequences[: 100 if quick else 1500]
    start = time.process_time()
    blog_losses(first)
    return (time.process_time() - start) * len(sequences) / len(first)
