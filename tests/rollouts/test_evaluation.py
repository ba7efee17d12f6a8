"""The metrics of a model of sines, from its regimes and the truth."""

import warnings
from typing import Any

import numpy as np
import pytest

from stages.baselines.lags import Lags
from stages.baselines.model import Model
from stages.baselines.sine_fits import SineFit
from stages.rollouts import metrics
from stages.rollouts.evaluation import Subject, report, run_freely
from stages.rollouts.regimes import free_running, memory_wiped, teacher_forced
from stages.signals.bound import forecast_rmse
from stages.signals.sines import Sines
from tests.examples import TIME_STEP, any_sines, predictor, sines, values

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


@pytest.mark.parametrize("names", [[1], [1, 5], [1, 10], [1, 10, 100]])
def test_horizons_go_from_one_step_over_those_of_the_metrics_to_the_last(names: list[int]) -> None:
    of = subject(TWO_LAGS, sines(4), periods=names[-1])
    horizons, measured = of.horizons(), reported(of)
    assert set(names) <= set(horizons.tolist())
    assert (np.diff(horizons) > 0).all() and horizons[-1] == names[-1]
    assert metrics.count_steps(of.sines, horizons[0]).tolist() == [1] * 4
    reports = [name for name in measured["free_running"] if name.startswith("rmse")]
    assert reports == [f"rmse_{periods}_periods" for periods in names]
    assert list(measured["correct_digits"])[1:] == [f"{periods}_periods" for periods in names]


def test_errors_count_against_the_truth_behind_the_noise() -> None:
    """By hand, from the regimes."""
    model, noisy = predictor("gru"), any_sines(4, 80, noise=0.05)
    measured = reported(subject(model, noisy))
    truth, past = noisy.truth(np.arange(150))[:, :, None], noisy.values[:, :-1]
    predicted = {"teacher_forced": teacher_forced(model, past)[0]}
    predicted["memory_wiped"] = memory_wiped(model, past)
    for name, predictions in predicted.items():
        rmse = np.sqrt(((predictions - truth[:, 1:80])[:, 20:] ** 2).mean())
        assert measured[name]["rmse"] == pytest.approx(rmse, rel=1e-5)
    counts = metrics.count_steps(noisy, 1)
    outputs, _ = free_running(model, noisy.values[:, :20], counts)
    rmse = np.sqrt(np.nanmean((outputs - truth[:, 20 : 20 + counts.max()]) ** 2))
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
    outputs, _, _ = model.run(on.values[:, 0], np.repeat(carried, 3, axis=0), 49)
    squares = (outputs[:, :, 0] - on.truth(np.arange(1, 50))) ** 2
    assert measured["cold_start"]["mse"] == pytest.approx(squares.mean(), rel=1e-5)
    without = reported(subject(model, on))
    assert without["cold_start"]["mse"] != measured["cold_start"]["mse"]


def test_a_task_whose_period_is_hardly_two_steps_is_measured() -> None:
    fast = sines(3, frequency=(15.0, 15.0), amplitude=(2.0, 2.0))
    exact = Lags(np.array([2 * np.cos(15 * TIME_STEP), -1.0]))
    with warnings.catch_warnings(action="error"):
        measured = reported(subject(exact, fast, periods=1))["free_running"]
    assert measured["rmse_1_periods"] < 1e-12
    assert measured["amplitude_error"] < 1e-9
    assert measured["phase_drift"] == metrics.NO_OSCILLATION  # three steps have no two windows
