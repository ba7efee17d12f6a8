"""The figures show what is measured."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.baselines.lags import Lags
from stages.baselines.model import Model
from stages.baselines.sine_fits import SineFit
from stages.rollouts import multipliers
from stages.rollouts.evaluation import Subject, one_step_metrics, run_freely
from stages.rollouts.metrics import FreeRun, count_steps
from stages.rollouts.regimes import teacher_forced
from stages.rollouts.tables import principal_axes, tables
from stages.signals.dataset_file import ARRAYS
from stages.signals.sines import Sines
from tests.examples import any_sines, predictor, values

NAMES = {"rollout", "horizon", "hidden", "multipliers", "sequences", "settling"}


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure multipliers over few steps."""
    monkeypatch.setattr(multipliers, "MOST_STEPS", 10)


def tables_of(
    model: Model, sines: Sines, periods: int = 20
) -> tuple[dict[str, pd.DataFrame], FreeRun, np.ndarray]:
    """Make the tables; return the free run and the hidden states of its first sequence, too."""
    subject = Subject(model, None, sines, 20, periods)
    result, outputs, hidden = run_freely(subject)
    made = tables(subject, result, outputs, hidden)
    assert set(made) == {f"{name}.csv" for name in NAMES}
    return {name: pd.DataFrame(table) for name, table in made.items()}, result, hidden


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_teacher_forced_curve_is_the_one_whose_error_is_measured(noise: float) -> None:
    """Its points give the metric of the first sequence: in noise, of its noisy values."""
    model, sines = predictor("gru"), any_sines(3, 80, noise=noise)
    rollout = tables_of(model, sines)[0]["rollout.csv"]
    first = replace(sines, **{name: getattr(sines, name)[:1] for name in ARRAYS})
    measured = one_step_metrics(Subject(model, None, first, 20, 20))
    # The metric has the predictions of values 21 to 79; steps count from the end of the warm-up.
    part = rollout[(rollout.step > 0) & (rollout.step < 60)]
    assert len(part) == 59
    for column in ("teacher_forced", "memory_wiped"):
        rmse = np.sqrt(((part[column] - part.truth) ** 2).mean())
        assert measured[column]["rmse"] == pytest.approx(rmse, rel=1e-5)
    given = rollout[rollout.step < 60]
    np.testing.assert_array_equal(given.value, sines.values[0, :, 0])
    assert (given.value == given.truth).all() == (noise == 0)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_first_and_last_periods_stand_beside_the_truth(noise: float) -> None:
    sines = any_sines(3, 80, noise=noise)
    rollout = tables_of(SineFit(), sines, periods=30)[0]["rollout.csv"]
    early, late, horizon = (count_steps(sines, periods)[0] for periods in (12, 2, 30))
    assert rollout.step.tolist() == [*range(-20, early), *range(horizon - late, horizon)]
    table = rollout.dropna(subset=("truth", "free_running"))
    steps = table.step.to_numpy()
    assert (steps >= 0).all() and len(steps) > 30
    np.testing.assert_allclose(table.truth, sines.truth(20 + steps)[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(table.periods, steps / sines.steps_per_period[0])
    error = rollout.free_running[20:] - sines.truth(20 + rollout.step.to_numpy()[20:])[0]
    assert np.abs(error).max() < 1e-9 if noise == 0 else 1e-3 < np.abs(error).max()


def test_multipliers_are_those_of_a_period_of_the_first_sequence() -> None:
    """Two lags turn and shrink; the area shrinks by the second lag at each step."""
    model, sines = Lags(np.array([1.9, -0.99])), any_sines(3, 80)
    table = tables_of(model, sines)[0]["multipliers.csv"]
    assert table.order.tolist() == [1, 2]
    assert table.multiplier.prod() == pytest.approx(0.99 ** sines.steps_per_period[0])


def test_sequences_and_their_memory_are_in_the_order_of_the_dataset() -> None:
    model, sines = predictor("innovation"), any_sines(5, 80)
    made, result, _ = tables_of(model, sines)
    sequences, settling = made["sequences.csv"], made["settling.csv"]
    for name in ("frequency", "amplitude", "phase"):
        np.testing.assert_array_equal(sequences[name], getattr(sines, name))
    np.testing.assert_array_equal(sequences.valid_periods, result.valid_periods)
    ten = result.horizons.tolist().index(10.0)
    np.testing.assert_array_equal(sequences.rmse, result.rmse_of_each[ten])
    _, hidden, _ = teacher_forced(model, sines.values[:, :20])
    assert settling.step.tolist() == [*range(1, 21)] * 5
    np.testing.assert_array_equal(settling.frequency, np.repeat(sines.frequency, 20))
    last = settling[settling.step == 20]
    for unit in (1, 2):
        for table in (sequences, last):
            np.testing.assert_array_equal(table[f"memory_{unit}"], hidden[:, -1, 3 + unit])


@pytest.mark.parametrize(("cell", "layers"), [("lstm", 2), ("innovation", 1)])
def test_hidden_states_are_those_of_both_regimes(cell: str, layers: int) -> None:
    model, sines = predictor(cell, layers), any_sines(3, 80)
    made, _, hidden = tables_of(model, sines)
    table = made["hidden.csv"]
    forced, free = (table[table.regime == name] for name in ("teacher_forced", "free_running"))
    units = [f"h_{unit}" for unit in range(1, hidden.shape[1] + 1)]
    truth = sines.truth(np.arange(len(forced)))[:1, :, None]
    np.testing.assert_array_equal(forced[units], teacher_forced(model, truth)[1][0])
    np.testing.assert_array_equal(free[units], hidden[free.step + 1])
    # The first output after the warm-up is read out of the state at its last step.
    assert forced.step.iloc[0] == -20 and free.step.iloc[0] == -1
    at = forced[forced.step == -1][units]
    np.testing.assert_allclose(free[units].iloc[0], at.iloc[0], rtol=0, atol=1e-12)
    assert made["settling.csv"].empty == (cell != "innovation")


def test_principal_axes_are_those_of_the_covariance() -> None:
    states = values(200, 3) @ np.diag([3.0, 1.0, 0.1])
    axes = principal_axes(states)
    vectors = np.linalg.eigh(np.cov(states.T))[1][:, ::-1].T[:2]
    np.testing.assert_allclose(np.abs((axes * vectors).sum(axis=1)), 1, rtol=1e-12)
    assert (axes[np.arange(2), np.abs(axes).argmax(axis=1)] > 0).all()
    # One unit has one axis; the second is nothing.
    np.testing.assert_array_equal(principal_axes(values(9, 1)), [[1.0], [0.0]])
