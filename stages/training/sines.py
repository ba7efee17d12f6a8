"""Training of a network on sequences of sines."""

import math
from dataclasses import asdict

import numpy as np
import torch

from stages.networks.model_file import CARRIED, Tensors, tensors_of
from stages.networks.network import Network
from stages.networks.predictor import Predictor
from stages.settings.model import Accept, NetworkRow
from stages.signals.sines import LOST, Sines
from stages.training import recipe
from stages.training.adam import free_run
from stages.training.recipe import Reports, Trained
from stages.training.sequences import Sequences


def train_on_sines(
    row: NetworkRow, sines: Sines, validation: Sines, reports: Reports
) -> tuple[Trained, Tensors, dict[str, object]]:
    """Train a network; return it with the tensors and the facts of its model file.

    Attempts are compared by the free run of the validation sequences.
    """
    truth = sines.truth(np.arange(sines.values.shape[1]))[:, :, None]
    trained = recipe.train(
        row,
        Sequences(sines.values, truth),
        lambda network: free_run_error(network, validation, row.accept),
        reports,
    )
    tensors = tensors_of(trained.network)
    if trained.carried is not None:
        tensors[CARRIED] = Predictor(trained.network).flat(trained.carried)[-1:]
    facts = asdict(trained.network.sizes)  # a network may have grown
    return trained, tensors, facts | {"attempts": trained.attempts, "accepted": trained.accepted}


@torch.no_grad()
def free_run_error(network: Network, validation: Sines, accept: Accept) -> float:
    """Compute the RMSE of the free run over some periods of each validation sequence, pooled.

    If the error ever exceeds 0.4 of the amplitude, the sequence is lost: the amplitude then counts
    as its error at every step. So networks that lose sequences can still be compared.
    """
    values = torch.from_numpy(validation.values[:, : accept.warmup])
    ends = np.ceil(accept.periods * validation.steps_per_period).astype(np.int64)
    steps = np.arange(ends.max())
    outputs = free_run(network, values.to(network.linear.weight), len(steps))
    with np.errstate(over="ignore", invalid="ignore"):  # the free run may diverge
        error = outputs[:, :, 0].cpu().numpy() - validation.truth(accept.warmup + steps)
        error = np.where(steps < ends[:, None], error, 0)
        lost = ~(np.abs(error) <= LOST * validation.amplitude[:, None]).all(axis=1)
        squares = np.where(lost, validation.amplitude**2 * ends, (error**2).sum(axis=1))
    return math.sqrt(squares.sum() / ends.sum())
