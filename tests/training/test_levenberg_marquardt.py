"""Laws of Levenberg–Marquardt, on a fixed batch and on a stream."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from stages.files import InputError
from stages.networks.network import Network
from stages.training import levenberg_marquardt as training
from stages.training.jacobian import Rollout, predictions
from stages.training.levenberg_marquardt import (
    Linearised,
    Problem,
    Quadratic,
    Residuals,
    damped_step,
)
from stages.training.sequences import Batch
from tests.examples import NETWORKS, any_sines, network, values
from tests.networks.layers import Delay, own

ROLLOUT, ONE = Rollout(10, (-1, 1, 6)), Rollout(5, (1,))
# Targets of a network that is linear in its four weights: three lags and a bias.
X, Y, TRUE = values(40, 5, 1), values(40, 1, seed=2), np.array([0.5, -0.3, 0.2, 0.1])
LINEAR = np.concatenate((X[:, :1:-1, 0], np.ones((40, 1))), axis=1)


def problem(net: Network, soft_limit: float) -> Problem:
    x = any_sines(6, 30).values
    batch = Batch(x + 0.01 * values(*x.shape), ROLLOUT.targets(x))
    return Problem(net, ROLLOUT, batch, Residuals(soft_limit, np.ones(3)))


def train(net: Network, rollout: Rollout, draw: Callable[[], Batch], **changes: Any) -> list[tuple]:
    """Train a network, and give the reports of all iterations."""
    settings = {"iterations": 100, "soft_limit": 1e6, "normalise_by_step": False}
    settings |= {"forgetting": None} | changes
    reports: list[tuple] = []
    report = lambda *row: reports.append(row)  # noqa: E731
    training.levenberg_marquardt(net, rollout, draw, report=report, **settings)
    return reports


def test_linear_least_squares_are_solved_and_then_it_ends() -> None:
    net = own(Delay)
    reports = train(net, ONE, lambda: Batch(X, Y))
    solution, squares, *_ = np.linalg.lstsq(LINEAR, Y[:, 0], rcond=None)
    np.testing.assert_allclose(parameters_to_vector(net.parameters()).detach(), solution, rtol=1e-6)
    assert reports[-1][2] == pytest.approx(squares[0] / 40, rel=1e-9) and len(reports) < 100


@pytest.mark.parametrize("normalise", [False, True])
def test_batches_of_a_stream_determine_the_weights_together(normalise: bool) -> None:
    """Two residuals an iteration for four weights: ten iterations, by remembering."""
    net, first = own(Delay), iter(range(0, 10**6, 2))

    def draw() -> Batch:
        here = (next(first) + np.arange(2)) % 40
        return Batch(X[here], LINEAR[here] @ TRUE[:, None])

    train(net, ONE, draw, iterations=10, forgetting=(0.8, 0.95), normalise_by_step=normalise)
    np.testing.assert_allclose(parameters_to_vector(net.parameters()).detach(), TRUE, rtol=1e-8)


@pytest.mark.parametrize("forgetting", [None, (0.9, 0.9)])
def test_a_network_that_predicts_exactly_is_left_as_it_is(forgetting: Any) -> None:
    net = network("rnn")
    x = torch.from_numpy(values(3, 10, 1))
    batch = Batch(x.numpy(), predictions(net, x, ROLLOUT).detach().numpy())
    before = parameters_to_vector(net.parameters()).detach()
    reports = train(net, ROLLOUT, lambda: batch, iterations=5, forgetting=forgetting)
    assert [loss for *_, loss in reports] == [0] * (1 if forgetting is None else 5)
    np.testing.assert_array_equal(parameters_to_vector(net.parameters()).detach(), before)


def test_residuals_are_normalised_by_the_running_error_of_their_step() -> None:
    """Its square is 0.7 times itself and 0.3 times the newest; at first residuals have RMS 1."""
    stream = {"forgetting": (0.5, 0.5), "normalise_by_step": True}
    net, again = own(Delay), own(Delay)
    before = Problem(net, ONE, Batch(X, Y), Residuals(1e6, np.ones(1)))
    square = (before.errors() ** 2).mean()
    train(net, ONE, lambda: before.batch, iterations=2, **stream)
    losses = [loss for *_, loss in train(again, ONE, lambda: before.batch, iterations=3, **stream)]
    running = 0.7 * square + 0.3 * losses[1] * square
    assert losses[0] == pytest.approx(1, rel=1e-9)
    assert losses[2] == pytest.approx((before.errors() ** 2).mean() / running, rel=1e-9)


def test_without_a_good_step_the_weights_stay(monkeypatch) -> None:
    here = problem(network("rnn"), 1e6)
    (linearised, _), before = here.linearised(), here.weights
    loss = linearised.quadratic
    monkeypatch.setattr(training, "damped_step", lambda *_, **__: 100 * loss.gradient)
    step, damping = training.descend(here, linearised, loss, 1.0, curved=True)
    assert not step.any() and damping == 2
    np.testing.assert_array_equal(here.weights, before)


@pytest.mark.parametrize("soft_limit", [1e6, 0.1])
@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_the_loss_of_a_fixed_batch_never_rises(cell: str, layers: int, soft_limit: float) -> None:
    net = network(cell, layers)
    here = problem(net, soft_limit)
    reports = train(net, ROLLOUT, lambda: here.batch, iterations=5, soft_limit=soft_limit)
    residuals, _ = here.residuals.of(here.errors())
    losses = [*(loss for *_, loss in reports), (residuals**2).mean()]
    assert all(after < before for before, after in pairwise(losses))
    # Six sequences of 10 + 6 - 1 steps each iteration.
    assert [row[:2] for row in reports] == [(i, i * 90) for i in range(1, 6)]


@pytest.mark.parametrize("damping", [1e-6, 0.1, 100.0])
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

    here = Linearised(r, j)
    arguments = (Curved(), here, here.quadratic, damping, np.zeros(5))
    straight, step = (damped_step(*arguments, curved=curved) for curved in (False, True))
    np.testing.assert_allclose(straight, -inverse @ r, rtol=1e-9)
    assert (step is not None) == accepted
    if accepted:
        correction = -inverse @ (bend * (j @ straight) ** 2) / 2
        np.testing.assert_allclose(step, straight + correction, rtol=1e-6)


@pytest.mark.parametrize("soft_limit", [10.0, 0.3])
def test_derivatives_of_residuals_are_finite_differences(soft_limit: float, monkeypatch) -> None:
    """Also where the batch is differentiated in blocks."""
    monkeypatch.setattr(training, "BLOCK", 4)
    here = problem(network("innovation"), soft_limit)
    linearised, _ = here.linearised()
    start, direction = here.weights, values(len(here.weights), seed=2)
    ahead, behind = (here.residuals_at(start + step * direction) for step in (1e-6, -1e-6))
    difference = (ahead - behind) / 2e-6
    np.testing.assert_allclose(linearised.rows @ direction, difference, rtol=1e-6, atol=1e-8)


def test_a_soft_limit_takes_the_asinh_of_errors_of_every_size() -> None:
    x = np.array([1e-300, 1e-12, 1e-8, 1e-3, 0.3, 1.0, 7.0, 1e8, 1e154, 1e200, 1e307])
    limited, slopes = Residuals(0.5, np.full(22, 0.2)).of(np.concatenate((-x, x))[None])
    np.testing.assert_allclose(
        limited[0, 11:], 0.5 * np.arcsinh(2 * x) / 0.2, rtol=1e-12, atol=1e-15
    )
    np.testing.assert_array_equal(limited[0, :11], -limited[0, 11:])
    np.testing.assert_allclose(slopes[0, 11:], 1 / np.hypot(1, 2 * x) / 0.2, rtol=1e-14)
    endless, _ = Residuals(0.5, np.ones(3)).of(np.array([[np.nan, np.inf, -np.inf]]))
    assert np.isfinite(endless).all() and endless[0, 1] == -endless[0, 2] > limited.max() * 0.2


def test_a_moved_quadratic_is_the_same_loss_around_other_weights() -> None:
    quadratic = Linearised(values(9), values(9, 4, seed=2)).quadratic
    step, further = values(4, seed=3), values(4, seed=4)
    moved = quadratic.moved(step, weight=0.7)
    expected = 0.7 * (quadratic.loss + quadratic.change(step + further))
    assert moved.loss + moved.change(further) == pytest.approx(expected, rel=1e-12)
    squares = ((values(9) + values(9, 4, seed=2) @ step) ** 2).sum()
    assert quadratic.loss + quadratic.change(step) == pytest.approx(squares, rel=1e-12)


def test_forgetting_goes_geometrically_from_the_first_weight_to_the_last() -> None:
    forgotten = [1 - training.remembered(i, 10, (0.8, 0.95)) for i in range(11)]
    assert forgotten[0] == pytest.approx(0.2) and forgotten[-1] == pytest.approx(0.05)
    ratios = [after / before for before, after in pairwise(forgotten)]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-12)


@pytest.mark.parametrize("forgetting", [None, (0.9, 0.9)])
def test_a_free_run_that_diverges_at_the_start_is_an_input_error(forgetting: Any) -> None:
    net = own(Delay, 1)
    vector_to_parameters(torch.tensor([1e200, 0.0], dtype=torch.float64), net.parameters())
    with pytest.raises(InputError, match="no weight" if forgetting else "diverges before"):
        train(net, Rollout(5, (9,)), lambda: Batch(X, 0 * Y), forgetting=forgetting)


def test_a_diverged_row_contributes_nothing() -> None:
    batch = Batch(np.array([[[0.5]], [[np.inf]]]), np.ones((2, 1)))
    here = Problem(own(Delay, 1), Rollout(1, (4,)), batch, Residuals(0.5, np.ones(1)))
    linearised, _ = here.linearised()
    assert linearised.rows[0].any() and not linearised.rows[1].any()
    assert np.isfinite(linearised.rows).all() and np.isfinite(linearised.residuals).all()


@pytest.mark.parametrize(("measured", "taken"), [(3.0, True), (4.7, True), (5.0, False)])
def test_a_step_on_a_stream_may_cost_what_the_past_gains(measured: float, taken: bool) -> None:
    """One weight: this batch predicts a rise of 3 for a step of 1, the past batches a fall of 5."""
    one = np.ones((1, 1))
    past, here = Quadratic(9.0, np.array([-3.0]), one), Linearised(np.ones(1), one)

    class Measured:
        """A batch of one residual, 1 before the step."""

        weights = np.zeros(1)

        def residuals_at(self, weights: np.ndarray) -> np.ndarray:
            return np.sqrt([1 + measured * weights[0]])

        def move(self, weights: np.ndarray) -> None:
            assert not weights.any()

    loss = here.quadratic.plus(past)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "TRIES", 1)
        step, _ = training.descend(Measured(), here, loss, 1e-12, curved=False)
    assert step.tolist() == pytest.approx([1.0] if taken else [0.0])
