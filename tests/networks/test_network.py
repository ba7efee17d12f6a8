"""Laws of the blog's Net and of the cells in it."""

import numpy as np
import pytest
import torch

from stages.networks.network import Network
from tests.examples import NETWORKS, network, values
from tests.networks.layers import OWN, own

DEVICES = ["meta", *(["cuda"] if torch.cuda.is_available() else [])]


def test_the_blogs_network_has_321_weights() -> None:
    """16·1 + 16·16 + 16 + 16 of `nn.RNN(1, 16)`, 16 + 1 of `nn.Linear(16, 1)`."""
    assert sum(weight.numel() for weight in network("rnn", hidden=16).parameters()) == 321


@pytest.mark.parametrize(("cell", "layers"), [*NETWORKS, (OWN, 1)])
def test_stepping_is_the_pass_over_the_whole_sequence(cell: str, layers: int) -> None:
    net = own() if cell == OWN else network(cell, layers)
    x, state = torch.from_numpy(values(3, 12, 1)), net.initial_state(3)
    predictions, last = net(x)
    for t in range(12):
        output, state = net.step(x[:, t], state)
        torch.testing.assert_close(output, predictions[:, t], rtol=0, atol=1e-14)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-14)


def run(net: Network, x: torch.Tensor, state: torch.Tensor, steps: int) -> torch.Tensor:
    """Feed outputs back, and give output and state of every step."""
    rows = []
    for _ in range(steps):
        x, state = net.step(x, state)
        rows.append(torch.cat((x, state), 1))
    return torch.stack(rows)


def test_a_free_run_of_an_innovation_cell_keeps_its_memory_to_the_last_bit() -> None:
    net, x = network("innovation", hidden=3), torch.from_numpy(values(5, 20, 1))
    _, before = net(x[:, :-1])
    output, state = net.step(x[:, -1], before)
    assert (state[:, 3:] != before[:, 3:]).all()  # it moves while true values come in
    free = run(net, output, state, 300)[:, :, 4:]
    assert torch.equal(free, state[:, 3:].expand_as(free))


def test_for_a_given_memory_the_free_run_of_an_innovation_cell_is_affine() -> None:
    """Waves on the line through two others run on the line through their runs."""
    net, states = network("innovation", hidden=3), torch.from_numpy(values(3, 5, seed=5))
    states[:, 3:] = states[0, 3:]
    states[2] = 3 * states[0] - 2 * states[1]
    rows = run(net, net.linear(states[:, :3]), states, 30)
    torch.testing.assert_close(rows[:, 2], 3 * rows[:, 0] - 2 * rows[:, 1], rtol=0, atol=1e-12)


def test_an_innovation_cell_follows_its_equations() -> None:
    """One step of one sequence, as written in the docstring of the cell."""
    net = network("innovation", hidden=3)
    maps = [(m.weight.detach().numpy(), m.bias.detach().numpy()) for m in net.rnn.children()]
    w, C, D, O, K = (lambda v, m=m: m[0] @ v + m[1] for m in maps)  # noqa: E741
    x, h, m = values(1, seed=1), values(3, seed=2), values(2, seed=3)
    q = np.tanh(C(m)) * D(np.concatenate((x, h, m)))
    zq = np.concatenate((x, h, m, q))
    after = np.concatenate((O(zq), m + (x - w(h)) * np.tanh(K(zq))))
    before = torch.from_numpy(np.concatenate((h, m))[None])
    output, state = net.step(torch.from_numpy(x[None]), before)
    np.testing.assert_allclose(state.detach()[0], after, rtol=0, atol=1e-15)
    np.testing.assert_allclose(output.detach()[0], w(after[:3]), rtol=0, atol=1e-15)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_a_network_computes_on_its_device(cell: str, layers: int, device: str) -> None:
    net = network(cell, layers).to(device).copy()
    output, _ = net(torch.zeros(3, 7, 1, device=device, dtype=torch.float64))
    output, state = net.step(output[:, -1], net.initial_state(3))
    states = state if cell == "lstm" else (state,)
    assert {tensor.device.type for tensor in (output, *states)} == {device}
