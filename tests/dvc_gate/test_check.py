"""`check` in real repositories, with real commits, from the files to the verdict."""

import datetime
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from dvc_gate import check, reports
from dvc_gate.check import Comparison
from dvc_gate.git import SHORT
from dvc_gate.problems import Unjudged
from tests.dvc_gate.conftest import METRICS, RULES, Project, changed

TODAY = datetime.date(2026, 12, 1)
A, B = "reports/a/metrics.json", "reports/b/metrics.json"


def compare(
    baseline: str | None = "HEAD", rules_from: str | None = None, today: datetime.date = TODAY
) -> Comparison:
    return check.check(baseline, rules_from, today)


def short_name(metric: tuple[str, str]) -> str:
    """Write `a:key` for a key in reports/a/metrics.json."""
    return f"{metric[0].split('/')[1]}:{metric[1]}"


def failures(result: Comparison) -> dict[str, str]:
    return {short_name(row.metric): row.outcome for row in result.failed}


def shown(result: Comparison) -> list[tuple[str, str]]:
    return [(short_name(row.metric), row.outcome) for row in result.rows if not row.quiet]


def error_of(**arguments: Any) -> str:
    with pytest.raises(Unjudged) as caught:
        compare(**arguments)
    return str(caught.value)


NO_NUMBERS = [None, True, "1.0", "", [1.0], {}, float("nan"), -float("inf"), 10**400]
TEXT = json.dumps(METRICS)


@pytest.mark.parametrize(
    ("content", "outcomes"),
    [
        *((changed("run.rmse", value), {"a:run.rmse": "no number"}) for value in NO_NUMBERS),
        (TEXT.replace("2.0", "1e999"), {"a:run.mae": "no number"}),
        (changed("run.rmse", {"x": 1.0}), {"a:run.rmse": "missing"}),
        ({}, {"a:run.rmse": "missing", "a:run.mae": "missing", "a:held": "missing"}),
        (TEXT.replace('"mae"', '"rmse"'), {"a:*": "unreadable"}),
        (METRICS | {"run.rmse": 1.0}, {"a:*": "unreadable"}),
        *((text, {"a:*": "unreadable"}) for text in ("", '{"held": 1.0', "[1.0]", "null")),
        (TEXT.replace("2.0", "9" * 5000), {"a:*": "unreadable"}),
        ("[" * 100_000, {"a:*": "unreadable"}),
        (b'{"held": "\xff"}', {"a:*": "unreadable"}),
        (changed("run.rmse", 1.7), {"a:run.rmse": "regressed"}),
        (changed("run.rmse", 5.1), {"a:run.rmse": "past limit"}),
        (changed("held", 0.7), {"a:held": "regressed"}),
    ],
)
def test_a_bad_metric_fails_and_is_named(
    repo: Project, content: Any, outcomes: dict[str, str]
) -> None:
    repo.write(A, content)
    assert failures(compare()) == outcomes


def test_a_lost_file_fails_and_is_named(repo: Project) -> None:
    file = repo.root / A
    file.unlink()
    assert failures(compare()) == {"a:*": "missing"}
    file.symlink_to("nowhere.json")
    assert failures(compare()) == {"a:*": "missing"}
    file.unlink()
    os.mkfifo(file)
    result = compare()
    assert failures(result) == {"a:*": "unreadable"}
    assert result.failed[0].metric[0] == A and result.failed[0].note == "is no file"


def test_a_file_that_did_not_exist_at_the_baseline_is_new(repo: Project) -> None:
    (repo.root / A).unlink()
    (repo.root / "dvc.lock").unlink()
    repo.commit("not run yet")
    repo.write(A, METRICS)
    result = compare()
    assert result.verdict == "held" and ("a:held", "new") in shown(result)
    assert any("did not exist yet" in remark for remark in result.remarks)


def test_a_lost_file_at_the_baseline_cannot_be_judged(repo: Project) -> None:
    repo.write(A, b'{"held": "\xff"}')
    commit = repo.commit("bad")
    repo.write(A, METRICS)
    message = error_of()
    assert message.startswith(f"{commit[:SHORT]}:{A}: ") and "--baseline" in message


def test_an_acknowledged_file_may_be_deleted(repo: Project) -> None:
    (repo.root / B).unlink()
    repo.write("gate.yaml", RULES.replace("'size'", "'size', {metrics: '*', file: reports/b/*}"))
    assert failures(compare()) == {"b:*": "missing"}, "informational metrics need their file too"
    repo.edit("params.yaml", "  b: {size: 1}\n", "")
    entry = "{metric: '*', file: reports/b/*, reason: not used, until: 2026-12-31}"
    repo.write("gate.yaml", f"{RULES}acknowledged: [{entry}]\n")
    assert failures(compare()) == {}


def test_a_new_file_is_judged_by_its_limit(repo: Project) -> None:
    new = "reports/c/metrics.json"
    repo.edit("params.yaml", "  b: {size: 1}\n", "  b: {size: 1}\n  c: {size: 1}\n")
    assert failures(compare()) == {"c:*": "missing"}
    repo.write(new, METRICS)
    assert dict(shown(compare()))["c:run.rmse"] == "new" and failures(compare()) == {}
    repo.write(new, changed("run.mae", 6.0))
    assert failures(compare()) == {"c:run.mae": "past limit"}


def test_a_metric_without_a_rule_or_for_information_never_fails(repo: Project) -> None:
    for value in (1e9, "diverged", None, ...):
        repo.write(A, changed("size", value) | {"speed": value if value != ... else 2})
        result = compare()
        assert shown(result) == [("a:speed", "no rule"), ("a:size", "informational")]
        assert result.verdict == "held"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("file: reports/a/*", "file: reports/z/*", "gate.yaml:2: rules[0] `reports/z/*: run.*`"),
        ("metrics: held", "metrics: 'run.rmse*'", "`run.rmse*` judges nothing"),
        ("['size']", "['siez']", "gate.yaml:5: informational[0] `siez` judges nothing"),
        ("rules:", "rule:", "gate.yaml:1: rule is not a known key; did you mean rules?"),
        ("rules:", "rules: [", "gate.yaml: line"),
    ],
)
def test_a_bad_rule_cannot_be_judged(repo: Project, old: str, new: str, message: str) -> None:
    repo.edit("gate.yaml", old, new)
    assert message in error_of()


def test_a_broken_pipeline_cannot_be_judged(repo: Project) -> None:
    repo.edit("dvc.yaml", "stages:", "stages: [")
    assert error_of().startswith("dvc.yaml: line ")
    repo.edit("dvc.yaml", "stages: [", "stages:")
    repo.edit("params.yaml", "models:", "model:")
    assert error_of().startswith("dvc.yaml: DVC cannot read it: ")


def test_an_unknown_or_empty_revision(repo: Project) -> None:
    for begin in ("aa", "bb"):
        repo.git("update-ref", f"refs/exps/{begin}/{'0' * 38}/twice", "HEAD")
    for name in ("nowhere", "--help", "HEAD:params.yaml", "0" * 39 + "1", "twice"):
        message = error_of(baseline=name)
        assert message == f"unknown Git revision {name!r}; give one with --baseline REV"
        assert "unknown Git revision" in error_of(rules_from=name)
    tree = repo.git("hash-object", "-t", "tree", "-w", "/dev/null")
    empty = repo.git("commit-tree", tree, "-m", "empty")
    result = compare(empty)
    assert {row.outcome for row in result.rows} == {"new", "informational"}
    assert "has no metrics: all are new" in result.remarks[0]


def commit_worse(repo: Project) -> None:
    """Commit a regression."""
    repo.write(A, changed("run.rmse", 4.0))
    repo.commit("worse")


def default() -> tuple[str, str]:
    """Compare with the default baseline. Return its short name and the reason for it."""
    result = compare(None)
    return result.baseline, result.why


def head(repo: Project, revision: str = "HEAD") -> str:
    return repo.git("rev-parse", revision)[:SHORT]


def test_any_revision_is_a_baseline(repo: Project) -> None:
    repo.git("tag", "--annotate", "--message", "v1", "v1")
    first = head(repo)
    commit_worse(repo)
    repo.git("update-ref", f"refs/exps/aa/{'0' * 38}/an-experiment", "HEAD~1")
    for name in ("v1", first[:7], "HEAD~1", ":/second", "an-experiment"):
        result = compare(name)
        assert failures(result) == {"a:run.rmse": "regressed"}
        assert result.baseline == first
    assert compare("HEAD").verdict == "held"


def test_on_main_the_baseline_is_the_commit_before(repo: Project) -> None:
    before = head(repo)
    repo.write("notes.txt", "no metric")
    assert default()[0] == head(repo, "HEAD~1")
    repo.write(A, changed("run.rmse", 4.0))
    assert default() == (before, "HEAD, for the metrics of the workspace are not committed")
    commit_worse(repo)
    assert default() == (before, "the commit before HEAD")
    repo.git("checkout", "--quiet", "--detach")  # as some CI does
    assert default()[0] == before


def test_on_a_branch_the_baseline_is_the_merge_base(repo: Project) -> None:
    fork = head(repo)
    repo.git("checkout", "--quiet", "-b", "topic")
    commit_worse(repo)
    repo.git("checkout", "--quiet", "main")
    repo.write(B, changed("run.rmse", 0.1))
    repo.commit("main went on")
    repo.git("checkout", "--quiet", "topic")
    assert default() == (fork, "the merge base with main")
    repo.git("merge", "--quiet", "--no-edit", "main")
    assert default() == (head(repo, "main"), "the merge base with main")


def test_the_main_branch_is_the_remotes(repo: Project, tmp_path: Path) -> None:
    fork = head(repo)
    repo.git("branch", "--move", "main", "trunk")
    message = error_of(baseline=None)
    assert message == "there is no branch main or master; give one with --baseline REV"
    clone = Project(tmp_path / "clone")
    repo.git("clone", "--quiet", ".", str(clone.root))
    os.chdir(clone.root)
    assert default() == (head(clone, "HEAD~1"), "the commit before HEAD")
    clone.git("checkout", "--quiet", "-b", "topic")
    commit_worse(clone)
    clone.git("branch", "--quiet", "--delete", "--force", "trunk")
    assert default() == (fork, "the merge base with trunk")


def test_at_the_first_commit_and_the_first_push_limits_alone_judge(repo: Project) -> None:
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    repo.write(A, changed("run.rmse", 6.0))
    repo.git("commit", "--quiet", "--amend", "--all", "--no-edit")
    for baseline in (None, "0" * 40, "0" * 64):
        result = compare(baseline, rules_from="")
        assert failures(result) == {"a:run.rmse": "past limit"}
        assert result.judged_by == "the workspace" and result.parameters == []
        assert "nothing has no metrics" in " ".join(result.remarks)


def test_without_git_dvc_or_rules_there_is_no_verdict(repo: Project) -> None:
    (repo.root / ".dvc").rename(repo.root / "other")
    assert "is in no DVC project" in error_of()
    (repo.root / "other").rename(repo.root / ".dvc")
    repo.git("checkout", "--quiet", "--orphan", "empty")
    assert "unknown Git revision 'HEAD'" in error_of(baseline=None)
    (repo.root / "gate.yaml").unlink()
    assert error_of() == "gate.yaml: no such file; `dvc-gate init` writes one to begin with"
    shutil.rmtree(repo.root / ".git")
    assert "is in no Git repository" in error_of()


def test_an_error_in_a_shallow_clone_names_the_remedy(repo: Project, tmp_path: Path) -> None:
    before = head(repo)
    commit_worse(repo)
    shallow = Project(tmp_path / "shallow")
    repo.git("clone", "--quiet", "--depth=1", f"file://{repo.root}", str(shallow.root))
    os.chdir(shallow.root)
    for baseline in (None, "HEAD~1", before):
        assert "shallow: run `git fetch --unshallow`" in error_of(baseline=baseline)


LOOSER = ("limit: 5, abs_tol: 0.5, rel_tol: 0.1", "limit: 50, abs_tol: 50")


def test_the_rules_of_the_base_judge_a_change_that_loosens_them(repo: Project) -> None:
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.edit("gate.yaml", *LOOSER)
    commit_worse(repo)
    assert failures(compare(None)) == {}
    for rules_from in ("main", ""):
        result = compare(None, rules_from)
        assert failures(result) == {"a:run.rmse": "regressed"}
        assert [line[0] for line in result.rules] == ["-", "+"] and "abs_tol: 50" in result.rules[1]
        for write in (reports.text, reports.markdown):
            assert result.rules[1] in write(result)
        assert json.loads(reports.as_json(result))["rules_changed"] == result.rules
    repo.edit("gate.yaml", "['size']", "['*']")  # even looser: no glob judges
    assert "judges nothing" in error_of(rules_from="main")


def test_an_acknowledgement_counts_when_the_base_has_it(repo: Project) -> None:
    entry = "{metric: run.rmse, file: reports/a/*, reason: new data, until: '2026-12-31'}"
    repo.edit("gate.yaml", "informational:", f"acknowledged: [{entry}]\ninformational:")
    commit_worse(repo)
    result = compare("HEAD~1", today=datetime.date(2026, 12, 31))
    assert shown(result) == [("a:run.rmse", "acknowledged")] and "new data" in result.rows[0].note
    late = compare("HEAD~1", today=datetime.date(2027, 1, 1))
    assert failures(late) == {"a:run.rmse": "regressed"} and "has passed" in late.rows[0].note
    result = compare("HEAD~1", rules_from="HEAD~1")
    assert failures(result) == {"a:run.rmse": "regressed"}
    held = compare("HEAD")
    assert held.verdict == "held" and "remove it" in held.remarks[0]


def test_an_unused_rule_of_the_base_can_be_removed(repo: Project) -> None:
    rule = "  - {metrics: 'unknown.*', better: lower, limit: 5}\n"
    repo.edit("gate.yaml", "informational:", f"{rule}informational:")
    repo.commit("unused")
    assert "no such metric" in error_of(rules_from="HEAD")
    repo.edit("gate.yaml", rule, "")
    assert compare(rules_from="HEAD").verdict == "held"


def test_the_change_that_adds_the_gate_is_judged_by_its_own_rules(repo: Project) -> None:
    (repo.root / "gate.yaml").unlink()
    base = repo.commit("no rules")
    repo.write("gate.yaml", RULES)
    commit_worse(repo)
    for rules_from in ("", base):
        result = compare(base, rules_from)
        assert failures(result) == {"a:run.rmse": "regressed"}
        assert result.judged_by == "the workspace"
        assert result.remarks[0].startswith(f"{base[:SHORT]} has no rules yet: THIS CHANGE IS")


def test_broken_rules_of_the_base_cannot_judge(repo: Project) -> None:
    repo.write("gate.yaml", "rules: 1\n")
    commit = repo.commit("bad rules")
    repo.write("gate.yaml", RULES)
    message = f"{commit[:SHORT]}:gate.yaml:1: rules is 1; expected a list of rules"
    assert error_of(rules_from="HEAD") == message
    result = compare("HEAD")
    assert result.verdict == "held" and "cannot be compared" in result.remarks[0]


def test_empty_values_mean_the_defaults(repo: Project) -> None:
    commit_worse(repo)
    empty = ("--baseline", " ", "--rules-from", "", "--json", "", "--junit", "")
    assert "the commit before HEAD" in repo.gate("check", *empty, code=1)
    words = ("calibrate", "--over", "models.a.size", "--rev", "")
    assert "only one value of models.a.size" in repo.gate(*words, code=2)


def test_a_boolean_is_judged(repo: Project) -> None:
    repo.write(A, changed("held", True))
    assert failures(compare()) == {"a:held": "no number"}, "it was a number"
    repo.commit("a boolean")
    assert compare().verdict == "held"
    repo.write(A, changed("held", False))
    result = compare()
    assert failures(result) == {"a:held": "regressed"}
    assert reports.cells(result.failed[0])[1:3] == ("true", "false")


def test_a_number_in_quotes_that_no_rule_judges_is_named(repo: Project) -> None:
    repo.write(A, METRICS | {"score": "0.91", "size": "3"})
    repo.commit("text")
    repo.write(A, METRICS | {"score": "11 %", "size": "3"})
    text = "NOT JUDGED: '11 %' is text; write it as a number and give a rule"
    assert compare().remarks == [f"{A}: score: {text}"]


B2 = "reports/b2/metrics.json"
RENAMED = f"renamed: {{{B}: {B2}}}"


@pytest.fixture
def renamed(repo: Project) -> Project:
    """Rename the metrics file of model b, with a worse metric in it."""
    repo.edit("params.yaml", "  b: {size: 1}\n", "  b2: {size: 1}\n")
    repo.git("mv", "reports/b", "reports/b2")
    repo.write(B2, changed("held", 0.11))
    return repo


def test_a_renamed_file_is_compared_with_its_old_baseline(renamed: Project) -> None:
    entry = f"{{metric: '*', file: {B}, reason: renamed, until: 2026-12-31}}"
    renamed.write("gate.yaml", f"{RULES}acknowledged: [{entry}]\n")
    result = compare()
    assert failures(result) == {"b2:*": "no baseline"}, "the new file does not pass unjudged"
    assert RENAMED in result.failed[0].note
    renamed.write("gate.yaml", RULES + RENAMED)
    assert failures(compare()) == {"b2:held": "regressed"}
    renamed.write(B2, METRICS)
    assert compare().verdict == "held"
    renamed.commit("renamed")
    assert "remove it" in compare().remarks[0]


def test_a_rule_for_the_old_name_judges_the_new_file(renamed: Project) -> None:
    rules = f"rules: [{{metrics: held, file: {B}, better: higher, limit: 0.5}}]\n"
    renamed.write("gate.yaml", rules)
    assert failures(compare()) == {"b:*": "missing", "b2:*": "no baseline"}
    renamed.write("gate.yaml", rules + RENAMED)
    assert failures(compare()) == {"b2:held": "past limit"}


def test_a_file_that_no_commit_can_have_is_named(repo: Project) -> None:
    repo.write("dvc.yaml", "metrics: [out.json]")
    repo.write(".gitignore", "/out.json\n")
    repo.write("gate.yaml", "rules: [{metrics: acc, better: higher, abs_tol: 0}]")
    repo.write("out.json", {"acc": 1})
    repo.commit("never committed")
    assert "out.json: NEVER COMPARED: Git ignores it" in compare().remarks[1]


def test_the_worst_is_first(repo: Project) -> None:
    repo.write(A, changed("run.rmse", 2.0) | {"held": 0.5, "size": 4, "new": 1})
    repo.write(B, changed("run.rmse", 9.0) | {"held": None})
    assert shown(compare()) == [
        ("b:held", "no number"),
        ("b:run.rmse", "past limit"),
        ("a:held", "regressed"),
        ("a:run.rmse", "regressed"),
        ("a:new", "no rule"),
        ("a:size", "informational"),
    ]
