"""The autoregression continues what is one, and sees nothing of the test part."""

import numpy as np
import pytest

from stages.baselines.ar import Ar, fit_ar
from stages.rollouts.forecasts import evaluate
from stages.signals.series import Series
from tests.measured import other_test, seasonal, series


def continued(made: Series, tolerance: float) -> None:
    """Assert that the forecasts of the test part are the true values."""
    origins = made.rolling_origins("test")
    forecast = fit_ar(made).forecast(made.past(origins), made.horizon)
    np.testing.assert_allclose(forecast, made.future(origins), atol=tolerance)


def test_a_process_without_noise_is_continued() -> None:
    x = np.zeros(300)
    x[:4] = 3, 1, -2, 5
    for t in range(4, 300):  # of order 4, poles on the unit circle, and an intercept
        x[t] = 1.5 + np.array([2.2, -2.7, 2.2, -1.0]) @ x[t - 4 : t][::-1]
    continued(series(x), 1e-5)


def test_a_trend_with_a_season_is_continued() -> None:
    continued(series(seasonal(noise=0)), 1e-8)


def test_differences_are_chosen_on_a_trend_and_levels_on_a_stationary_series() -> None:
    assert fit_ar(series(seasonal(trend=1.0))).season == 12
    x = np.zeros(300)
    for t, e in enumerate(np.random.default_rng(4).normal(size=299), start=1):
        x[t] = 0.9 * x[t - 1] + e
    assert fit_ar(series(x)).season == 0


def test_differences_are_summed_up() -> None:
    past, weight = np.random.default_rng(0).normal(size=(3, 40, 1)), np.array([0.5, 0.2])
    path = past[:, :, 0]
    for _ in range(30):
        w = path[:, 12:] - path[:, :-12]
        step = 0.3 + w[:, -1] * 0.5 + w[:, -2] * 0.2
        path = np.column_stack((path, path[:, -12] + step))
    forecast = Ar(12, weight, np.array([0.3])).forecast(past, 30)
    np.testing.assert_allclose(forecast[:, :, 0], path[:, 40:], rtol=1e-9)


def test_units_do_not_matter() -> None:
    values = seasonal()
    reference = evaluate(series(values), fit_ar(series(values)))["forecast"]["mase"]
    for factor in (1e-9, 1e15):
        made = series(values * factor)
        assert evaluate(made, fit_ar(made))["forecast"]["mase"] == pytest.approx(reference, 1e-4)


def test_the_test_part_changes_no_byte() -> None:
    made = series(seasonal())
    first, second = fit_ar(made), fit_ar(other_test(made))
    assert first.facts() == second.facts()
    for name, tensor in first.tensors().items():
        assert tensor.tobytes() == second.tensors()[name].tobytes()


def test_what_is_stored_gives_the_same_forecasts() -> None:
    made = series(seasonal())
    model = fit_ar(made)
    again = Ar.from_tensors(model.tensors(), model.facts())
    assert model.parameters == len(model.weight) + 1
    past = made.past(made.every_origin("test"))
    assert again.forecast(past, 5).shape == (37, 5, 1)
    np.testing.assert_array_equal(again.forecast(past, 5), model.forecast(past, 5))


@pytest.mark.parametrize("season", [1, 2])
def test_series_without_a_season_are_fitted(season: int) -> None:
    settings = {"season": season, "validation": 8, "test": 8, "warmup": 4, "horizon": 3}
    made = series(seasonal(24), origins=2, **settings)
    assert np.isfinite(fit_ar(made).forecast(made.past(made.rolling_origins("test")), 3)).all()
