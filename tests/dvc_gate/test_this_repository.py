"""gate.yaml of this repository against its committed metrics."""

import pytest

from dvc_gate import gate_file, project, revisions, rules
from dvc_gate.formats import Key
from dvc_gate.git import Git
from dvc_gate.rules import is_number
from tests.dvc_gate.conftest import ROOT

TREE = project.Tree(Git(ROOT), "")
GATE = gate_file.read(TREE).gate
METRICS = revisions.read(TREE).metrics
RULED = [metric for metric in METRICS if GATE.rule(metric)]


@pytest.mark.parametrize("file", sorted({file for file, _ in METRICS}))
def test_each_metric_fails_beyond_its_bound_and_not_within(file: str) -> None:
    for metric in METRICS:
        if metric[0] == file:
            fails_beyond_its_bound(metric)


def fails_beyond_its_bound(metric: Key) -> None:
    value, rule = METRICS[metric], GATE.rule(metric)
    if rule is None:
        assert GATE.judge_of(metric) in GATE.informational
        for now in (None, "diverged", 1e300, -1e300):
            assert not rules.judge(GATE, metric, value, now).failed
        return
    for now in (None, "diverged", "no oscillation"):
        assert rules.judge(GATE, metric, value, now).failed
    if not is_number(value):
        return
    assert not rules.judge(GATE, metric, value, value).failed
    sign = 1 if rule.better == "lower" else -1
    step = (rule.abs_tol or 0) + (rule.rel_tol or 0) * abs(value)
    bounds = [value + sign * step] if rule.compares else []
    bounds += [rule.limit] if rule.limit is not None else []
    bound = min(bounds) if rule.better == "lower" else max(bounds)
    beyond = bound + sign * max(1e-3 * abs(bound), 1e-30)
    within = value + 0.99 * (bound - value)
    assert not rules.judge(GATE, metric, value, within).failed
    assert rules.judge(GATE, metric, value, beyond).failed


def test_every_committed_metric_is_covered_and_every_rule_is_of_use() -> None:
    assert len(METRICS) > 50
    assert [metric for metric in METRICS if GATE.judge_of(metric) is None] == []
    assert list(GATE.idle(METRICS)) == []


def test_the_committed_tolerances_lie_outside_the_committed_noise() -> None:
    assert GATE.calibration
    for file, calibration in GATE.calibration.items():
        assert calibration.values >= 10
        for metric in (m for m in RULED if m[0] == file):
            least, median, most = calibration.spread[metric[1]]
            for other in (least, most):
                assert not rules.judge(GATE, metric, median, other).failed, metric
                assert not rules.judge(GATE, metric, METRICS[metric], other).failed, metric
