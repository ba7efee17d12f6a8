"""The free run of an innovation cell in one piece is what its steps give."""

import numpy as np
import pytest

from stages.training import powers
from stages.training.jacobian import Rollout, jacobian
from tests.examples import network, values

NET = network("innovation")


@pytest.mark.parametrize("steps", [1, 2, 7, 64])
def test_powers_are_steps(steps: int) -> None:
    _, _, state = NET.forward(values(3, 5, 1), NET.initial_state(3))
    run = powers.free_run(NET, state.T, steps)
    assert run.states.shape == (3, NET.hidden_size + 1, steps + 1)
    found = powers.outputs(NET, run)
    for n in range(steps + 1):
        np.testing.assert_allclose(run.states[:, :-1, n], state[:, : NET.hidden_size], atol=1e-12)
        np.testing.assert_array_equal(run.states[:, -1, n], 1)
        np.testing.assert_allclose(found[n], state[:, -1], rtol=0, atol=1e-12)
        _, state = NET.step(state[:, -1:], state)


def test_the_jacobian_in_one_piece_is_that_of_the_steps() -> None:
    rollout = Rollout(6, (-1, 1, 2, 9, 40))
    x = values(3, 6, 1)
    found, slopes = jacobian(NET, x, rollout)
    outputs, expected = stepped(x, rollout)
    np.testing.assert_allclose(found, outputs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(slopes, expected, rtol=1e-9, atol=1e-12)


def stepped(x: np.ndarray, rollout: Rollout) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and their Jacobian, step after step, each prediction by itself."""
    outputs, slopes = [], []
    for row in rollout.rows:
        state, prediction, kept = NET.initial_state(len(x)).T, np.zeros((1, len(x))), []
        for step in range(row + 1):
            value = x[:, step].T if step < rollout.warmup else prediction
            prediction, state, left = NET.step_keeping(value, state)
            kept.append(left)
        outputs.append(prediction[0])
        by = {name: np.zeros((len(x), value.size)) for name, value in NET.weights.items()}
        by_state, by_prediction = np.zeros((len(state), 1, len(x))), np.ones((1, 1, len(x)))
        for step in reversed(range(row + 1)):
            by_x, by_state, products = NET.back(kept[step], by_prediction, by_state)
            by_prediction = by_x if step >= rollout.warmup else np.zeros_like(by_x)
            for weight, _, inputs, delta in products:
                by[weight] += np.einsum("ib,jb->bij", delta[:, 0], inputs).reshape(len(x), -1)
        slopes.append(np.concatenate(list(by.values()), axis=1))
    return np.stack(outputs), np.stack(slopes, axis=1)
