"""The derivatives of a free run are finite differences of it."""

import numpy as np
import pytest

from stages.training.jacobian import Rollout, jacobian, predictions
from stages.training.levenberg_marquardt import flat, with_weights
from tests.examples import NETWORKS, network, values

ROLLOUTS = [Rollout(4, (1, 3, 5)), Rollout(3, (-1, 0, 1)), Rollout(1, (2, 4))]


@pytest.mark.parametrize("rollout", ROLLOUTS)
@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_the_jacobian_of_the_closed_loop_is_finite_differences(
    cell: str, layers: int, rollout: Rollout
) -> None:
    net, x = network(cell, layers, hidden=3), values(2, 9, 1)
    found, slopes = jacobian(net, x, rollout)
    weights = flat(net)
    assert slopes.shape == (2, 3 if rollout.warmup > 1 else 2, len(weights))
    np.testing.assert_array_equal(found, predictions(net, x, rollout))
    for i in range(len(weights)):
        moved = []
        for step in (1e-6, -1e-6):
            there = weights.copy()
            there[i] += step
            moved.append(predictions(with_weights(net, there), x, rollout))
        difference = (moved[0] - moved[1]) / 2e-6
        np.testing.assert_allclose(slopes[:, :, i].T, difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_predictions_are_those_of_the_free_run(cell: str, layers: int) -> None:
    """Step 1 is the first after the warm-up; steps up to 0 are made within it."""
    net, x = network(cell, layers), values(3, 12, 1)
    rollout = Rollout(5, (-2, 0, 1, 2, 6))
    forced, _, state = net.forward(x[:, :5], net.initial_state(3))
    free, _, _ = net.run(forced[:, -1], state, 5)
    both = np.concatenate((forced, free), axis=1)[:, :, 0]
    expected = both[:, [9, 5, 4, 3, 1]].T
    np.testing.assert_allclose(predictions(net, x, rollout), expected, rtol=0, atol=1e-13)
    # What they predict: the value at the same place, one later.
    np.testing.assert_array_equal(rollout.targets(x), x[:, [10, 6, 5, 4, 2], 0].T)
    assert rollout.steps == 10


def test_values_after_the_warmup_are_not_looked_at() -> None:
    net, x, rollout = network("gru"), values(3, 12, 1), Rollout(5, (1, 4))
    changed = x.copy()
    changed[:, 5:] = np.nan
    for one, other in zip(jacobian(net, x, rollout), jacobian(net, changed, rollout), strict=True):
        np.testing.assert_array_equal(one, other)
