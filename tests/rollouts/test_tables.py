"""What is drawn is what is measured."""

import numpy as np
import pandas as pd
import pytest

from stages.baselines.sine_fits import SineFit
from stages.networks.model_file import Model
from stages.rollouts.evaluation import Subject, one_step_metrics, run_freely
from stages.rollouts.regimes import teacher_forced
from stages.rollouts.tables import Table, principal_axes, tables
from stages.signals.sines import Sines
from tests.examples import NETWORKS, any_sines, predictor, values

NAMES = {"rollout", "horizon", "hidden", "multipliers", "sequences", "settling"}


def tables_of(model: Model, sines: Sines, periods: int = 20) -> dict[str, pd.DataFrame]:
    subject = Subject(model, None, sines, 20, periods)
    return frames(tables(subject, *run_freely(subject)))


def frames(made: dict[str, Table]) -> dict[str, pd.DataFrame]:
    assert set(made) == {f"{name}.csv" for name in NAMES}
    return {name: pd.DataFrame(table) for name, table in made.items()}


def of_first(sines: Sines) -> Sines:
    """Select the first sequence."""
    arrays = (sines.values, sines.phase, sines.frequency, sines.amplitude)
    return Sines(*(array[:1] for array in arrays), sines.time_step, sines.noise)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_teacher_forced_curve_is_the_one_whose_error_is_measured(noise: float) -> None:
    """The drawn points give the metric of the first sequence: in noise, of its noisy values."""
    model, sines = predictor("gru"), any_sines(3, 80, noise=noise)
    drawn = tables_of(model, sines)["rollout.csv"]
    measured = one_step_metrics(Subject(model, None, of_first(sines), 20, 20))
    # The metric has the predictions of values 21 to 79; steps count from the end of the warm-up.
    part = drawn[(drawn.step > 0) & (drawn.step < 60)]
    assert len(part) == 59
    for column, metric in (("teacher_forced", "teacher_forced"), ("memory_wiped", "memory_wiped")):
        rmse = np.sqrt(((part[column] - part.truth) ** 2).mean())
        assert measured[metric]["rmse"] == pytest.approx(rmse, rel=1e-5)
    given = drawn[drawn.step < 60].value
    np.testing.assert_array_equal(given, sines.values[0, :, 0])
    assert ((given - drawn[drawn.step < 60].truth) == 0).all() == (noise == 0)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_free_run_is_drawn_beside_the_truth_at_its_own_steps(noise: float) -> None:
    sines = any_sines(3, 80, noise=noise)
    made = tables_of(SineFit(), sines, periods=30)
    rollout = made["rollout.csv"]
    table = rollout.dropna(subset=("truth", "free_running"))
    steps = table.step.to_numpy()
    np.testing.assert_allclose(table.truth, sines.truth(20 + steps)[0], rtol=0, atol=1e-12)
    error = np.abs(table.free_running - table.truth).max()
    assert error < 1e-9 if noise == 0 else 1e-3 < error
    assert (table.step >= 0).all() and len(table) > 30
    np.testing.assert_allclose(table.periods, steps / sines.steps_per_period[0])
    assert rollout.step.is_monotonic_increasing and rollout.step.iloc[0] == -20


def test_the_table_of_sequences_is_in_the_order_of_the_dataset() -> None:
    model, sines = predictor("innovation"), any_sines(5, 80)
    subject = Subject(model, None, sines, 20, 20)
    result, shown = run_freely(subject)
    made = frames(tables(subject, result, shown))["sequences.csv"]
    for name in ("frequency", "amplitude", "phase"):
        np.testing.assert_array_equal(made[name], getattr(sines, name))
    np.testing.assert_array_equal(made.valid_periods, result.valid_periods)
    ten = result.horizons.tolist().index(10.0)
    np.testing.assert_array_equal(made.rmse, result.rmse_of_each[ten])
    _, hidden, _ = teacher_forced(model, sines.values[:, :20])
    np.testing.assert_array_equal(made.memory_1, hidden[:, -1, 4])
    np.testing.assert_array_equal(made.memory_2, hidden[:, -1, 5])


def test_the_memory_settles_over_the_warmup() -> None:
    model, sines = predictor("innovation"), any_sines(3, 80)
    made = tables_of(model, sines)
    settling = made["settling.csv"]
    assert settling.step.tolist() == [*range(1, 21)] * 3
    np.testing.assert_array_equal(settling.frequency, np.repeat(sines.frequency, 20))
    last = settling[settling.step == 20]
    for unit in ("memory_1", "memory_2"):
        np.testing.assert_array_equal(last[unit], made["sequences.csv"][unit])
    assert tables_of(predictor("rnn"), sines)["settling.csv"].empty


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_hidden_states_are_those_of_both_regimes(cell: str, layers: int) -> None:
    model, sines = predictor(cell, layers), any_sines(3, 80)
    subject = Subject(model, None, sines, 20, 20)
    result, shown = run_freely(subject)
    made = frames(tables(subject, result, shown))["hidden.csv"]
    forced, free = (made[made.regime == name] for name in ("teacher_forced", "free_running"))
    size = shown.hidden.shape[1]
    units = [f"h_{unit}" for unit in range(1, size + 1)]
    last = len(forced)
    truth = sines.truth(np.arange(last))[:1, :, None]
    _, hidden, _ = teacher_forced(model, truth)
    np.testing.assert_array_equal(forced[units], hidden[0])
    np.testing.assert_array_equal(free[units], shown.hidden)
    # The first output after the warm-up is read out of the state at its last step.
    assert forced.step.iloc[0] == -20 and free.step.iloc[0] == -1
    at = forced[forced.step == -1][units]
    np.testing.assert_allclose(free[units].iloc[0], at.iloc[0], rtol=0, atol=1e-12)


def test_principal_axes_are_those_of_the_covariance() -> None:
    states = values(200, 3) @ np.diag([3.0, 1.0, 0.1])
    axes = principal_axes(states)
    vectors = np.linalg.eigh(np.cov(states.T))[1][:, ::-1].T[:2]
    np.testing.assert_allclose(np.abs((axes * vectors).sum(axis=1)), 1, rtol=1e-12)
    assert (axes[np.arange(2), np.abs(axes).argmax(axis=1)] > 0).all()
    # One unit has one axis; the second is nothing.
    np.testing.assert_array_equal(principal_axes(values(9, 1)), [[1.0], [0.0]])
