"""The gate in real repositories, with real commits, from the files to the verdict."""

import datetime
import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import dvc.api
import pytest
from rich.console import Console
from rich.text import Text
from ruamel.yaml import YAML

from stages import files, gate
from stages.core import comparison, rules, sides
from tests.conftest import ROOT, Project

TODAY = datetime.date(2026, 12, 1)
PIPELINE = """\
stages:
  evaluate:
    foreach: ${models}
    do:
      cmd: echo ${key}
      metrics:
        - reports/${key}/metrics.json:
            cache: false
"""
PARAMS = """\
models:
  a: {size: 1}
  b: {size: 1}
gate:
  rules:
    - {metrics: 'a.run.*', better: lower, limit: 5, abs_tol: 0.5, rel_tol: 0.1}
    - {metrics: '*.run.*', better: lower, limit: 5}
    - {metrics: '*.held', better: higher, abs_tol: 0.25}
  informational: ['*.size']
"""
METRICS = {"size": 3, "held": 1.0, "run": {"rmse": 1.0, "mae": 2.0}}


def write_metrics(project: Project, model: str, content: Any) -> None:
    path = project.root / f"reports/{model}/metrics.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def changed(name: str, value: Any) -> dict[str, Any]:
    """Return the metrics with one of them replaced, or taken away where the value is `...`."""
    metrics = json.loads(json.dumps(METRICS))
    *parents, last = name.split(".")
    node = metrics
    for key in parents:
        node = node[key]
    node[last] = value
    if value is ...:
        del node[last]
    return metrics


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A repository of two commits with the metrics of two models, made by hand."""
    project = Project(tmp_path_factory.mktemp("gate") / "judged")
    project.root.mkdir()
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    project.run("dvc", "init", "--quiet")
    (project.root / "dvc.yaml").write_text(PIPELINE)
    (project.root / "params.yaml").write_text(PARAMS)
    shutil.copytree(ROOT / "stages", project.root / "stages")
    for model in ("a", "b"):
        write_metrics(project, model, METRICS)
    project.commit("first")
    project.run("git", "commit", "--quiet", "--allow-empty", "--message", "second")
    return project


@pytest.fixture
def repo(judged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it, free to be changed, as the current folder."""
    project = judged.clone(tmp_path / "repo")
    monkeypatch.chdir(project.root)
    return project


def compare(
    baseline: str | None = "HEAD", rules_from: str | None = None, today: datetime.date = TODAY
) -> comparison.Comparison:
    return gate.compare(baseline, rules_from, today)


def failures(found: comparison.Comparison) -> dict[str, str]:
    return {row.metric: row.outcome for row in found.failed}


def error_of(**arguments: Any) -> str:
    with pytest.raises(files.InputError) as caught:
        compare(**arguments)
    return str(caught.value)


def test_the_same_metrics_hold(repo: Project) -> None:
    found = compare()
    assert (found.verdict, len(found.rows), found.loud) == ("held", 8, [])


def test_what_is_read_is_what_dvc_shows(repo: Project) -> None:
    side = sides.read(sides.commit("HEAD"))
    shown = dvc.api.metrics_show(rev="HEAD")
    for model, path in side.files.items():
        for key in METRICS:
            leaves = dict(sides.leaves_of({key: shown[f"{path}:{key}"]}, f"{model}."))
            assert leaves.items() <= side.metrics.items()


@pytest.mark.parametrize(
    ("content", "outcomes"),
    [
        (changed("run.rmse", ...), {"a.run.rmse": "missing"}),
        (changed("run", ...), {"a.run.rmse": "missing", "a.run.mae": "missing"}),
        (changed("run.rmse", None), {"a.run.rmse": "no number"}),
        (changed("run.rmse", True), {"a.run.rmse": "no number"}),
        (changed("run.rmse", "diverged"), {"a.run.rmse": "no number"}),
        (changed("run.rmse", "1.0"), {"a.run.rmse": "no number"}),
        (changed("run.rmse", ""), {"a.run.rmse": "no number"}),
        (changed("run.rmse", [1.0]), {"a.run.rmse": "no number"}),
        (changed("run.rmse", {}), {"a.run.rmse": "no number"}),
        (changed("run.rmse", {"x": 1.0}), {"a.run.rmse": "missing"}),
        (changed("run.rmse", float("nan")), {"a.run.rmse": "no number"}),
        (changed("run.rmse", float("inf")), {"a.run.rmse": "no number"}),
        (changed("run.rmse", float("-inf")), {"a.run.rmse": "no number"}),
        (json.dumps(METRICS).replace("2.0", "1e999"), {"a.run.mae": "no number"}),
        (json.dumps(METRICS).replace("2.0", "9" * 400), {"a.run.mae": "no number"}),
        (json.dumps(METRICS).replace('"mae"', '"rmse"'), {"a.*": "unreadable"}),
        (METRICS | {"run.rmse": 1.0}, {"a.*": "unreadable"}),
        ({}, {"a.run.rmse": "missing", "a.run.mae": "missing", "a.held": "missing"}),
        ("", {"a.*": "unreadable"}),
        ('{"held": 1.0', {"a.*": "unreadable"}),
        ("[1.0]", {"a.*": "unreadable"}),
        ("null", {"a.*": "unreadable"}),
        ("1.0", {"a.*": "unreadable"}),
        ("[" * 100_000, {"a.*": "unreadable"}),
        (changed("run.rmse", 1.7), {"a.run.rmse": "regressed"}),
        (changed("run.rmse", 5.1), {"a.run.rmse": "past limit"}),
        (changed("held", 0.7), {"a.held": "regressed"}),
    ],
)
def test_a_bad_metric_fails_and_is_named(
    repo: Project, content: Any, outcomes: dict[str, str]
) -> None:
    write_metrics(repo, "a", content)
    repo.commit("bad")
    found = compare("HEAD~1")
    assert failures(found) == outcomes
    if "a.*" in outcomes:
        assert any("reports/a/metrics.json: " in note for note in found.notes)


def delete(folder: Path) -> None:
    (folder / "metrics.json").unlink()


def delete_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def put_a_folder(folder: Path) -> None:
    delete(folder)
    (folder / "metrics.json").mkdir()
    (folder / "metrics.json" / "x.json").write_text('{"held": 1.0}')


def put_a_dead_link(folder: Path) -> None:
    delete(folder)
    (folder / "metrics.json").symlink_to("nowhere.json")


def put_bytes(folder: Path) -> None:
    (folder / "metrics.json").write_bytes(b'{"held": "\xff"}')


@pytest.mark.parametrize(
    ("damage", "outcome"),
    [
        (delete, "missing"),
        (delete_folder, "missing"),
        (put_a_dead_link, "missing"),
        (put_a_folder, "unreadable"),
        (put_bytes, "unreadable"),
    ],
)
def test_a_lost_file_fails_and_is_named(
    repo: Project, damage: Callable[[Path], None], outcome: str
) -> None:
    damage(repo.root / "reports/a")
    found = compare()
    assert failures(found) == {"a.*": outcome}
    assert found.notes[0].startswith("a.*: reports/a/metrics.json: ")


def test_a_lost_file_fails_though_dvc_has_it_in_its_cache(repo: Project) -> None:
    repo.edit("dvc.yaml", "            cache: false\n", "            cache: true\n")
    repo.run("git", "rm", "--quiet", "--cached", "-r", "reports")
    repo.run("dvc", "commit", "--force", "--quiet")
    repo.commit("metrics in the cache")
    assert failures(compare()) == {}
    delete(repo.root / "reports/a")
    assert failures(compare()) == {"a.*": "missing"}


def test_a_lost_file_at_the_baseline_cannot_be_judged(repo: Project) -> None:
    for damage in (delete, put_bytes):
        damage(repo.root / "reports/a")
        repo.commit("bad")
        write_metrics(repo, "a", METRICS)
        message = error_of()
        short = repo.run("git", "rev-parse", "HEAD")[: sides.SHORT]
        assert message.startswith(f"{short}:reports/a/metrics.json: ") and "--baseline" in message


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("params.yaml", "  b: {size: 1}\n", ""),
        ("params.yaml", "  b: {size: 1}\n", "  c: {size: 1}\n"),
        ("dvc.yaml", "foreach: ${models}", "foreach: {a: 1}"),
        ("dvc.yaml", "reports/${key}/metrics.json", "reports/${key}2/metrics.json"),
    ],
)
def test_a_lost_row_fails_and_is_named(repo: Project, file: str, old: str, new: str) -> None:
    repo.edit(file, old, new)
    for model in ("c", "a2", "b2"):
        write_metrics(repo, model, METRICS)
    repo.commit("without a row")
    found = compare("HEAD~1")
    assert failures(found)["b.*"] == "missing"
    assert "b.*: reports/b/metrics.json: is no metric of dvc.yaml any more" in found.notes


def test_a_row_that_only_informs_fails_too_when_it_is_lost(repo: Project) -> None:
    repo.edit("params.yaml", "['*.size']", "['*.size', 'b.*']")
    delete(repo.root / "reports/b")
    assert failures(compare()) == {"b.*": "missing"}


def test_a_row_is_taken_away_by_acknowledging_it(repo: Project) -> None:
    repo.edit("params.yaml", "  b: {size: 1}\n", "")
    repo.edit(
        "params.yaml",
        "informational: [",
        "acknowledged: [{metric: b.*, reason: not used, until: '2026-12-31'}]\n  informational: [",
    )
    assert failures(compare()) == {}


def test_a_new_row_is_judged_by_its_limit_and_told(repo: Project) -> None:
    repo.edit("params.yaml", "  b: {size: 1}\n", "  b: {size: 1}\n  c: {size: 1}\n")
    assert failures(compare()) == {"c.*": "missing"}
    write_metrics(repo, "c", METRICS)
    found = compare()
    assert failures(found) == {}
    outcomes = {row.metric: row.outcome for row in found.loud}
    assert outcomes == {
        "c.run.rmse": "new",
        "c.run.mae": "new",
        "c.held": "new",
        "c.size": "informational",
    }
    for value, outcome in ((6.0, "past limit"), (None, "no number")):
        write_metrics(repo, "c", changed("run.mae", value))
        assert failures(compare()) == {"c.run.mae": outcome}


def test_a_word_in_the_baseline_gives_way_to_a_number_within_the_limit(repo: Project) -> None:
    write_metrics(repo, "a", changed("run.rmse", "diverged"))
    repo.commit("it diverged")
    assert failures(compare("HEAD")) == {"a.run.rmse": "no number"}
    write_metrics(repo, "a", changed("run.rmse", 4.0))
    assert [(row.metric, row.outcome) for row in compare().loud] == [("a.run.rmse", "new")]
    write_metrics(repo, "a", changed("run.rmse", 6.0))
    assert failures(compare()) == {"a.run.rmse": "past limit"}


def test_a_metric_without_a_rule_is_reported_and_does_not_fail(repo: Project) -> None:
    write_metrics(repo, "a", changed("speed", 1.0))
    found = compare()
    assert [(row.metric, row.outcome) for row in found.loud] == [("a.speed", "no rule")]
    assert found.verdict == "held"


def test_an_informational_metric_is_shown_and_never_fails(repo: Project) -> None:
    for value in (1e9, "diverged", None, ...):
        write_metrics(repo, "a", changed("size", value))
        found = compare()
        assert [(row.metric, row.outcome) for row in found.loud] == [("a.size", "informational")]
        assert found.verdict == "held"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("'a.run.*'", "'a.rum.*'", "params.yaml:6: gate.rules[0] judges nothing: 'a.rum.*'"),
        ("'*.held'", "'a.run.rmse'", "params.yaml:8: gate.rules[2] judges nothing: all that"),
        ("['*.size']", "['*.siez']", "params.yaml:9: gate.informational[0] is idle: '*.siez'"),
        ("limit: 5, abs", "limits: 5, abs", "limits is not a known key; did you mean limit?"),
        ("limit: 5, abs", "limit: five, abs", "params.yaml:6: gate.rules[0].limit is five"),
        ("gate:", "gates:", "the file has no key 'gate'"),
        ("  rules:", "  rules: [", "is not valid YAML"),
    ],
)
def test_a_bad_rule_cannot_be_judged(repo: Project, old: str, new: str, message: str) -> None:
    repo.edit("params.yaml", old, new)
    assert message in error_of()


def test_a_broken_pipeline_cannot_be_judged(repo: Project) -> None:
    repo.edit("dvc.yaml", "stages:", "stages: [")
    assert error_of().startswith("the workspace: DVC cannot read the project: ")


def test_an_unknown_or_empty_revision_cannot_be_judged(repo: Project) -> None:
    for name in ("nowhere", "HEAD~9", "--help", "deadbeef", "HEAD:params.yaml"):
        message = error_of(baseline=name)
        assert message == f"unknown Git revision {name!r}; give one with --baseline REV"
        assert "unknown Git revision" in error_of(rules_from=name)
    tree = repo.run("git", "hash-object", "-t", "tree", "-w", "/dev/null").strip()
    empty = repo.run("git", "commit-tree", tree, "-m", "empty").strip()
    assert "DVC" in error_of(baseline=empty) or "no metrics" in error_of(baseline=empty)


def worse(repo: Project, message: str, value: float = 4.0) -> str:
    """Commit a regression; return the name of the commit."""
    write_metrics(repo, "a", changed("run.rmse", value))
    repo.commit(message)
    return repo.run("git", "rev-parse", "HEAD").strip()


def default() -> tuple[str, str]:
    return sides.default_baseline(list(sides.read(None).files.values()))


def head(repo: Project, revision: str = "HEAD") -> str:
    return repo.run("git", "rev-parse", revision).strip()


def test_any_revision_is_a_baseline(repo: Project) -> None:
    repo.run("git", "tag", "--annotate", "--message", "v1", "v1")
    repo.run("git", "branch", "old")
    first = head(repo)
    worse(repo, "worse")
    repo.run("git", "update-ref", f"refs/exps/{first[:2]}/{first[2:]}/an-experiment", first)
    names = ("v1", "old", first, first[:7], "HEAD~1", "HEAD^", ":/second", "an-experiment")
    for name in names:
        found = compare(name)
        assert failures(found) == {"a.run.rmse": "regressed"}
        assert found.baseline == first[: sides.SHORT]
    assert compare("HEAD").verdict == "held"


def test_on_main_the_baseline_is_the_commit_before(repo: Project) -> None:
    before = head(repo)
    worse(repo, "worse")
    assert default() == (before, "the commit before HEAD")
    assert failures(compare(None)) == {"a.run.rmse": "regressed"}
    repo.run("git", "checkout", "--quiet", "--detach")  # as some CI does
    assert default()[0] == before


def test_on_main_with_metrics_not_committed_the_baseline_is_head(repo: Project) -> None:
    (repo.root / "notes.txt").write_text("no metric")
    assert default()[0] == head(repo, "HEAD~1")
    write_metrics(repo, "a", changed("run.rmse", 4.0))
    assert default() == (head(repo), "HEAD, for the metrics of the workspace are not committed")
    assert failures(compare(None)) == {"a.run.rmse": "regressed"}


def test_on_a_branch_the_baseline_is_the_merge_base(repo: Project) -> None:
    fork = head(repo)
    repo.run("git", "checkout", "--quiet", "-b", "topic")
    worse(repo, "worse", 3.0)
    worse(repo, "worse still", 4.0)
    assert default() == (fork, "the merge base with main")
    repo.run("git", "checkout", "--quiet", "main")
    write_metrics(repo, "b", changed("run.rmse", 0.1))
    repo.commit("main went on")
    repo.run("git", "checkout", "--quiet", "topic")
    assert default() == (fork, "the merge base with main")
    assert failures(compare(None)) == {"a.run.rmse": "regressed"}
    repo.run("git", "merge", "--quiet", "--no-edit", "main")
    assert default() == (head(repo, "main"), "the merge base with main")


def test_a_new_branch_is_compared_with_where_it_began(repo: Project) -> None:
    repo.run("git", "checkout", "--quiet", "-b", "topic")
    write_metrics(repo, "a", changed("run.rmse", 4.0))
    assert default()[0] == head(repo)


def test_the_main_branch_is_the_remotes(
    repo: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = head(repo)
    repo.run("git", "branch", "--move", "main", "trunk")
    assert error_of(baseline=None) == "found no branch main or master; give one with --baseline REV"
    clone = Project(tmp_path / "clone")
    repo.run("git", "clone", "--quiet", ".", str(clone.root))
    monkeypatch.chdir(clone.root)
    assert default() == (head(clone, "HEAD~1"), "the commit before HEAD")
    clone.run("git", "checkout", "--quiet", "-b", "topic")
    worse(clone, "worse")
    clone.run("git", "branch", "--quiet", "--delete", "--force", "trunk")
    assert default() == (fork, "the merge base with trunk")
    assert failures(compare(None)) == {"a.run.rmse": "regressed"}


def test_the_first_commit_has_nothing_before_it(repo: Project) -> None:
    repo.run("git", "reset", "--quiet", "--hard", "HEAD~1")
    expected = "there is no commit before HEAD; give one with --baseline REV"
    assert error_of(baseline=None) == expected


def test_without_git_there_is_nothing_to_compare_with(repo: Project) -> None:
    repo.run("dvc", "config", "core.no_scm", "true")
    shutil.rmtree(repo.root / ".git")
    for baseline in (None, "main"):
        assert "no Git repository" in error_of(baseline=baseline)


def test_without_a_commit_there_is_nothing_to_compare_with(repo: Project) -> None:
    repo.run("git", "checkout", "--quiet", "--orphan", "empty")
    for baseline in (None, "HEAD"):
        assert "unknown Git revision 'HEAD'" in error_of(baseline=baseline)


def test_a_shallow_clone_says_how_to_mend_it(
    repo: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = head(repo)
    worse(repo, "worse")
    shallow = Project(tmp_path / "shallow")
    repo.run("git", "clone", "--quiet", "--depth=1", f"file://{repo.root}", str(shallow.root))
    monkeypatch.chdir(shallow.root)
    for baseline in (None, "HEAD~1", before):
        assert "shallow: run `git fetch --unshallow`" in error_of(baseline=baseline)
    shallow.run("git", "fetch", "--quiet", "--unshallow")
    assert failures(compare(None)) == {"a.run.rmse": "regressed"}


LOOSER = ("limit: 5, abs_tol: 0.5, rel_tol: 0.1", "limit: 50, abs_tol: 50")


def test_the_rules_of_the_base_judge_a_change_that_loosens_them(repo: Project) -> None:
    repo.run("git", "checkout", "--quiet", "-b", "topic")
    repo.edit("params.yaml", *LOOSER)
    worse(repo, "worse, with looser rules")
    assert failures(compare(None)) == {}
    found = compare(None, rules_from="main")
    assert failures(found) == {"a.run.rmse": "regressed"}
    for told in (found, compare(None)):
        assert told.rules == [
            "- a.run.*: lower is better, limit 5, abs_tol 0.5, rel_tol 0.1",
            "+ a.run.*: lower is better, limit 50, abs_tol 50",
        ]
    repo.edit("params.yaml", "['*.size']", "['*']")  # worse: nothing judges any more
    repo.edit("params.yaml", "    - {metrics: '*.run.*', better: lower, limit: 5}\n", "")
    assert "judges nothing" in error_of(rules_from="main")


def test_an_acknowledgement_counts_once_the_base_has_it(repo: Project) -> None:
    repo.edit(
        "params.yaml",
        "informational: [",
        "acknowledged: [{metric: a.run.rmse, reason: new data, until: '2026-12-31'}]\n"
        "  informational: [",
    )
    worse(repo, "worse, and acknowledged")
    assert [row.outcome for row in compare("HEAD~1").loud] == ["acknowledged"]
    assert failures(compare("HEAD~1", today=datetime.date(2027, 1, 1))) != {}
    found = compare("HEAD~1", rules_from="HEAD~1")
    assert failures(found) == {"a.run.rmse": "regressed"}
    assert found.rules == ["+ a.run.rmse: acknowledged until 2026-12-31: new data"]
    spent = compare("HEAD")
    assert spent.verdict == "held" and "take it away" in spent.notes[0]


def test_an_idle_rule_of_the_base_can_be_taken_away(repo: Project) -> None:
    rule = "    - {metrics: 'gone.*', better: lower, limit: 5}\n"
    repo.edit("params.yaml", "  informational:", f"{rule}  informational:")
    repo.commit("idle")
    assert "judges nothing" in error_of(rules_from="HEAD")
    repo.edit("params.yaml", rule, "")
    assert compare(rules_from="HEAD").rules == ["- gone.*: lower is better, limit 5"]


def test_rules_from_a_revision_without_rules_cannot_judge(repo: Project) -> None:
    repo.edit("params.yaml", "gate:", "gates:")
    repo.commit("no rules")
    repo.edit("params.yaml", "gates:", "gate:")
    assert "params.yaml:1: the file has no key 'gate'" in error_of(rules_from="HEAD")
    assert "cannot be compared" in compare().notes[0]
    (repo.root / "params.yaml").write_text("models: {a: 1, b: 1}\ngate: {rules: 1}\n")
    repo.commit("bad rules")
    short = head(repo)[: sides.SHORT]
    (repo.root / "params.yaml").write_text(PARAMS)
    assert error_of(rules_from="HEAD").startswith(f"{short}:params.yaml:2: gate.rules is 1")


def test_the_worst_is_first(repo: Project) -> None:
    write_metrics(repo, "a", changed("run.rmse", 2.0) | {"held": 0.5, "size": 4, "new": 1})
    write_metrics(repo, "b", changed("run.rmse", 9.0) | {"held": None})
    assert [(row.metric, row.outcome) for row in compare().loud] == [
        ("b.held", "no number"),
        ("b.run.rmse", "past limit"),
        ("a.held", "regressed"),
        ("a.run.rmse", "regressed"),
        ("a.new", "no rule"),
        ("a.size", "informational"),
    ]


@pytest.fixture
def failing(repo: Project) -> comparison.Comparison:
    repo.edit("params.yaml", "a: {size: 1}", "a: {size: 2}")
    write_metrics(repo, "a", changed("run.rmse", 4.0) | {"held": "it | `<b>` \x00"})
    return compare()


def test_the_reports_say_the_same(failing: comparison.Comparison) -> None:
    told = json.loads(comparison.as_json(failing))
    assert told["verdict"] == "regressed"
    assert told["parameters"] == [{"parameter": "models.a.size", "baseline": 1, "now": 2}]
    worst = {metric["metric"]: metric["verdict"] for metric in told["metrics"][:2]}
    assert worst == {"a.held": "no number", "a.run.rmse": "regressed"}
    suite = ElementTree.fromstring(comparison.as_junit(failing))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("8", "2", "2")
    failed = [
        (case.get("classname"), case.get("name"))
        for case in suite
        if case.find("failure") is not None
    ]
    assert failed == [("a", "held"), ("a", "run.rmse")]
    page = comparison.markdown(failing)
    assert "| a.run.rmse | 1 | 4 | +3 | ≤ 1.6 | regressed |" in page
    assert "| models.a.size | 1 | 2 |" in page
    assert "\n| a.held |" in page and "it \\| \\`\\<b>" in page


def test_the_reports_hold_the_largest_numbers(repo: Project) -> None:
    write_metrics(repo, "a", changed("run.rmse", 1.7e308) | {"held": -1.7e308})
    repo.commit("large")
    write_metrics(repo, "a", changed("run.rmse", -1.7e308) | {"held": 1.7e308})
    found = compare()
    told = {metric["metric"]: metric for metric in json.loads(comparison.as_json(found))["metrics"]}
    assert told["a.run.rmse"]["change"] == -sys.float_info.max
    assert failures(found) == {}
    assert comparison.markdown(found) and comparison.as_junit(found) and screen(found)


def screen(found: comparison.Comparison, **options: Any) -> list[str]:
    console = Console(file=io.StringIO(), width=80, highlight=False, **options)
    comparison.show(found, console)
    return console.file.getvalue().splitlines()


def uncoloured(lines: list[str]) -> list[str]:
    return [Text.from_ansi(line).plain for line in lines]


def test_the_table_fits_a_terminal_of_80_columns(failing: comparison.Comparison) -> None:
    name = "recurrence.free_running.valid_prediction_periods.median"
    long = rules.Row(name, 1000.0, -0.000123456, "informational", "lower", Fraction(-1, 81000))
    found = replace(failing, rows=[*failing.rows, long])
    lines = uncoloured(screen(found, force_terminal=True))
    assert max(map(len, lines)) <= 80
    assert name in "".join(line.split(" ")[0] for line in lines)
    assert any(
        line.split()[-5:] == ["-0.0001235", "-1e+03", "≤", "-1.235e-05", "informational"]
        for line in lines
    )


def test_a_terminal_has_colours_and_a_pipe_has_none(failing: comparison.Comparison) -> None:
    coloured = "\n".join(screen(failing, force_terminal=True, color_system="standard"))
    assert "\x1b[1;31mregressed" in coloured
    assert "\x1b" not in "\n".join(screen(failing))


def run_gate(repo: Project, *arguments: str) -> tuple[int, str, str]:
    done = repo.try_(sys.executable, "-m", "stages.gate", *arguments)
    assert "Traceback" not in done.stderr
    # A note on the machine's versions may come before what the gate has to say.
    lines = [line for line in done.stderr.splitlines(True) if not line.startswith("note: bytes")]
    return done.returncode, done.stdout, "".join(lines)


def test_the_exit_codes_and_the_files(repo: Project) -> None:
    reports = [f"--{kind}={kind}.out" for kind in ("markdown", "json", "junit")]
    code, out, err = run_gate(repo, *reports)
    assert (code, err) == (0, "") and "held: none of 8 metrics fails" in out
    assert json.loads((repo.root / "json.out").read_text())["verdict"] == "held"
    write_metrics(repo, "a", changed("run.rmse", 4.0))
    code, out, err = run_gate(repo, *reports)
    assert (code, err) == (1, "") and "regressed: 1 of 8 metrics fails" in out
    assert "\x1b" not in out
    assert ElementTree.parse(repo.root / "junit.out").getroot().get("failures") == "1"
    code, out, err = run_gate(repo, "--baseline", "nowhere", *reports)
    expected = "unknown Git revision 'nowhere'; give one with --baseline REV"
    assert (code, out, err) == (2, "", f"error: {expected}\n")
    assert json.loads((repo.root / "json.out").read_text())["errors"] == [expected]
    assert expected in (repo.root / "markdown.out").read_text()
    assert ElementTree.parse(repo.root / "junit.out").getroot().get("errors") == "1"
    assert run_gate(repo, "--limit", "3")[0] == 2


def test_the_gate_does_not_import_torch(repo: Project) -> None:
    code = "import sys, stages.gate; print(sorted({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    assert repo.run(sys.executable, "-c", code) == "[]\n"


def test_the_workflow_is_one_that_github_accepts() -> None:
    project = Project(ROOT)
    project.run(
        *("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
        ".github/workflows/pipeline.yaml",
    )


SMALL_GATE = """
gate:
  rules:
    - {metrics: '*.teacher_forced.mae', better: lower, abs_tol: 0}
    - {metrics: '*.teacher_forced.*', better: lower, rel_tol: 10}
    - {metrics: '*.cold_start.mse', better: lower, limit: 1e9}
  informational: ['*.parameters', '*.memory_wiped.*', '*.free_running.*']
"""


@pytest.fixture
def gated(project: Project) -> Project:
    """The finished pipeline, with rules."""
    with (project.root / "params.yaml").open("a") as file:
        file.write(SMALL_GATE)
    assert "up to date" in project.run("dvc", "status")
    project.commit("rules")
    return project


def test_a_worse_recipe_fails_from_the_recipe_to_the_verdict(gated: Project) -> None:
    assert run_gate(gated)[0] == 0
    gated.run("git", "checkout", "--quiet", "-b", "worse")
    gated.edit("params.yaml", "iterations: 20", "iterations: 1")
    gated.run("dvc", "repro", "evaluate@stable")
    gated.commit("fewer iterations")
    code, out, _ = run_gate(gated, "--rules-from", "main")
    assert code == 1
    assert "models.stable.training.adam.iterations: 20 → 1" in out
    failed = [line.split()[0] for line in out.splitlines() if line.rstrip().endswith(" regressed")]
    assert "stable.teacher_forced.mae" in failed
    assert {name.split(".")[0] for name in failed} == {"stable"}


def test_calibrate_reports_the_spread_and_warns_of_noise(gated: Project) -> None:
    code, out, err = run_gate(gated, "calibrate", "--model", "stable", "--seeds", "2")
    assert code == 0, err
    assert gated.run("git", "status", "--porcelain") == ""
    measured = YAML(typ="safe").load(out[out.index("calibration:") : out.index("warning:")])[
        "calibration"
    ]
    section = rules.Calibration.model_validate(measured["stable"])
    committed = json.loads((gated.root / "reports/stable/metrics.json").read_text())
    least, median, most = section.spread["teacher_forced.rmse"]
    assert least < median < most and section.seeds == 2
    assert committed["teacher_forced"]["rmse"] in (least, most), "seed 0 is the committed one"
    warned = [line.split()[1] for line in out.splitlines() if line.startswith("warning:")]
    assert warned == ["stable.teacher_forced.mae:"]


def test_calibrate_refuses_what_it_cannot_make(gated: Project) -> None:
    for arguments, message in (
        (("--model", "none"), "dvc.yaml has no stage 'train@none'; expected a row of `models`"),
        (("--model", "stable", "--seeds", "1"), "--seeds is 1; expected 2 or more"),
    ):
        code, _, err = run_gate(gated, "calibrate", *arguments)
        assert (code, err) == (2, f"error: {message}\n")
