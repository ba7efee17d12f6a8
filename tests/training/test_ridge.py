"""Least squares: the residual is orthogonal to what it was fitted with."""

import numpy as np
import pytest

from stages.networks.network import Network
from stages.training import ridge
from stages.training.ridge import fit_read_out
from tests.examples import CELLS, network, values

WARMUP, NOISE, WEIGHT, RIDGE = 5, 0.1, 0.5, 1e-3


def fitted(net: Network, penalty: float = RIDGE) -> tuple[Network, float]:
    x = values(6, 40, 1)
    return fit_read_out(
        net,
        x,
        targets=values(6, 40, 1, seed=2),
        warmup=WARMUP,
        noise=NOISE,
        noise_weight=WEIGHT,
        ridge=penalty,
        random=np.random.default_rng(3),
    )


def features_and_targets(net: Network) -> tuple[np.ndarray, np.ndarray]:
    """Return what the read-out is fitted with: clean rows first, then those of the noisy copy."""
    x, targets = values(6, 40, 1), values(6, 40, 1, seed=2)
    random = np.random.default_rng(3)
    rows, wanted = [], []
    noisy = x[:, :-1] + NOISE * random.normal(size=(6, 39, 1))
    for inputs, weight in ((x[:, :-1], 1.0), (noisy, WEIGHT)):
        _, hidden, _ = net.forward(inputs, net.initial_state(6))
        for row, target in zip(hidden[:, WARMUP:], targets[:, WARMUP + 1 :, 0], strict=True):
            rows.append(weight * np.column_stack((row, np.ones(len(row)))))
            wanted.append(weight * target)
    return np.concatenate(rows), np.concatenate(wanted)


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_a_read_out_satisfies_the_normal_equations(cell: str, layers: int) -> None:
    """(AᵀA + λ²nI) w = Aᵀb; n counts a row of the noisy copy by the square of its weight."""
    net = network(cell, layers)
    found, loss = fitted(net)
    rows, wanted = features_and_targets(net)
    weights = np.append(found.weights["linear.weight"], found.weights["linear.bias"])
    clean = len(rows) // 2
    penalty = RIDGE**2 * clean * (1 + WEIGHT**2)
    np.testing.assert_allclose(
        rows.T @ (rows @ weights - wanted) + penalty * weights, 0, rtol=0, atol=1e-10
    )
    # The loss: the squares as they count, for each prediction of the sequences as they are.
    assert loss == pytest.approx(((rows @ weights - wanted) ** 2).sum() / clean, rel=1e-9)


@pytest.mark.parametrize("block", [1, 4, 5])
def test_blocks_of_sequences_give_the_same_read_out(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, loss = fitted(network("rnn"))
    monkeypatch.setattr(ridge, "BLOCK", block)
    parts, same = fitted(network("rnn"))
    assert same == pytest.approx(loss, rel=1e-12)
    for name, weight in whole.weights.items():
        np.testing.assert_allclose(parts.weights[name], weight, rtol=1e-9)


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_the_cell_stays_as_it_was_drawn(cell: str, layers: int) -> None:
    net = network(cell, layers)
    before = {name: weight.copy() for name, weight in net.weights.items()}
    found, _ = fitted(net)
    for name, weight in before.items():
        np.testing.assert_array_equal(net.weights[name], weight)
        same = (found.weights[name] == weight).all()
        assert same == name.startswith("rnn."), name


def test_a_larger_penalty_keeps_the_weights_smaller() -> None:
    norms = []
    for penalty in (1e-9, 1e-3, 1e-1, 10.0):
        found, _ = fitted(network("rnn"), penalty)
        norms.append(float(np.linalg.norm(found.weights["linear.weight"])))
    assert norms == sorted(norms, reverse=True) and norms[-1] < norms[0] / 10
