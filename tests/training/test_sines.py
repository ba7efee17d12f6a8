"""Training on sines: towards the truth, and judged by the free run of validation sequences."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from stages.networks.model_file import CARRIED
from stages.settings.model import Accept, NetworkRow
from stages.training import recipe
from stages.training.sines import free_run_error, train_on_sines
from tests.examples import any_sines, sines

SINES = any_sines(3, 30, seed=7)
ENDS = np.ceil(50 * SINES.steps_per_period).astype(int)


class Exact(torch.nn.Module):
    """Stand for a network: predicts the truth, with an error at one step of the first sequence."""

    def __init__(self, step: int, error: float) -> None:
        super().__init__()
        self.wrong_step, self.error, self.linear = step, error, torch.nn.Linear(1, 1).double()

    def forward(self, x: Tensor) -> tuple[Tensor, int]:
        return self.step(x, x.shape[1] - 1)[0][:, None], x.shape[1]

    def step(self, x: Tensor, state: int) -> tuple[Tensor, int]:
        output = SINES.truth(np.array([state + 1]))
        output[0] += self.error * (state + 1 == self.wrong_step)
        return torch.from_numpy(output), state + 1


def error_of(step: int, error: float) -> float:
    return free_run_error(Exact(step, error), SINES, Accept(warmup=20, periods=50))


@pytest.mark.parametrize("step", [20, 20 + ENDS[0] - 1])
def test_errors_are_pooled_and_a_lost_sequence_weighs_its_amplitude(step: int) -> None:
    amplitude = SINES.amplitude[0]
    expected = 0.39 * amplitude / math.sqrt(ENDS.sum())
    assert error_of(step, 0.39 * amplitude) == pytest.approx(expected, rel=1e-6)
    expected = amplitude * math.sqrt(ENDS[0] / ENDS.sum())
    for error in (0.41 * amplitude, 1e200):
        assert error_of(step, error) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("step", [19, 20 + ENDS[0]])
def test_steps_before_and_after_the_horizon_do_not_count(step: int) -> None:
    assert error_of(step, 100.0) == pytest.approx(0, abs=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("error", [math.inf, math.nan])
def test_a_free_run_that_diverges_weighs_its_amplitude(error: float) -> None:
    network = Exact(20, 0.0)
    network.step = lambda x, state: (torch.full((3, 1), error).double(), state)
    expected = math.sqrt((SINES.amplitude**2 * ENDS).sum() / ENDS.sum())
    found = free_run_error(network, SINES, Accept(warmup=20, periods=50))
    assert found == pytest.approx(expected, rel=1e-12)


def test_sequences_in_noise_are_trained_towards_their_truth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noisy, data, train = any_sines(8, 50, noise=0.2), [], recipe.train
    monkeypatch.setattr(recipe, "train", lambda *a: data.append(a[1]) or train(*a))
    adam = {"phase": "adam", "iterations": 3, "carry_hidden_state": True, "batch": 2}
    row = NetworkRow.model_validate(
        {"dataset": "d", "cell": "rnn", "hidden_size": 4, "attempts": 1, "training": [adam]}
        | {"initial": {"method": "uniform"}, "accept": {"periods": 1, "rmse": 1e-9}}
    )
    trained, tensors, facts = train_on_sines(row, noisy, sines(4), lambda *_: lambda *_: None)
    np.testing.assert_array_equal(data[0].values, noisy.values)
    np.testing.assert_array_equal(data[0].targets[:, :, 0], noisy.truth(np.arange(50)))
    # The carried state of the last sequence stands beside the weights.
    assert tensors[CARRIED].shape == (1, 4) and not trained.accepted
    assert facts["attempts"] == 1 and facts["hidden_size"] == 4
