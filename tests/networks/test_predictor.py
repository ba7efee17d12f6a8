"""Laws of a network with NumPy arrays in and out."""

import numpy as np
import pytest
import torch

from stages.networks.network import Network
from stages.networks.predictor import Predictor
from tests.examples import NETWORKS, network, values
from tests.networks.layers import OWN, own

ALL = [*NETWORKS, (OWN, 1)]


def drawn(cell: str, layers: int) -> Network:
    """Draw a network that is not trained any more."""
    return (own() if cell == OWN else network(cell, layers)).requires_grad_(False)


@pytest.mark.parametrize(("cell", "layers"), ALL)
def test_flat_states_are_read_back_as_they_were(cell: str, layers: int) -> None:
    net = drawn(cell, layers)
    predictor, (_, state) = Predictor(net), net(torch.from_numpy(values(3, 4, 1)))
    flat = predictor.flat(state)
    assert flat.shape == predictor.initial_state(3).shape and flat.any(axis=0).all()
    torch.testing.assert_close(predictor.own(flat), state, rtol=0, atol=0)
    np.testing.assert_array_equal(predictor.flat(predictor.own(flat)), flat)
    # A row belongs to a sequence.
    _, first = net(torch.from_numpy(values(3, 4, 1)[:1]))
    np.testing.assert_allclose(predictor.flat(first), flat[:1], rtol=0, atol=1e-14)


@pytest.mark.parametrize(("cell", "layers"), ALL)
def test_forward_is_the_networks_own_and_can_be_cut_in_two(cell: str, layers: int) -> None:
    net, x = drawn(cell, layers), values(3, 9, 1)
    predictor = Predictor(net)
    predictions, hidden, last = predictor.forward(x, predictor.initial_state(3))
    output, state = net(torch.from_numpy(x))
    np.testing.assert_allclose(predictions, output.detach(), rtol=0, atol=1e-14)
    np.testing.assert_allclose(last, predictor.flat(state), rtol=0, atol=1e-14)
    # The first columns of the hidden states are those that the read-out takes.
    waves = torch.from_numpy(hidden[:, :, : net.sizes.hidden_size])
    np.testing.assert_allclose(predictions, net.linear(waves).detach(), rtol=0, atol=1e-14)
    first, _, middle = predictor.forward(x[:, :4], predictor.initial_state(3))
    second, _, end = predictor.forward(x[:, 4:], middle)
    np.testing.assert_array_equal(np.concatenate((first, second), 1), predictions)
    np.testing.assert_array_equal(end, last)


@pytest.mark.parametrize(("cell", "layers"), ALL)
def test_a_run_feeds_its_outputs_back(cell: str, layers: int) -> None:
    predictor, x = Predictor(drawn(cell, layers)), values(3, 6, 1)
    predictions, _, state = predictor.forward(x, predictor.initial_state(3))
    begin = state.copy()
    outputs, hidden, last = predictor.run(predictions[:, -1], state, 20)
    np.testing.assert_array_equal(state, begin)  # the state that went in is as it was
    output = predictions[:, -1:]
    for t in range(20):
        output, behind, state = predictor.forward(output, state)
        np.testing.assert_array_equal(outputs[:, t], output[:, 0])
        np.testing.assert_array_equal(hidden[:, t], behind[:, 0])
    np.testing.assert_array_equal(last, state)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_the_precision_is_that_of_the_weights_and_arrays_are_float64(
    cell: str, layers: int
) -> None:
    single, x = Predictor(network(cell, layers).float()), values(2, 5, 1)
    predictions, hidden, state = single.forward(x, single.initial_state(2))
    for array in (predictions, hidden, state, *single.run(predictions[:, -1], state, 5)):
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, array.astype(np.float32))


def test_memory_units_of_an_innovation_cell_follow_the_waves() -> None:
    predictor, x = Predictor(network("innovation", hidden=3)), values(2, 5, 1)
    _, hidden, state = predictor.forward(x, predictor.initial_state(2))
    assert predictor.memory == slice(3, 5) and hidden.shape == (2, 5, 5)
    np.testing.assert_array_equal(hidden[:, -1, predictor.memory], state[:, 3:5])
    assert Predictor(network("gru")).memory == slice(0, 0)


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_a_free_run_diverges_to_numbers_that_are_not_finite(cell: str, layers: int) -> None:
    """Without a warning or an error; bounded cells stay finite."""
    net = network(cell, layers)
    with torch.no_grad():
        for weight in net.parameters():
            weight *= 1e3
    predictor = Predictor(net)
    outputs, _, _ = predictor.run(values(2, 1), predictor.initial_state(2), 400)
    assert np.isfinite(outputs).all() == (cell != "innovation")
