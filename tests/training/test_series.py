"""Training on a measured series: nothing of the test part is seen, and the best epoch is kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages import train
from stages.networks import forecaster_file, model_file
from stages.settings.model import NetworkRow, with_defaults
from stages.signals.series import Series
from stages.training.series import SEED_GAP, train_on_series
from tests.measured import other_test, seasonal, series

ADAM = {"phase": "adam", "iterations": 4, "learning_rate": 0.01, "decay": 1.0, "batch": 4}
ADAM |= {"warmup": 12, "free_steps": 6, "check_every": 1}
MADE = series(seasonal())


def row(cell: str, transform: str = "seasonal_difference", **changes: object) -> NetworkRow:
    values = {"cell": cell, "dataset": "sales", "hidden_size": 3, "transform": transform}
    return NetworkRow.model_validate(values | {"ensemble": 2, "training": [ADAM]} | changes)


def silent(*_: Any) -> Any:
    return lambda *_: None


def model_bytes(path: Path, row: NetworkRow, made: Series) -> bytes:
    """Train a row as the stage does; return its model file."""
    model_file.save(path, *train.train_series(row, made, train.Curve("mine")))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("cell", "transform"),
    [("rnn", "window"), ("lstm", "seasonal_difference"), ("innovation", "window")],
)
def test_the_test_part_changes_no_model(cell: str, transform: str, tmp_path: Path) -> None:
    path, mine = tmp_path / "model", row(cell, transform)
    before = model_bytes(path, mine, MADE)
    assert model_bytes(path, mine, other_test(MADE)) == before
    values = MADE.values.copy()
    values[slice(*MADE.bounds("validation"))] *= 1.1
    assert model_bytes(path, mine, replace(MADE, values=values)) != before


@pytest.mark.parametrize("transform", ["window", "seasonal_difference"])
def test_a_model_file_forecasts_the_mean_of_its_members(transform: str, tmp_path: Path) -> None:
    past = MADE.past(MADE.rolling_origins("test"))
    model_bytes(tmp_path / "model", row("gru", transform, ensemble=3), MADE)
    forecast = forecaster_file.load(tmp_path / "model").forecaster.forecast(past, 24)
    members = []
    for seed in (0, SEED_GAP, 2 * SEED_GAP):
        alone = with_defaults(row("gru", transform, ensemble=1, seed=seed), "measured", 36, 24)
        members.append(train_on_series(alone, MADE, silent).forecast(past, 24))
    np.testing.assert_allclose(forecast, np.mean(members, axis=0), rtol=1e-12)
    assert (members[0] != members[1]).all()


def test_a_phase_takes_from_the_default_what_it_does_not_give() -> None:
    given = {"training": [{"phase": "adam", "iterations": 5}], "hidden_size": 3}
    (phase,) = with_defaults(row("gru", **given), "measured", 24, 12).training
    (default,) = with_defaults(NetworkRow(cell="gru", dataset="d"), "measured", 24, 12).training
    assert phase == default.model_copy(update={"iterations": 5})
    given["training"][0]["carry_hidden_state"] = True
    (phase,) = with_defaults(row("gru", **given), "measured", 24, 12).training
    assert phase.free_steps == 0 and phase.carry_hidden_state and phase.batch == default.batch


def test_the_weights_with_the_least_error_on_validation_are_kept() -> None:
    """So more iterations are never worse there, even at a rate that is too high."""
    origins, errors = MADE.rolling_origins("validation"), []
    for iterations in range(1, 9):
        phase = ADAM | {"learning_rate": 0.5, "iterations": iterations}
        mine = with_defaults(row("gru", ensemble=1, training=[phase]), "measured", 12, 6)
        forecaster = train_on_series(mine, MADE, silent)
        forecast = forecaster.forecast(MADE.past(origins), MADE.horizon)
        errors.append(np.abs(forecast - MADE.future(origins)).mean())
    assert sorted(errors, reverse=True) == errors and errors[-1] < errors[0]
