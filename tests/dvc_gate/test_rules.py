"""The rules against plain statements of them, and the messages about mistakes in gate.yaml."""

import re
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvc_gate import gate_file, rules
from dvc_gate.git import Git
from dvc_gate.problems import Unjudged
from dvc_gate.project import Tree
from dvc_gate.rules import Gate, Rule

X = ("metrics.json", "x")
finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9)
near = st.integers(-200, 200).map(lambda k: k / 100)  # many values fall on a bound or beside it
numbers = finite | near
values = numbers | st.booleans() | st.none() | st.sampled_from(["diverged", "null", "NaN"])
tolerances = st.none() | near.map(abs) | st.floats(0, 1e300)


def gate(*entries: Rule, **more: Any) -> Gate:
    return Gate(rules=list(entries), **more)


@st.composite
def some_rules(draw: st.DrawFn) -> Rule:
    better = draw(st.sampled_from(["lower", "higher", "near"]))
    bounds = {name: draw(tolerances) for name in ("abs_tol", "rel_tol")}
    if better != "near" and draw(st.booleans()):
        bounds = {"improve_by": draw(tolerances)}
    if better != "near":
        bounds["limit"] = draw(st.none() | numbers.map(float))
    if all(bound is None for bound in bounds.values()):
        bounds = {"abs_tol": 0.0}
    return Rule(metrics="*", better=better, **bounds)


def fails_plainly(rule: Rule, baseline: rules.Value, now: rules.Value) -> bool:
    """Test whether a metric fails its rule, as the README states it, in exact decimals."""
    if not isinstance(now, int | float):
        return True
    if isinstance(baseline, int | float) and isinstance(now, bool) != isinstance(baseline, bool):
        return True
    with localcontext(prec=1400):
        value = Decimal(str(+now))
        if rule.limit is not None:
            limit = Decimal(str(rule.limit))
            if value > limit if rule.better == "lower" else value < limit:
                return True
        if not isinstance(baseline, int | float) or not rule.compares:
            return False
        before = Decimal(str(+baseline))
        worse = {"lower": value - before, "higher": before - value, "near": abs(value - before)}
        if rule.improve_by is not None:
            return worse[rule.better] > -Decimal(str(rule.improve_by))
        relative = Decimal(str(rule.rel_tol or 0)) * abs(before)
        return worse[rule.better] > Decimal(str(rule.abs_tol or 0)) + relative


@settings(max_examples=300, deadline=None)
@given(some_rules(), values, values)
def test_the_verdict_is_that_of_the_plain_statement(rule, baseline, now) -> None:
    row = rules.judge(gate(rule), X, baseline, now)
    assert row.failed == fails_plainly(rule, baseline, now)
    if not row.failed:
        assert row.outcome == ("held" if isinstance(baseline, int | float) else "new")
    if isinstance(now, int | float) and row.outcome != "no number":
        written = Fraction(str(+now))
        least, most = row.allowed.least, row.allowed.most
        past = (least is not None and written < least) or (most is not None and written > most)
        assert row.failed == past, "the bound that is shown is the bound that judges"


@pytest.mark.parametrize(
    ("better", "bounds", "baseline", "now", "outcome"),
    [
        ("lower", {"rel_tol": 0.1}, 0.7, 0.77, "held"),  # in binary it is more than 10 %
        ("lower", {"rel_tol": 0.1}, 0.7, 0.770001, "regressed"),
        ("lower", {"rel_tol": 9}, 0.0, 1e-300, "regressed"),
        ("near", {"abs_tol": 0.1}, 0.0, -0.11, "regressed"),
        ("lower", {"improve_by": 0.01}, 0.7, 0.69, "held"),
        ("lower", {"improve_by": 0.01}, 0.7, 0.691, "not improved"),
    ],
)
def test_bounds_are_exact_in_decimal_digits(better, bounds, baseline, now, outcome) -> None:
    rule = Rule(metrics="*", better=better, **bounds)
    assert rules.judge(gate(rule), X, baseline, now).outcome == outcome


def test_literal_names_go_first_then_informational_globs_then_rules_in_order() -> None:
    odd, other = ("m.json", "AP@[.5:.95]"), ("m.json", "AP50")
    glob = Rule(metrics="AP*", better="lower", limit=0)
    literal = Rule(metrics="AP@[.5:.95]", better="higher", limit=0.5)
    assert gate(glob, literal).rule(odd) is literal and gate(glob, literal).rule(other) is glob
    shown = gate(glob, literal, informational=["*"])
    assert shown.rule(odd) is literal and shown.rule(other) is None
    assert gate(literal, informational=["AP@[.5:.95]"]).rule(odd) is None
    loose = Rule(metrics="*", better="lower", limit=9)
    assert gate(glob, loose).rule(other) is glob and gate(loose, glob).rule(other) is loose


def test_a_rule_may_name_its_file_literally_or_by_a_glob() -> None:
    odd = Rule(metrics="x", file="runs/[1]/m.json", better="lower", limit=1)
    every = Rule(metrics="x", file="runs/*", better="lower", limit=2)
    both = gate(odd, every)
    assert both.rule(("runs/[1]/m.json", "x")) is odd
    assert both.rule(("runs/2/m.json", "x")) is every
    assert both.rule(("other/m.json", "x")) is None


RULE = "{metrics: x, better: lower, limit: 1}"
TOLERANCE = "abs_tol is -0.01; expected a number from 0 (`improve_by` asks for an improvement)"


def read(folder: Path, name: str, text: str) -> gate_file.GateFile:
    (folder / name).write_text(text)
    result = gate_file.read(Tree(Git(folder), ""))
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ("", "1: rules[0] has no bound; expected any of limit"),
        ("limit: true", "limit is True; expected a number"),
        ("limit: .nan", "limit is nan; expected a number"),
        ("tol: 1", "tol is not a known key; did you mean rel_tol?"),
        ("abs_tol: -0.01", TOLERANCE),
        ("improve_by: 1, abs_tol: 1", "1: rules[0] has improve_by and a tolerance"),
        ("better: less", "better is 'less'; expected lower, higher or near"),
        ("better: near, limit: 1", "1: rules[0] has better: near; expected abs_tol or rel_tol"),
        ("metrics: '', limit: 1", "metrics is ''; expected the key of"),
    ],
)
def test_a_wrong_bound_is_named(tmp_path: Path, bounds: str, message: str) -> None:
    missing = "".join(
        f"{key}, " for key in ("metrics: x", "better: lower") if key[:6] not in bounds
    )
    with pytest.raises(Unjudged, match=re.escape(message)):
        read(tmp_path, "gate.yaml", f"rules: [{{{missing}{bounds}}}]")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: []", "1: rules is []; expected a list of rules"),
        ("rules: [3]", "1: rules[0] is 3; expected a list of rules"),
        ("rules:\n  - metrics: x\n    limit: 1\n    beter: lower", "4: rules[0].beter is"),
        (f"renamed: {{a: c, b: c}}\nrules: [{RULE}]", "gives two files the same new name"),
        ("informational: [1]", "1: informational[0] is 1; expected a list of keys or globs"),
        ("acknowledged: [{metric: x, reason: y, until: soon}]", "until is 'soon'; expected a date"),
        ("acknowledged: [{metric: x, until: 2027-01-31}]", "1: acknowledged[0].reason is missing"),
        ("rules: 1\nrules: 2", " line 2: is not valid YAML: found duplicate key"),
        ("rules: !!python/name:os.system", " line 1: is not valid YAML: could not determine"),
        ("", "1: expected a mapping with the key rules"),
    ],
)
def test_a_mistake_is_named_by_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Unjudged, match=rf"(?m)^gate.yaml:.*{re.escape(message)}"):
        read(tmp_path, "gate.yaml", text)


PARAMS = """\
day: 2027-01-31
1: {2: three}
tagged: !ours {a: 1}
twice: 1
twice: 2
anchor: &tight {better: lower, limit: 1}
gate:
  rules:
    - {metrics: x, <<: *tight}
"""


def test_a_section_of_params_holds_the_rules_where_there_is_no_gate_file(tmp_path: Path) -> None:
    result = read(tmp_path, "params.yaml", PARAMS)
    assert result.gate.rules == [Rule(metrics="x", better="lower", limit=1)]
    assert result.place("rules", 0) == "params.yaml:9: gate.rules[0]"
    with pytest.raises(Unjudged, match=r"^params.yaml:9: gate.rules\[0\].metrics is 3"):
        read(tmp_path, "params.yaml", PARAMS.replace("metrics: x", "metrics: 3"))
    result = read(tmp_path, "gate.yaml", "rules: [{metrics: y, better: near, abs_tol: 1}]")
    assert result.gate.rules[0].metrics == "y"
