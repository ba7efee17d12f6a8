"""The small pipeline for other processors runs all code that can change the bytes of a result."""

from stages.networks.cells import CELLS
from stages.settings.model import ROWS, Adam, LevenbergMarquardt, NetworkRow, Ridge, with_defaults
from stages.settings.params_file import read
from tests.conftest import ROOT
from tools.emulated_processors import CONTROL, PARAMS

METHODS = ("normal", "uniform", "echo_state", "zero_read_out")
# Settings that choose other code; `steps` and the like only change how often it runs.
SWITCHES = {
    Adam: ("carry_hidden_state", "free_steps", "noise", "clip", "decay", "check_every"),
    LevenbergMarquardt: (
        *("free_steps", "fresh", "noise", "amplitude_jitter", "soft_limit"),
        *("normalise_by_step", "forgetting", "products"),
    ),
}


def test_every_cell_phase_and_initialisation_is_run() -> None:
    models, datasets = read(PARAMS).models, read(PARAMS).datasets
    assert {row.cell for row in models.values()} == {*CELLS, *ROWS}
    networks = [
        with_defaults(row, getattr(datasets[row.dataset], "kind", "measured"), 20, 20)
        for row in models.values()
        if isinstance(row, NetworkRow)
    ]
    phases = [phase for row in networks for phase in row.training]
    assert {type(phase) for phase in phases} == {Ridge, Adam, LevenbergMarquardt}
    assert {row.initial.method for row in networks} == {*METHODS}
    assert {row.precision for row in networks} == {"float32", "float64"}
    for kind, names in SWITCHES.items():
        same_kind = [phase for phase in phases if isinstance(phase, kind)]
        for name in names:
            default = kind.model_fields[name].default
            assert any(getattr(phase, name) != default for phase in same_kind), name


def test_the_control_is_trained_by_a_fused_adam() -> None:
    assert [phase.phase for phase in read(PARAMS).models[CONTROL].training] == ["adam"]
    code = (ROOT / "stages/training/adam.py").read_text()
    assert code.count("fused=True") == 1
