"""The blog's own loop, the unit of the bench's times, against the pipeline's."""

import numpy as np

from stages.settings.model import NetworkRow
from stages.training.initial import initial_network
from stages.training.sequences import Sequences
from tests.examples import sines
from tests.networks.layers import plain
from tests.training.test_adam import train
from tools.bench.blog import blog_losses


def test_the_blogs_recipe_gives_the_blogs_losses() -> None:
    """To the last bit with torch's fused step; the blog's step has other last digits."""
    x = sines(50, phase=[0, 1, 2]).values
    initial = {"method": "normal", "sd": 0.001}
    row = NetworkRow(dataset="d", cell="rnn", precision="float32", initial=initial)
    net = initial_network(row, np.random.default_rng(1))
    exact, close = (
        blog_losses(*plain("rnn", net.sizes, net.weights), x[:, :, 0], fused=fused)
        for fused in (True, False)
    )
    carried, reports = train(net, Sequences(x, x), 50, carry_hidden_state=True)
    assert reports == [(i, i * 49, loss) for i, loss in enumerate(exact, start=1)]
    np.testing.assert_allclose(exact, close, rtol=1e-5)
    assert carried.shape == (1, 1, 16) and carried.any() and not carried.requires_grad
