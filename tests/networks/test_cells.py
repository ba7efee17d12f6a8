"""Laws of the cells and of the network around them."""

import numpy as np
import pytest
import torch
from torch import nn

from stages.networks.cells import cell_of
from stages.networks.network import Network, shapes
from tests.examples import CELLS, NETWORKS, network, values

TORCH = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def in_torch(net: Network) -> tuple[nn.Module, nn.Linear]:
    """Return torch's own layers with the weights of a network."""
    layers = TORCH[net.cell](1, net.hidden_size, net.num_layers, batch_first=True).double()
    read_out = nn.Linear(net.hidden_size, 1).double()
    tensors = {name: torch.from_numpy(value) for name, value in net.weights.items()}
    layers.load_state_dict({n[4:]: t for n, t in tensors.items() if n.startswith("rnn.")})
    read_out.load_state_dict({n[7:]: t for n, t in tensors.items() if n.startswith("linear.")})
    return layers, read_out


def flat_state(state: torch.Tensor | tuple[torch.Tensor, ...]) -> np.ndarray:
    """Return torch's state as the network has it: the layers after one another, h before c."""
    parts = state if isinstance(state, tuple) else (state,)
    layers = zip(*(part.unbind(0) for part in parts), strict=True)
    return torch.cat([part for layer in layers for part in layer], dim=1).detach().numpy()


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_a_network_is_torchs(cell: str, layers: int) -> None:
    net, x = network(cell, layers, hidden=5), values(3, 12, 1)
    theirs, read_out = in_torch(net)
    output, state = theirs(torch.from_numpy(x))
    predictions, hidden, last = net.forward(x, net.initial_state(3))
    np.testing.assert_allclose(predictions, read_out(output).detach(), rtol=0, atol=1e-14)
    np.testing.assert_allclose(hidden, output.detach(), rtol=0, atol=1e-14)
    np.testing.assert_allclose(last, flat_state(state), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_the_whole_sequence_pass_is_stepping(cell: str, layers: int) -> None:
    net, x = network(cell, layers), values(3, 12, 1)
    start = values(*net.initial_state(3).shape, seed=2)
    predictions, hidden, last = net.forward(x, start)
    state = start
    for t in range(12):
        output, state = net.step(x[:, t], state)
        np.testing.assert_allclose(output, predictions[:, t], rtol=0, atol=1e-14)
        np.testing.assert_allclose(net.hidden(state), hidden[:, t], rtol=0, atol=1e-14)
    np.testing.assert_allclose(state, last, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_the_fast_free_run_is_stepping(cell: str, layers: int) -> None:
    net, x = network(cell, layers), values(3, 6, 1)
    predictions, _, state = net.forward(x, net.initial_state(3))
    begin = state.copy()
    outputs, hidden, last = net.run(predictions[:, -1], state, 40)
    output = predictions[:, -1]
    for t in range(40):
        output, state = net.step(output, state)
        np.testing.assert_allclose(outputs[:, t], output, rtol=0, atol=1e-13)
        np.testing.assert_allclose(hidden[:, t], net.hidden(state), rtol=0, atol=1e-13)
    np.testing.assert_allclose(last, state, rtol=0, atol=1e-13)
    again, _, _ = net.run(predictions[:, -1], begin, 40)
    np.testing.assert_array_equal(again, outputs)  # the state that went in is as it was


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_a_network_computes_in_the_type_of_its_weights(cell: str, layers: int, dtype: str) -> None:
    net = network(cell, layers, dtype=dtype)
    x = values(2, 5, 1).astype(dtype)
    predictions, hidden, state = net.forward(x, net.initial_state(2))
    outputs, _, last = net.run(predictions[:, -1], state, 5)
    found = (predictions, hidden, state, outputs, last)
    assert {array.dtype for array in found} == {np.dtype(dtype)}


def test_an_innovation_cell_in_a_free_run_keeps_its_memory_to_the_last_bit() -> None:
    net, x = network("innovation", hidden=3), values(5, 20, 1)
    predictions, hidden, state = net.forward(x, net.initial_state(5))
    memory = hidden[:, -1, net.memory]
    assert memory.shape == (5, 2) and (memory != 0).all()
    # Before, in the warm-up, it moved at every step.
    assert (np.diff(hidden[:, :, net.memory], axis=1) != 0).all()
    _, fast, _ = net.run(predictions[:, -1], state, 300)
    np.testing.assert_array_equal(fast[:, :, net.memory], np.tile(memory[:, None], (1, 300, 1)))
    output = predictions[:, -1]
    for _ in range(300):
        output, state = net.step(output, state)
    np.testing.assert_array_equal(net.hidden(state)[:, net.memory], memory)


def test_an_innovation_cell_is_its_equations() -> None:
    """One step of one sequence, written as in the cell's docstring."""
    net = network("innovation", hidden=3)
    w = net.weights
    state, x = values(1, 6, seed=3), values(1, 1, seed=4)
    h, m, last = state[0, :3], state[0, 3:5], state[0, 5]
    z = np.array([1, x[0, 0], *h, *m])
    q = np.tanh(w["gate"] @ [1, *m]) * (w["signal"] @ z)
    u = np.concatenate((z, q))
    wave = w["wave"] @ u
    memory = m + (x[0, 0] - last) * np.tanh(w["gain"] @ u)
    prediction = w["read_out"] @ [*wave, 1]
    output, after = net.step(x, state)
    np.testing.assert_allclose(after[0], [*wave, *memory, *prediction], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(output[0], after[0, -1:])


def test_for_a_given_memory_the_free_run_of_an_innovation_cell_is_affine() -> None:
    """The midpoint of two states with one memory runs midway between them."""
    net = network("innovation", hidden=3)
    states = values(3, 6, seed=5)
    states[:, 3:5] = states[0, 3:5]
    states[:, 5] = states[:, :3] @ net.weights["read_out"][0, :-1] + net.weights["read_out"][0, -1]
    states[2] = states[:2].mean(axis=0)
    outputs, _, _ = net.run(states[:, -1:], states, 30)
    np.testing.assert_allclose(outputs[2], outputs[:2].mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_sequences_of_a_batch_do_not_see_each_other(cell: str, layers: int) -> None:
    net, x = network(cell, layers), values(4, 9, 1)
    together, _, states = net.forward(x, net.initial_state(4))
    runs, _, _ = net.run(together[:, -1], states, 9)
    for i in range(4):
        alone, _, state = net.forward(x[i : i + 1], net.initial_state(1))
        np.testing.assert_allclose(alone, together[i : i + 1], rtol=0, atol=1e-14)
        run, _, _ = net.run(alone[:, -1], state, 9)
        np.testing.assert_allclose(run, runs[i : i + 1], rtol=0, atol=1e-14)


def test_the_blogs_network_has_the_blogs_parameters() -> None:
    """16·1 + 16·16 + 16 + 16 of `nn.RNN(1, 16)`, 16 + 1 of `nn.Linear(16, 1)`."""
    net = network("rnn", hidden=16)
    names = [*nn.RNN(1, 16).state_dict(), *nn.Linear(16, 1).state_dict()]
    assert [name.split(".")[1] for name in net.weights] == names
    assert net.parameters == 321


def test_an_innovation_cell_has_the_weights_that_it_says() -> None:
    """Three waves, one memory, eight products: C 8·2, D 8·6, O 3·14, K 1·14, w 4."""
    found = shapes("innovation", hidden_size=3, num_layers=1, memory_size=1, products=8)
    expected = {"gate": (8, 2), "signal": (8, 6), "wave": (3, 14), "gain": (1, 14)}
    assert found == expected | {"read_out": (1, 4)}


def test_another_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="expected rnn, gru, lstm or innovation, got elman"):
        cell_of("elman", 1, 1)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_a_free_run_that_blows_up_says_so_in_its_numbers(cell: str, layers: int) -> None:
    """Without a warning, which would stand in the user's terminal; bounded cells do not."""
    net = network(cell, layers)
    huge = {name: value * 1e3 for name, value in net.weights.items()}
    net = net.replace(huge)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        outputs, _, _ = net.run(values(2, 1), values(*net.initial_state(2).shape), 400)
    assert np.isfinite(outputs).all() == (cell != "innovation")
