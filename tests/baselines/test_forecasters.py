"""Forecasters continue what they describe, and see nothing of the test part."""

from typing import Any

import numpy as np
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from stages.baselines.ar import Ar
from stages.baselines.ets import TRENDS, Ets, fitted
from stages.baselines.forecaster import Drift, Forecaster, Naive, SeasonalNaive
from stages.networks.forecaster_file import BASELINES, forecaster_of
from stages.networks.model_file import SeriesFacts
from stages.rollouts import forecasts
from stages.signals.series import Series
from tests.measured import other_test, seasonal, series

PAST = np.arange(20.0).reshape(2, 10, 1)
FITTED = pytest.mark.parametrize("method", [Ar, Ets])
ALL = pytest.mark.parametrize("method", [Naive, SeasonalNaive, Drift, Ar, Ets])


def metrics(made: Series, forecaster: Forecaster) -> dict[str, Any]:
    """Judge a forecaster on the test part."""
    errors = forecasts.errors(made, forecasts.forecast(made, forecaster))
    return forecasts.forecast_metrics(made, errors)


def test_naive_forecasts_repeat_the_last_value_or_season() -> None:
    np.testing.assert_array_equal(Naive().forecast(PAST, 3)[:, :, 0], [[9] * 3, [19] * 3])
    repeated = SeasonalNaive(3).forecast(PAST, 5)[0, :, 0]
    np.testing.assert_array_equal(repeated, [7, 8, 9, 7, 8])


@pytest.mark.parametrize("horizon", [1, 12, 30])
def test_drift_continues_a_trend_with_a_season(horizon: int) -> None:
    values = seasonal(100, noise=0)
    forecast = Drift(12).forecast(values[None, :60, None], horizon)
    np.testing.assert_allclose(forecast[0, :, 0], values[60 : 60 + horizon], rtol=1e-12)


@FITTED
@pytest.mark.parametrize("trend", [0.0, 0.5])
def test_a_trend_with_a_season_is_continued(method: type[Forecaster], trend: float) -> None:
    made = series(seasonal(trend=trend, noise=0))
    future = made.future(made.rolling_origins("test"))[:, :, 0]
    forecast = forecasts.forecast(made, method.fit(made))
    np.testing.assert_allclose(forecast, future, atol=1e-6)


@FITTED
def test_units_do_not_matter(method: type[Forecaster]) -> None:
    values = seasonal()
    made = [series(values * factor) for factor in (1, 1e-9, 1e15)]
    mase = [metrics(one, method.fit(one))["mase"] for one in made]
    assert mase == pytest.approx([mase[0]] * 3, 1e-3)


@FITTED
def test_the_test_part_changes_no_byte(method: type[Forecaster]) -> None:
    """Nor does the validation part, by which exponential smoothing chooses nothing."""
    made = series(seasonal())
    changed = other_test(made)
    if method is Ets:
        changed.values[len(made.training) :] += 9
    first, second = method.fit(made), method.fit(changed)
    assert first.options() == second.options()
    for name, tensor in first.tensors().items():
        assert tensor.tobytes() == second.tensors()[name].tobytes()


@ALL
def test_tensors_and_options_give_the_same_forecasts(method: type[Forecaster]) -> None:
    made = series(seasonal())
    model = method.fit(made)
    names = {type_: name for name, type_ in BASELINES.items()}
    protocol = {"column": "x", "season": 12, "warmup": 36, "horizon": 24}
    facts = SeriesFacts(cell=names[method], dataset="d", options=model.options(), **protocol)
    again = forecaster_of(facts, model.tensors())
    past = made.past(made.every_origin("test"))
    assert model.forecast(past, 5).shape == (37, 5, 1)
    np.testing.assert_array_equal(again.forecast(past, 5), model.forecast(past, 5))
    least, most = {Ar: (2, 37), Ets: (1, 4)}.get(method, (0, 0))
    assert least <= model.parameters <= most


@ALL
@pytest.mark.parametrize("season", [1, 2])
def test_short_series_without_a_season_are_fitted(method: type[Forecaster], season: int) -> None:
    settings = {"season": season, "validation": 8, "test": 8, "warmup": 4, "horizon": 3}
    made = series(seasonal(40), origins=2, **settings)
    assert np.isfinite(forecasts.forecast(made, method.fit(made))).all()


SHORT = [SeasonalNaive(12), Drift(11), Ets("none", "none", 11, np.ones(4))]


@pytest.mark.parametrize("model", SHORT)
def test_a_short_past_is_refused(model: Forecaster) -> None:
    with pytest.raises(ValueError, match=r"expected a past \(batch, time >= 12, 1\)"):
        model.forecast(np.ones((1, 11, 1)), 3)


def test_an_autoregressive_process_is_continued() -> None:
    """Of order 4, with poles on the unit circle and an intercept."""
    x = np.zeros(300)
    x[:4] = 3, 1, -2, 5
    for t in range(4, 300):
        x[t] = 1.5 + np.array([2.2, -2.7, 2.2, -1.0]) @ x[t - 4 : t][::-1]
    made = series(x)
    future = made.future(made.rolling_origins("test"))[:, :, 0]
    np.testing.assert_allclose(forecasts.forecast(made, Ar.fit(made)), future, atol=1e-5)


def test_differences_are_chosen_on_a_trend_and_levels_on_a_stationary_series() -> None:
    assert Ar.fit(series(seasonal(trend=1.0))).season == 12
    x = np.zeros(300)
    for t, e in enumerate(np.random.default_rng(4).normal(size=299), start=1):
        x[t] = 0.9 * x[t - 1] + e
    assert Ar.fit(series(x)).season == 0


def test_an_autoregression_sums_up_its_differences() -> None:
    past, weight = np.random.default_rng(0).normal(size=(3, 40, 1)), np.array([0.5, 0.2])
    path = past[:, :, 0]
    for _ in range(30):
        w = path[:, 12:] - path[:, :-12]
        step = 0.3 + w[:, -1] * 0.5 + w[:, -2] * 0.2
        path = np.column_stack((path, path[:, -12] + step))
    forecast = Ar(12, weight, np.array([0.3])).forecast(past, 30)
    np.testing.assert_allclose(forecast[:, :, 0], path[:, 40:], rtol=1e-9)


def test_a_season_that_grows_with_the_level_is_multiplicative() -> None:
    k = np.arange(300)
    values = (50 + k) * (1 + 0.5 * np.sin(2 * np.pi * k / 12))
    made = series(values * np.exp(0.01 * np.random.default_rng(0).normal(size=300)))
    model = Ets.fit(made)
    assert model.seasonal == "multiplicative" and model.trend != "none"
    assert metrics(made, model)["skill"] > 0.5


def statsmodels(x: np.ndarray, trend: str, seasonal_form: str, **initial: Any) -> ETSModel:
    """Make the model of statsmodels of the same form."""
    has_season = seasonal_form != "none"
    return ETSModel(
        x,
        trend=None if trend == "none" else "add",
        damped_trend=trend == "damped",
        seasonal=seasonal_form[:3] if has_season else None,
        seasonal_periods=12 if has_season else None,
        **initial,
    )


@pytest.mark.parametrize(
    ("trend", "seasonal_form", "k"),
    [("none", "none", 3), ("additive", "none", 5), ("damped", "additive", 18)],
)
def test_aicc_counts_smoothing_and_first_states(trend: str, seasonal_form: str, k: int) -> None:
    """−2 log L + 2k + 2k(k + 1)/(n − k − 1); k: α, β, γ, φ, first states, and the variance."""
    x = seasonal(100)
    aicc, _ = fitted(x, trend, seasonal_form, 12)
    model = statsmodels(x, trend, seasonal_form, initialization_method="heuristic")
    expected = -2 * model.fit(disp=False).llf + 2 * k + 2 * k * (k + 1) / (100 - k - 1)
    assert aicc == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("trend", TRENDS)
@pytest.mark.parametrize("seasonal_form", ["none", "additive", "multiplicative"])
def test_states_are_filtered_as_statsmodels_does(trend: str, seasonal_form: str) -> None:
    has_trend, has_season = trend != "none", seasonal_form != "none"
    phi = 0.9 if trend == "damped" else 1.0
    past = seasonal(60)
    model = Ets(trend, seasonal_form, 12, np.array([0.3, 0.1 * has_trend, 0.2 * has_season, phi]))
    level, slope, seasons = model._initial(past[None])
    reference = statsmodels(
        past,
        trend,
        seasonal_form,
        initialization_method="known",
        initial_level=level[0],
        initial_trend=slope[0] if has_trend else None,
        initial_seasonal=seasons[0] if has_season else None,
    )
    names = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")
    known = dict(zip(names, model.smoothing, strict=True))
    known |= {"initial_level": level[0], "initial_trend": slope[0]}
    known |= {f"initial_seasonal.{k}": seasons[0, k] for k in range(12)}
    expected = reference.smooth([known[key] for key in reference.param_names]).forecast(30)
    np.testing.assert_allclose(model.forecast(past[None, :, None], 30)[0, :, 0], expected)
