"""gate.yaml of this repository against its committed metrics."""

from dvc_gate import gate_file, project, revisions, rules
from dvc_gate.formats import Key
from dvc_gate.git import Git
from dvc_gate.rules import is_number
from tests.dvc_gate.conftest import ROOT

TREE = project.Tree(Git(ROOT), "")
GATE = gate_file.read(TREE).gate
METRICS = revisions.read(TREE).metrics
RULED = [metric for metric in METRICS if GATE.rule(metric)]


def test_each_metric_fails_beyond_its_bound_and_not_within() -> None:
    numbers = [metric for metric in RULED if is_number(METRICS[metric])]
    assert len(numbers) > 50
    for metric in numbers:
        fails_beyond_its_bound(metric)


def fails_beyond_its_bound(metric: Key) -> None:
    value, rule = METRICS[metric], GATE.rule(metric)
    sign = 1 if rule.better == "lower" else -1
    step = (rule.abs_tol or 0) + (rule.rel_tol or 0) * abs(value)
    bounds = [value + sign * step] if rule.compares else []
    bounds += [rule.limit] if rule.limit is not None else []
    bound = min(bounds) if rule.better == "lower" else max(bounds)
    for now in (value, value + 0.99 * (bound - value)):
        assert not rules.judge(GATE, metric, value, now).failed, metric
    for now in (bound + sign * max(1e-3 * abs(bound), 1e-30), None, "diverged"):
        assert rules.judge(GATE, metric, value, now).failed, metric


def test_every_committed_metric_has_an_entry_and_every_entry_a_metric() -> None:
    assert [metric for metric in METRICS if GATE.judge_of(metric) is None] == []
    assert list(GATE.unused(METRICS)) == []


def test_the_committed_tolerances_lie_outside_the_committed_noise() -> None:
    assert GATE.calibration
    for file, calibration in GATE.calibration.items():
        assert calibration.values >= 10
        for metric in (m for m in RULED if m[0] == file):
            least, median, most = calibration.spread[metric[1]]
            for other in (least, most):
                assert not rules.judge(GATE, metric, median, other).failed, metric
                assert not rules.judge(GATE, metric, METRICS[metric], other).failed, metric
