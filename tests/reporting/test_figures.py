"""Figures and DVC's plots: what they show, for pipelines of every kind."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from ruamel.yaml import YAML

from stages import generate, plot
from stages.reporting import figures, inference, series, style, tables
from stages.reporting.reports import Report, sections
from stages.reporting.training import training
from stages.settings import params_file
from stages.settings.plot import Plot
from tests.conftest import ROOT, SMALL, Project
from tests.reporting.made import LONG, OF_SERIES, TASKS, make_datasets, make_forecasts, make_report

MODELS = set(YAML(typ="safe").load(SMALL)["models"])
NAMES = re.findall(r"figures/(\w+)\.png", (ROOT / "dvc.yaml").read_text("utf-8"))
MEASURED = [
    *(make_forecasts(cell, 1.0 + place) for place, cell in enumerate(OF_SERIES)),
    make_forecasts("gru", 0.5),
    make_forecasts("lstm", "diverged", LONG),
]
PIPELINES: dict[str, list[Report]] = {
    "no orbit": [
        make_report("linear", 0.5, units=0, periods=3, cell="linear"),
        make_report("lag", 0.9, units=1, periods=3),
    ],
    "eight": [
        *(make_report(f"{LONG}_{row}", 0.9 + row / 70, periods=100_000) for row in range(7)),
        make_report(LONG, 0.1, periods=100_000),
    ],
    "diverged": [make_report("stable"), make_report(LONG, 100.0), make_report("b", 1e300)],
    "all diverged": [make_report("a", 1e300)],
    "measured alone": MEASURED,
    "four tasks": [
        make_report("stable"),
        make_report("innovation", 1.01, task="noisy", periods=100),
        make_report(LONG, 0.99, task="noisy", periods=100),
        make_report("other", task="mine"),
        *[make_forecasts(cell, 2.0) for cell in ("seasonal_naive", "gru")],
    ],
}
PLOT = Plot(hero=["innovation", LONG], one_sine=["stable", "other"], any_sine="innovation")
STABLE = make_report("stable", 1.001)
NOISY = make_report("noisy", 1.01, task="noisy", periods=100)


def draw_all(pipeline: str) -> dict[str, Figure]:
    """Draw the figures of a pipeline, as the stage does."""
    return plot.draw(sections(PIPELINES[pipeline], TASKS), make_datasets(), PLOT)


def texts_of(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, np.ndarray]]:
    """Draw a figure; return each text that was drawn with its box: (x0, y0, x1, y1) in pixels."""
    seen: dict[int, Text] = {}
    original = Text.draw

    def record(text: Text, *arguments: object, **options: object) -> None:
        if text.get_visible() and text.get_text().strip():
            seen[id(text)] = text
        original(text, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Text, "draw", record)
        figure.draw_without_rendering()
    return [(text.get_text(), text.get_window_extent().extents) for text in seen.values()]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_no_text_is_cut_or_overlaps(pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with style.style():
        drawn = draw_all(pipeline)
        assert sorted(drawn) == sorted(NAMES)
        for name, figure in drawn.items():
            texts = texts_of(figure, monkeypatch)
            width, height = figure.bbox.size
            assert texts, name
            for text, (left, bottom, right, top) in texts:
                inside = left >= 0 and bottom >= 0 and right <= width and top <= height
                assert inside, f"{name}: {text!r} is cut"
            for (one, a), (other, b) in itertools.combinations(texts, 2):
                shared = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
                assert not (shared > 1).all(), f"{name}: {one!r} and {other!r} overlap"


def test_figures_are_small_and_carry_no_version(finished: Project) -> None:
    committed = [ROOT / f"reports/figures/{name}.png" for name in NAMES]
    assert all(path.stat().st_size < 250_000 for path in committed)
    made = [finished.root / f"reports/figures/{name}.png" for name in NAMES]
    assert all("Software" not in Image.open(path).info for path in made)


def test_lines_differ_within_a_section_and_networks_are_solid() -> None:
    rows = [*MEASURED, *map(make_report, "abcdefghij")]
    style.choose_lines(rows)
    assert len({(row.colour, row.dash) for row in rows}) == len(rows)
    first = rows[: len(MEASURED)]
    assert len({row.colour for row in first}) == len(first)
    assert [row.name for row in first if row.dash == "-"] == ["tides_gru", LONG]


def has(axes: Axes, x: pd.Series, y: pd.Series) -> bool:
    """Tell whether some line or dots of axes are these."""
    return any(
        np.array_equal(np.asarray(a, float), x)
        and np.array_equal(np.asarray(b, float), y, equal_nan=True)
        for a, b in (line.get_data() for line in axes.lines)
        if len(a) == len(x)
    )


def legend_of(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_hero_draws_the_past_and_the_free_runs_of_the_first_and_last_row() -> None:
    other = make_report("stable", 1.02, task="noisy", periods=100)
    hero = figures.hero([other, make_report("between"), NOISY])
    (axes,) = hero.axes
    table = NOISY.rollout[NOISY.rollout.periods.between(-2, 6)]
    past, free = table[table.periods < 0], table[table.periods >= 0]
    assert has(axes, table.periods, table.truth) and has(axes, past.periods, past.value)
    assert has(axes, free.periods, free.free_running)
    assert has(axes, free.periods, other.rollout.free_running[free.index])
    assert len(axes.lines) == 4 == len(hero.legends[0].get_texts())
    width, height = hero.get_size_inches()
    assert width == style.WIDTH and 6 * width >= 16 * height


@pytest.mark.parametrize(
    ("median", "verdict"),
    [(1000.0, "holds all 1000 periods"), (86.4, "holds 86 periods"), (3.3, "fails after 3.3")],
)
def test_a_verdict_says_how_long_the_median_sequence_holds(median: float, verdict: str) -> None:
    report = make_report("stable")
    report.metrics["free_running"]["valid_prediction_periods"]["median"] = median
    assert verdict in figures.verdict(report)


def test_errors_are_drawn_against_the_horizon_with_the_bound() -> None:
    panels = figures.horizons(sections([STABLE, NOISY], TASKS)).axes
    for axes, report in zip(panels, (STABLE, NOISY), strict=True):
        assert has(axes, report.horizon.periods, report.horizon.rmse)
    assert has(panels[1], pd.Series([1.0, 100.0]), pd.Series(NOISY.metrics["bound"].values()))


def test_a_series_is_drawn_with_the_best_forecasts_and_the_mase_of_all() -> None:
    left, right = series.series(sections(MEASURED, TASKS)).axes
    table = MEASURED[0].rollout
    for row in (make_forecasts("gru", 0.5), MEASURED[0]):  # the best with and without a network
        ahead = row.rollout[row.rollout.step >= 1]
        assert has(left, ahead.step, ahead.forecast)
    past, ahead = table[table.step <= 0], table[table.step >= 0]
    assert has(left, past.step, past.value) and has(left, ahead.step, ahead.value)
    assert len(left.lines) == 4 and len(left.collections) == 2  # intervals
    assert left.get_ylabel() == "value of metres"
    for row in MEASURED[:-1]:
        assert has(right, row.horizon.step, row.horizon.mase), row.name
    assert legend_of(right)[0] == "truth" and legend_of(right)[-2:] == ["naive", "gru"]


def test_predictions_memory_and_errors_are_the_reports_own() -> None:
    predictions, *_ = figures.memory([STABLE], STABLE).axes
    part = STABLE.rollout[STABLE.rollout.periods.between(0, 2)]
    for column in ("truth", "teacher_forced", "memory_wiped"):
        assert has(predictions, part.periods, part[column]), column
    settling, after = inference.memory(NOISY).axes
    for _, part in NOISY.settling.groupby("frequency"):
        assert has(settling, part.step, part.memory_1)
    hard = inference.hard([NOISY]).axes[0]
    for axes, columns in ((after, ["frequency", "memory_1"]), (hard, ["frequency", "amplitude"])):
        dots = axes.collections[0].get_offsets()
        np.testing.assert_array_equal(dots, NOISY.sequences[columns])


def test_losses_are_drawn_for_each_task_and_each_curve_has_its_own_colour() -> None:
    solved = make_report("solved")
    solved.training["phase"] = "ridge"
    parts = sections([STABLE, make_report("other"), solved, *MEASURED], TASKS)
    for part in parts:
        style.choose_lines(part.reports)
    sines, measured, dots = training(parts).axes
    curve = STABLE.training
    assert has(sines, curve.steps_seen[:3], curve.loss[:3])
    assert legend_of(sines) == ["stable", "other"] and len(dots.lines) == 1
    for axes in (sines, measured):
        colours = {line.get_color() for line in axes.lines}
        assert len(colours) == len(legend_of(axes)) == 2


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_tables_for_dvc_hold_what_can_be_drawn(pipeline: str) -> None:
    rows = PIPELINES[pipeline]
    for name, table in tables.plot_tables(rows).items():
        numbers = table.select_dtypes("number").to_numpy()
        assert np.all(np.isnan(numbers) | (np.abs(numbers) < 1e6)), name
        measured = name in ("forecasts.csv", "mase.csv")
        shown = [row for row in rows if row.measured == measured]
        if name == "training.csv":
            shown = [row for row in rows if len(row.training)]
        assert list(table.model.unique()) == [row.name for row in shown]
        if name == "rollout.csv" and len(table):  # else all but the largest would look flat
            assert table.free_running.abs().max() <= 2 and table.truth.notna().all()


def test_the_reports_of_a_dataset_do_not_grow_with_it() -> None:
    row = generate.Dataset(sequences=20_000, frequency=[0.5, 1.5])
    split = generate.generate(row)["train"]
    assert len(list(generate.shown_sequences(split))) <= generate.SHOWN_SEQUENCES * 50
    assert len(list(generate.distributions(split))) <= 3 * generate.BINS


def test_dvc_plots_have_titles_axes_and_all_models(project: Project) -> None:
    shown = project.run("dvc", "plots", "show", "--out", "page")
    html = Path(shown.strip().splitlines()[-1].removeprefix("file://")).read_text()
    plots = [json.loads(spec) for spec in re.findall(r"var spec = (\{.+\});", html)]
    assert len(plots) >= 4 and "DVC_METRIC" not in html
    for spec in plots:
        assert spec["title"]["text"] and '"title": ""' not in json.dumps(spec)
        models = {row["model"] for row in spec["data"]["values"]}
        untrained = {"prony", "sine_fit"} if "loss" in spec["title"]["text"] else set()
        assert MODELS - models <= untrained, spec["title"]


def test_rows_that_are_gone_are_not_drawn(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.edit("params.yaml", "  linear: {dataset: phases, cell: linear}\n", "")
    project.edit("params.yaml", "hero: [linear, stable]", "hero: [stable]")
    monkeypatch.chdir(project.root)
    drawn = set()
    monkeypatch.setattr(
        plot, "draw", lambda parts, *_: drawn.update(r.name for p in parts for r in p.reports) or {}
    )
    arguments = "reports reports/cards reports/datasets --figures f --tables t --page page.md"
    plot.main(plot.parser().parse_args(arguments.split()), params_file.read(Path("params.yaml")))
    assert drawn == MODELS - {"linear"}
    text = Path("page.md").read_text()
    assert "linear" not in text and "`stable`" in text
    assert "linear" not in Path("t/horizon.csv").read_text()
