"""The derivatives of a free run are those of autograd."""

import numpy as np
import pytest
import torch
from torch import nn

from stages.files import InputError
from stages.networks.predictor import Predictor
from stages.training.jacobian import Rollout, jacobian, predictions
from tests.examples import NETWORKS, network, values
from tests.networks.layers import OWN, own


@pytest.mark.parametrize("rollout", [Rollout(3, (-1, 0, 1, 4)), Rollout(1, (2, 4))])
@pytest.mark.parametrize(("cell", "layers"), [*NETWORKS, (OWN, 1)])
def test_the_jacobian_of_the_free_run(cell: str, layers: int, rollout: Rollout) -> None:
    net = own() if cell == OWN else network(cell, layers, hidden=3)
    x, parameters = torch.from_numpy(values(2, 9, 1)), list(net.parameters())
    predicted, rows = jacobian(net, x, rollout)
    outputs = predictions(net, x, rollout)
    assert torch.equal(predicted, outputs)
    by_weights = {"retain_graph": True, "materialize_grads": True}
    for row, output in zip(rows.flatten(0, 1), outputs.flatten(), strict=True):
        gradients = torch.autograd.grad(output, parameters, **by_weights)
        expected = torch.cat([gradient.flatten() for gradient in gradients])
        torch.testing.assert_close(row, expected, rtol=0, atol=1e-14)


def test_a_weight_outside_of_linear_maps_is_an_input_error() -> None:
    net = own()
    net.rnn.gain = nn.Parameter(torch.ones(1))
    with pytest.raises(InputError, match="cannot train rnn.gain; expected weights of nn.Linear"):
        jacobian(net, torch.from_numpy(values(2, 9, 1)), Rollout(4, (1,)))


@pytest.mark.parametrize(("cell", "layers"), NETWORKS)
def test_predictions_are_those_of_the_free_run(cell: str, layers: int) -> None:
    """Step 1 is the first after the warm-up; steps up to 0 are made within it."""
    net, x, rollout = network(cell, layers), values(3, 12, 1), Rollout(5, (-2, 0, 1, 2, 6))
    predictor = Predictor(net)
    forced, _, state = predictor.forward(x[:, :5], predictor.initial_state(3))
    both = np.concatenate((forced, predictor.run(forced[:, -1], state, 5)[0]), axis=1)[:, :, 0]
    predicted, _ = jacobian(net, torch.from_numpy(x), rollout)
    np.testing.assert_allclose(predicted, both[:, [1, 3, 4, 5, 9]], rtol=0, atol=1e-13)
    # Targets: the value at the same place, one later.
    np.testing.assert_array_equal(rollout.targets(x), x[:, [2, 4, 5, 6, 10], 0])
    assert rollout.steps == 10
    x[:, 5:] = np.nan  # values after the warm-up play no part
    assert torch.equal(jacobian(net, torch.from_numpy(x), rollout)[0], predicted)
