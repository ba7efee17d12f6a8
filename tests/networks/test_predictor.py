"""Laws of a network with NumPy arrays in and out."""

import numpy as np
import pytest
import torch

from stages.networks.predictor import Predictor
from tests.examples import NETWORKS, network, values

EACH = pytest.mark.parametrize(("cell", "layers"), NETWORKS)


@EACH
def test_flat_states_are_read_back_as_they_were(cell: str, layers: int) -> None:
    net = network(cell, layers).requires_grad_(False)
    predictor, x = Predictor(net), torch.from_numpy(values(3, 4, 1))
    _, state = net(x)
    flat = predictor.flat(state)
    assert flat.shape == predictor.initial_state(3).shape and flat.any(axis=0).all()
    torch.testing.assert_close(predictor.unflat(flat), state, rtol=0, atol=0)
    # A row belongs to a sequence.
    np.testing.assert_allclose(predictor.flat(net(x[1:2])[1]), flat[1:2], rtol=0, atol=1e-14)


@EACH
def test_a_run_feeds_its_outputs_back(cell: str, layers: int) -> None:
    net, x = network(cell, layers).float(), values(3, 6, 1)
    predictor = Predictor(net)
    predictions, _, state = predictor.forward(x, predictor.initial_state(3))
    forced = net(torch.from_numpy(x).float())[0].detach()
    np.testing.assert_allclose(predictions, forced, rtol=0, atol=1e-6)
    outputs, hidden, last = predictor.run(predictions[:, -1], state, 20)
    assert outputs.dtype == hidden.dtype == last.dtype == np.float64
    output = predictions[:, -1:]
    for t in range(20):
        output, behind, state = predictor.forward(output, state)
        np.testing.assert_array_equal(outputs[:, t], output[:, 0])
        np.testing.assert_array_equal(hidden[:, t], behind[:, 0])
    np.testing.assert_array_equal(last, state)
    # The read-out takes the first columns of the hidden states; memory units follow.
    waves = torch.from_numpy(hidden[:, :, :4]).float()
    np.testing.assert_allclose(outputs, net.linear(waves).detach(), rtol=0, atol=1e-6)
    assert hidden.shape == (3, 20, max(4, predictor.memory.stop))
    assert predictor.memory == (slice(4, 6) if cell == "innovation" else slice(0, 0))
