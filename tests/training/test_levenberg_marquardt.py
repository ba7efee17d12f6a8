"""Laws of Levenberg–Marquardt, on a fixed batch and on a stream."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from stages.files import InputError
from stages.networks.network import Network
from stages.settings.model import LevenbergMarquardt
from stages.training import levenberg_marquardt as training
from stages.training.jacobian import Rollout, predictions
from stages.training.levenberg_marquardt import Linearised, Problem, Quadratic, damped_step
from stages.training.sequences import Batch, Sequences
from tests.examples import any_sines, network, values
from tests.networks.layers import Delay, own

STEPS = [-1, 1, 6]
ROLLOUT = Rollout(10, tuple(STEPS))
STREAM = {"fresh": True, "forgetting": [0.9]}
# A network that is linear in its four weights: three lags and a bias.
X = values(40, 6, 1)
LINEAR = np.concatenate((X[:, 4:1:-1, 0], np.ones((40, 1))), axis=1)
ONE_STEP = {"warmup": 5, "free_steps": [1]}


def problem(net: Network, soft_limit: float) -> Problem:
    x = any_sines(6, 30).values
    batch = Batch(x + 0.01 * values(*x.shape), ROLLOUT.targets(x))
    return Problem(net, ROLLOUT, batch, soft_limit)


def train(net: Network, x: np.ndarray, **changes: Any) -> list[tuple[int, int, float]]:
    """Train a network on values (sequences, time, 1); give all reports."""
    settings = {"warmup": 10, "free_steps": STEPS, "sequences": len(x), "iterations": 100}
    phase = LevenbergMarquardt(phase="levenberg_marquardt", **(settings | changes))
    reports, random = [], np.random.default_rng(0)
    report = lambda *row: reports.append(row)  # noqa: E731
    training.levenberg_marquardt(net, Sequences(x, x), phase, random=random, report=report)
    return reports


def weights(net: Network) -> np.ndarray:
    return parameters_to_vector(net.parameters()).detach().numpy()


def test_linear_least_squares_are_solved_and_then_it_ends() -> None:
    net = own(Delay)
    reports = train(net, X, **ONE_STEP)
    solution, squares, *_ = np.linalg.lstsq(LINEAR, X[:, 5, 0], rcond=None)
    np.testing.assert_allclose(weights(net), solution, rtol=1e-6)
    assert reports[-1][2] == pytest.approx(squares[0] / 40, rel=1e-9) and len(reports) < 100


@pytest.mark.parametrize("normalise", [False, True])
def test_batches_of_a_stream_determine_the_weights_together(normalise: bool) -> None:
    """Two residuals an iteration for four weights: remembering finds the recursion of the data."""
    true, x = np.array([0.5, -0.3, 0.2, 0.1]), values(40, 9, 1)
    for step in range(3, 9):
        x[:, step] = x[:, step - 3 : step][:, ::-1, 0] @ true[:3, None] + true[3]
    net = own(Delay)
    settings = STREAM | ONE_STEP | {"sequences": 2, "normalise_by_step": normalise}
    train(net, x, iterations=30, **settings)
    np.testing.assert_allclose(weights(net), true, rtol=1e-6)


def test_residuals_are_normalised_by_the_running_error_of_their_step() -> None:
    """Its square is 0.7 times itself and 0.3 times the newest; at first residuals have RMS 1."""
    stream = STREAM | ONE_STEP | {"normalise_by_step": True}
    nets, inputs = [own(Delay) for _ in range(4)], torch.from_numpy(X)
    reports = [train(net, X, iterations=n, **stream) for n, net in enumerate(nets[1:], start=1)]
    errors = [predictions(net, inputs, Rollout(5, (1,))).detach().numpy() - X[:, 5] for net in nets]
    squares = [(error**2).mean() for error in errors]  # before each iteration
    losses = [loss for *_, loss in reports[2]]
    running = squares[0]
    for loss, square in zip(losses, squares, strict=False):
        assert loss == pytest.approx(square / running, rel=1e-9)
        running = 0.7 * running + 0.3 * square


@pytest.mark.parametrize(
    ("cell", "soft_limit"), [("rnn", None), ("lstm", 0.1), ("innovation", None)]
)
def test_the_loss_of_a_fixed_batch_never_rises(cell: str, soft_limit: float | None) -> None:
    settings = {"iterations": 5, "soft_limit": soft_limit}
    reports = train(network(cell), any_sines(6, 30).values, **settings)
    assert all(after < before for (*_, before), (*_, after) in pairwise(reports))
    # Six sequences of 10 + 6 - 1 steps each iteration.
    assert [row[:2] for row in reports] == [(i, i * 90) for i in range(1, 6)]


@pytest.mark.parametrize("damping", [1e-6, 100.0])
@pytest.mark.parametrize(("bend", "accepted"), [(1e-3, True), (1e4, False)])
def test_a_damped_step_and_its_correction(damping: float, bend: float, accepted: bool) -> None:
    """−(JᵀJ + λI)⁻¹Jᵀr, and for curvature −½ (JᵀJ + λI)⁻¹Jᵀ bend (J step)².

    Of residuals r + Jw + ½ bend (Jw)². A long correction forbids the step.
    """
    r, j = values(30, seed=3), values(30, 5)
    inverse = np.linalg.inv(j.T @ j + damping * np.eye(5)) @ j.T

    class Curved:
        def residuals_at(self, w: np.ndarray) -> np.ndarray:
            return r + j @ w + bend / 2 * (j @ w) ** 2

    here = Linearised(np.zeros(5), r, j)
    arguments = (Curved(), here, here.loss, damping)
    straight, step = (damped_step(*arguments, curved=curved) for curved in (False, True))
    np.testing.assert_allclose(straight, -inverse @ r, rtol=1e-9)
    correction = -inverse @ (bend * (j @ straight) ** 2) / 2
    if accepted:
        np.testing.assert_allclose(step, straight + correction, rtol=1e-6)
    else:
        assert step is None


@pytest.mark.parametrize("soft_limit", [10.0, 0.3, None])
def test_derivatives_of_residuals_are_finite_differences(soft_limit: float | None) -> None:
    here = problem(network("innovation"), soft_limit)
    linearised = here.linearise()
    start, direction = here.weights, values(len(here.weights), seed=2)
    ahead, behind = (here.residuals_at(start + step * direction) for step in (1e-6, -1e-6))
    difference = (ahead - behind) / 2e-6
    np.testing.assert_allclose(linearised.jacobian @ direction, difference, rtol=1e-6, atol=1e-8)


def test_a_soft_limit_takes_the_asinh_of_errors_of_every_size() -> None:
    x = np.array([1e-300, 1e-12, 1e-8, 1e-3, 0.3, 1.0, 7.0, 1e8, 1e154, 1e200, 1e307])
    soft = Problem(own(), ROLLOUT, Batch(X, X), 0.5, scale=0.2)
    limited, slopes = soft.residuals(np.concatenate((-x, x)))
    np.testing.assert_allclose(limited[11:], 0.5 * np.arcsinh(2 * x) / 0.2, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(limited[:11], -limited[11:])
    np.testing.assert_allclose(slopes[11:], 1 / np.hypot(1, 2 * x) / 0.2, rtol=1e-14)
    diverged, _ = soft.residuals(np.array([np.nan, np.inf, -np.inf]))
    assert np.isfinite(diverged).all() and diverged[1] == -diverged[2] > limited.max()


def test_a_moved_quadratic_is_the_same_loss_around_other_weights() -> None:
    r, j, step, further = values(9), values(9, 4, seed=2), values(4, seed=3), values(4, seed=4)
    moved = Linearised(values(4), r, j).loss.moved(step, factor=0.7)
    for shift in (np.zeros(4), further):
        squares = ((r + j @ (step + shift)) ** 2).sum()
        assert moved.value + moved.change(shift) == pytest.approx(0.7 * squares, rel=1e-12)


@pytest.mark.parametrize(("forgetting", "last"), [([0.8, 0.95], 0.05), ([0.8], 0.2)])
def test_forgetting_is_geometric_from_first_to_last(forgetting: list[float], last: float) -> None:
    forgotten = [1 - training.past_weight(i, 10, forgetting) for i in range(11)]
    np.testing.assert_allclose(forgotten, np.geomspace(0.2, last, 11), rtol=1e-12)


@pytest.mark.parametrize(
    ("soft_limit", "message"), [(None, "the free run div"), (0.5, "no weight")]
)
def test_a_diverging_free_run_is_an_input_error(soft_limit: float | None, message: str) -> None:
    net = own(Delay, 1)
    vector_to_parameters(torch.tensor([1e200, 0.0], dtype=torch.float64), net.parameters())
    with pytest.raises(InputError, match=message):
        train(net, values(40, 14, 1), warmup=5, free_steps=[9], soft_limit=soft_limit)


def test_a_diverged_row_contributes_nothing() -> None:
    batch = Batch(np.array([[[0.5]], [[np.inf]]]), np.ones((2, 1)))
    here = Problem(own(Delay, 1), Rollout(1, (4,)), batch, 0.5).linearise()
    assert here.jacobian[0].any() and not here.jacobian[1].any()
    assert np.isfinite(here.jacobian).all() and np.isfinite(here.residuals).all()


@pytest.mark.parametrize(("measured", "taken"), [(3.0, True), (4.7, True), (5.0, False)])
def test_a_step_on_a_stream_may_cost_what_the_past_gains(
    measured: float, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One weight: this batch predicts a rise of 3 for a step of 1, the past batches a fall of 5."""
    one, at = np.ones((1, 1)), []
    past, here = Quadratic(9.0, np.array([-3.0]), one), Linearised(np.zeros(1), np.ones(1), one)

    class Measured:
        """A batch of one residual, 1 before the step."""

        def move(self, weights: np.ndarray) -> None:
            at.append(weights[0])

        def residuals_at(self, weights: np.ndarray) -> np.ndarray:
            self.move(weights)
            return np.sqrt([1 + measured * weights[0]])

    monkeypatch.setattr(training, "TRIES", 1)
    step, damping = training.descend(Measured(), here, here.loss.plus(past), 1e-12, curved=False)
    assert step[0] == at[-1] == pytest.approx(1.0 if taken else 0.0)
    assert damping == (0.5e-12 if taken else 2e-12)


@pytest.mark.parametrize(
    ("phase", "rollout"),
    [
        ({"warmup": 12, "free_steps": []}, (12, (0, 1))),  # within the warm-up, from the tenth on
        ({"free_steps": [1, 5]}, (10, (1, 5))),
        (STREAM, (10, (-1, 1, 6))),
    ],
)
def test_a_stream_has_new_batches(
    phase: dict[str, Any], rollout: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, linearise = [], Problem.linearise
    record = lambda self: seen.append((self.rollout, self.batch)) or linearise(self)  # noqa: E731
    monkeypatch.setattr(Problem, "linearise", record)
    train(network("rnn"), any_sines(8, 30).values, sequences=4, iterations=2, **phase)
    (predicted, one), (_, two) = seen
    assert predicted == rollout and one.inputs.shape == (4, rollout[0], 1)
    assert (one.inputs != two.inputs).any() == ("fresh" in phase)
