"""Multipliers of closed loops that are known in closed form."""

import math

import numpy as np
import pytest

from stages.baselines.lags import Lags
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


def test_what_a_free_run_keeps_for_ever_has_a_multiplier_of_one() -> None:
    """The memory of an innovation cell: nothing pulls it back, and nothing drives it away."""
    net = predictor("innovation", hidden=3, scale=0.6)
    _, _, state = net.forward(np.zeros((1, 300, 1)), net.initial_state(1))
    output, _, state = net.run(np.zeros((1, 1)), state, 2000)
    moduli = multipliers(net, output[:, -1], state, 30.0)
    np.testing.assert_allclose(moduli[:2], 1, rtol=1e-6)
    assert moduli[2] < 1 - 1e-3


def test_a_loop_that_blows_up_has_none() -> None:
    loop = Lags(np.array([1e6]))
    assert np.isinf(multipliers(loop, ONE, loop.initial_state(1), 30)).all()
