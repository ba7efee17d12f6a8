"""Two regimes of every model, trained or not: given the true past, and fed with its outputs."""

import numpy as np
import pytest

from stages.rollouts import regimes
from stages.rollouts.regimes import free_running, memory_wiped, teacher_forced
from tests.examples import any_sines
from tests.networks.test_model_file import CELLS, model_of

X = any_sines(4, 6).values
EACH = pytest.mark.parametrize("cell", CELLS)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != "sine_fit"])
def test_a_free_run_is_teacher_forcing_on_its_own_outputs(cell: str) -> None:
    """Not for `sine_fit`, which fits again at every value."""
    model = model_of(cell)[0]
    outputs, states = free_running(model, X, 20)
    predictions, hidden, _ = teacher_forced(model, np.concatenate((X, outputs[:, :-1]), axis=1))
    np.testing.assert_allclose(predictions[:, 5:], outputs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(states, hidden[0, 5:], rtol=0, atol=1e-12)


@EACH
@pytest.mark.parametrize("first", [1, 9, 13])
def test_blocks_end_at_the_horizon_of_each_sequence(
    cell: str, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, ends = model_of(cell)[0], np.array([first, 3, 33, 9])
    outputs, hidden = free_running(model, X, ends.max())
    expected = np.where(np.arange(ends.max()) < ends[:, None], outputs[:, :, 0], np.nan)
    monkeypatch.setattr(regimes, "BLOCK", 8)
    part, states = free_running(model, X, ends)
    np.testing.assert_allclose(part[:, :, 0], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(states, hidden[:first], rtol=0, atol=1e-12)


@EACH
def test_wiping_the_memory_leaves_only_the_current_value(cell: str) -> None:
    model = model_of(cell)[0]
    wiped = memory_wiped(model, X)
    for step in range(X.shape[1]):
        alone, _, _ = teacher_forced(model, X[:, step : step + 1])
        np.testing.assert_allclose(wiped[:, step], alone[:, 0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 0, 1), (3, 4, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    for regime in (teacher_forced, lambda model, x: free_running(model, x, 3)):
        with pytest.raises(ValueError, match=r"expected values \(batch, time, 1\)"):
            regime(model_of("linear")[0], np.zeros(shape))
