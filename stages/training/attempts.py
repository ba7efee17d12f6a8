"""Choosing between attempts: how well a free run holds the validation sequences."""

import math

import numpy as np

from stages.networks.network import Network
from stages.networks.predictor import Predictor
from stages.signals.sines import LOST, Sines

BLOCK = 512  # steps of the free run that are in memory at one time


def free_run_error(network: Network, validation: Sines, warmup: int, periods: float) -> float:
    """Compute the RMSE of the free run over some periods of each validation sequence, pooled.

    If the error ever exceeds 0.4 of the amplitude, the sequence is lost: the amplitude then counts
    as its error at every step. So networks that lose sequences can still be compared.
    """
    predictor = Predictor(network)
    values = validation.values[:, :warmup]
    outputs, _, state = predictor.forward(values, predictor.initial_state(len(values)))
    output = outputs[:, -1:]
    ends = np.ceil(periods * validation.steps_per_period).astype(np.int64)
    squares, lost, first = np.zeros(len(values)), np.zeros(len(values), dtype=bool), 0
    while True:
        steps = np.arange(first, first + output.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            error = output[:, :, 0] - validation.truth(warmup + steps)
            error = np.where(steps < ends[:, None], error, 0)
            lost |= ~(np.abs(error) <= LOST * validation.amplitude[:, None]).all(axis=1)
            squares += (error * error).sum(axis=1)
        first += len(steps)
        if first >= ends.max() or lost.all():
            squares = np.where(lost, validation.amplitude**2 * ends, squares)
            return math.sqrt(float(squares.sum()) / float(ends.sum()))
        output, _, state = predictor.run(output[:, -1], state, BLOCK)
