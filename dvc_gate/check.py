"""`check`: the metrics of the workspace against those of a commit, by the rules."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import ndiff
from typing import Any

from dvc_gate import gate_file, revisions, rules
from dvc_gate.formats import Key, Value
from dvc_gate.gate_file import GateFile
from dvc_gate.git import NOTHING, Git
from dvc_gate.problems import Unjudged, one_line
from dvc_gate.project import Tree, find_project
from dvc_gate.revisions import Revision
from dvc_gate.rules import Gate, Row


@dataclass(frozen=True)
class Comparison:
    """Every metric with its verdict, worst first, and what else has changed.

    baseline: commit; why: which one it is; judged_by: whose rules. parameters: (name, baseline,
    now) of those that changed, None where there is none. rules: lines of a diff, of the rules that
    changed. remarks: what the reader should know besides.
    """

    baseline: str
    why: str
    judged_by: str
    rows: Sequence[Row]
    parameters: Sequence[tuple[str, Any, Any]]
    rules: Sequence[str]
    remarks: Sequence[str]

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if row.failed]

    @property
    def verdict(self) -> str:
        return "regressed" if self.failed else "held"


def check(baseline: str | None, rules_from: str | None, today: datetime.date) -> Comparison:
    """Judge the workspace against a revision; None: the default one, and the workspace's rules.

    Raises Unjudged where it cannot be judged.
    """
    here = find_project()
    own = gate_file.read_own(here)
    now = revisions.read(here)
    commit, why = _baseline(here.git, baseline, now)
    there = here.at(commit) if commit else None
    before = revisions.read(there) if there else Revision("nothing")
    refuse_unreadable(before)
    if not now.faults:
        _refuse_idle(own, {**before.metrics, **now.metrics})
    judging, judged_by, changed, remarks = _whose_rules(own, there, here, rules_from)
    if not before.metrics:
        remarks.append(f"{before.label} has no metrics: all are new, judged by their limits alone")
    rows = [rules.acknowledge(judging, row, today) for row in judge_all(judging, before, now)]
    bad = [row.metric for row in rows if row.failed or row.outcome == rules.ACKNOWLEDGED]
    idle = [known for known in judging.acknowledged if not any(map(known.names, bad))]
    remarks += [f"nothing that fails is named by `{known}`: take it away" for known in idle]
    return Comparison(
        baseline=before.label,
        why=why,
        judged_by=judged_by,
        rows=sorted(rows, key=lambda row: row.badness),
        parameters=list(_changed_parameters(before, now)) if there else [],
        rules=changed,
        remarks=[*remarks, *before.remarks, *now.remarks],
    )


def _changed_parameters(before: Revision, now: Revision) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted(before.parameters | now.parameters):
        old, new = before.parameters.get(name), now.parameters.get(name)
        # NaN is not equal to itself, and 1 is 1.0.
        if old != new and repr(old) != repr(new) and not name.startswith("gate."):
            yield name, old, new


def _baseline(git: Git, baseline: str | None, now: Revision) -> tuple[str | None, str]:
    if baseline is None:
        return git.default_baseline(now.results)
    if baseline == NOTHING:
        return None, "asked for: nothing was there before"
    return git.commit(baseline), f"asked for as {one_line(baseline, 30)}"


def _whose_rules(
    own: GateFile, there: Tree | None, here: Tree, rules_from: str | None
) -> tuple[Gate, str, list[str], list[str]]:
    """Return the rules that judge, whose they are, how the workspace's differ, and remarks.

    A base without rules leaves the judging to those of the workspace: so the change that adds the
    gate can pass. Raises Unjudged.
    """
    tree = there
    if rules_from and rules_from != NOTHING:
        tree = here.at(here.git.commit(rules_from))
    remarks, base = [], None
    try:
        base = gate_file.read(tree) if tree else None
    except Unjudged as error:
        if rules_from is not None:
            raise
        remarks.append(f"the rules of the baseline cannot be compared: {error}")
    changed = [] if base is None else list(ndiff(base.gate.lines(), own.gate.lines()))
    changed = [line for line in changed if line.startswith(("- ", "+ "))]
    if rules_from is None or (base is None and tree is None):
        return own.gate, "the workspace", changed, remarks
    if base is None:
        text = "has no rules yet: THIS CHANGE IS JUDGED BY THE RULES THAT IT BRINGS; read them"
        return own.gate, "the workspace", changed, [f"{tree.label} {text}"]
    return base.gate, one_line(rules_from or tree.label, 30), changed, remarks


def refuse_unreadable(before: Revision) -> None:
    """Raise Unjudged unless every file of metrics at the baseline could be read."""
    mend = "compare with another revision, by --baseline REV"
    told = [f"{before.label}:{path}: {why}; {mend}" for path, (_, why) in before.faults.items()]
    if told:
        raise Unjudged("\n".join(told))


def _refuse_idle(own: GateFile, metrics: Mapping[Key, Value]) -> None:
    """Raise Unjudged unless every rule of the workspace is of some use.

    A rule that only the revision of --rules-from still has may be idle, or the change that takes
    it away could never pass.
    """
    if wrong := [f"{own.place(name, i)} {why}" for name, i, why in own.gate.idle(metrics)]:
        raise Unjudged("\n".join(wrong))


def judge_all(gate: Gate, before: Revision, now: Revision) -> list[Row]:
    """Return a verdict on every metric, and on every file of metrics that is gone or broken."""
    faults = dict(now.faults)
    for path in before.files:
        if path not in now.files:
            faults[path] = "missing", "is no metric of dvc.yaml any more"
    whole = ((path, rules.WHOLE) for path in faults)
    told = zip(whole, faults.values(), strict=True)
    rows = [Row(metric, None, None, outcome, note=note) for metric, (outcome, note) in told]
    old, new = (
        {metric: value for metric, value in each.metrics.items() if metric[0] not in faults}
        for each in (before, now)
    )
    names = {**old, **new}
    return rows + [rules.judge(gate, name, old.get(name), new.get(name)) for name in names]
