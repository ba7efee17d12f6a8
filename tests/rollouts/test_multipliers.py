"""Multipliers of closed loops that are known in closed form."""

import math

import numpy as np
import pytest
import torch

from stages.networks import network as model
from stages.rollouts import multipliers as stability
from stages.rollouts import regimes as rollout
from stages.training import adam as training


def lags(*weights: float) -> model.Lags:
    loop = model.Lags(len(weights)).double()
    loop.weight.data = torch.tensor(weights, dtype=torch.float64)
    return loop


@pytest.mark.parametrize("radius", [1.0, 0.999, 1.001])
def test_a_two_lag_recurrence_has_its_radius_twice(radius: float) -> None:
    """x[t+1] = 2r cos θ x[t] − r² x[t−1] has the eigenvalues r exp(±iθ): each grows by r a step."""
    per_period = 30
    loop = lags(2 * radius * math.cos(2 * math.pi / per_period), -(radius**2))
    point = torch.ones((1, 1), dtype=torch.float64)
    found = stability.multipliers(loop, point, loop.initial_state(1) + 0.9, per_period)
    np.testing.assert_allclose(found, radius**per_period, rtol=1e-6)


def test_one_lag_has_its_weight() -> None:
    loop = lags(-0.98)
    point = torch.ones((1, 1), dtype=torch.float64)
    found = stability.multipliers(loop, point, loop.initial_state(1), 10)
    np.testing.assert_allclose(found, 0.98**10, rtol=1e-8)


@pytest.mark.parametrize(("cell", "layers"), [("rnn", 1), ("rnn", 2), ("gru", 1), ("lstm", 2)])
def test_at_a_fixed_point_they_are_the_eigenvalues(cell: str, layers: int) -> None:
    """A network with small weights comes to rest; there the Jacobian is constant."""
    network = model.Network(cell, 3, layers).double()
    training.draw_normal(network, 0.3, torch.Generator().manual_seed(1))
    _, _, state = rollout.teacher_forced(network, torch.zeros((1, 2000, 1), dtype=torch.float64))
    output = network.linear(state[0, -1]).detach()
    for _ in range(500):
        with torch.no_grad():
            output, state = network.step(output, state)
    point = torch.cat((output.flatten(), state.flatten()))

    def loop(at: torch.Tensor) -> torch.Tensor:
        after, behind = network.step(at[None, :1], at[1:].reshape(state.shape))
        return torch.cat((after.flatten(), behind.flatten()))

    jacobian = torch.autograd.functional.jacobian(loop, point).numpy()
    expected = np.sort(np.abs(np.linalg.eigvals(jacobian)))[::-1][: stability.LEADING]
    found = stability.multipliers(network, output, state, 1.0)
    seen = expected > 1e-3  # below it the eigenvalues drown in the rounding of the neighbours
    np.testing.assert_allclose(found[seen[: len(found)]], expected[seen], rtol=0.05)


def test_a_loop_that_blows_up_has_none() -> None:
    loop = lags(1e6)
    point = torch.ones((1, 1), dtype=torch.float64)
    assert np.isinf(stability.multipliers(loop, point, loop.initial_state(1), 30)).all()
