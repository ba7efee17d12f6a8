"""The free run of the validation sequences alone decides whether a network holds."""

import math

import numpy as np
import pytest

from stages.networks.linear import Lags
from stages.networks.network import Network
from stages.signals.sines import Sines
from stages.training import attempts
from stages.training.attempts import free_run_error
from tests.examples import TIME_STEP, any_sines, network, sines


class Known:
    """Stands for a network: its free run is the truth with an error of one's choice."""

    dtype = np.dtype("float64")

    def __init__(self, truth: Sines, error: dict[int, float]) -> None:
        self.truth = truth
        self.error = error

    def initial_state(self, batch: int) -> np.ndarray:
        return np.zeros((batch, 1))

    def outputs(self, steps: np.ndarray) -> np.ndarray:
        found = self.truth.truth(steps)
        for step, error in self.error.items():
            found[0, steps == step] += error
        return found[:, :, None]

    def forward(self, values: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, ...]:
        count = values.shape[1]
        return self.outputs(np.arange(1, count + 1)), np.zeros((1, 1, 1)), state + count

    def run(self, output: np.ndarray, state: np.ndarray, steps: int) -> tuple[np.ndarray, ...]:
        seen = int(state[0, 0])
        return self.outputs(np.arange(seen + 1, seen + steps + 1)), output, state + steps


SINES = any_sines(3, 30, seed=7)
ENDS = np.ceil(50 * SINES.steps_per_period).astype(int)


def error_of(errors: dict[int, float]) -> float:
    return free_run_error(Known(SINES, errors), SINES, 20, 50)


def test_the_error_is_pooled_over_the_periods_of_all_sequences() -> None:
    assert error_of({}) == pytest.approx(0, abs=1e-12)
    small = 0.3 * SINES.amplitude[0]
    for step in (20, 21, 600, 20 + ENDS[0] - 1):
        expected = small / math.sqrt(ENDS.sum())
        assert error_of({step: small}) == pytest.approx(expected, rel=1e-6), step


def test_what_is_before_or_after_the_horizon_does_not_count() -> None:
    for step in (19, 20 + ENDS[0]):
        assert error_of({step: 100.0}) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("step", [20, 531, 532, 533, 700])
def test_a_lost_sequence_counts_as_its_amplitude_at_every_step(step: int) -> None:
    amplitude = SINES.amplitude[0]
    expected = amplitude * math.sqrt(ENDS[0] / ENDS.sum())
    for error in (0.41 * amplitude, 1e200, math.inf, math.nan):
        assert error_of({step: error}) == pytest.approx(expected, rel=1e-6)
    assert error_of({step: 0.39 * amplitude}) < 0.1 * expected


@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = error_of({100: 0.1, 300: -0.1})
    monkeypatch.setattr(attempts, "BLOCK", block)
    assert error_of({100: 0.1, 300: -0.1}) == pytest.approx(whole, rel=1e-12)


class TwoLags(Lags):
    dtype = np.dtype("float64")


def test_a_recurrence_holds_its_own_sine_and_loses_another() -> None:
    exact: Network = TwoLags(np.array([2 * math.cos(TIME_STEP), -1.0]))  # type: ignore[assignment]
    assert free_run_error(exact, sines(4), 20, 100) < 1e-10
    # All sequences of amplitude 1 are lost.
    lost = pytest.approx(1, rel=1e-12)
    assert free_run_error(exact, sines(4, frequency=(1.2, 1.2)), 20, 100) == lost
    assert free_run_error(network("rnn"), sines(4), 20, 100) == lost
