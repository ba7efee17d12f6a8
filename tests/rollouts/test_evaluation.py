"""What metrics.json says is what the regimes and the truth say."""

import json
import warnings
from typing import Any

import numpy as np
import pytest

from stages.baselines.lags import Lags
from stages.baselines.model import Model
from stages.baselines.sine_fits import Prony, SineFit
from stages.rollouts import metrics
from stages.rollouts.evaluation import Subject, report, run_freely
from stages.rollouts.regimes import memory_wiped, teacher_forced
from stages.signals.bound import forecast_rmse
from stages.signals.sines import Sines
from tests.examples import TIME_STEP, any_sines, predictor, sines, values

NOISY = any_sines(4, 80, noise=0.05)
TWO_LAGS = Lags(np.array([2 * np.cos(TIME_STEP), -1.0]))


def subject(model: Model, on: Sines, **changes: Any) -> Subject:
    settings = {"carried": None, "warmup": 20, "periods": 20}
    return Subject(model, sines=on, **(settings | changes))


def reported(of: Subject) -> dict[str, Any]:
    return report(of, run_freely(of)[0])


def test_a_model_that_is_exact_has_no_error_in_any_regime_but_without_memory() -> None:
    measured = reported(subject(TWO_LAGS, sines(4)))
    assert measured["parameters"] == 2
    assert measured["teacher_forced"]["rmse"] < 1e-14
    assert measured["free_running"]["rmse_20_periods"] < 1e-11
    assert measured["free_running"]["survivors"] == 1.0
    assert measured["correct_digits"]["20_periods"] >= 11
    # From x(t) alone it predicts 2cos(Δ)·x(t), as if x(t-1) were zero: off by x(t-1).
    assert measured["memory_wiped"]["rmse"] == pytest.approx(np.sqrt(0.5), rel=0.1)
    assert measured["cold_start"]["mse"] > 0.1
    assert "bound" not in measured


def test_every_named_horizon_is_a_metric_and_the_last_is_the_horizon() -> None:
    for periods, names in ((1, [1]), (5, [1, 5]), (10, [1, 10]), (1000, [1, 10, 100, 1000])):
        of = subject(TWO_LAGS, sines(4), periods=periods)
        assert of.named_horizons() == names
        horizons = of.horizons()
        assert (np.diff(horizons) > 0).all() and horizons[-1] == periods
        assert set(names) <= set(horizons.tolist())
        # The first is a single step.
        assert metrics.count_steps(of.sines, horizons[0]).tolist() == [1] * 4
    measured = reported(subject(TWO_LAGS, sines(4), periods=5))
    names = [name for name in measured["free_running"] if name.startswith("rmse")]
    assert names == ["rmse_1_periods", "rmse_5_periods"]
    assert list(measured["correct_digits"]) == ["one_step", "1_periods", "5_periods"]


def test_errors_count_against_the_truth_behind_the_noise() -> None:
    """By hand, from the regimes."""
    model = predictor("gru")
    of = subject(model, NOISY)
    measured = reported(of)
    truth = NOISY.truth(np.arange(80))[:, :, None]
    forced, _, state = teacher_forced(model, NOISY.values[:, :-1])
    error = (forced - truth[:, 1:])[:, 20:]
    assert measured["teacher_forced"]["mse"] == pytest.approx((error**2).mean(), rel=1e-5)
    assert measured["teacher_forced"]["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    wiped = (memory_wiped(model, NOISY.values[:, :-1]) - truth[:, 1:])[:, 20:]
    assert measured["memory_wiped"]["rmse"] == pytest.approx(np.sqrt((wiped**2).mean()), rel=1e-5)

    counts = metrics.count_steps(NOISY, 1)
    _, _, state = teacher_forced(model, NOISY.values[:, :20])
    outputs, _, _ = model.run(forced[:, 19], state, int(counts.max()))
    outputs = np.concatenate((forced[:, 19:20], outputs), axis=1)[:, :-1, 0]
    late = NOISY.truth(20 + np.arange(counts.max()))
    counted = np.arange(counts.max()) < counts[:, None]
    rmse = np.sqrt(((outputs - late) ** 2)[counted].mean())
    assert measured["free_running"]["rmse_1_periods"] == pytest.approx(rmse, rel=1e-5)


def test_the_bound_stands_beside_the_errors_in_noise_and_the_fit_is_near_it() -> None:
    on = any_sines(64, 110, noise=0.05)
    measured = reported(subject(SineFit(), on, warmup=100, periods=10))
    assert list(measured["bound"]) == ["rmse_1_periods", "rmse_10_periods"]
    for name, periods in (("rmse_1_periods", 1), ("rmse_10_periods", 10)):
        counts = metrics.count_steps(on, periods)
        expected = forecast_rmse(on, counts, noise=0.05, warmup=100)
        assert measured["bound"][name] == pytest.approx(expected, rel=1e-5)
        assert measured["free_running"][name] < 1.3 * expected


def test_a_cold_start_is_the_blogs_own_test() -> None:
    """One true value and the carried state, then 48 own outputs, against the next 49 values."""
    model, carried = predictor("lstm"), values(1, 8)
    on = sines(3)
    measured = reported(subject(model, on, carried=carried))
    state = np.repeat(carried, 3, axis=0)
    output, errors = on.values[:, 0], []
    for step in range(1, 50):
        outputs, _, state = model.run(output, state, 1)
        output = outputs[:, 0]
        errors.append(output[:, 0] - on.truth(np.array([step]))[:, 0])
    assert measured["cold_start"]["mse"] == pytest.approx(np.mean(np.square(errors)), rel=1e-5)
    without = reported(subject(model, on))
    assert without["cold_start"]["mse"] != measured["cold_start"]["mse"]


@pytest.mark.parametrize("model", [Lags(np.array([3.0])), Lags(np.array([1e300])), Prony()])
def test_metrics_are_strict_json_whatever_a_model_does(model: Model) -> None:
    text = json.dumps(reported(subject(model, NOISY)), allow_nan=False)
    assert "null" not in text


def test_a_task_whose_period_is_hardly_two_steps_is_measured() -> None:
    fast = sines(3, frequency=(15.0, 15.0), amplitude=(2.0, 2.0))
    exact = Lags(np.array([2 * np.cos(15 * TIME_STEP), -1.0]))
    with warnings.catch_warnings(action="error"):
        measured = reported(subject(exact, fast, periods=1))["free_running"]
    assert measured["rmse_1_periods"] < 1e-12
    assert measured["amplitude_error"] < 1e-9
    assert measured["phase_drift"] == metrics.NO_OSCILLATION  # three steps have no two windows
