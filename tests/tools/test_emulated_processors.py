"""What runs on other processors runs all that can change the bytes of a result."""

from pathlib import Path
from typing import get_args

from ruamel.yaml import YAML

from stages.settings.model import Fit, Lags, NetworkRow
from stages.settings.whole import read
from tools.emulated_processors import CONTROL, PARAMS


def test_every_cell_phase_and_initialisation_is_run(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS)
    models = read(tmp_path / "params.yaml").models
    cells = {
        cell
        for kind in (Lags, Fit, NetworkRow)
        for cell in get_args(kind.model_fields["cell"].annotation)
    }
    assert {row.cell for row in models.values()} == cells
    written = YAML(typ="safe").load(PARAMS)["models"].values()
    phases = {phase["phase"] for row in written for phase in row.get("training", [])}
    assert phases == {"ridge", "adam", "levenberg_marquardt"}
    networks = [row for row in models.values() if isinstance(row, NetworkRow)]
    assert {row.initial.method for row in networks} == {"normal", "uniform", "echo_state"}
    assert {row.precision for row in networks} == {"float32", "float64"}


def test_the_control_is_trained_by_adam(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS)
    control = read(tmp_path / "params.yaml").models[CONTROL]
    assert [phase.phase for phase in control.training] == ["adam"]
