"""Laws of the linear model of the last values."""

import numpy as np
import pytest

from stages.baselines.lags import Lags, fit_lags
from tests.examples import TIME_STEP, any_sines, sines, values


def test_a_prediction_weighs_the_latest_value_first() -> None:
    lags, x = Lags(np.array([2.0, 3.0, 5.0])), values(2, 6, 1)
    predictions, hidden, state = lags.forward(x, lags.initial_state(2))
    expected = 2 * x[:, 2:, 0] + 3 * x[:, 1:-1, 0] + 5 * x[:, :-2, 0]
    np.testing.assert_allclose(predictions[:, 2:, 0], expected, rtol=1e-14)
    # Before the first value, zeros.
    np.testing.assert_allclose(predictions[:, 0, 0], 2 * x[:, 0, 0], rtol=1e-14)
    np.testing.assert_array_equal(state, x[:, :-3:-1, 0])
    np.testing.assert_array_equal(hidden[:, -1], state)
    assert lags.parameters == 3


def test_two_fitted_lags_are_the_recurrence_of_a_sine() -> None:
    """2cos(ωΔ) and −1: the sum-to-product identity."""
    lags, loss = fit_lags(2, sines(8).values)
    np.testing.assert_allclose(lags.weight, [2 * np.cos(TIME_STEP), -1], rtol=0, atol=1e-12)
    assert loss < 1e-25


@pytest.mark.parametrize("count", [1, 3])
def test_the_residual_of_fitted_lags_is_orthogonal_to_the_past(count: int) -> None:
    x = any_sines(5, 40).values
    lags, loss = fit_lags(count, x)
    predictions, _, _ = lags.forward(x, lags.initial_state(5))
    residual = (predictions[:, :-1] - x[:, 1:])[:, count - 1 :, 0]
    for lag in range(count):
        past = x[:, count - 1 - lag : 39 - lag, 0]
        assert abs((past * residual).sum()) < 1e-10
    assert loss == pytest.approx((residual**2).mean(), rel=1e-9)
