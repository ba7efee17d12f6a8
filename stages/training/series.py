"""Training of networks on a measured series."""

import math

import numpy as np

from stages.networks.forecaster import NetworkForecaster
from stages.networks.network import Network
from stages.settings.model import NetworkRow
from stages.signals.series import Series
from stages.signals.transforms import fit_transform
from stages.training import recipe
from stages.training.recipe import Reports
from stages.training.sequences import Sequences

SEED_GAP = 100_000  # between the seeds of the members of an ensemble


def train_on_series(row: NetworkRow, series: Series, reports: Reports) -> NetworkForecaster:
    """Train the networks of a row on the training part of a series.

    The best weights of each are those with the least error on the validation part. In reports the
    number of a network stands in place of an attempt.
    """
    transform = fit_transform(row.transform, series.training, series.season)
    length = series.warmup + series.horizon
    windows = np.lib.stride_tricks.sliding_window_view(series.training, length)[:, :, None]
    seen = transform.apply(windows, series.warmup)
    origins = series.rolling_origins("validation")
    past, future = series.past(origins), series.future(origins)

    def validate(network: Network) -> float:
        forecast = NetworkForecaster([network], transform).forecast(past, series.horizon)
        with np.errstate(over="ignore", invalid="ignore"):  # the forecast may diverge
            error = float(np.abs(forecast - future).mean())
        return error if math.isfinite(error) else math.inf

    networks = []
    for member in range(row.ensemble):
        trained = recipe.train(
            row.model_copy(update={"seed": row.seed + SEED_GAP * member}),
            Sequences(seen, seen),
            validate,
            lambda _, phase, member=member: reports(member, phase),
        )
        networks.append(trained.network)
    return NetworkForecaster(networks, transform)
