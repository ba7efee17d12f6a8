"""Training of a network on sequences of sines."""

from dataclasses import dataclass

import numpy as np

from stages.networks.model_file import CARRIED, Tensors, tensors_of
from stages.networks.predictor import Predictor
from stages.settings.model import NetworkRow
from stages.signals.sines import Sines
from stages.training import recipe
from stages.training.attempts import free_run_error
from stages.training.recipe import Reports
from stages.training.sequences import Sequences


@dataclass(frozen=True)
class TrainedOnSines:
    """The tensors of a model file, the facts that training settled, and the validation error."""

    tensors: Tensors
    facts: dict[str, object]
    error: float | None
    accepted: bool


def train_on_sines(
    row: NetworkRow, sines: Sines, validation: Sines, reports: Reports
) -> TrainedOnSines:
    """Train a network; its attempts are judged by the free run of the validation sequences."""
    truth = sines.truth(np.arange(sines.values.shape[1]))[:, :, None]
    accept = row.accept
    trained = recipe.train(
        row,
        Sequences(sines.values, truth),
        lambda network: free_run_error(network, validation, accept.warmup, accept.periods),
        reports,
    )
    tensors = tensors_of(trained.network)
    if trained.carried is not None:
        tensors[CARRIED] = Predictor(trained.network).flat(trained.carried)[-1:]
    sizes = trained.network.sizes  # a network may have grown
    facts = {
        "hidden_size": sizes.hidden_size,
        "num_layers": sizes.num_layers,
        "memory_size": sizes.memory_size,
        "products": sizes.products,
        "attempts": trained.attempts,
        "accepted": trained.accepted,
    }
    return TrainedOnSines(tensors, facts, trained.error, trained.accepted)
