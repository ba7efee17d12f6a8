"""Levenberg–Marquardt finds least squares, in blocks as in one piece."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.optimize

from stages.files import InputError
from stages.networks.network import Network
from stages.training import levenberg_marquardt as training
from stages.training.jacobian import Rollout, predictions
from stages.training.levenberg_marquardt import Problem, flat, with_weights
from tests.examples import NETWORKS, any_sines, network, values

ROLLOUT = Rollout(10, (1, 3, 6))


def losses_of(
    net: Network, problem: Problem, iterations: int
) -> tuple[Network, list[tuple[int, int, float]]]:
    said: list[tuple[int, int, float]] = []
    found = training.levenberg_marquardt(net, problem, iterations, lambda *row: said.append(row))
    return found, said


def residuals(problem: Problem) -> Callable[[np.ndarray], np.ndarray]:
    """Return the residuals of a problem as a function of the weights of a network."""

    def at(weights: np.ndarray, net: Network) -> np.ndarray:
        found = predictions(with_weights(net, weights), problem.inputs, problem.rollout)
        return (found - problem.rollout.targets(problem.targets)).ravel()

    return at


def test_a_network_that_made_the_targets_is_found_again() -> None:
    """From weights nearby, back to a sum of squares of rounding."""
    truth, x = network("rnn", hidden=2), any_sines(30, 20).values
    targets = np.zeros_like(x)
    made = predictions(truth, x, ROLLOUT)
    for row, values_ in zip(ROLLOUT.rows, made, strict=True):
        targets[:, row + 1, 0] = values_
    random = np.random.default_rng(0)
    near = with_weights(truth, flat(truth) + 0.05 * random.normal(size=truth.parameters))
    problem = Problem(x, targets, ROLLOUT)
    assert problem.at(near).loss > 1e-3
    found, _ = losses_of(near, problem, 60)
    assert problem.at(found).loss < 1e-20


def test_the_solution_is_that_of_scipy() -> None:
    """A problem with residuals left: the same least sum of squares as MINPACK's."""
    net, x = network("rnn", hidden=1), any_sines(20, 20).values
    problem = Problem(x, x, Rollout(10, (1,)))
    found, _ = losses_of(net, problem, 200)
    theirs = scipy.optimize.least_squares(
        residuals(problem), flat(net), args=(net,), method="trf", xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    assert problem.at(found).loss == pytest.approx(2 * theirs.cost, rel=1e-4)


def test_the_solver_solves_the_damped_equations_or_tells_that_it_cannot() -> None:
    rows, v = values(30, 5), values(3, 10, seed=2)
    for damping in (1e-6, 0.1, 100.0):
        solve = training.solver(rows, rows.T @ rows, damping)
        assert solve is not None
        left = (rows.T @ rows + damping * np.eye(5)) @ solve(v)
        np.testing.assert_allclose(left, -rows.T @ v.T.ravel(), rtol=1e-9)
    assert training.solver(rows, -np.eye(5), 0.5) is None


@pytest.mark.parametrize("cap", [None, 0.3])
@pytest.mark.parametrize("block", [1, 3, 4, 100])
def test_blocks_of_sequences_change_nothing(
    block: int, cap: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The derivatives of the residuals as they count."""
    net, x = network("rnn", hidden=2), any_sines(10, 20).values
    problem = Problem(x, x, ROLLOUT, cap)
    monkeypatch.setattr(training, "BLOCK", block)
    here = problem.at(net)
    _, slopes = training.jacobian(net, x, ROLLOUT)
    expected = (slopes * here.scale.T[:, :, None]).reshape(-1, net.parameters)
    np.testing.assert_allclose(training.slopes_of(problem, here), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cap", [None, 0.3])
def test_the_slopes_are_those_of_the_residuals_as_they_count(cap: float | None) -> None:
    net, x = network("rnn", hidden=2), any_sines(10, 20).values
    problem = Problem(x, x, ROLLOUT, cap)
    direction = values(net.parameters, seed=2)
    here = problem.at(net)
    moved = [problem.at(training.moved(here, step * direction)) for step in (1e-6, -1e-6)]
    difference = (moved[0].residuals - moved[1].residuals) / 2e-6
    slopes = training.slopes_of(problem, here)
    np.testing.assert_allclose(slopes @ direction, difference.T.ravel(), rtol=1e-6, atol=1e-8)


def test_a_step_is_bent_along_the_valley() -> None:
    """The residuals of the bent step differ from the linear model's by the third order.

    Those of a straight step differ by the second. So a step of half the length is eight times
    as close, and four times.
    """
    net, x = network("innovation", hidden=2), any_sines(30, 20).values
    problem = Problem(x, x, ROLLOUT)
    here = problem.at(net)
    slopes = training.slopes_of(problem, here)
    matrix = slopes.T @ slopes
    solve = training.solver(slopes, matrix, 1e-9 * matrix.diagonal().max())
    assert solve is not None
    orthonormal, _ = np.linalg.qr(slopes)
    direction = solve(here.residuals)
    off: dict[bool, list[float]] = {True: [], False: []}
    for length in (2e-4, 1e-4):
        step = length * direction
        for is_bent in off:
            bend = training.acceleration(problem, here, step, solve) if is_bent else 0
            there = problem.at(training.moved(here, step + bend))
            curved = (there.residuals - here.residuals).T.ravel() - slopes @ step
            # What no step can take away counts for neither.
            off[is_bent].append(float(np.linalg.norm(orthonormal.T @ curved)))
    assert off[False][0] / off[False][1] == pytest.approx(4, rel=0.1)
    assert off[True][0] / off[True][1] > 6
    assert off[True][0] < off[False][0] / 5


@pytest.mark.parametrize("cap", [None, 0.1])
@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_the_loss_never_climbs_and_is_that_of_the_network_left(
    cell: str, layers: int, cap: float | None
) -> None:
    net, x = network(cell, layers), any_sines(6, 30).values
    problem = Problem(x + 0.01 * values(*x.shape), x, ROLLOUT, cap)
    found, said = losses_of(net, problem, 6)
    losses = [problem.at(net).loss / 18, *(loss for _, _, loss in said)]
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
    assert losses[-1] == pytest.approx(problem.at(found).loss / 18, rel=1e-12)
    # Six sequences of 10 + 6 - 1 steps are looked at in an iteration.
    assert [row[:2] for row in said] == [(i, i * 90) for i in range(1, len(said) + 1)]


def test_a_cap_bounds_what_a_residual_counts() -> None:
    """r/√(1 + (r/cap)²): r where it is small, the cap where it is large; the slope is its own."""
    problem = Problem(values(1, 2, 1), values(1, 2, 1), ROLLOUT, cap=0.5)
    r = np.array([1e-9, 0.1, -0.5, 1e9])
    counted, slope = problem.capped(r)
    np.testing.assert_allclose(counted[[0, 3]], [1e-9, 0.5])
    np.testing.assert_allclose(counted[2], -0.5 / np.sqrt(2))
    ahead, _ = problem.capped(r + 1e-6)
    behind, _ = problem.capped(r - 1e-6)
    np.testing.assert_allclose(slope[:3], ((ahead - behind) / 2e-6)[:3], rtol=1e-6)


def test_a_perfect_network_is_left_as_it_is() -> None:
    net, x = network("rnn", hidden=2), any_sines(3, 20).values
    targets = np.zeros_like(x)
    for row, made in zip(ROLLOUT.rows, predictions(net, x, ROLLOUT), strict=True):
        targets[:, row + 1, 0] = made
    found, said = losses_of(net, Problem(x, targets, ROLLOUT), 5)
    assert said == []
    np.testing.assert_array_equal(flat(found), flat(net))


def test_a_free_run_that_blows_up_at_the_start_is_told() -> None:
    net = network("innovation")
    huge = net.replace({name: weight * 1e200 for name, weight in net.weights.items()})
    x = any_sines(3, 20).values
    with pytest.raises(InputError, match="blows up before the first iteration"):
        losses_of(huge, Problem(x, x, ROLLOUT), 5)


def test_a_loss_without_a_slope_is_told() -> None:
    """So small a cap that what is lost counts the same wherever it is."""
    net, x = network("rnn"), any_sines(3, 20).values
    with pytest.raises(InputError, match="has no slope at iteration 1"):
        losses_of(net, Problem(x, x, ROLLOUT, cap=1e-60), 5)


def test_a_step_whose_bend_is_long_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where it lessens the loss: the residuals are too curved there to be trusted."""
    net, x = network("rnn", hidden=2), any_sines(6, 20).values
    problem = Problem(x, x, ROLLOUT)
    here = problem.at(net)
    slopes = training.slopes_of(problem, here)
    matrix = slopes.T @ slopes
    solve = training.solver(slopes, matrix, matrix.diagonal().max())
    assert solve is not None
    step = solve(here.residuals)
    for share, taken in ((0.99, True), (1.01, False)):
        long = training.MOST_BEND * share * step
        monkeypatch.setattr(training, "acceleration", lambda *_, bend=long: bend)
        assert (training.bent(problem, here, step, solve) is not None) == taken
