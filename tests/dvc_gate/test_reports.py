"""The four reports agree."""

import json
import sys
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from dvc_gate import reports
from dvc_gate.check import Comparison
from dvc_gate.rules import Range, Row
from tests.dvc_gate.conftest import Project, changed
from tests.dvc_gate.test_check import A, compare, failures


@pytest.fixture
def failing(repo: Project) -> Comparison:
    repo.edit("params.yaml", "a: {size: 1}", "a: {size: 2}")
    repo.write(A, changed("run.rmse", 4.0) | {"held": "it | `<b>` \x00", "\x01odd": 1})
    return compare()


def test_the_reports_agree(failing: Comparison) -> None:
    output = json.loads(reports.as_json(failing))
    assert output["verdict"] == "regressed"
    assert output["parameters"] == [{"parameter": "models.a.size", "baseline": 1, "now": 2}]
    worst = [(each["file"], each["metric"], each["verdict"]) for each in output["metrics"][:2]]
    assert worst == [(A, "held", "no number"), (A, "run.rmse", "regressed")]
    assert (output["metrics"][1]["least"], output["metrics"][1]["most"]) == (None, 1.6)
    suite = ElementTree.fromstring(reports.as_junit(failing))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("9", "2", "3")
    failed = [(c.get("classname"), c.get("name")) for c in suite if c.find("failure") is not None]
    assert failed == [(A, "held"), (A, "run.rmse")]
    page = reports.markdown(failing)
    assert f"**{A}**\n\n| metric |" in page
    assert "| run.rmse | 1 | 4 | +3 | ≤ 1.6 | regressed |" in page
    assert "| models.a.size | 1 | 2 |" in page
    assert "\n| held |" in page and "it \\| \\`\\<b>" in page


def test_the_reports_hold_the_largest_numbers_and_infinity(repo: Project) -> None:
    repo.write(A, changed("run.rmse", 1.7e308) | {"held": -1.7e308})
    repo.commit("large")
    repo.write(A, changed("run.rmse", -1.7e308) | {"held": 1.7e308})
    repo.write("params.yaml", "models: {a: 1, b: .inf}\n1: {2: 3}\n")
    result = compare()
    output = json.loads(reports.as_json(result), parse_constant=pytest.fail)
    changes = {(each["file"], each["metric"]): each["change"] for each in output["metrics"]}
    assert changes[A, "run.rmse"] == -sys.float_info.max
    assert failures(result) == {}
    assert reports.markdown(result) and reports.as_junit(result) and reports.text(result)
    names = [each["parameter"] for each in output["parameters"]]
    assert names == ["1.2", "models.a", "models.a.size", "models.b", "models.b.size"]


def test_a_two_sided_bound_is_shown_with_both_ends() -> None:
    row = Row((A, "x"), 1.0, 2.0, "regressed", Range(Fraction(1, 2), Fraction(3, 2)))
    assert reports.cells(row)[4] == "0.5 to 1.5"
