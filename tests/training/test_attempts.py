"""The free run of the validation sequences decides how good a network is."""

import math

import numpy as np
import pytest

from stages.baselines.lags import Lags
from stages.signals.sines import Sines
from stages.training import attempts
from stages.training.attempts import free_run_error
from tests.examples import TIME_STEP, any_sines, network, sines

SINES = any_sines(3, 30, seed=7)
ENDS = np.ceil(50 * SINES.steps_per_period).astype(int)


class Known:
    """Stands for a predictor: the truth, with errors at some steps of the first sequence."""

    def __init__(self, error: dict[int, float]) -> None:
        self.error = error

    def initial_state(self, batch: int) -> int:
        return 0

    def forward(self, values: np.ndarray, state: int) -> tuple[np.ndarray, None, int]:
        return self.run(values, state, values.shape[1])

    def run(self, output: np.ndarray, state: int, steps: int) -> tuple[np.ndarray, None, int]:
        here = np.arange(state + 1, state + steps + 1)
        outputs = SINES.truth(here)
        for step, error in self.error.items():
            outputs[0, here == step] += error
        return outputs[:, :, None], None, state + steps


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other models stand for predictors."""
    predictor = attempts.Predictor
    use = lambda model: model if isinstance(model, Known | Lags) else predictor(model)  # noqa: E731
    monkeypatch.setattr(attempts, "Predictor", use)


def error_of(errors: dict[int, float], on: Sines = SINES) -> float:
    return free_run_error(Known(errors), on, 20, 50)


@pytest.mark.parametrize("block", [7, 512, 10_000])
def test_the_error_is_pooled_over_the_periods_of_all_sequences(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "BLOCK", block)
    small = 0.3 * SINES.amplitude[0]
    for step in (20, 21, 532, 533, 600, 20 + ENDS[0] - 1):
        expected = small / math.sqrt(ENDS.sum())
        assert error_of({step: small}) == pytest.approx(expected, rel=1e-6), step
    for step in (19, 20 + ENDS[0]):  # before and after
        assert error_of({step: 100.0}) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("step", [20, 532, 533, 700])
def test_a_lost_sequence_weighs_its_amplitude_at_every_step(step: int) -> None:
    amplitude = SINES.amplitude[0]
    expected = amplitude * math.sqrt(ENDS[0] / ENDS.sum())
    for error in (0.41 * amplitude, 1e200, math.inf, math.nan):
        assert error_of({step: error}) == pytest.approx(expected, rel=1e-6)
    assert error_of({step: 0.39 * amplitude}) < 0.1 * expected


def test_a_recurrence_holds_its_own_sine_and_loses_another() -> None:
    exact = Lags(np.array([2 * math.cos(TIME_STEP), -1.0]))
    assert free_run_error(exact, sines(4), 20, 100) < 1e-10
    # All sequences of amplitude 1 are lost.
    lost = pytest.approx(1, rel=1e-12)
    assert free_run_error(exact, sines(4, frequency=(1.2, 1.2)), 20, 100) == lost
    assert free_run_error(network("rnn"), sines(4), 20, 100) == lost
