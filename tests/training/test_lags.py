"""Least squares: the residual is orthogonal to what it was fitted with."""

import numpy as np
import pytest

from stages.training.lags import fit_lags
from tests.examples import TIME_STEP, any_sines, sines


def test_two_lags_find_the_recurrence_of_a_sine() -> None:
    lags, loss = fit_lags(2, sines(8).values)
    np.testing.assert_allclose(lags.weight, [2 * np.cos(TIME_STEP), -1], rtol=0, atol=1e-12)
    assert loss < 1e-25


@pytest.mark.parametrize("count", [1, 3])
def test_lags_leave_a_residual_orthogonal_to_the_past(count: int) -> None:
    x = any_sines(5, 40).values
    lags, loss = fit_lags(count, x)
    predictions, _, _ = lags.forward(x, lags.initial_state(5))
    residual = (predictions[:, :-1] - x[:, 1:])[:, count - 1 :, 0]
    for lag in range(count):
        past = x[:, count - 1 - lag : 39 - lag, 0]
        assert abs((past * residual).sum()) < 1e-10
    assert loss == pytest.approx((residual**2).mean(), rel=1e-9)
