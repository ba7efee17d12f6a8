"""`check`: compare the metrics of the workspace with a commit's, by the rules."""

import datetime
import difflib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dvc_gate import gate_file, revisions, rules
from dvc_gate.formats import Value, is_quoted_number
from dvc_gate.git import NOTHING
from dvc_gate.problems import Unjudged, one_line
from dvc_gate.project import Tree, find_project
from dvc_gate.revisions import Revision
from dvc_gate.rules import Gate, Row


class Comparison(NamedTuple):
    """Every metric with its verdict, worst first, and the other changes."""

    baseline: str
    why: str  # the reason for this baseline
    judged_by: str  # the owner of the rules
    rows: Sequence[Row]
    parameters: Sequence[tuple[str, Value, Value]]  # (name, baseline, now) of those that changed
    rules: Sequence[str]  # the lines of a diff
    remarks: Sequence[str]

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if row.failed]

    @property
    def verdict(self) -> str:
        return "regressed" if self.failed else "held"


def check(baseline: str | None, rules_from: str | None, today: datetime.date) -> Comparison:
    """Judge the workspace against a revision, None for the default. Raises Unjudged.

    rules_from: None for the workspace's rules, "" for the baseline's.
    """
    here = find_project()
    own = gate_file.read_own(here)
    now = revisions.read(here)
    if baseline is None:
        commit, why = here.git.default_baseline(now.results)
    elif NOTHING.fullmatch(baseline):
        commit, why = None, "asked for: nothing was there before"
    else:
        commit, why = here.git.commit(baseline), f"asked for as {one_line(baseline, 30)}"
    there = here.at(commit) if commit else None
    before = revisions.read(there) if there else Revision("nothing")
    refuse_unreadable(before)
    # Unused base rules are allowed: otherwise no change could remove a rule.
    idle = own.gate.idle({**before.metrics, **now.metrics})
    if not now.faults and (wrong := [f"{own.place(name, at)} {why}" for name, at, why in idle]):
        raise Unjudged("\n".join(wrong))
    gate, judged_by, changed, remarks = _whose_rules(own.gate, there, here, rules_from)
    if not before.metrics:
        remarks.append(f"{before.label} has no metrics: all are new, judged by their limits alone")
    rows = [rules.acknowledge(gate, row, today) for row in judge_all(gate, before, now)]
    return Comparison(
        baseline=before.label,
        why=why,
        judged_by=judged_by,
        rows=sorted(rows, key=lambda row: row.badness),
        parameters=list(_changed_parameters(before, now)) if there else [],
        rules=changed,
        remarks=[*remarks, *_remarks(gate, rows, before, now), *before.remarks, *now.remarks],
    )


def _remarks(gate: Gate, rows: list[Row], before: Revision, now: Revision) -> Iterator[str]:
    bad = [row.metric for row in rows if row.failed or row.outcome == "acknowledged"]
    for known in gate.acknowledged:
        if not any(map(known.names, bad)):
            yield f"nothing that fails is named by `{known}`: take it away"
    for old, new in gate.renamed.items():
        if old not in _renamed(gate, before, now):
            yield f"no metrics file is renamed by `{old}: {new}`: take it away"
    for row in rows:
        if not row.failed and is_quoted_number(row.now) and row.now != row.baseline:
            name = ": ".join(row.metric)
            yield f"{name}: NOT JUDGED: {row.now!r} is text; write it as a number and give a rule"


def _changed_parameters(before: Revision, now: Revision) -> Iterator[tuple[str, Value, Value]]:
    for name in sorted(before.parameters | now.parameters):
        old, new = before.parameters.get(name), now.parameters.get(name)
        if old != new and not name.startswith(f"{gate_file.SECTION}."):
            yield name, old, new


def _whose_rules(
    own: Gate, there: Tree | None, here: Tree, rules_from: str | None
) -> tuple[Gate, str, list[str], list[str]]:
    """Choose the rules: (rules, their owner, a diff of the workspace's, remarks). Raises Unjudged.

    Where the base has none, those of the workspace judge: the change that adds the gate can pass.
    """
    named = rules_from and not NOTHING.fullmatch(rules_from)
    tree = here.at(here.git.commit(rules_from)) if named else there
    try:
        base = gate_file.read(tree) if tree else None
    except Unjudged as error:
        if rules_from is not None:
            raise
        return own, "the workspace", [], [f"the rules of the baseline cannot be compared: {error}"]
    lines = difflib.ndiff(base.gate.lines(), own.lines()) if base else ()
    changed = [line for line in lines if line.startswith(("- ", "+ "))]
    if base and rules_from is not None:
        return base.gate, one_line(rules_from or tree.label, 30), changed, []
    text = "has no rules yet: THIS CHANGE IS JUDGED BY THE RULES THAT IT BRINGS; read them"
    alone = tree is not None and rules_from is not None
    return own, "the workspace", changed, [f"{tree.label} {text}"] if alone else []


def refuse_unreadable(before: Revision) -> None:
    """Raise Unjudged for each file of metrics that could not be read at the baseline."""
    remedy = "compare with another revision, by --baseline REV"
    if before.faults:
        faults = [f"{path}: {why}; {remedy}" for path, (_, why) in before.faults.items()]
        raise Unjudged("\n".join(f"{before.label}:{fault}" for fault in faults))


def _renamed(gate: Gate, before: Revision, now: Revision) -> dict[str, str]:
    lost, added = set(before.files) - set(now.files), set(now.files) - set(before.files)
    return {old: new for old, new in gate.renamed.items() if old in lost and new in added}


def judge_all(gate: Gate, before: Revision, now: Revision) -> list[Row]:
    """Judge every metric, and fail every file of metrics that is lost, broken or not paired."""
    before = before.with_names(_renamed(gate, before, now))
    faults = dict(now.faults)
    lost = [path for path in before.files if path not in now.files]
    faults |= {path: ("missing", "is no metric of dvc.yaml any more") for path in lost}
    rows = [
        Row((path, rules.ALL_KEYS), None, None, outcome, note=note)
        for path, (outcome, note) in [*faults.items(), *_unpaired(gate, before, now, lost)]
    ]
    old, new = before.metrics, now.metrics
    names = [name for name in {**old, **new} if name[0] not in faults]
    return rows + [rules.judge(gate, name, old.get(name), new.get(name)) for name in names]


def _unpaired(
    gate: Gate, before: Revision, now: Revision, lost: list[str]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each new file that may be a lost one under another name, with its fault.

    The two have a key in common. It has a rule for the lost file alone, or one with tolerances.
    """

    def unjudged(old: str, new: str, key: str) -> bool:
        rule = gate.rule((new, key))
        return rule.compares if rule else gate.rule((old, key)) is not None

    for path in now.files if lost else ():
        keys = [key for file, key in now.metrics if file == path]
        shared = [(old, key) for old in lost for key in keys if (old, key) in before.metrics]
        alike = [old for old, key in shared if unjudged(old, path, key)]
        if path not in before.files and alike:
            old = difflib.get_close_matches(path, alike, n=1, cutoff=0)[0]
            text = f"is new, with keys of {old}, which is gone: write `renamed: {{{old}: {path}}}`"
            yield path, ("no baseline", f"{text} in {gate_file.NAME}, or acknowledge this file")
