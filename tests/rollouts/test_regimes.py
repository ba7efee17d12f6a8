"""Two regimes of every model, trained or not: given the true past, and fed with its outputs."""

import numpy as np
import pytest

from stages.networks.model_file import Model
from stages.rollouts.regimes import free_running, memory_wiped, teacher_forced
from tests.examples import any_sines, values
from tests.networks.test_model_file import CELLS, model_of

WHOLE = [cell for cell in CELLS if cell != "sine_fit"]  # it fits again at every value


def outputs(model: Model, warmup: np.ndarray, horizon: int, **settings: int) -> np.ndarray:
    return np.concatenate([out for out, _ in free_running(model, warmup, horizon, **settings)], 1)


@pytest.mark.parametrize("cell", WHOLE)
def test_a_free_run_is_teacher_forcing_on_its_own_outputs(cell: str) -> None:
    model, warmup = model_of(cell)[0], any_sines(4, 6).values
    own = outputs(model, warmup, 20)
    predictions, hidden, _ = teacher_forced(model, np.concatenate((warmup, own[:, :-1]), axis=1))
    np.testing.assert_allclose(predictions[:, 5:], own, rtol=0, atol=1e-12)
    states = np.concatenate([hidden for _, hidden in free_running(model, warmup, 20)], axis=1)
    np.testing.assert_allclose(states, hidden[:, 5:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("horizon", [1, 2, 16, 17, 40])
def test_blocks_change_nothing(cell: str, horizon: int) -> None:
    model, warmup = model_of(cell)[0], any_sines(4, 6).values
    blocks = list(free_running(model, warmup, horizon, block=8))
    assert max(out.shape[1] for out, _ in blocks) <= 8
    assert all(out.shape[:2] == hidden.shape[:2] for out, hidden in blocks)
    whole = outputs(model, warmup, horizon)
    assert whole.shape == (4, horizon, 1)
    parts = np.concatenate([out for out, _ in blocks], axis=1)
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_is_left_out_after_its_horizon(cell: str) -> None:
    model, warmup = model_of(cell)[0], any_sines(4, 6).values
    ends, first = np.array([3, 17, 40, 9]), 0
    whole = outputs(model, warmup, 40)
    for out, hidden in free_running(model, warmup, ends, block=8):
        goes_on = ends > first
        assert len(out) == len(hidden) == goes_on.sum()
        expected = whole[goes_on, first : first + out.shape[1]]
        np.testing.assert_allclose(out, expected, rtol=0, atol=1e-12)
        first += out.shape[1]
    assert first == 40


@pytest.mark.parametrize("cell", CELLS)
def test_wiping_the_memory_leaves_only_the_current_value(cell: str) -> None:
    model, x = model_of(cell)[0], any_sines(2, 9).values
    wiped = memory_wiped(model, x)
    turned = memory_wiped(model, x[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(wiped, turned, rtol=0, atol=1e-15)
    first, _, _ = teacher_forced(model, x[:, :1])
    np.testing.assert_allclose(wiped[:, :1], first, rtol=0, atol=1e-14)


def test_a_state_can_be_begun_with() -> None:
    model, x = model_of("lstm")[0], values(2, 9, 1)
    _, _, state = teacher_forced(model, x[:, :4])
    whole, _, _ = teacher_forced(model, x)
    rest, _, _ = teacher_forced(model, x[:, 4:], state)
    np.testing.assert_allclose(rest, whole[:, 4:], rtol=0, atol=1e-14)
    begun = np.concatenate([out for out, _ in free_running(model, x[:, 4:], 5, state)], axis=1)
    np.testing.assert_allclose(begun, outputs(model, x, 5), rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 0, 1), (3, 4, 2)])
@pytest.mark.parametrize("cell", CELLS)
def test_other_shapes_are_refused(cell: str, shape: tuple[int, ...]) -> None:
    model, x = model_of(cell)[0], np.zeros(shape)
    for run in (teacher_forced, memory_wiped, lambda m, v: list(free_running(m, v, 3))):
        with pytest.raises(ValueError, match=r"expected values \(batch, time, 1\)"):
            run(model, x)


def test_memory_does_not_grow_with_the_horizon() -> None:
    """A block is the largest thing that is yielded, whatever the horizon."""
    model, warmup = model_of("rnn")[0], values(2, 6, 1)
    for horizon in (300, 3000):
        assert max(out.shape[1] for out, _ in free_running(model, warmup, horizon)) == 128
