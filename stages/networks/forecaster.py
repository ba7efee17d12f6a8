"""Networks as forecasters of a measured series."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from stages.baselines.forecaster import Forecaster
from stages.networks.model_file import SeriesFacts, Tensors, network_of, tensors_of
from stages.networks.network import Network
from stages.networks.predictor import Predictor
from stages.signals import transforms
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

    def tensors(self) -> Tensors:
        """Name the tensors as torch does; of several networks, with the number of each in front."""
        tensors = transforms.tensors_of(self.transform)
        for prefix, network in zip(prefixes(len(self.networks)), self.networks, strict=True):
            tensors |= {prefix + name: value for name, value in tensors_of(network).items()}
        return tensors

    @classmethod
    def from_tensors(cls, facts: SeriesFacts, tensors: Tensors) -> Self:
        """Rebuild the networks from `tensors`; raises an error where these do not fit the facts."""
        transform = transforms.from_tensors(facts.transform, facts.season, tensors)
        weights = {name: value for name, value in tensors.items() if "transform" not in name}
        networks = []
        for prefix in prefixes(facts.ensemble):
            own = {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
            networks.append(network_of(facts, own))
        return cls(networks, transform)


def prefixes(count: int) -> list[str]:
    return [f"{number}." for number in range(count)] if count > 1 else [""]


def free_run(network: Network, x: Floats, steps: int) -> Floats:
    """Run freely after true values (batch, time, 1): (batch, steps, 1)."""
    predictor = Predictor(network)
    outputs, _, state = predictor.forward(x, predictor.initial_state(len(x)))
    last = outputs[:, -1:]
    if steps == 1:
        return last
    return np.concatenate((last, predictor.run(last[:, 0], state, steps - 1)[0]), axis=1)
