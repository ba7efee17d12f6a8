"""Networks as forecasters of a measured series."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stages.baselines.forecaster import Forecaster
from stages.networks.network import Network
from stages.networks.predictor import Predictor
from stages.signals.sines import Floats
from stages.signals.transforms import Transform


@dataclass(frozen=True)
class NetworkForecaster(Forecaster):
    """The mean forecast of networks that see a series through the same transform."""

    networks: Sequence[Network]
    transform: Transform

    @property
    def parameters(self) -> int:
        return sum(Predictor(network).parameters for network in self.networks)

    def forecast(self, past: Floats, horizon: int) -> Floats:
        x = self.transform.apply(past, past.shape[1])
        outputs = np.mean([free_run(network, x, horizon) for network in self.networks], axis=0)
        return self.transform.undo(past, outputs)


def free_run(network: Network, x: Floats, steps: int) -> Floats:
    """Run freely after true values (batch, time, 1): (batch, steps, 1)."""
    predictor = Predictor(network)
    outputs, _, state = predictor.forward(x, predictor.initial_state(len(x)))
    last = outputs[:, -1:]
    if steps == 1:
        return last
    return np.concatenate((last, predictor.run(last[:, 0], state, steps - 1)[0]), axis=1)
