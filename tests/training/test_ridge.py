"""The read-out is the closed form of ridge regression."""

import numpy as np
import pytest
import torch

from stages.networks.predictor import Predictor
from stages.settings.model import Ridge
from stages.training.ridge import fit_read_out
from stages.training.sequences import Sequences
from tests.examples import CELLS, network, values

DATA = Sequences(values(8, 40, 1), values(8, 40, 1, seed=2))
PHASE = Ridge(phase="ridge", sequences=6, warmup=5, noise=0.1, noise_weight=0.5, ridge=1e-3)


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_a_read_out_is_that_of_ridge_regression(cell: str, layers: int) -> None:
    """(AᵀA + λ²nI)⁻¹Aᵀb; n counts rows of the noisy copy by the square of their weight."""
    net = network(cell, layers)
    before = net.copy()
    loss = fit_read_out(net, DATA, PHASE, np.random.default_rng(3))
    predictor, x = Predictor(before), DATA.values[:6, :-1]
    noisy = x + 0.1 * np.random.default_rng(3).normal(size=x.shape)
    rows, targets = [], np.tile(DATA.targets[:6, 6:].ravel(), 2)
    for inputs in (x, noisy):
        hidden = predictor.forward(inputs, predictor.initial_state(6))[1][:, 5:]
        rows.append(np.pad(hidden.reshape(-1, 4), ((0, 0), (0, 1)), constant_values=1))
    a, n = np.concatenate(rows), len(rows[0])
    a[n:], targets[n:] = 0.5 * a[n:], 0.5 * targets[n:]
    expected = np.linalg.solve(a.T @ a + 1e-6 * n * 1.25 * np.eye(5), a.T @ targets)
    weights = torch.cat([weight.flatten() for weight in net.linear.parameters()])
    np.testing.assert_allclose(weights.detach(), expected, rtol=1e-8)
    # The loss: weighted squares for each prediction of the clean sequences.
    assert loss == pytest.approx(((a @ expected - targets) ** 2).sum() / n, rel=1e-9)
    for name, weight in before.rnn.named_parameters():  # the cell stays
        assert torch.equal(net.rnn.get_parameter(name), weight)
