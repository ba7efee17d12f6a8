"""Exponential smoothing continues a trend with a season, and sees nothing of the test part."""

import numpy as np
import pytest

from stages.baselines.ets import TRENDS, Ets, fit_ets
from stages.rollouts.forecasts import evaluate
from tests.measured import other_test, seasonal, series

pytest.importorskip("statsmodels")


@pytest.mark.parametrize("trend", [0.0, 0.5])
def test_a_trend_with_a_season_is_continued(trend: float) -> None:
    made = series(seasonal(trend=trend, noise=1e-3))
    pure = series(seasonal(trend=trend, noise=0))
    origins = made.rolling_origins("test")
    for model in (fit_ets(made), fit_ets(pure)):
        forecast = model.forecast(pure.past(origins), 24)
        np.testing.assert_allclose(forecast, pure.future(origins), atol=1e-6)


def test_a_season_that_grows_with_the_level_is_multiplicative() -> None:
    k = np.arange(300)
    values = (50 + k) * (1 + 0.5 * np.sin(2 * np.pi * k / 12))
    made = series(values * np.exp(0.01 * np.random.default_rng(0).normal(size=300)))
    model = fit_ets(made)
    assert model.seasonal == "multiplicative" and model.trend != "none"
    assert evaluate(made, model)["forecast"]["skill"] > 0.5


@pytest.mark.parametrize("trend", TRENDS)
@pytest.mark.parametrize("seasonal_form", ["none", "add", "mul"])
def test_states_are_filtered_as_statsmodels_does(trend: str, seasonal_form: str) -> None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    name = {"none": "none", "add": "additive", "mul": "multiplicative"}[seasonal_form]
    smoothing = np.array([0.3, 0.1 * (trend != "none"), 0.2 * (name != "none"), 1.0])
    smoothing[3] = 0.9 if trend == "damped" else 1.0
    past = seasonal(60)
    model = Ets(trend, name, 12, smoothing)
    level, slope, seasons = model._initial(past[None])
    states = {"initial_level": level[0]}
    if trend != "none":
        states["initial_trend"] = slope[0]
    if name != "none":
        states["initial_seasonal"] = seasons[0]
    reference = ETSModel(
        past,
        trend=None if trend == "none" else "add",
        damped_trend=trend == "damped",
        seasonal=None if name == "none" else seasonal_form,
        seasonal_periods=12 if name != "none" else None,
        initialization_method="known",
        **states,
    )
    by_name = dict(zip(("level", "trend", "seasonal"), smoothing[:3], strict=True))
    known = {f"smoothing_{key}": value for key, value in by_name.items()}
    known |= {"damping_trend": smoothing[3]}
    initial = {"initial_level": level[0], "initial_trend": slope[0]}
    initial |= {f"initial_seasonal.{k}": seasons[0, k] for k in range(12)}
    parameters = [(known | initial)[key] for key in reference.param_names]
    expected = reference.smooth(parameters).forecast(30)
    np.testing.assert_allclose(model.forecast(past[None, :, None], 30)[0, :, 0], expected)


def test_units_do_not_matter() -> None:
    values = seasonal()
    reference = fit_ets(series(values))
    for factor in (1e-9, 1e15):
        model = fit_ets(series(values * factor))
        assert model.facts() == reference.facts()
        np.testing.assert_allclose(model.smoothing, reference.smoothing, atol=1e-2)


def test_neither_validation_nor_test_part_changes_a_byte() -> None:
    made = series(seasonal())
    changed = other_test(made)
    changed.values[len(made.training) :] += 9
    first, second = fit_ets(made), fit_ets(changed)
    assert first.facts() == second.facts()
    assert first.smoothing.tobytes() == second.smoothing.tobytes()


def test_what_is_stored_gives_the_same_forecasts() -> None:
    made = series(seasonal() - 60)
    model = fit_ets(made)
    again = Ets.from_tensors(model.tensors(), model.facts())
    past = made.past(made.rolling_origins("test"))
    np.testing.assert_array_equal(again.forecast(past, 5), model.forecast(past, 5))
    assert model.forecast(past, 5).shape == (10, 5, 1) and 1 <= model.parameters <= 4


def test_a_series_without_a_season_is_fitted() -> None:
    made = series(np.cumsum(np.random.default_rng(0).normal(size=300)), season=1)
    assert fit_ets(made).seasonal == "none"
