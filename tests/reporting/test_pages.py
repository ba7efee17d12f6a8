"""The pages: numbers that are true, sentences that follow from them, links that lead somewhere."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from stages.files import InputError
from stages.reporting import page, reports
from stages.reporting.reports import Report, sections
from stages.settings.dataset import Dataset
from tests.conftest import ROOT
from tests.reporting.made import TASKS, make_datasets, make_forecasts, make_report
from tests.reporting.test_figures import MEASURED, NAMES, PIPELINES

PAGES = ("README.md", "reports/README.md")
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def anchors(target: Path) -> list[str]:
    """List the anchors that a code host gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        *((1000.0, "1000"), (321, "321"), (0.714573, "0.715"), (1.29841e-08, "1.3e-8")),
        *((2.5e7, "2.5e7"), (0.0, "0"), ("diverged", "diverged")),
    ],
)
def test_numbers_are_written_for_people(metric: float | str, shown: str) -> None:
    assert page.text(metric) == shown


def cells(table: str, row: int) -> dict[str, str]:
    """Read a row of a Markdown table by its header."""
    header, _, *rows = ([c.strip() for c in r.split("|")[1:-1]] for r in table.splitlines())
    return dict(zip(header, rows[row], strict=True))


def test_tables_have_every_metric_under_its_name() -> None:
    one = make_report("one", task="noisy")
    free = one.metrics["free_running"]
    free |= {"rmse_1_periods": 0.0111, "rmse_1000_periods": 0.222, "survivors": 0.625}
    free["valid_prediction_periods"] = {"median": 77.7, "min": 5.5}
    table = page.table(sections([one], TASKS)[0])
    assert cells(table, 0) == {
        **{"model": "`one`", "parameters": "321", "one step": "0.001"},
        **{"1 period": "0.0111", "1000 periods": "0.222"},
        **{"holds, median": "77.7", "worst": "5.5", "survivors": "0.625"},
    }
    assert list(cells(table, 1).values()) == ["bound", "", "", "0.01", "0.3", "", "", ""]
    row = make_forecasts("gru", 1.25)
    row.metrics["forecast"]["by_step"] = {"first": 1.0, "season": 2.0, "rest": "none"}
    assert cells(page.table(sections([row], TASKS)[0]), 0) == {
        **{"model": "`tides_gru`", "parameters": "7", "MASE": "1.25", "first step": "1"},
        **{"first season": "2", "rest": "none", "RMSSE": "1.5", "skill": "0.25"},
        **{"in 80 % intervals": "0.8", "in 95 % intervals": "none"},
    }


SEASONAL = "the seasonal naive has a MASE of 1.3"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"ar": 1.21, "gru": 1.15}, "; `tides_ar` has 1.21; the best network, `tides_gru`, "
         "has 1.15: 5 % below the best simple method."),
        ({"ar": 1.21, "gru": 1.21}, "; `tides_ar` has 1.21; the best network, `tides_gru`, "
         "has 1.21: no network beats `tides_ar`."),
        ({"ar": 1.21, "gru": 1.31}, "; `tides_ar` has 1.21; the best network, `tides_gru`, "
         "has 1.31: no network beats `tides_ar` or `tides_seasonal_naive`."),
        ({"gru": "diverged"}, "; the best network, `tides_gru`, has diverged: "
         "no network beats `tides_seasonal_naive`."),
        ({"ets": 1.4}, "."),
    ],
)  # fmt: skip
def test_a_sentence_says_whether_a_network_beats_the_simplest(rows: dict, said: str) -> None:
    made = [make_forecasts(cell, mase) for cell, mase in (rows | {"seasonal_naive": 1.3}).items()]
    assert page.verdict(sections(made, TASKS)[0]) == SEASONAL + said


def test_a_sentence_of_sines_names_the_best_at_the_horizon() -> None:
    rows = [make_report("lost"), make_report("lags", cell="linear"), make_report("best")]
    for report, rmse in zip(rows, ("diverged", 2e-7, 1e-7), strict=True):
        report.metrics["free_running"]["rmse_1000_periods"] = rmse
    assert page.verdict(sections(rows, TASKS)[0]) == (
        "`lags` has an RMSE of 2e-7 over 1000 periods; the best network, `best`, has 1e-7: "
        "50 % below the best simple method."
    )


def test_the_summary_has_the_best_of_each_task_and_ten_rows_at_most() -> None:
    lags = make_report("lags", 0.9, cell="linear")
    rows = [make_report("worse", 0.95), make_report("better", 0.9), lags, *MEASURED]
    table = page.summary(sections(rows, TASKS), ["worse", "no such row"])
    names = re.findall(r"\| `(\w+)` \|", table)
    assert names == ["lags", "worse", "better", "tides_naive", "tides_gru"]
    assert "| tides | `tides_gru` | gru network, 7 parameters | MASE 0.5 | skill 0.25 |" in table
    many = {f"task_{n}": TASKS["tides"] for n in range(8)}
    copies = [make_forecasts(c, 1.0, task=task) for task in many for c in ("naive", "gru")]
    table = page.summary(sections(copies, many))  # one row a task, not two
    assert re.findall(r"\| `(\w+)` \|", table) == [f"{task}_naive" for task in many]
    assert "repeats the last value: no network beats it" in table


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_page_has_all_figures_and_models_and_no_number_that_is_none(pipeline: str) -> None:
    parts = sections(PIPELINES[pipeline], TASKS)
    text = page.page(parts, {"models": {}})
    assert sorted(re.findall(r"\(figures/(\w+)\.png\)", text)) == sorted(NAMES)
    assert not re.search(r"\b(nan|inf)\b", text + page.summary(parts))
    assert len(re.findall(r"^\| `", text, re.MULTILINE)) == len(PIPELINES[pipeline])


def test_models_are_compared_with_those_that_are_judged_alike() -> None:
    tasks = {"twin": Dataset(seed=7, phase=[0.0], test_seed=0, test_phase="uniform"), **TASKS}
    models = [make_report(task, task=task) for task in ("noisy", "twin", "mine", "phases")]
    titles = {part.title: [r.name for r in part.reports] for part in sections(models, tasks)}
    assert titles == {
        "one sine": ["twin", "phases"],
        "in noise": ["noisy"],
        "one sine (mine)": ["mine"],
    }


@pytest.mark.parametrize(
    "change",
    [
        *({"warmup": 21}, {"periods": 100}, {"test_seed": 1}, {"test_phase": [0, 1, 2]}),
        *({"frequency": 1.1}, {"test_sequences": 65}),
    ],
)
def test_models_under_another_protocol_are_not_compared(change: dict[str, object]) -> None:
    tasks = {"phases": Dataset(), "mine": Dataset.model_validate(change)}
    models = [make_report("a"), make_report("b", task="mine")]
    assert [[r.name for r in part.reports] for part in sections(models, tasks)] == [["a"], ["b"]]
    # The training data may differ.
    tasks["mine"] = Dataset(sequences=9, validation_sequences=9)
    assert len(sections(models, tasks)) == 1


@pytest.mark.parametrize("made", [make_report("row", task="noisy"), make_forecasts("gru", 1)])
def test_reports_are_read_as_their_card_names_them(made: Report, tmp_path: Path) -> None:
    for name in reports.TABLES:
        table = getattr(made, name)
        text = "\n" if table.empty else table.to_csv(index=False)  # as `evaluate` writes it
        (tmp_path / f"{name}.csv").write_text(text)
    (tmp_path / "metrics.json").write_text(json.dumps(made.metrics))
    digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in tmp_path.iterdir()}
    card = made.card.model_dump() | {"sha256": digests}
    card["horizon" if made.measured else "periods"] = card.pop("horizon")
    (tmp_path / "card").write_text(json.dumps(card))
    read = reports.load(tmp_path, tmp_path / "card", made.cell)
    assert (read.card.task, read.error) == (made.card.task, made.error)
    assert read.rollout.step.tolist() == made.rollout.step.tolist()
    (tmp_path / "horizon.csv").write_text("other\n")
    with pytest.raises(InputError, match="horizon.csv: is not the file that .* names"):
        reports.load(tmp_path, tmp_path / "card", made.cell)
    (tmp_path / "card").write_text("{}")
    with pytest.raises(InputError, match="card: is not the card of a model"):
        reports.load(tmp_path, tmp_path / "card", made.cell)


@pytest.mark.parametrize(
    ("place", "name", "damaged"),
    [
        (0, "sequences", "no,such,columns\n"),
        (0, "sequences", "sequence,periods,value,truth\n1,0,word,0\n"),
        (0, "distributions", "quantity,low,high,share\nphase,0,1,1\n"),
        (0, "distributions", ""),
        (2, "sequences", "step,time,value,part\n0,,1,training\n"),
    ],
)
def test_a_damaged_report_of_a_dataset_is_one_line(
    place: int, name: str, damaged: str, tmp_path: Path
) -> None:
    made, row = make_datasets()[place], TASKS["phases" if place == 0 else "tides"]
    for table in ("sequences", "distributions"):
        getattr(made, table).to_csv(tmp_path / f"{table}.csv", index=False)
    assert reports.load_dataset(tmp_path, row).sequences.value.equals(
        made.sequences.value.reset_index(drop=True)
    )
    (tmp_path / f"{name}.csv").write_text(damaged)
    with pytest.raises(InputError, match=f"^[^\n]*{name}.csv: expected rows with [^\n]*$"):
        reports.load_dataset(tmp_path, row)
