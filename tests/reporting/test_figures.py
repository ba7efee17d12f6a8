"""Figures, DVC's plots and the page: what they show, for pipelines of every kind."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from ruamel.yaml import YAML

from stages import generate
from stages.reporting import figures, inference, page, tables
from stages.reporting import style as drawing
from stages.reporting.reports import Dataset, Report, in_parts, load_peers, protocol, sections
from tests.conftest import SMALL, Project

STEPS_PER_PERIOD = 30.8
MODELS = set(YAML(typ="safe").load(SMALL)["models"])
LONG = "a_very_long_name_of_a_row_in_the_parameters"


def make_report(
    name: str, growth: float, *, units: int = 16, periods: int = 1000, task: str = "phases"
) -> Report:
    """Make up the reports of a model whose error grows by a factor a period.

    units: of the hidden state; a growth above 1 blows up.
    """
    memory = task != "phases"
    steps = np.arange(-20, int(12 * STEPS_PER_PERIOD))
    since = steps / STEPS_PER_PERIOD
    truth = np.sin(2 * np.pi * since)
    horizon = np.geomspace(1 / STEPS_PER_PERIOD, periods, 60)
    with np.errstate(over="ignore"):
        rmse = 1e-3 * growth**horizon
        free = np.where(steps < 0, np.nan, truth * growth ** np.maximum(since, 0))
        last = periods - 2 + np.arange(62) / STEPS_PER_PERIOD
        late = np.sin(2 * np.pi * last) * growth**last
    hidden = pd.DataFrame({"regime": "teacher_forced", "step": steps, "periods": since})
    waves = np.sin(2 * np.pi * since[:, None] + np.arange(max(units, 2)))
    hidden[["pc1", "pc2"]] = waves[:, :2] * (units > 1)
    hidden[[f"h_{unit + 1}" for unit in range(units)]] = waves[:, :units]
    running = hidden[steps >= 0].assign(regime="free_running")
    running[["pc1", "pc2"]] *= free[steps >= 0, None]
    end = float(rmse[-1]) if np.isfinite(rmse[-1]) else "diverged"
    return Report(
        name=name,
        task=task,
        periods=periods,
        metrics={
            **(
                {"bound": {"rmse_1_periods": 1e-2, f"rmse_{periods}_periods": 0.3}}
                if memory
                else {}
            ),
            "parameters": 321,
            "teacher_forced": {"rmse": 1e-3},
            "memory_wiped": {"rmse": 0.4},
            "free_running": {
                "rmse_1_periods": 1e-3 * growth,
                f"rmse_{periods:g}_periods": end,
                "valid_prediction_periods": {"median": 3.25, "min": 1.0},
                "survivors": 0.0,
                "phase_drift": "no oscillation",
            },
        },
        training=in_parts(
            pd.DataFrame(
                {
                    "attempt": 1,
                    "phase": "adam",
                    "iteration": [10, 20, 30, 10, 20, 30],
                    "steps_seen": np.arange(1, 7) * 490,
                    "loss": [1.0, 0.1, 0.01, 1.0, np.nan, np.inf if growth > 1 else 1e-9],
                }
            )
        ),
        rollout=pd.DataFrame(
            {
                "step": steps,
                "periods": since,
                "truth": truth,
                "value": truth + 0.05 * np.cos(77 * since),
                "teacher_forced": truth + 1e-3,
                "memory_wiped": 0.4 * truth,
                "free_running": free,
            }
        ),
        late=pd.DataFrame(
            {"step": 0, "periods": last, "truth": np.sin(2 * np.pi * last), "free_running": late}
        ),
        horizon=pd.DataFrame({"periods": horizon, "rmse": rmse}),
        hidden=pd.concat((hidden, running)),
        multipliers=pd.DataFrame({"order": [1, 2, 3], "multiplier": [growth, 0.5, 0.0]}),
        sequences=pd.DataFrame(
            {
                "frequency": np.linspace(0.5, 2, 9),
                "amplitude": np.linspace(1.5, 0.5, 9),
                "valid_periods": 3.0,
                "rmse": 1e-3 * growth ** np.linspace(0, 10, 9),
                **({"memory_1": np.linspace(0, 2, 9)} if memory else {}),
            }
        ),
        settling=pd.DataFrame(
            {"frequency": [0.5, 0.5, 2.0, 2.0], "step": [1, 2, 1, 2], "memory_1": [0.0, 1, 0, 2]}
        ),
    )


def make_dataset(name: str, wide: bool) -> Dataset:
    """Make up the reports of a dataset: of one sine, or of a wide range of them."""
    row = generate.Dataset(
        sequences=400 if wide else 1,
        phase="uniform" if wide else [0.0],
        frequency=[0.012, 0.9] if wide else 1.0,
        amplitude=[10.0, 1234.5] if wide else 0.001,
        noise=10.0 if wide else 0.0,
    )
    split = generate.generate(row)["train"]
    return Dataset(
        name,
        pd.DataFrame(
            generate.shown_sequences(split), columns=["sequence", "periods", "value", "truth"]
        ),
        pd.DataFrame(generate.distributions(split), columns=["quantity", "low", "high", "share"]),
    )


TASKS = {
    "phases": generate.Dataset(),
    "noisy": generate.Dataset(frequency=[0.5, 2.0], noise=0.05),
    "mine": generate.Dataset(frequency=0.3),
}
PIPELINES: dict[str, list[Report]] = {
    "one": [make_report("stable", 1.001)],
    "without hidden state": [make_report("linear", 0.5, units=0, periods=3)],
    "one hidden unit": [make_report("lag", 0.9, units=1), make_report("stable", 1.0)],
    "eight": [
        *(make_report(f"{LONG}_{row}", 0.9 + row / 70, periods=100_000) for row in range(7)),
        make_report(LONG, 0.1, periods=100_000),
    ],
    "eight alike": [make_report(f"row_{row}", 1.0) for row in range(8)],
    "blown up": [make_report("stable", 1.0), make_report(LONG, 100.0)],
    "all blown up": [make_report("a", 1e300), make_report("b", 1e300)],
    "three tasks": [
        make_report("stable", 1.0),
        make_report("innovation", 1.01, task="noisy", periods=100),
        make_report(LONG, 0.99, task="noisy", periods=100),
        make_report("other", 1.0, task="mine"),
    ],
}
DATASETS = [make_dataset("blog", False), make_dataset(LONG, True)]
PEERS = pd.DataFrame(
    {
        "task": "phases",
        "name": ["reservoir 16", "reservoir 500", LONG],
        "periods": 1000,
        "rmse": [0.9, 1e-7, np.inf],
    }
)
Drawing = Callable[[list[Report], dict[str, drawing.Pen]], Figure]
FIGURES: dict[str, Drawing] = {
    "hero": lambda models, pen: figures.hero(sections(models, TASKS), ends(models), PEERS, pen),
    "memory": lambda models, pen: figures.memory(models, models[-1], pen),
    "hidden": lambda models, pen: figures.hidden(ends(models), pen),
    "inferred": lambda models, pen: inference.memory(remembering(models), pen),
    "hard": lambda models, pen: inference.hard((remembering(models) or models[-1:])[:2]),
    "stability": figures.stability,
    "training": figures.training,
    "data": lambda models, pen: figures.data((DATASETS * 4)[: len(models) + 1]),
}


def ends(models: list[Report]) -> list[Report]:
    return [*models[:1], *models[1:][-1:]]


def remembering(models: list[Report]) -> list[Report]:
    return [model for model in models if "memory_1" in model.sequences][:2]


def draw_figure(name: str, models: list[Report]) -> Figure:
    """Draw a figure of a pipeline."""
    return FIGURES[name](models, drawing.pens([model.name for model in models]))


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Callable[[Figure], list[tuple[str, np.ndarray]]]:
    """Draw a figure; return each text that was drawn with its box: (x0, y0, x1, y1) in pixels."""

    def drawn(figure: Figure) -> list[tuple[str, np.ndarray]]:
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

    return drawn


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_no_text_is_cut_or_overlaps(
    figure: str, pipeline: str, draw: Callable[[Figure], list[tuple[str, np.ndarray]]]
) -> None:
    with drawing.style():
        picture = draw_figure(figure, PIPELINES[pipeline])
        texts = draw(picture)
    width, height = picture.bbox.size
    assert len(texts) > 5
    for text, (left, bottom, right, top) in texts:
        assert left >= 0 and bottom >= 0 and right <= width and top <= height, f"{text!r} is cut"
    check_that_none_overlap(texts)


def check_that_none_overlap(texts: list[tuple[str, np.ndarray]]) -> None:
    for (one, a), (other, b) in itertools.combinations(texts, 2):
        shared = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
        assert not (shared > 1).all(), f"{one!r} and {other!r} overlap"


CROWD = pd.DataFrame(
    [
        ("phases", f"{LONG} {number}", 64, periods, 10.0 ** (number / 6 - periods / 500))
        for number in range(12)
        for periods in (1, 10, 100, 1000)[: 2 + number % 3]
    ],
    columns=["task", "name", "units", "periods", "rmse"],
)


def test_many_peers_with_long_names_leave_room_for_the_axes(
    draw: Callable[[Figure], list[tuple[str, np.ndarray]]],
) -> None:
    models = PIPELINES["eight alike"]
    with drawing.style():
        pen = drawing.pens([model.name for model in models])
        picture = figures.hero(sections(models, TASKS), ends(models), CROWD, pen)
        texts = draw(picture)
    check_that_none_overlap(texts)
    widths = [axes.get_position().width for axes in picture.axes]
    assert min(widths) > 0.15


def test_a_peer_stands_at_its_longest_horizon_within_the_panel() -> None:
    section = sections([make_report("stable", 1.0, periods=100)], TASKS)[0]
    there = figures.furthest(section, pd.concat((CROWD, CROWD.assign(task="noisy"))))
    assert sorted(there.name) == sorted(CROWD.name.unique())
    within = CROWD[CROWD.periods <= 100].groupby("name").periods.max()
    assert dict(zip(there.name, there.periods, strict=True)) == within.to_dict()
    assert set(there.periods) == {10, 100}


def test_a_figure_is_small_and_carries_no_version(tmp_path: Path) -> None:
    with drawing.style():
        for name in FIGURES:
            drawing.save(draw_figure(name, PIPELINES["eight"]), tmp_path / f"{name}.png")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1_000_000
    for path in tmp_path.iterdir():
        assert "Software" not in Image.open(path).info


def test_a_model_has_one_colour_whatever_rows_follow() -> None:
    few, many = drawing.pens(["a", "b"]), drawing.pens([*"abcdefghijkl"])
    assert few.items() <= many.items()
    assert len(set(many.values())) == 12


@given(st.lists(st.floats(-1, 2), min_size=1, max_size=12), st.floats(0.001, 0.2))
def test_labels_keep_apart_in_order_and_inside(places: list[float], gap: float) -> None:
    spread = drawing.spread(places, gap)
    moved = [place for place, _ in spread]
    gap = min(gap, 1 / max(1, len(places) - 1))
    assert all(low + gap <= high + 1e-9 for low, high in itertools.pairwise(moved))
    assert -1e-9 <= moved[0] and moved[-1] <= 1 + 1e-9
    assert [places[index] for _, index in spread] == sorted(places)


def test_the_parts_of_a_training_curve_are_counted_on() -> None:
    curve = pd.DataFrame(
        {
            "attempt": [1, 1, 1, 2],
            "phase": ["adam", "adam", "lm", "adam"],
            "iteration": [10, 20, 5, 10],
            "loss": 1.0,
        }
    )
    assert in_parts(curve).part.tolist() == [1, 1, 2, 3]
    assert in_parts(curve).iterations.tolist() == [10, 20, 25, 35]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_tables_for_dvc_hold_what_can_be_drawn(pipeline: str) -> None:
    models = PIPELINES[pipeline]
    for name, table in tables.plot_tables(models).items():
        numbers = table.select_dtypes("number").to_numpy()
        assert np.all(np.isnan(numbers) | (np.abs(numbers) < 1e6)), name
        assert list(table.model.unique()) == [
            model.name for model in models if name != "orbit.csv" or model.hidden.pc2.any()
        ]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_page_says_something_true_of_every_pipeline(pipeline: str) -> None:
    models = PIPELINES[pipeline]
    found = sections(models, TASKS)
    text = page.page(found, list(FIGURES), {"models": {}})
    assert not re.search(r"\b(nan|inf)\b", text)
    assert len(re.findall(r"^\| `", text, re.MULTILINE)) == len(models)
    assert page.refreshed(text, page.results(found)) == text


def test_models_are_compared_with_those_that_are_judged_alike() -> None:
    tasks = TASKS | {
        "twin": generate.Dataset(seed=7, phase=[0.0], test_seed=0, test_phase="uniform")
    }
    models = [make_report(task, 1.0, task=task) for task in ("noisy", "twin", "mine", "phases")]
    found = {part.title: [r.name for r in part.reports] for part in sections(models, tasks)}
    assert found == {
        "one sine": ["twin", "phases"],
        "in noise": ["noisy"],
        "one sine (mine)": ["mine"],
    }


def test_the_reports_of_a_dataset_do_not_grow_with_it() -> None:
    for sequences in (1, 3, 20_000):
        row = generate.Dataset(sequences=sequences, frequency=[0.5, 1.5])
        split = generate.generate(row)["train"]
        assert len(list(generate.shown_sequences(split))) <= generate.SHOWN_SEQUENCES * 50
        spread = pd.DataFrame(
            generate.distributions(split), columns=["quantity", "low", "high", "share"]
        )
        assert len(spread) <= 3 * generate.BINS
        assert np.allclose(spread.groupby("quantity").share.sum(), 1)
        assert (spread.low <= spread.high).all()


def test_peers_are_marked_under_their_own_protocol_alone(tmp_path: Path) -> None:
    path = tmp_path / "peers.csv"
    assert load_peers(path, TASKS).empty
    digest = protocol(TASKS["phases"])
    rows = [f"phases,reservoir,1000,1.25e-7,{digest}", f"phases,lost,1000,inf,{digest}"]
    path.write_text("\n".join(["task,name,periods,rmse,protocol", *rows]))
    assert load_peers(path, TASKS).rmse.tolist() == [1.25e-7, np.inf]
    for changed in ({"warmup": 3}, {"seed": 3}, {"periods": 7}, {"noise": 0.1}):
        assert load_peers(path, {"phases": generate.Dataset(**changed)}).empty
    assert not load_peers(path, {"phases": generate.Dataset(sequences=7)}).empty


def test_dvc_plots_have_titles_axes_and_all_models(project: Project) -> None:
    shown = project.run("dvc", "plots", "show", "--out", "page")
    html = Path(shown.strip().splitlines()[-1].removeprefix("file://")).read_text()
    plots = [json.loads(spec) for spec in re.findall(r"var spec = (\{.*\});", html)]
    assert len(plots) == len(re.findall("vegaEmbed\\(", html)) >= 5
    assert "DVC_METRIC" not in html
    for plot in plots:
        assert plot["title"]["text"]
        assert all(axis_titles(plot, axis) for axis in "xy")
        models = {row["model"] for row in plot["data"]["values"]}
        untrained, without_orbit = {"prony", "sine_fit"}, {"linear"}
        missing = {"Training loss": untrained, "Error of the free run": set()}
        title = plot["title"]["text"]
        some = missing.get(title, without_orbit if "Hidden" in title else set())
        some = MODELS - {"prony"} if "Multipliers" in title else some  # those above 1e-6
        assert models - some == MODELS - some, title


def axis_titles(spec: object, axis: str) -> list[str]:
    """Return the titles that a Vega-Lite specification gives to an axis, in all its layers."""
    if isinstance(spec, list):
        return [title for part in spec for title in axis_titles(part, axis)]
    if not isinstance(spec, dict):
        return []
    own = (spec.get("encoding", {}).get(axis) or {}).get("title")
    return [*filter(None, [own]), *axis_titles([*spec.values()], axis)]


def test_rows_that_are_gone_are_not_drawn(project: Project) -> None:
    project.edit("params.yaml", "  linear: {dataset: phases, cell: linear}\n", "")
    for name in ("phases", "noisy"):
        assert (project.root / f"reports/datasets/{name}/sequences.csv").exists()
    project.run("dvc", "repro", "plot")
    text = (project.root / "reports/README.md").read_text()
    assert "linear" not in text and "`stable`" in text
    assert "linear" not in (project.root / "reports/plots/horizon.csv").read_text()
