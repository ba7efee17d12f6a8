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
        output[0] += self.error if state + 1 == self.wrong_step else 0
        return torch.from_numpy(output), state + 1


def error_of(step: int, error: float) -> float:
    return free_run_error(Exact(step, error), SINES, Accept(warmup=20, periods=50))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("step", [20, 20 + ENDS[0] - 1])
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


def test_in_noise_the_targets_are_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy, data, train = any_sines(8, 50, noise=0.2), [], recipe.train
    monkeypatch.setattr(recipe, "train", lambda *a: data.append(a[1]) or train(*a))
    adam = {"phase": "adam", "iterations": 3, "carry_hidden_state": True, "batch": 2}
    row = NetworkRow.model_validate(
        {"dataset": "d", "cell": "rnn", "hidden_size": 4, "attempts": 1, "training": [adam]}
        | {"initial": {"method": "uniform"}, "accept": {"periods": 1, "rmse": 1e-9}}
    )
    trained, tensors, _ = train_on_sines(row, noisy, sines(4), lambda *_: lambda *_: None)
    np.testing.assert_array_equal(data[0].values, noisy.values)
    np.testing.assert_array_equal(data[0].targets[:, :, 0], noisy.truth(np.arange(50)))
    # The carried state of the last sequence stands beside the weights.
    np.testing.assert_array_equal(tensors[CARRIED], trained.carried[0, 1:].numpy())
    assert not trained.accepted
