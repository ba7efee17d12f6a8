"""Laws of a network that grows."""

import numpy as np
import pytest

from stages.networks.network import Network
from stages.training import initial
from stages.training.growth import grown


def drawn(cell: str = "innovation") -> Network:
    sizes = {"hidden_size": 4, "num_layers": 1, "memory_size": 2, "products": 3}
    network = initial.empty(cell, **sizes, dtype="float64")
    return initial.uniform(network, np.random.default_rng(0))


def test_a_network_with_new_products_does_what_it_did() -> None:
    network, values = drawn(), np.random.default_rng(1).normal(size=(5, 12, 1))
    larger = grown(network, 7, np.random.default_rng(2))
    assert larger.products == 7
    before, _, state = network.forward(values, network.initial_state(5))
    after, _, larger_state = larger.forward(values, larger.initial_state(5))
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-14)
    own, _, _ = network.run(before[:, -1], state, 10)
    np.testing.assert_allclose(larger.run(after[:, -1], larger_state, 10)[0], own, atol=1e-13)
    assert (larger.weights["gate"][3:] != 0).any() and (larger.weights["signal"][3:] != 0).any()


@pytest.mark.parametrize(("cell", "products"), [("innovation", 3), ("innovation", 2), ("gru", 7)])
def test_it_refuses_to_shrink_and_what_has_no_products(cell: str, products: int) -> None:
    with pytest.raises(ValueError, match="expected an innovation cell with fewer"):
        grown(drawn(cell), products, np.random.default_rng(2))
