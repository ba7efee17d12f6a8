"""Training of networks on a measured series."""

from functools import partial

import numpy as np

from stages.networks.forecaster import NetworkForecaster
from stages.networks.network import Network
from stages.settings.model import NetworkRow
from stages.signals.series import Series
from stages.signals.sines import Floats
from stages.signals.transforms import fit_transform
from stages.training import recipe
from stages.training.recipe import Reports
from stages.training.sequences import Sequences

SEEDS = 100_000  # between the seeds of an ensemble's members, so that rows do not share any


def train_on_series(row: NetworkRow, series: Series, reports: Reports) -> NetworkForecaster:
    """Train the networks of a row on the training part of a series.

    The best weights of each are those with the least MASE on the validation part.
    """
    transform = fit_transform(row.transform, series.training, series.season)
    length = series.warmup + series.horizon
    windows = np.lib.stride_tricks.sliding_window_view(series.training, length)[:, :, None]
    seen = transform.apply(windows, series.warmup)
    origins = series.rolling_origins("validation")
    past, future = series.past(origins), series.future(origins)

    def validate(network: Network) -> float:
        forecast = NetworkForecaster([network], transform).forecast(past, series.horizon)
        return mean_error(forecast, future)

    networks = []
    for member in range(row.ensemble):
        numbered = row.model_copy(update={"seed": row.seed + SEEDS * member})
        log = partial(reports, member)
        trained = recipe.train(
            numbered, Sequences(seen, seen), validate, lambda _, phase, log=log: log(phase)
        )
        networks.append(trained.network)
    return NetworkForecaster(networks, transform)


def mean_error(forecast: Floats, future: Floats) -> float:
    """Compute the mean absolute error, infinite where a forecast diverges."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = float(np.abs(forecast - future).mean())
    return error if np.isfinite(error) else np.inf
