"""Read forecasters of a measured series from model files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.baselines.ar import Ar
from stages.baselines.ets import Ets
from stages.baselines.forecaster import Drift, Forecaster, Naive, SeasonalNaive
from stages.files import AGAIN, InputError
from stages.networks import model_file
from stages.networks.model_file import SeriesFacts, Tensors
from stages.signals.sines import Floats

BASELINES: dict[str, type[Forecaster]] = {
    "naive": Naive,
    "seasonal_naive": SeasonalNaive,
    "drift": Drift,
    "ets": Ets,
    "ar": Ar,
}
LEVELS = (80, 95)  # probabilities of the intervals [%]


@dataclass(frozen=True)
class Trained:
    """A forecaster, its facts, and intervals from its errors on the validation part.

    half_widths: of intervals by level [%], (horizon,). range: the least and the largest value of
    the training part.
    """

    forecaster: Forecaster
    facts: SeriesFacts
    half_widths: Mapping[int, Floats]
    range: Floats


def load(path: Path) -> Trained:
    """Read a forecaster; raises InputError where the file is not one."""
    tensors, facts = model_file.read(path)
    if not isinstance(facts, SeriesFacts):
        raise InputError(f"{path}: is a model of sines; expected one of a measured series")
    try:
        half_widths = {level: tensors.pop(f"half_widths_{level}") for level in LEVELS}
        ends = tensors.pop("range")
        return Trained(forecaster_of(facts, tensors), facts, half_widths, ends)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: tensors do not fit the facts: {error}; {AGAIN}") from None


def forecaster_of(facts: SeriesFacts, tensors: Tensors) -> Forecaster:
    """Build a forecaster; raises an error where tensors are missing, unknown or misshapen."""
    if facts.cell in BASELINES:
        fitted = {name.removeprefix("fit."): value for name, value in tensors.items()}
        return BASELINES[facts.cell](**facts.options, **fitted)
    from stages.networks.forecaster import NetworkForecaster  # loads torch

    return NetworkForecaster.from_tensors(facts, tensors)
