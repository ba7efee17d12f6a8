"""The naive forecasters repeat what their names say."""

import numpy as np
import pytest

from stages.baselines.naive import (
    Drift,
    Naive,
    SeasonalNaive,
    fit_drift,
    fit_naive,
    fit_seasonal_naive,
)
from tests.measured import seasonal, series

PAST = np.arange(20.0).reshape(2, 10, 1)


def test_the_last_value_goes_on() -> None:
    np.testing.assert_array_equal(Naive().forecast(PAST, 3)[:, :, 0], [[9] * 3, [19] * 3])


def test_the_last_season_is_repeated() -> None:
    expected = [7, 8, 9, 7, 8]
    np.testing.assert_array_equal(SeasonalNaive(3).forecast(PAST, 5)[0, :, 0], expected)


@pytest.mark.parametrize("horizon", [1, 12, 30])
def test_drift_continues_a_trend_with_a_season(horizon: int) -> None:
    values = seasonal(100, noise=0)
    forecast = Drift(12).forecast(values[None, :60, None], horizon)
    np.testing.assert_allclose(forecast[0, :, 0], values[60 : 60 + horizon], rtol=1e-12)


def test_nothing_is_trained() -> None:
    made = series(seasonal())
    for fit in (fit_naive, fit_seasonal_naive, fit_drift):
        model = fit(made)
        assert model.parameters == 0 and model.tensors() == {}
        assert type(model).from_tensors(model.tensors(), model.facts()) == model


def test_a_short_past_is_refused() -> None:
    for model, least in ((Naive(), 1), (SeasonalNaive(12), 12), (Drift(12), 13)):
        with pytest.raises(ValueError, match=f"time >= {least}"):
            model.forecast(np.ones((1, least - 1, 1)), 3)
    with pytest.raises(ValueError, match="expected a past"):
        Naive().forecast(np.ones((5, 2)), 3)
