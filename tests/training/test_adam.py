"""Training: gradients against finite differences, the blog's recipe to the letter."""

import numpy as np
import pytest
import torch
from torch import nn

from stages import train
from stages.generate import generate
from stages.networks import network as model
from stages.settings import model as recipe
from stages.settings import params
from stages.settings.dataset import Dataset
from stages.settings.params import InputError
from stages.training import adam as training
from stages.training import levenberg_marquardt as least_squares
from tests.blog import blog_losses
from tests.conftest import ROOT


def small_network(cell: str = "rnn", layers: int = 1, hidden: int = 4) -> model.Network:
    network = model.Network(cell, hidden, layers).double()
    training.draw_normal(network, 0.5, torch.Generator().manual_seed(0))
    return network


def flat(network: model.Network) -> torch.Tensor:
    return nn.utils.parameters_to_vector(network.parameters()).detach()


@pytest.mark.parametrize("gradient", [training.elman_gradient, training.autograd_gradient])
def test_gradients_match_finite_differences(gradient) -> None:
    network = small_network()
    values = torch.rand((3, 8, 1), generator=torch.Generator().manual_seed(2)).double()
    state = torch.rand((1, 1, 3, 4), generator=torch.Generator().manual_seed(3)).double()
    x, y = values[:, :-1], values[:, 1:]
    _, last = gradient(network, x, y, state)
    found = torch.cat([p.grad.flatten() for p in network.parameters()]).clone()
    torch.testing.assert_close(last, network(x, state)[2].detach(), rtol=0, atol=1e-14)

    weights, step = flat(network), 1e-6
    for i in range(len(weights)):
        losses = []
        for sign in (1, -1):
            moved = weights.clone()
            moved[i] += sign * step
            nn.utils.vector_to_parameters(moved, network.parameters())
            losses.append(gradient(network, x, y, state)[0])
        assert found[i].item() == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-8)


@pytest.mark.parametrize(("cell", "layers"), [("rnn", 1), ("rnn", 2), ("gru", 2), ("lstm", 2)])
def test_the_jacobian_matches_finite_differences(cell: str, layers: int) -> None:
    network = small_network(cell, layers, hidden=3)
    values = torch.rand((2, 9, 1), generator=torch.Generator().manual_seed(2)).double()
    problem = least_squares.with_noisy_copy(
        values, 3, 0.1, 0.5, 1e-6, torch.Generator().manual_seed(3)
    )
    read_out = np.array([0.3, -0.5, 0.7, 0.1])
    found = least_squares.jacobian(network, problem, read_out)

    weights, step = least_squares.cell_weights(network), 1e-6
    for i in range(len(weights)):
        predictions = []
        for sign in (1, -1):
            moved = weights.copy()
            moved[i] += sign * step
            least_squares.set_cell_weights(network, moved)
            hidden = least_squares.network_states(network, problem.inputs)[:, problem.warmup :]
            predictions.append(hidden @ read_out[:-1])
        difference = (predictions[0] - predictions[1]) / (2 * step)
        np.testing.assert_allclose(found[:, :, i], difference, atol=1e-8)


def test_the_read_out_is_the_least_squares_solution() -> None:
    """The residual of a linear least-squares solution is orthogonal to the features."""
    network = small_network()
    values = torch.from_numpy(generate(Dataset(sequences=8))["train"].values)
    problem = least_squares.with_noisy_copy(
        values, 5, 0.1, 0.5, 1e-3, torch.Generator().manual_seed(3)
    )
    read_out = least_squares.best_read_out(network, problem)
    hidden = least_squares.network_states(network, problem.inputs)[:, 5:]
    features = problem.weighted(np.concatenate((hidden, np.ones((*hidden.shape[:2], 1))), axis=2))
    penalty = problem.ridge * np.sqrt(problem.counted) * np.eye(features.shape[1])
    features = np.concatenate((features, penalty))
    np.testing.assert_allclose(features.T @ read_out.residual, 0, atol=1e-10)
    np.testing.assert_allclose(
        features.T @ read_out.basis @ read_out.basis.T, features.T, atol=1e-10
    )
    targets = np.zeros(len(features))
    targets[: -features.shape[1]] = problem.weighted(problem.targets[:, 5:, 0].numpy())
    np.testing.assert_allclose(features @ read_out.weights - targets, read_out.residual, atol=1e-10)


@pytest.mark.parametrize(("cell", "layers"), [("rnn", 1), ("gru", 1), ("lstm", 1), ("rnn", 2)])
def test_levenberg_marquardt_never_climbs(cell: str, layers: int) -> None:
    values = torch.from_numpy(generate(Dataset(sequences=4, frequency=[0.8, 1.2]))["train"].values)
    network = small_network(cell, layers)
    problem = least_squares.with_noisy_copy(
        values, 20, 0.01, 0.1, 1e-6, torch.Generator().manual_seed(3)
    )
    losses: list[float] = []
    least_squares.levenberg_marquardt(network, problem, 10, lambda i, n, loss: losses.append(loss))
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
    # The network that is left is the one whose loss was reported last.
    predictions = network(problem.inputs, network.initial_state(8))[0].detach()
    error = problem.weighted((predictions - problem.targets)[:, 20:, 0].numpy())
    read_out = torch.cat((network.linear.weight[0], network.linear.bias)).detach().numpy()
    loss = error @ error / problem.counted + problem.ridge**2 * read_out @ read_out
    assert loss == pytest.approx(losses[-1], rel=1e-6)


def test_an_unstable_free_run_is_told_from_a_stable_one() -> None:
    """Weights of a tenth leave a free run that dies out; an exact one comes back to its orbit."""
    drawn = generate(Dataset())
    values, validation = (torch.from_numpy(drawn[name].values) for name in ("train", "validation"))
    network = model.Network("rnn", 16, 1).double()
    generator = torch.Generator().manual_seed(0)
    training.draw_echo_state(network, 0.3, 0.5, generator)
    problem = least_squares.with_noisy_copy(values[:32], 19, 1e-3, 1e-5, 1e-10, generator)
    least_squares.levenberg_marquardt(network, problem, 5, lambda *_: None)
    assert training.departure(network, values, validation, generator) < train.STABLE_DEPARTURE
    with torch.no_grad():
        network.linear.weight *= 0.9
    assert training.departure(network, values, validation, generator) > 10


def test_rows_without_a_recipe_train_as_stable() -> None:
    """The defaults of a row are what params.yaml spells out for `stable`."""
    spelled = params.read(ROOT / "params.yaml", ("models", "stable"), recipe.ModelRow)
    assert recipe.ModelRow(dataset="phases") == spelled


def test_the_blog_row_is_the_blogs_recipe_to_the_letter() -> None:
    """Same weights, same order of sequences: the same 200 losses, within 1e-4."""
    values = torch.from_numpy(
        generate(Dataset(seed=1, sequences=200, phase=[0, 1, 2]))["train"].values
    )
    network = model.Network("rnn", 16, 1)
    training.draw_normal(network, 0.001, torch.Generator().manual_seed(1))
    rnn, read_out = nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1)
    rnn.load_state_dict(network.rnn.state_dict())
    read_out.load_state_dict(network.linear.state_dict())

    losses: list[float] = []
    training.adam(
        network, values.float(), 200, 0.01, 1, True, lambda i, n, loss: losses.append(loss)
    )
    np.testing.assert_allclose(
        losses, blog_losses(rnn, read_out, values[:, :, 0].numpy()), rtol=1e-4
    )


def test_initial_weights_have_the_blogs_distribution() -> None:
    network = model.Network("rnn", 200, 1)
    training.draw_normal(network, 0.001, torch.Generator().manual_seed(0))
    weights = network.rnn.weight_hh_l0.detach()
    # The standard error of the standard deviation of n draws is σ/√(2n).
    assert abs(weights.std().item() - 0.001) < 5 * 0.001 / np.sqrt(2 * weights.numel())
    # `nn.Linear` draws uniformly within 1/√(inputs): the variance of that is 1/(3·inputs).
    read_out = network.linear.weight.detach()
    assert read_out.abs().max() <= 1 / np.sqrt(200)
    assert read_out.var().item() == pytest.approx(1 / 600, rel=0.4)


def test_the_fast_and_the_general_gradient_train_alike(monkeypatch) -> None:
    values = torch.from_numpy(generate(Dataset(sequences=8))["train"].values)
    finals = []
    for fast in (True, False):
        monkeypatch.setattr(training, "is_elman", lambda network, fast=fast: fast)
        network = small_network(hidden=6)
        training.adam(network, values, 20, 0.01, 4, False, lambda *_: None)
        finals.append(flat(network))
    torch.testing.assert_close(finals[0], finals[1], rtol=0, atol=1e-10)


def test_a_loss_that_is_not_finite_stops_training() -> None:
    network = small_network()
    values = torch.full((2, 5, 1), 1e200, dtype=torch.float64)
    with pytest.raises(InputError, match="at iteration 1 of Adam"):
        training.adam(network, values, 5, 0.01, 2, False, lambda *_: None)


def test_the_same_seed_gives_the_same_weights_and_another_gives_others() -> None:
    values = torch.from_numpy(generate(Dataset(sequences=4))["train"].values)
    phase = recipe.Adam(iterations=3, learning_rate=0.01)

    def trained(seed: int) -> torch.Tensor:
        row = recipe.ModelRow(
            dataset="d", hidden_size=3, seed=seed, training=recipe.Training(adam=phase)
        )
        return flat(train.train("row", row, values, values)[0])

    assert torch.equal(trained(0), trained(0))
    assert not torch.equal(trained(0), trained(1))
