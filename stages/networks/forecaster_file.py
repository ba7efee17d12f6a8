"""Forecasters of a measured series, as model files keep them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stages.baselines.ar import Ar
from stages.baselines.ets import Ets
from stages.baselines.forecaster import Drift, Forecaster, Naive, SeasonalNaive
from stages.files import AGAIN, InputError
from stages.networks import model_file
from stages.networks.model_file import SeriesFacts, Tensors
from stages.signals.sines import Floats
from stages.signals.transforms import from_tensors, tensors_of

if TYPE_CHECKING:
    from stages.networks.forecaster import NetworkForecaster

BASELINES: dict[str, type[Forecaster]] = {
    "naive": Naive,
    "seasonal_naive": SeasonalNaive,
    "drift": Drift,
    "ets": Ets,
    "ar": Ar,
}
LEVELS = (80, 95)  # % of the intervals


@dataclass(frozen=True)
class Trained:
    """A forecaster, its facts, and its errors on the validation part.

    half_widths: of intervals by level [%], (horizon,). range: the least and the largest value of
    the training part.
    """

    forecaster: Forecaster
    facts: SeriesFacts
    half_widths: Mapping[int, Floats]
    range: Floats


def baseline_tensors(forecaster: Forecaster) -> tuple[Tensors, dict[str, str | int]]:
    """Name the tensors of a method without a network, and its options."""
    named = {f"fit.{name}": value for name, value in forecaster.tensors().items()}
    return named, forecaster.options()


def network_tensors(forecaster: "NetworkForecaster") -> Tensors:
    """Name the tensors of networks: as torch does where there is one, else with its number."""
    tensors, count = tensors_of(forecaster.transform), len(forecaster.networks)
    for number, network in enumerate(forecaster.networks):
        weights = model_file.tensors_of(network).items()
        tensors |= {prefix(number, count) + name: value for name, value in weights}
    return tensors


def prefix(number: int, count: int) -> str:
    return f"{number}." if count > 1 else ""


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
    """Build a forecaster; raises an error where its tensors are others than it needs."""
    if facts.cell in BASELINES:
        fitted = {name.removeprefix("fit."): value for name, value in tensors.items()}
        return BASELINES[facts.cell](**facts.options, **fitted)
    from stages.networks.forecaster import NetworkForecaster  # loads torch

    transform = from_tensors(facts.transform, facts.season, tensors)
    weights = {name: value for name, value in tensors.items() if "transform" not in name}
    networks = []
    for number in range(facts.ensemble):
        start = prefix(number, facts.ensemble)
        own = {n.removeprefix(start): v for n, v in weights.items() if n.startswith(start)}
        networks.append(model_file.network_of(facts, own))
    return NetworkForecaster(networks, transform)
