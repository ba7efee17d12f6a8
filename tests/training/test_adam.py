"""Adam: gradients are torch's, and the blog's recipe is followed to the letter."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from stages.files import InputError
from stages.networks.network import Network
from stages.training import adam as training
from stages.training import initial
from tests.examples import CELLS, NETWORKS, network, sines, values
from tests.networks.test_cells import in_torch
from tests.training.blog import blog_losses

Gradient = Callable[..., tuple[float, dict[str, np.ndarray], np.ndarray]]
ELMAN = training.elman_gradient
GRADIENTS = [(ELMAN, "rnn", 1), *((training.gradient_by_steps, *cell) for cell in CELLS)]


def adam(
    net: Network,
    x: np.ndarray,
    iterations: int,
    *,
    batch: int = 1,
    carry: bool = False,
    targets: np.ndarray | None = None,
    rate: float = 0.01,
) -> tuple[Network, np.ndarray | None, list[tuple[int, int, float]]]:
    """Return the trained network, the carried state, and what was reported."""
    said: list[tuple[int, int, float]] = []
    found, carried = training.adam(
        net,
        x,
        targets=x if targets is None else targets,
        iterations=iterations,
        learning_rate=rate,
        batch=batch,
        carry_hidden_state=carry,
        report=lambda *row: said.append(row),
    )
    return found, carried, said


@pytest.mark.parametrize(("gradient", "cell", "layers"), GRADIENTS)
def test_gradients_are_torchs(gradient: Gradient, cell: str, layers: int) -> None:
    net, x, y = network(cell, layers), values(3, 8, 1), values(3, 8, 1, seed=2)
    start = values(*net.initial_state(3).shape, seed=3)
    loss, slopes, last = gradient(net, x, y, start)

    theirs, read_out = in_torch(net)
    parts = torch.from_numpy(start).view(3, layers, -1, net.hidden_size).permute(2, 1, 0, 3)
    parts = [part.contiguous() for part in parts]
    output, _ = theirs(torch.from_numpy(x), tuple(parts) if cell == "lstm" else parts[0])
    expected = nn.functional.mse_loss(read_out(output), torch.from_numpy(y))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    found = {f"rnn.{name}": p.grad for name, p in theirs.named_parameters()}
    found |= {f"linear.{name}": p.grad for name, p in read_out.named_parameters()}
    assert list(slopes) == list(net.weights)
    for name, slope in slopes.items():
        np.testing.assert_allclose(slope, found[name], rtol=0, atol=1e-13, err_msg=name)
    np.testing.assert_allclose(last, net.forward(x, start)[2], rtol=0, atol=1e-14)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_gradients_are_finite_differences(cell: str, layers: int) -> None:
    net, x, y = network(cell, layers, hidden=3), values(2, 6, 1), values(2, 6, 1, seed=2)
    start = values(*net.initial_state(2).shape, seed=3)
    _, slopes, _ = training.gradient_by_steps(net, x, y, start)
    for name, weight in net.weights.items():
        for index in np.ndindex(weight.shape):
            losses = []
            for step in (1e-6, -1e-6):
                moved = weight.copy()
                moved[index] += step
                there = net.replace(net.weights | {name: moved})
                losses.append(training.gradient_by_steps(there, x, y, start)[0])
            difference = (losses[0] - losses[1]) / 2e-6
            assert slopes[name][index] == pytest.approx(difference, rel=1e-6, abs=1e-8)


def test_the_blog_row_is_the_blogs_recipe_to_the_letter() -> None:
    """Same weights, same order of sequences: the same 200 losses, within 1e-4."""
    x = sines(200, phase=[0, 1, 2]).values
    zero = network("rnn", hidden=16, dtype="float32")
    net = initial.normal(zero, 0.001, np.random.default_rng(1))
    rnn, read_out = in_torch(net)
    expected = blog_losses(rnn.float(), read_out.float(), x[:, :, 0])
    _, carried, said = adam(net, x, 200, carry=True)
    np.testing.assert_allclose([loss for _, _, loss in said], expected, rtol=1e-4)
    assert [(i, seen) for i, seen, _ in said] == [(i, i * 49) for i in range(1, 201)]
    assert carried.shape == (1, 16) and carried.any()


def test_the_carried_state_is_the_one_that_the_last_iteration_ended_with() -> None:
    """One iteration at a rate of nearly nothing leaves the weights, and carries on from zeros."""
    net, x = network("gru"), values(1, 9, 1)
    _, carried, _ = adam(net, x, 1, carry=True, rate=1e-30)
    _, _, last = net.forward(x[:, :-1], net.initial_state(1))
    np.testing.assert_allclose(carried, last, rtol=0, atol=1e-14)
    _, carried, said = adam(net, x, 2, carry=True, rate=1e-30)
    predictions, _, again = net.forward(x[:, :-1], last)
    np.testing.assert_allclose(carried, again, rtol=0, atol=1e-14)
    assert said[1][2] == pytest.approx(((predictions - x[:, 1:]) ** 2).mean(), rel=1e-12)
    assert adam(net, x, 1)[1] is None


def test_sequences_are_taken_in_their_order_and_again_from_the_first() -> None:
    """At a rate of nearly nothing each iteration's loss is that of its own batch."""
    net, x, targets = network("rnn"), values(5, 9, 1), values(5, 9, 1, seed=2)
    _, _, said = adam(net, x, 4, batch=2, targets=targets, rate=1e-30)
    predictions, _, _ = net.forward(x[:, :-1], net.initial_state(5))
    squares = ((predictions - targets[:, 1:]) ** 2).mean(axis=(1, 2))
    expected = [squares[chosen].mean() for chosen in ([0, 1], [2, 3], [4, 0], [1, 2])]
    np.testing.assert_allclose([loss for _, _, loss in said], expected, rtol=1e-12)
    assert [seen for _, seen, _ in said] == [16, 32, 48, 64]


def test_the_fast_and_the_general_gradient_train_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = network("rnn", hidden=6), sines(8).values
    fast, _, _ = adam(net, x, 20, batch=4)
    monkeypatch.setattr(training, "elman_gradient", training.gradient_by_steps)
    general, _, _ = adam(net, x, 20, batch=4)
    for name, weight in fast.weights.items():
        np.testing.assert_allclose(weight, general.weights[name], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_training_lessens_the_error_and_leaves_the_network_that_went_in(
    cell: str, layers: int
) -> None:
    net, x = network(cell, layers), sines(4).values
    before = {name: weight.copy() for name, weight in net.weights.items()}
    _, _, said = adam(net, x, 40, batch=4)
    assert said[-1][2] < said[0][2] / 1.5
    for name, weight in before.items():
        np.testing.assert_array_equal(net.weights[name], weight)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_a_loss_that_is_not_finite_stops_training(cell: str) -> None:
    with pytest.raises(InputError, match="at iteration 1 of Adam"):
        adam(network(cell), np.full((2, 5, 1), 1e200), 5, batch=2)
