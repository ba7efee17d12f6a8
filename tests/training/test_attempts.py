"""The free run of the validation sequences decides how good a network is."""

import math

import numpy as np
import pytest

from stages.baselines.lags import Lags
from stages.training import attempts
from stages.training.attempts import free_run_error
from tests.examples import TIME_STEP, any_sines, sines

SINES = any_sines(3, 30, seed=7)
ENDS = np.ceil(50 * SINES.steps_per_period).astype(int)


class Known:
    """Stands for a predictor: the truth, with an error at one step of the first sequence."""

    def __init__(self, step: int, error: float) -> None:
        self.step, self.error = step, error

    def initial_state(self, batch: int) -> int:
        return 0

    def forward(self, values: np.ndarray, state: int) -> tuple[np.ndarray, None, int]:
        return self.run(values, state, values.shape[1])

    def run(self, output: np.ndarray, state: int, steps: int) -> tuple[np.ndarray, None, int]:
        here = np.arange(state + 1, state + steps + 1)
        outputs = SINES.truth(here)
        outputs[0, here == self.step] += self.error
        return outputs[:, :, None], None, state + steps


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run other models as predictors are."""
    monkeypatch.setattr(attempts, "Predictor", lambda model: model)


def error_of(step: int, error: float) -> float:
    return free_run_error(Known(step, error), SINES, 20, 50)


@pytest.mark.parametrize("step", [20, 532, 533, 700, 20 + ENDS[0] - 1])
def test_errors_are_pooled_and_a_lost_sequence_weighs_its_amplitude(step: int) -> None:
    amplitude = SINES.amplitude[0]
    expected = 0.39 * amplitude / math.sqrt(ENDS.sum())
    assert error_of(step, 0.39 * amplitude) == pytest.approx(expected, rel=1e-6)
    expected = amplitude * math.sqrt(ENDS[0] / ENDS.sum())
    for error in (0.41 * amplitude, 1e200, math.inf, math.nan):
        assert error_of(step, error) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("step", [19, 20 + ENDS[0]])
def test_steps_before_and_after_the_horizon_do_not_count(step: int) -> None:
    assert error_of(step, 100.0) == pytest.approx(0, abs=1e-12)


def test_a_recurrence_holds_its_own_sine_and_loses_another() -> None:
    exact = Lags(np.array([2 * math.cos(TIME_STEP), -1.0]))
    assert free_run_error(exact, sines(4), 20, 100) < 1e-10
    lost = pytest.approx(1, rel=1e-12)  # their amplitude
    assert free_run_error(exact, sines(4, frequency=(1.2, 1.2)), 20, 100) == lost
