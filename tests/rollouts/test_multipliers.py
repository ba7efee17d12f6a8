"""Multipliers of closed loops that are known in closed form."""

import math

import numpy as np
import pytest

from stages.baselines.lags import Lags
from stages.networks.predictor import Predictor
from stages.rollouts import multipliers as stability
from stages.rollouts.multipliers import multipliers
from tests.examples import predictor

ONE = np.ones((1, 1))


@pytest.mark.parametrize("radius", [1.0, 0.999, 1.001])
def test_a_two_lag_recurrence_has_its_radius_twice(radius: float) -> None:
    """x[t+1] = 2r cos θ x[t] − r² x[t−1] has the eigenvalues r exp(±iθ): each grows by r a step."""
    per_period = 30
    loop = Lags(np.array([2 * radius * math.cos(2 * math.pi / per_period), -(radius**2)]))
    moduli = multipliers(loop, ONE, loop.initial_state(1) + 0.9, per_period)
    np.testing.assert_allclose(moduli, radius**per_period, rtol=1e-6)


def at_rest(net: Predictor) -> np.ndarray:
    """Find output and state, (size,), after a free run that came to rest."""
    _, _, state = net.forward(np.zeros((1, 300, 1)), net.initial_state(1))
    output, _, state = net.run(np.zeros((1, 1)), state, 2000)
    output = output[:, -1]
    return np.concatenate((output, state), axis=1)[0]


@pytest.mark.parametrize(("cell", "layers"), [("rnn", 2), ("gru", 1), ("lstm", 1)])
def test_at_a_fixed_point_they_are_the_eigenvalues(cell: str, layers: int) -> None:
    """A network with small weights comes to rest; there the Jacobian is constant."""
    net = predictor(cell, layers, hidden=3, scale=0.6)
    point = at_rest(net)

    def loop(at: np.ndarray) -> np.ndarray:
        output, _, state = net.run(at[None, :1], at[None, 1:], 1)
        return np.concatenate((output[:, 0], state), axis=1)[0]

    np.testing.assert_allclose(loop(point), point, rtol=0, atol=1e-12)
    steps = 1e-6 * np.eye(len(point))
    jacobian = np.stack([(loop(point + s) - loop(point - s)) / 2e-6 for s in steps], axis=1)
    expected = np.sort(np.abs(np.linalg.eigvals(jacobian)))[::-1][: stability.LEADING]
    moduli = multipliers(net, point[None, :1], point[None, 1:], 1.0)
    seen = expected > 1e-2  # below it the eigenvalues drown in the rounding of the neighbours
    assert seen.sum() >= 2
    np.testing.assert_allclose(moduli[seen[: len(moduli)]], expected[seen], rtol=0.05)


def test_what_a_free_run_keeps_for_ever_has_a_multiplier_of_one() -> None:
    """The memory of an innovation cell: nothing pulls it back, and nothing drives it away."""
    net = predictor("innovation", hidden=3, scale=0.6)
    point = at_rest(net)
    moduli = multipliers(net, point[None, :1], point[None, 1:], 30.0)
    np.testing.assert_allclose(moduli[:2], 1, rtol=1e-6)
    assert moduli[2] < 1 - 1e-3


def test_a_loop_that_blows_up_has_none() -> None:
    loop = Lags(np.array([1e6]))
    assert np.isinf(multipliers(loop, ONE, loop.initial_state(1), 30)).all()
