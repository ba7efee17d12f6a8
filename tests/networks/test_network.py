"""Laws of the blog's Net and of the cells in it."""

import numpy as np
import pytest
import torch

from stages.networks.network import Network, Sizes
from tests.examples import NETWORKS, network, values
from tests.networks.layers import OWN, own


def test_the_blogs_network_has_321_weights() -> None:
    """16·1 + 16·16 + 16 + 16 of `nn.RNN(1, 16)`, 16 + 1 of `nn.Linear(16, 1)`."""
    assert sum(weight.numel() for weight in network("rnn", hidden=16).parameters()) == 321


def test_an_innovation_cell_has_the_weights_of_its_equations() -> None:
    """Three waves, one memory, eight products: C 8·2, D 8·6, O 3·14, K 1·14, w 4."""
    net = network("innovation", hidden=3, memory_size=1, products=8)
    sizes = {name: weight.numel() for name, weight in net.weights.items()}
    expected = {"rnn.C": 16, "rnn.D": 48, "rnn.O": 42, "rnn.K": 14, "linear": 4}
    assert expected == {n: sizes[f"{n}.weight"] + sizes[f"{n}.bias"] for n in expected}
    assert sum(sizes.values()) == 124


@pytest.mark.parametrize(("cell", "layers"), [*NETWORKS, (OWN, 1)])
def test_stepping_is_the_pass_over_the_whole_sequence(cell: str, layers: int) -> None:
    net = own() if cell == OWN else network(cell, layers)
    x = torch.from_numpy(values(3, 12, 1))
    # From a state that is not zero.
    _, state = net(torch.from_numpy(values(3, 4, 1, seed=2)))
    predictions, last = net(x, state)
    for t in range(12):
        output, state = net.step(x[:, t], state)
        torch.testing.assert_close(output, predictions[:, t], rtol=0, atol=1e-14)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_a_pass_without_a_state_begins_at_the_initial_state(cell: str, layers: int) -> None:
    net, x = network(cell, layers), torch.from_numpy(values(3, 5, 1))
    torch.testing.assert_close(net(x), net(x, net.initial_state(3)), rtol=0, atol=0)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_sequences_of_a_batch_do_not_depend_on_each_other(cell: str, layers: int) -> None:
    net, x = network(cell, layers), torch.from_numpy(values(4, 9, 1))
    together, _ = net(x)
    for i in range(4):
        torch.testing.assert_close(net(x[i : i + 1])[0], together[i : i + 1], rtol=0, atol=1e-14)


def run(net: Network, x: torch.Tensor, state: torch.Tensor, steps: int) -> torch.Tensor:
    """Feed outputs back, and give output and state of every step."""
    rows = []
    for _ in range(steps):
        x, state = net.step(x, state)
        rows.append(torch.cat((x, state), 1))
    return torch.stack(rows)


def test_a_free_run_of_an_innovation_cell_keeps_its_memory_to_the_last_bit() -> None:
    net, x, memory = network("innovation", hidden=3), torch.from_numpy(values(5, 20, 1)), []
    state = net.initial_state(5)
    for value in x.unbind(1):
        output, state = net.step(value, state)
        memory.append(state[:, 3:])
    assert (torch.stack(memory).diff(dim=0) != 0).all()  # it moves while true values come in
    free = run(net, output, state, 300)[:, :, 4:]
    assert torch.equal(free, state[:, 3:].expand_as(free))


def test_for_a_given_memory_the_free_run_of_an_innovation_cell_is_affine() -> None:
    """Waves on the line through two others run on the line through their runs."""
    net = network("innovation", hidden=3)
    states = torch.from_numpy(values(3, 5, seed=5))
    states[:, 3:] = states[0, 3:]
    states[2] = 3 * states[0] - 2 * states[1]
    rows = run(net, net.linear(states[:, :3]), states, 30)
    torch.testing.assert_close(rows[:, 2], 3 * rows[:, 0] - 2 * rows[:, 1], rtol=0, atol=1e-12)


def test_an_innovation_cell_follows_its_equations() -> None:
    """One step of one sequence, as written in the docstring of the cell."""
    net = network("innovation", hidden=3)
    maps = {n: layer for n, layer in net.rnn.named_children() if n != "w"} | {"w": net.linear}
    layers = {n: [p.detach().numpy() for p in m.parameters()] for n, m in maps.items()}
    C, D, O, K, w = (  # noqa: E741
        lambda v, weight=layers[n][0], bias=layers[n][1]: weight @ v + bias for n in "CDOKw"
    )
    x, h, m = values(1, seed=1), values(3, seed=2), values(2, seed=3)
    q = np.tanh(C(m)) * D(np.concatenate((x, h, m)))
    zq = np.concatenate((x, h, m, q))
    after = np.concatenate((O(zq), m + (x - w(h)) * np.tanh(K(zq))))
    before = torch.from_numpy(np.concatenate((h, m))[None])
    output, state = net.step(torch.from_numpy(x[None]), before)
    np.testing.assert_allclose(state.detach()[0], after, rtol=0, atol=1e-15)
    np.testing.assert_allclose(output.detach()[0], w(after[:3]), rtol=0, atol=1e-15)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_a_copy_has_equal_weights_of_its_own(cell: str, layers: int) -> None:
    net = network(cell, layers).float()
    copy = net.copy()
    assert list(copy.weights) == list(net.weights) and copy.sizes == net.sizes
    for name, weight in net.weights.items():
        assert torch.equal(copy.weights[name], weight) and copy.weights[name].dtype == weight.dtype
        assert copy.weights[name].data_ptr() != weight.data_ptr()


DEVICES = {"meta": True, "cuda": torch.cuda.is_available()}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_a_network_computes_on_the_device_of_its_weights(
    cell: str, layers: int, device: str
) -> None:
    if not DEVICES[device]:
        pytest.skip(f"torch has no {device} here")
    sizes = Sizes(4, layers, 2, 3)
    net = Network(cell, sizes).to(device)
    output, state = net(torch.zeros(3, 7, 1, device=device))
    assert output.shape == (3, 7, 1) and output.device.type == device
    output, after = net.step(output[:, -1], net.initial_state(3))
    assert output.shape == (3, 1) and output.device.type == device
    pairs = zip(state, after, strict=True) if cell == "lstm" else [(state, after)]
    assert all(a.shape == b.shape and a.device == b.device for a, b in pairs)
