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
    workspace = find_project()
    own = gate_file.read_own(workspace)
    now = revisions.read(workspace)
    if baseline is None:
        commit, why = workspace.git.default_baseline(now.results)
    elif NOTHING.fullmatch(baseline):
        commit, why = None, "asked for: there was no commit before"
    else:
        commit, why = workspace.git.commit(baseline), f"asked for as {one_line(baseline, 30)}"
    base = workspace.at(commit) if commit else None
    before = revisions.read(base) if base else Revision("nothing")
    refuse_unreadable(before)
    # Unused base rules are allowed: otherwise no change could remove a rule.
    unused = own.gate.unused({**before.metrics, **now.metrics})
    errors = [f"{own.place(name, index)} {fault}" for name, index, fault in unused]
    if errors and not now.faults:
        raise Unjudged("\n".join(errors))
    gate, judged_by, changed, remarks = _choose_rules(own.gate, base, workspace, rules_from)
    if not before.metrics:
        remarks.append(f"{before.label} has no metrics: all are new, judged by their limits alone")
    rows = [rules.acknowledge(gate, row, today) for row in judge_all(gate, before, now)]
    return Comparison(
        baseline=before.label,
        why=why,
        judged_by=judged_by,
        rows=sorted(rows, key=lambda row: row.badness),
        parameters=list(_changed_parameters(before, now)) if base else [],
        rules=changed,
        remarks=[*remarks, *_remarks(gate, rows, before, now), *before.remarks, *now.remarks],
    )


def _remarks(gate: Gate, rows: list[Row], before: Revision, now: Revision) -> Iterator[str]:
    failures = [row.metric for row in rows if row.failed or row.outcome == "acknowledged"]
    for entry in gate.acknowledged:
        if not any(map(entry.names, failures)):
            yield f"acknowledged `{entry}` names no failure: remove it"
    for old, new in gate.renamed.items():
        if old not in _renamed(gate, before, now):
            yield f"renamed `{old}: {new}` names no renamed file: remove it"
    for row in rows:
        if not row.failed and is_quoted_number(row.now) and row.now != row.baseline:
            name = ": ".join(row.metric)
            yield f"{name}: NOT JUDGED: {row.now!r} is text; write it as a number and give a rule"


def _changed_parameters(before: Revision, now: Revision) -> Iterator[tuple[str, Value, Value]]:
    for name in sorted(before.parameters | now.parameters):
        old, new = before.parameters.get(name), now.parameters.get(name)
        if old != new and not name.startswith(f"{gate_file.SECTION}."):
            yield name, old, new


def _choose_rules(
    own: Gate, base: Tree | None, workspace: Tree, rules_from: str | None
) -> tuple[Gate, str, list[str], list[str]]:
    """Choose the rules: (rules, their owner, a diff of the workspace's, remarks). Raises Unjudged.

    Where the base has none, those of the workspace judge: the change that adds the gate can pass.
    """
    if rules_from and not NOTHING.fullmatch(rules_from):
        base = workspace.at(workspace.git.commit(rules_from))
    try:
        file = gate_file.read(base) if base else None
    except Unjudged as error:
        if rules_from is not None:
            raise
        return own, "the workspace", [], [f"the rules of the baseline cannot be compared: {error}"]
    lines = difflib.ndiff(file.gate.lines(), own.lines()) if file else ()
    changed = [line for line in lines if line.startswith(("- ", "+ "))]
    if base is None or rules_from is None:
        return own, "the workspace", changed, []
    if file:
        return file.gate, one_line(rules_from or base.label, 30), changed, []
    text = "has no rules yet: THIS CHANGE IS JUDGED BY THE RULES THAT IT BRINGS; read them"
    return own, "the workspace", changed, [f"{base.label} {text}"]


def refuse_unreadable(before: Revision) -> None:
    """Raise Unjudged for each file of metrics that could not be read at the baseline."""
    remedy = "compare with another revision, by --baseline REV"
    faults = [f"{before.label}:{path}: {why}; {remedy}" for path, (_, why) in before.faults.items()]
    if faults:
        raise Unjudged("\n".join(faults))


def _renamed(gate: Gate, before: Revision, now: Revision) -> dict[str, str]:
    lost, added = set(before.files) - set(now.files), set(now.files) - set(before.files)
    return {old: new for old, new in gate.renamed.items() if old in lost and new in added}


def judge_all(gate: Gate, before: Revision, now: Revision) -> list[Row]:
    """Judge every metric, and fail every file of metrics that is lost, broken or not paired."""
    before = before.with_names(_renamed(gate, before, now))
    lost = [path for path in before.files if path not in now.files]
    text = "is no longer a metrics file of dvc.yaml"
    faults = now.faults | {path: ("missing", text) for path in lost}
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

    The two have a key in common. Its rule has tolerances, or names the lost file alone.
    """

    def unjudged(old: str, new: str, key: str) -> bool:
        rule = gate.rule((new, key))
        return rule.compares if rule else gate.rule((old, key)) is not None

    for path in [path for path in now.files if path not in before.files]:
        keys = [key for file, key in now.metrics if file == path]
        shared = [(old, key) for old in lost for key in keys if (old, key) in before.metrics]
        if alike := [old for old, key in shared if unjudged(old, path, key)]:
            old = difflib.get_close_matches(path, alike, n=1, cutoff=0)[0]
            text = f"is new and has keys of the lost {old}: write `renamed: {{{old}: {path}}}`"
            yield path, ("no baseline", f"{text} in {gate_file.NAME}, or acknowledge this file")
