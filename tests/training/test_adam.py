"""Adam: the blog's loop, and the same loop on the network's own free run."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from stages.networks.network import Network
from stages.settings.model import Adam
from stages.training import adam as training
from stages.training.jacobian import Rollout, jacobian
from stages.training.sequences import Sequences
from tests.examples import network, sines, values

FREE = {"warmup": 6, "free_steps": 10, "batch": 8}
X = sines(8).values
DATA = Sequences(X, X)


def train(
    net: Network, data: Sequences, iterations: int, validate: Any = None, **changes: Any
) -> tuple[Any, list[tuple[int, int, float]]]:
    """Train a network; give the carried state and the reports of all iterations."""
    phase = Adam(phase="adam", iterations=iterations, **({"learning_rate": 0.01} | changes))
    reports, random = [], np.random.default_rng(5)
    report = lambda *row: reports.append(row)  # noqa: E731
    carried = training.adam(net, data, phase, validate=validate, random=random, report=report)
    return carried, reports


def test_sequences_are_taken_in_their_order_and_again_from_the_first() -> None:
    """At a rate of nearly nothing the weights stay."""
    net, data = network("rnn"), Sequences(values(5, 9, 1), values(5, 9, 1, seed=2))
    carried, reports = train(net, data, 4, batch=2, learning_rate=1e-30)
    errors = net(torch.from_numpy(data.values[:, :-1]))[0].detach().numpy() - data.targets[:, 1:]
    squares = (errors**2).mean(axis=(1, 2))
    expected = [squares[chosen].mean() for chosen in ([0, 1], [2, 3], [4, 0], [1, 2])]
    np.testing.assert_allclose([loss for *_, loss in reports], expected, rtol=1e-12)
    assert [seen for _, seen, _ in reports] == [16, 32, 48, 64] and carried is None


def test_gradients_go_back_through_all_outputs_that_were_fed_back() -> None:
    net, x = network("gru"), torch.from_numpy(values(3, 6, 1))
    weights, rollout = list(net.parameters()), Rollout(6, tuple(range(1, 11)))
    expected, rows = jacobian(net, x, rollout)
    output = training.free_run(net, x, 10)[:, :, 0]
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-14)
    gradients = torch.autograd.grad((output**2).sum(), weights)
    expected = torch.einsum("bk,bkw->w", 2 * expected, rows)
    torch.testing.assert_close(parameters_to_vector(gradients), expected, rtol=0, atol=1e-12)


def test_pieces_are_warm_ups_in_noise_and_the_targets_after_them() -> None:
    time = np.arange(20.0)[None, :, None] + 100 * np.arange(3)[:, None, None]
    phase = Adam(phase="adam", iterations=1, learning_rate=1, noise=0.01, **(FREE | {"batch": 500}))
    tensors = torch.from_numpy(time), torch.from_numpy(-time)
    x, y = (part[:, :, 0] for part in training.pieces(*tensors, phase, np.random.default_rng(0)))
    expected = -y[:, :1] + torch.arange(-6, 10)
    torch.testing.assert_close(-y, expected[:, 6:], rtol=0, atol=0)
    assert (x - expected[:, :6]).std() == pytest.approx(0.01, rel=0.1)
    # From every sequence, begun at every place.
    assert set(expected[:, 0].tolist()) == {100 * i + k for i in range(3) for k in range(5)}


def test_the_rate_decays_and_gradients_are_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    rates, norms = [], []

    class Recorded(torch.optim.Adam):
        def step(self, *arguments: Any) -> Any:
            group = self.param_groups[0]
            rates.append(group["lr"])
            norms.append(torch.cat([w.grad.flatten() for w in group["params"]]).norm().item())
            return super().step(*arguments)

    monkeypatch.setattr(torch.optim, "Adam", Recorded)
    for clip in (None, 1e-3):
        _, reports = train(network("gru"), DATA, 8, decay=0.1, clip=clip, **FREE)
        assert [seen for _, seen, _ in reports] == [i * 8 * (6 + 10 - 1) for i in range(1, 9)]
    np.testing.assert_allclose(rates, [0.01 * 0.1 ** (i / 8) for i in range(8)] * 2, rtol=1e-12)
    assert min(norms[:8]) > 1e-3
    np.testing.assert_allclose(norms[8:], 1e-3, rtol=1e-2)


def test_the_weights_with_the_least_validation_error_are_restored() -> None:
    errors, looks = iter([3.0, 1.0, 2.0, 1.0]), []

    def validate(net: Network) -> float:
        looks.append({name: weight.detach().clone() for name, weight in net.weights.items()})
        return next(errors)

    net = network("rnn")
    train(net, DATA, 9, validate=validate, check_every=2)
    assert len(looks) == 4
    for name, weight in net.weights.items():
        assert torch.equal(weight, looks[1][name]) and not torch.equal(weight, looks[3][name])
