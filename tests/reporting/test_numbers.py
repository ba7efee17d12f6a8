"""What is drawn and written of a model are its own numbers, each in its own place."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.reporting import figures, inference, page, reports, tables
from stages.reporting import style as drawing
from stages.settings.dataset import Dataset
from tests.reporting.test_figures import PEERS, TASKS, make_report

STABLE = make_report("stable", 1.001)
NOISY = make_report("noisy", 1.01, task="noisy", periods=100)
PEN = drawing.pens(["stable", "noisy"])


def drawn(axes: Axes) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the lines and dots of axes, (x, y) each."""
    return [
        (np.asarray(x, float), np.asarray(y, float))
        for x, y in (line.get_data() for line in axes.lines)
    ]


def has(axes: Axes, x: pd.Series, y: pd.Series) -> bool:
    """Return whether some line or dots of axes are these."""
    return any(
        np.array_equal(a, x) and np.array_equal(b, y, equal_nan=True)
        for a, b in drawn(axes)
        if len(a) == len(x)
    )


def dots(axes: Axes) -> np.ndarray:
    return np.asarray(axes.collections[0].get_offsets())


def hero(models: list[reports.Report], shown: list[reports.Report]) -> Figure:
    return figures.hero(reports.sections(models, TASKS), shown, PEERS, PEN)


def test_the_hero_draws_the_free_run_of_what_the_model_was_given() -> None:
    axes, *_ = hero([STABLE, NOISY], [NOISY]).axes
    table = NOISY.rollout[NOISY.rollout.periods.between(-2, 6)]
    given = table[table.periods < 0]
    assert has(axes, table.periods, table.truth)
    assert has(axes, given.periods, given.value)
    assert has(axes, table.periods, table.free_running)
    assert len(drawn(axes)) == 3


def test_the_hero_draws_errors_against_the_horizon_and_the_bound() -> None:
    _, of_stable, of_noisy = hero([STABLE, NOISY], [NOISY]).axes
    for axes, report in ((of_stable, STABLE), (of_noisy, NOISY)):
        assert has(axes, report.horizon.periods, report.horizon.rmse)
    bound = NOISY.metrics["bound"]
    assert has(of_noisy, pd.Series([1.0, 100.0]), pd.Series(bound.values()))
    # Peers stand at their longest horizon, in the panel of their own task alone.
    marks = [line.get_xydata()[0] for line in of_stable.lines if line.get_marker() == "D"]
    assert [x for x, _ in marks] == [1000] * len(PEERS)
    assert [y for _, y in marks[:2]] == [0.9, 1e-7]
    assert not [line for line in of_noisy.lines if line.get_marker() == "D"]


@pytest.mark.parametrize(
    ("median", "said"),
    [(1000.0, "holds all 1000 periods"), (999.0, "holds 1e+03 periods"), (3.3, "holds 3.3")],
)
def test_a_verdict_says_how_long_the_median_sequence_was_held(median: float, said: str) -> None:
    report = make_report("stable", 1.001)
    report.metrics["free_running"]["valid_prediction_periods"]["median"] = median
    assert said in figures.verdict(report)


def test_predictions_are_drawn_with_the_memory_kept_and_wiped() -> None:
    predictions, *_ = figures.memory([STABLE], STABLE, PEN).axes
    part = STABLE.rollout[STABLE.rollout.periods.between(0, 2)]
    for column in ("truth", "teacher_forced", "memory_wiped"):
        assert has(predictions, part.periods, part[column]), column


def test_the_memory_is_drawn_against_the_frequency() -> None:
    settling, after = inference.memory([NOISY], PEN).axes
    for _, part in NOISY.settling.groupby("frequency"):
        assert has(settling, part.step, part.memory_1)
    np.testing.assert_array_equal(dots(after), NOISY.sequences[["frequency", "memory_1"]])


def test_errors_are_drawn_over_frequency_and_amplitude() -> None:
    axes = inference.hard([NOISY]).axes[0]
    np.testing.assert_array_equal(dots(axes), NOISY.sequences[["frequency", "amplitude"]])
    colours = axes.collections[0].get_facecolors()
    assert len(np.unique(colours, axis=0)) == len(NOISY.sequences)


def test_the_page_has_every_metric_under_its_name() -> None:
    one, two = make_report("one", 1.001), make_report("two", 1.002)
    free = one.metrics["free_running"]
    free |= {"rmse_1_periods": 0.0111, "rmse_1000_periods": 0.222, "survivors": 0.625}
    free["valid_prediction_periods"] = {"median": 77.7, "min": 5.5}
    one.metrics.update(parameters=28, teacher_forced={"rmse": 0.00123})
    (section,) = reports.sections([one, two], TASKS)
    header, _, first, *_ = page.table(section).splitlines()
    cells = dict(
        zip(*([c.strip() for c in row.split("|")[1:-1]] for row in (header, first)), strict=True)
    )
    assert cells == {
        "model": "`one`",
        "trained values": "28",
        "one step": "0.00123",
        "1 period": "0.0111",
        "1000 periods": "0.222",
        "holds, median": "77.7",
        "worst": "5.5",
        "survivors": "0.625",
    }


def test_the_bound_is_a_row_of_the_table_in_noise() -> None:
    (section,) = reports.sections([NOISY], TASKS)
    assert page.table(section).splitlines()[-1] == "| bound |  |  | 0.01 | 0.3 |  |  |  |"


def test_the_best_is_the_least_at_the_horizon() -> None:
    lost, best, worse = (make_report(name, 1.0) for name in ("lost", "best", "worse"))
    for report, rmse in ((lost, "diverged"), (best, 1e-7), (worse, 2e-7)):
        report.metrics["free_running"]["rmse_1000_periods"] = rmse
    said = page.best(reports.sections([lost, worse, best], TASKS))
    assert said == "- one sine: over 1000 periods the error is least for `best`, 1e-7.\n"


@pytest.mark.parametrize(
    "change",
    [
        {"warmup": 21},
        {"periods": 100},
        {"seed": 1},
        {"test_seed": 1},
        {"test_phase": [0, 1, 2]},
        {"noise": 0.1},
        {"frequency": 1.1},
        {"amplitude": [0.5, 1.5]},
        {"test_sequences": 65},
        {"span": 11.0},
    ],
)
def test_models_under_another_protocol_are_not_compared(change: dict[str, object]) -> None:
    same = {"warmup": 20, "periods": 1000}
    tasks = {
        name: Dataset.model_validate(same | other)
        for name, other in (("phases", {}), ("mine", change))
    }
    models = [make_report("a", 1.0), make_report("b", 1.0, task="mine")]
    found = reports.sections(models, tasks)
    assert [[report.name for report in section.reports] for section in found] == [["a"], ["b"]]
    # What the models are trained on may differ.
    tasks["mine"] = Dataset.model_validate(same | {"sequences": 9, "validation_sequences": 9})
    assert len(reports.sections(models, tasks)) == 1


def test_tables_for_dvc_are_the_reports_in_long_form() -> None:
    found = tables.plot_tables([STABLE, NOISY])
    rollout = found["rollout.csv"]
    mine = rollout[rollout.model == "noisy"]
    early = NOISY.rollout[NOISY.rollout.periods <= 4]
    assert set(mine.regime) == {"truth", "teacher-forced", "free-running"}
    for regime, column in (("truth", "truth"), ("free-running", "free_running")):
        part = mine[mine.regime == regime]
        np.testing.assert_array_equal(part.periods, early.periods)
        np.testing.assert_array_equal(part.x, early[column])
    horizon = found["horizon.csv"]
    np.testing.assert_array_equal(horizon[horizon.model == "stable"].rmse, STABLE.horizon.rmse)
    # The third multiplier is zero: it is left out.
    assert found["multipliers.csv"].multiplier.tolist() == [1.001, 0.5, 1.01, 0.5]


def test_multipliers_that_are_rounding_alone_are_left_out() -> None:
    report = make_report("stable", 1.0)
    report.multipliers["multiplier"] = [1.0, 1e-5, 1e-7]
    assert tables.multipliers(report).multiplier.tolist() == [1.0, 1e-5]


def test_an_orbit_is_the_last_periods_of_the_true_past_and_the_first_of_the_free_run() -> None:
    orbit = tables.orbit(STABLE)
    forced, free = (orbit[orbit.regime == name] for name in ("teacher-forced", "free-running"))
    end = STABLE.hidden[STABLE.hidden.regime == "teacher_forced"].periods.max()
    assert end - 2 < forced.periods.min() < end - 1.9 and forced.periods.max() == end
    assert free.periods.min() == 0 and 3.9 < free.periods.max() <= 4


def test_what_would_make_all_else_small_is_left_out_of_a_rollout() -> None:
    values, frame = pd.Series([0.5, 1.9, -2.1, np.inf, np.nan]), pd.Series([1.0, -0.2])
    assert tables.framed(values, frame).dropna().tolist() == [0.5, 1.9]
