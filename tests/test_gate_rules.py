"""The rules of the gate against plain statements of them, and against the committed numbers."""

import datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import files
from stages.core import rules, sides
from stages.settings import params
from tests.conftest import ROOT

COMMITTED = params.read(ROOT / "params.yaml", ("gate",), rules.Gate)
METRICS = {
    name: value
    for path in sorted(ROOT.glob("reports/*/metrics.json"))
    for name, value in sides.parse(f"{path.parent.name}.", path.read_bytes()).items()
}
RULED = [name for name in METRICS if COMMITTED.rule(name)]

finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9)
near = st.integers(-200, 200).map(lambda k: k / 100)  # so that values fall on bounds and beside
numbers = finite | near
values = numbers | st.none() | st.sampled_from(["diverged", "null", "NaN", "true", "a list"])
tolerances = st.none() | near.map(abs) | st.floats(0, 1e300)


@st.composite
def some_rules(draw: st.DrawFn) -> rules.Rule:
    bounds = {"limit": draw(st.none() | numbers.map(float))}
    bounds |= {name: draw(tolerances) for name in ("abs_tol", "rel_tol")}
    if all(bound is None for bound in bounds.values()):
        bounds["abs_tol"] = 0.0
    return rules.Rule(metrics="*", better=draw(st.sampled_from(["lower", "higher"])), **bounds)


def plainly(rule: rules.Rule, baseline: rules.Value, now: rules.Value) -> bool:
    """Whether a metric fails its rule, in the words of the README: decimals, worked out exactly."""
    if not isinstance(now, int | float):
        return True
    with localcontext(prec=1400):
        value = Decimal(str(now))
        if rule.limit is not None:
            limit = Decimal(str(rule.limit))
            if (
                rule.better == "lower"
                and value > limit
                or rule.better == "higher"
                and value < limit
            ):
                return True
        if not isinstance(baseline, int | float) or rule.abs_tol is rule.rel_tol is None:
            return False
        before = Decimal(str(baseline))
        worse = value - before if rule.better == "lower" else before - value
        relative = Decimal(str(rule.rel_tol or 0)) * abs(before)
        return worse > Decimal(str(rule.abs_tol or 0)) + relative


@settings(max_examples=500, deadline=None)
@given(some_rules(), values, values)
def test_the_verdict_is_that_of_the_plain_statement(rule, baseline, now) -> None:
    row = rules.judge(rules.Gate(rules=[rule]), "stable.x", baseline, now)
    assert row.failed == plainly(rule, baseline, now)
    if not row.failed:
        assert row.outcome == ("held" if isinstance(baseline, int | float) else "new")
    if row.allowed is not None and isinstance(now, int | float):
        written = Fraction(str(now))
        past = written > row.allowed if rule.better == "lower" else written < row.allowed
        assert row.failed == past, "the bound that is shown is the bound that judges"


@settings(max_examples=200, deadline=None)
@given(some_rules(), values, st.tuples(numbers, numbers))
def test_a_better_value_never_fails_where_a_worse_one_holds(rule, baseline, pair) -> None:
    gate = rules.Gate(rules=[rule])
    worse, better = sorted(pair, reverse=rule.better == "lower")
    if rules.judge(gate, "x", baseline, better).failed:
        assert rules.judge(gate, "x", baseline, worse).failed


def test_a_bound_is_exact_in_the_digits_that_are_written() -> None:
    gate = rules.Gate(rules=[rules.Rule(metrics="*", better="lower", rel_tol=0.1)])
    assert 0.77 - 0.7 > 0.1 * 0.7  # in binary
    assert rules.judge(gate, "x", 0.7, 0.77).outcome == "held"
    assert rules.judge(gate, "x", 0.7, 0.770001).outcome == "regressed"


def test_a_baseline_of_zero_leaves_the_absolute_tolerance() -> None:
    for rule, now, outcome in (
        (rules.Rule(metrics="*", better="lower", abs_tol=0.1, rel_tol=9), 0.1, "held"),
        (rules.Rule(metrics="*", better="lower", abs_tol=0.1, rel_tol=9), 0.11, "regressed"),
        (rules.Rule(metrics="*", better="lower", rel_tol=9), 1e-300, "regressed"),
        (rules.Rule(metrics="*", better="higher", rel_tol=9), -1e-300, "regressed"),
        (rules.Rule(metrics="*", better="higher", rel_tol=9), 0, "held"),
    ):
        assert rules.judge(rules.Gate(rules=[rule]), "x", 0.0, now).outcome == outcome


@pytest.mark.parametrize("metric", METRICS)
def test_each_metric_fires_beyond_its_bound_and_not_within(metric: str) -> None:
    value = METRICS[metric]
    rule = COMMITTED.rule(metric)
    if rule is None:
        assert COMMITTED.is_informational(metric)
        for now in (None, "diverged", 1e300, -1e300):
            assert not rules.judge(COMMITTED, metric, value, now).failed
        return
    sign = 1 if rule.better == "lower" else -1
    step = (rule.abs_tol or 0) + (rule.rel_tol or 0) * abs(value)
    bounds = [value + sign * step] if rule.compares else []
    bounds += [rule.limit] if rule.limit is not None else []
    bound = min(bounds) if rule.better == "lower" else max(bounds)
    beyond = bound + sign * max(1e-3 * abs(bound), 1e-30)
    within = value + 0.99 * (bound - value)
    assert not rules.judge(COMMITTED, metric, value, value).failed
    assert not rules.judge(COMMITTED, metric, value, within).failed
    assert rules.judge(COMMITTED, metric, value, beyond).failed
    for now in (None, "diverged", "no oscillation"):
        assert rules.judge(COMMITTED, metric, value, now).failed


def test_every_committed_metric_is_covered_and_every_rule_is_of_use() -> None:
    assert len(METRICS) > 50
    uncovered = [n for n in METRICS if not (COMMITTED.rule(n) or COMMITTED.is_informational(n))]
    assert uncovered == []
    assert list(COMMITTED.idle(METRICS)) == []


def test_the_committed_tolerances_lie_outside_the_committed_noise() -> None:
    measured = COMMITTED.calibration
    assert set(measured) == {"blog", "stable"}, "the rows that draw random numbers"
    for model, calibration in measured.items():
        assert calibration.seeds >= 10
        for name in (n for n in RULED if n.startswith(f"{model}.")):
            least, median, most = calibration.spread[name.removeprefix(f"{model}.")]
            for seed in (least, most):
                assert not rules.judge(COMMITTED, name, median, seed).failed, name
                assert not rules.judge(COMMITTED, name, METRICS[name], seed).failed, name


def test_the_first_rule_that_names_a_metric_judges_it() -> None:
    strict = rules.Rule(metrics="a.*", better="lower", limit=1)
    loose = rules.Rule(metrics="*", better="lower", limit=9)
    gate = rules.Gate(rules=[strict, loose], informational=["a.shown"])
    assert rules.judge(gate, "a.x", None, 5).outcome == "past limit"
    assert rules.judge(gate, "b.x", None, 5).outcome == "new"
    assert rules.judge(gate, "a.shown", None, 5).outcome == "informational"
    hidden = rules.Gate(rules=[loose, strict])
    assert [index for _, index, _ in hidden.idle(["a.x", "b.x"])] == [1]


def test_an_acknowledgement_holds_to_the_end_of_its_day() -> None:
    known = rules.Acknowledged(metric="a.*", reason="new data", until="2027-01-31")
    rule = rules.Rule(metrics="*", better="lower", abs_tol=0)
    gate = rules.Gate(rules=[rule], acknowledged=[known])
    row, other = (rules.judge(gate, name, 1.0, 2.0) for name in ("a.x", "b.x"))
    day = datetime.date(2027, 1, 31)
    assert rules.acknowledge(gate, row, day).outcome == "acknowledged"
    assert "new data" in rules.acknowledge(gate, row, day).note
    late = rules.acknowledge(gate, row, day + datetime.timedelta(days=1))
    assert late.failed and "has passed" in late.note
    assert rules.acknowledge(gate, other, day).failed
    held = rules.judge(gate, "a.x", 2.0, 1.0)
    assert rules.acknowledge(gate, held, day).outcome == "held"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("rules: []", "expected a list of rules"),
        ("rules: [{metrics: x, better: lower}]", "has no bound; expected any of limit"),
        ("rules: [{metrics: x, better: less, limit: 1}]", "is less; expected lower or higher"),
        ("rules: [{metrics: x, better: lower, limit: low}]", "is low; expected a number"),
        ("rules: [{metrics: x, better: lower, limit: true}]", "is true; expected a number"),
        ("rules: [{metrics: x, better: lower, limit: .nan}]", "is .nan; expected a number"),
        ("rules: [{metrics: x, better: lower, rel_tol: -1}]", "is -1; expected a number from 0"),
        ("rules: [{metrics: x, better: lower, tol: 1}]", "tol is not a known key"),
        ("rules: [{metric: x, better: lower, limit: 1}]", "did you mean metrics?"),
        ("rules: {}", "is {}; expected a list of rules"),
        ("rule: []", "gate.rule is not a known key; did you mean rules?"),
        ("informational: [1]", "informational[0] is 1"),
        (
            "acknowledged: [{metric: x, reason: y, until: 2027-01-31}]",
            "is 2027-01-31; expected a number, or text in quotes: '2027-01-31'",
        ),
        ("acknowledged: [{metric: x, reason: y, until: 'soon'}]", "is 'soon'; expected a date"),
        ("acknowledged: [{metric: x, until: '2027-01-31'}]", "reason is missing"),
    ],
)
def test_a_wrong_rule_is_named_by_its_line(tmp_path: Path, section: str, message: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(f"gate:\n  {section}\n")
    with pytest.raises(files.InputError) as caught:
        params.read(file, ("gate",), rules.Gate)
    first = next(line for line in str(caught.value).splitlines() if message in line)
    assert first.startswith((f"{file}:2: gate.", f"{file}:1: gate."))
