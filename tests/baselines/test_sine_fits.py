"""Laws of the models without trained weights."""

import numpy as np
import pytest

from stages.baselines.sine_fits import Prony, SineFit
from stages.rollouts.regimes import free_running
from tests.examples import TIME_STEP, any_sines

FITS = [Prony, SineFit]


def two_sines(steps: int) -> np.ndarray:
    """Write two sines of different frequency, amplitude and phase: (2, steps, 1)."""
    angle = np.array([[0.4], [2.0]]) + np.array([[0.6], [1.9]]) * TIME_STEP * np.arange(steps)
    return (np.array([[0.5], [1.4]]) * np.sin(angle))[:, :, None]


@pytest.mark.parametrize("fit", FITS)
def test_two_sines_of_one_batch_are_continued_exactly(fit: type) -> None:
    values = two_sines(100 + 2001)
    outputs, _ = free_running(fit(), values[:, :100], 2001)
    np.testing.assert_allclose(outputs, values[:, 100:], rtol=0, atol=1e-10)


@pytest.mark.parametrize("fit", FITS)
def test_predictions_depend_on_the_past_alone(fit: type) -> None:
    """From the fourth value on they are exact, and no later value changes an earlier one."""
    values, fit = two_sines(60), fit()
    predictions, hidden, _ = fit.forward(values, fit.initial_state(2))
    np.testing.assert_allclose(predictions[:, 3:-1], values[:, 4:], rtol=0, atol=1e-12)
    assert hidden.shape[:2] == (2, 60)
    changed = values.copy()
    changed[:, 30:] += 1.0
    other, _, _ = fit.forward(changed, fit.initial_state(2))
    np.testing.assert_array_equal(predictions[:, :30], other[:, :30])


@pytest.mark.parametrize("fit", FITS)
def test_a_lone_value_is_repeated(fit: type) -> None:
    values, fit = np.array([[[0.3]], [[-0.7]], [[0.0]]]), fit()
    predictions, _, _ = fit.forward(values, fit.initial_state(3))
    np.testing.assert_allclose(predictions, values, rtol=0, atol=1e-15)


def test_pronys_coefficient_is_that_of_least_squares() -> None:
    x = np.random.default_rng(1).normal(size=(2, 30, 1))
    _, hidden, _ = Prony().forward(x, Prony().initial_state(2))
    middle, ends = x[:, 1:-1, 0], x[:, 2:, 0] + x[:, :-2, 0]
    for i in range(2):
        expected = np.linalg.lstsq(middle[i, :, None], ends[i], rcond=None)[0][0]
        assert hidden[i, -1, 0] == pytest.approx(expected, rel=1e-12)


def test_the_fitted_sine_leaves_less_than_any_other() -> None:
    """Its sum of squares in noise is not above that of the truth or of sines beside it."""
    sines = any_sines(32, seed=5, noise=0.05)
    x, fit = sines.values[:, :100], SineFit()
    state = fit.fit(x)
    _, _, last = fit.forward(x, fit.initial_state(32))
    np.testing.assert_allclose(last, state, rtol=1e-9)
    with pytest.raises(ValueError, match="expected the initial state"):
        fit.forward(x, last)

    def squares(change: np.ndarray) -> np.ndarray:
        a, w, phase = (state[:, :3] + change).T[:, :, None]
        return ((x[:, :, 0] - a * np.sin(phase + w * (np.arange(100) - 100))) ** 2).sum(axis=1)

    least = squares(np.zeros(3))
    truth = ((x[:, :, 0] - sines.truth(np.arange(100))) ** 2).sum(axis=1)
    assert (least < truth).all()
    for change in np.diag((1e-3, 1e-5, 1e-3)):
        assert (least <= np.minimum(squares(change), squares(-change))).all()
