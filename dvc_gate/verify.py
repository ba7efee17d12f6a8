"""`verify`: a commit's results, made again from nothing, against its lock files and its tree."""

import datetime
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from dvc_gate import clone, gate_file, revisions, rules
from dvc_gate.check import judge_all, refuse_unreadable
from dvc_gate.formats import Value
from dvc_gate.git import SHORT, Git
from dvc_gate.pipelines import Pipeline, is_within, lock_of, pipelines
from dvc_gate.problems import Unjudged
from dvc_gate.project import Tree, find_project
from dvc_gate.reports import dump
from dvc_gate.rules import Row

Lock = dict[str, dict[str, Any]]  # what a lock file has of each stage, by the stage's name
Told = Callable[[str], None]
ANOTHER, UNKNOWN = "is another in the commit", "is not in the commit"


class Finding(NamedTuple):
    """A difference, as a phrase.

    output: it is one of an output, not of what the outputs are made from. fault: training that is
    never the same twice does not explain it.
    """

    text: str
    output: bool = False
    fault: bool = True


@dataclass(frozen=True)
class Verdict:
    """What was found at one stage of the commit; outputs: how many were compared."""

    stage: str
    outputs: int
    findings: list[Finding]

    @property
    def word(self) -> str:
        differ = any(finding.output for finding in self.findings)
        return "DIFFERENT" if differ else "stale" if self.findings else "same"


@dataclass(frozen=True)
class Verification:
    """A verdict on each stage, the metrics that moved, and the rules' verdict if it was asked."""

    revision: str
    commit: str
    verdicts: list[Verdict]
    moved: list[tuple[str, str, Value, Value]]
    judged: list[Row] | None

    @property
    def identical(self) -> bool:
        return not any(verdict.findings for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        if self.judged is None:
            return self.identical
        faults = any(finding.fault for verdict in self.verdicts for finding in verdict.findings)
        return not faults and not any(row.failed for row in self.judged)

    @property
    def first(self) -> str | None:
        """The first stage, in the order of the data, whose outputs differ."""
        return next((each.stage for each in self.verdicts if each.word == "DIFFERENT"), None)


def verify(revision: str, names: Sequence[str], by_rules: bool, told: Told) -> Verification:
    """Make a commit again in an empty folder and compare.

    names: the stages to make, with what they need; all where none is named; told: is given lines
    on how it goes. Raises Unjudged where the commit cannot be checked out or run.
    """
    workspace = find_project()
    git, prefix = workspace.git, workspace.prefix
    commit = git.commit(revision)
    if git.ask("status", "--porcelain", "-uno"):
        told("note: the commit is verified, not the uncommitted changes")
    with clone.temporary_folder() as folder:
        top = folder / "clone"
        clone.check_out(Git(Path(git.out("rev-parse", "--show-toplevel"))), commit, top)
        root = clone.with_own_cache(top / prefix)
        committed, remade = workspace.at(commit), Tree(Git(root), prefix)
        found = pipelines(remade)
        before = _empty(git, remade, found, bool(names), told)
        start = root / os.path.relpath(Path.cwd(), git.folder)
        start = start if start.is_dir() else root
        clone.reproduce(start, names, clone.environment_in(folder, start), told)
        again = [(each, lock_of(remade, each)) for each in found if each.has_lock]
        made = {path for each, stages in again for path in outputs(each, stages)}
        changed = _changed(Git(top), prefix)
        verdicts: list[Verdict] = []
        for each, stages in again:
            if not names and (gone := sorted(before.locks[each.path].keys() - stages.keys())):
                told(f"note: not verified, no longer in {each.path}: {', '.join(gone)}")
            verdicts += _compare(each, before.locks[each.path], stages, changed, made)
        known = before.paths | made
        others = [path for path, why in changed.items() if why != UNKNOWN]
        if others := [path for path in others if not is_within(path, known)]:
            findings = [Finding(f"{path} {ANOTHER}", output=True) for path in others]
            verdicts.append(Verdict("no stage's output", len(others), findings))
        moved, judged = _metrics(committed, remade, made, by_rules)
    if not any(verdict.outputs for verdict in verdicts):
        raise Unjudged(f"{commit[:SHORT]}: nothing was made again: no stage has outputs")
    return Verification(revision, commit, verdicts, moved, judged)


def outputs(pipeline: Pipeline, stages: Lock) -> Iterator[str]:
    """Yield the paths of all outputs that a lock file has."""
    for name, stage in stages.items():
        yield from pipeline.recorded(name, stage, "outs")


@dataclass
class Before:
    """What the commit says before anything is run.

    locks: by the path of a dvc.yaml, what was recorded of the stages that are made again. paths:
    all that was deleted. sources: outputs that are not made again, by path.
    """

    locks: dict[str, Lock] = field(default_factory=dict)
    paths: set[str] = field(default_factory=set)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)


def _empty(git: Git, remade: Tree, found: list[Pipeline], partly: bool, told: Told) -> Before:
    """Delete all that the pipelines make, and bring what they do not make.

    Frozen stages are not made again: their outputs are taken as they are. partly: what is missing
    may turn out not to be needed.
    """
    before, root = Before(), remade.git.folder
    kept: dict[str, Lock] = {}
    for pipeline in found:
        made = lock_of(remade, pipeline)
        if not pipeline.has_lock:
            if "cmd" in made[""]:
                raise Unjudged(f"{pipeline.path}: is a stage of DVC 0; expected it in a dvc.yaml")
            before.sources |= pipeline.recorded("", made[""], "outs")
            continue
        if not made and pipeline.stages:
            raise Unjudged(f"{pipeline.lock}: is not in the commit; `dvc repro` makes it")
        frozen = [name for name, stage in pipeline.stages.items() if stage.get("frozen")]
        for name in frozen:
            told(f"note: not verified, frozen: {pipeline.address(name)}")
            before.sources |= pipeline.recorded(name, made.get(name, {}), "outs")
        before.locks[pipeline.path] = {name: made[name] for name in made if name not in frozen}
        kept[pipeline.lock] = {name: made[name] for name in made if name in frozen}
        before.paths |= {pipeline.lock, *outputs(pipeline, before.locks[pipeline.path])}
        before.paths |= {path for name, path, _ in pipeline.outs() if name not in frozen}
    for path in before.paths:
        clone.remove(root, path)
    for path, stages in kept.items():
        if stages:
            (root / path).write_text(json.dumps({"schema": "2.0", "stages": stages}))
    for path, entry in before.sources.items():
        try:
            if not (root / path).exists():
                clone.bring(git.folder, path, entry, root / path)
        except Unjudged as error:
            if not partly:
                raise
            told(f"note: {error}")
    return before


def _compare(
    pipeline: Pipeline, before: Lock, after: Lock, changed: dict[str, str], made: set[str]
) -> Iterator[Verdict]:
    """Yield a verdict on each stage of a pipeline, in the order in which DVC made them.

    changed: what is wrong with files that are not as in the commit; made: all outputs.
    """
    in_git: dict[str, list[str]] = {name: [] for name in after}
    for name, path, options in pipeline.outs():
        if name in in_git and not options.get("cache", True):
            in_git[name].append(path)
    for name, stage in after.items():
        if pipeline.stages.get(name, {}).get("frozen"):
            continue
        old = before.get(name, {})
        outs, deps = (
            [pipeline.recorded(name, each, kind) for each in (old, stage)]
            for kind in ("outs", "deps")
        )
        differ, inputs = _unequal(*outs), _unequal(*deps)
        found = [Finding("is not in dvc.lock", output=True)] if not old else []
        if old and differ:
            found.append(Finding(f"another {', '.join(differ)}", output=True, fault=False))
        for path, why in changed.items():
            if is_within(path, in_git[name]) and not (why == ANOTHER and is_within(path, differ)):
                told = f"{why}, though dvc.lock has it right" if why == ANOTHER else why
                found.append(Finding(f"{path} {told}", output=True))
        for path in inputs if old else ():
            found.append(Finding(f"made from another {path}", fault=path not in made))
        settings = _unequal(_settings(old), _settings(stage)) if old else []
        if settings:
            found.append(Finding(f"made with other parameters {', '.join(settings)}"))
        if old and old.get("cmd") != stage.get("cmd"):
            found.append(Finding("made by another command"))
        yield Verdict(pipeline.address(name), len(outs[1]), found)


def _settings(stage: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a stage's parameters, by the name that dvc.yaml has for them."""
    files = (stage.get("params") or {}).values()
    return {key: value for each in files for key, value in each.items()}


def _unequal(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the keys whose values differ, or that one of the two lacks."""
    nothing = object()
    both = {**after, **before}
    return [key for key in both if before.get(key, nothing) != after.get(key, nothing)]


def _changed(top: Git, prefix: str) -> dict[str, str]:
    """Return what is wrong with each file that is not as in the commit, by its path in the project.

    Ignored files are listed too: no gitignore, of a submodule either, can hide a file that is in no
    commit.
    """
    status = ("status", "--porcelain", "-z", "-uall", "--ignored", "--no-renames")
    status += ("--ignore-submodules=dirty",)  # each is asked itself
    words = {"??": UNKNOWN, "!!": UNKNOWN, " D": "is in the commit, and was not made"}
    found = {}
    nested = ("submodule", "--quiet", "foreach", "--recursive", 'printf "%s/\\0" "$displaypath"')
    for folder in ["", *filter(None, os.fsdecode(top.raw(*nested)).split("\0"))]:
        for entry in filter(None, os.fsdecode(Git(top.folder / folder).raw(*status)).split("\0")):
            path = f"{folder}{entry[3:]}".removeprefix(prefix)
            found[path] = words.get(entry[:2], ANOTHER)
    return found


def _metrics(
    committed: Tree, remade: Tree, made: set[str], by_rules: bool
) -> tuple[list[tuple[str, str, Value, Value]], list[Row] | None]:
    """Return (file, key, committed, re-made) of metrics that moved, and the rules' verdict."""
    try:
        before, now = (revisions.read(tree).of_files(made) for tree in (committed, remade))
    except Unjudged:
        if by_rules:
            raise
        return [], None
    both = {**before.metrics, **now.metrics}
    pairs = [(*key, before.metrics.get(key), now.metrics.get(key)) for key in both]
    moved = [pair for pair in pairs if pair[2] != pair[3]]
    if not by_rules:
        return moved, None
    judging = gate_file.read(committed)
    if judging is None:
        raise Unjudged(f"{committed.label}: has no {gate_file.NAME} to judge by")
    refuse_unreadable(before)
    today = datetime.date.today()
    rows = judge_all(judging.gate, before, now)
    return moved, [rules.acknowledge(judging.gate, row, today) for row in rows]


def report(found: Verification) -> Iterator[str]:
    """Yield a line for each stage; then the first whose outputs differ, and how metrics moved."""
    yield f"{found.revision} is {found.commit[:SHORT]}"
    width = max(len(verdict.stage) for verdict in found.verdicts)
    for verdict in found.verdicts:
        count = f"{verdict.outputs} output{'s' if verdict.outputs != 1 else ''}"
        told = "; ".join(finding.text for finding in verdict.findings) or count
        yield f"{verdict.word:9}  {verdict.stage:{width}}  {told}"
    if found.first:
        yield f"first stage whose outputs differ: {found.first}"
    for file, name, committed, remade in found.moved:
        yield f"{file}: {name} is {remade}, committed {committed}"
    for row in found.judged or ():
        if row.failed:
            yield f"{': '.join(row.metric)}: {row.outcome}"
    if found.judged is not None:
        held = "held" if found.passed else "not held"
        yield f"{held}: {len(found.judged)} metrics made again, by the committed rules"
    if found.identical:
        count = sum(verdict.outputs for verdict in found.verdicts)
        yield f"all {count} outputs are those of dvc.lock, byte for byte"


def as_json(found: Verification) -> str:
    """Return the verification as a JSON object."""
    told = {"commit": found.commit, "identical": found.identical, "passed": found.passed}
    stages = [
        {
            "stage": each.stage,
            "outputs": each.outputs,
            "verdict": each.word,
            "differences": [finding.text for finding in each.findings],
        }
        for each in found.verdicts
    ]
    keys = ("file", "metric", "committed", "remade")
    moved = [dict(zip(keys, each, strict=True)) for each in found.moved]
    return dump({**told, "first": found.first, "stages": stages, "metrics": moved})
