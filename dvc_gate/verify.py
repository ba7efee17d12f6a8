"""`verify`: a commit's results, made again from nothing, against its lock files and its tree."""

import datetime
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dvc_gate import clone, gate_file, rules
from dvc_gate.check import judge_sides, refuse_unreadable
from dvc_gate.formats import Value
from dvc_gate.git import SHORT, Git
from dvc_gate.pipelines import Pipeline, lock_of, pipelines
from dvc_gate.problems import Unjudged
from dvc_gate.project import Tree, find_root
from dvc_gate.reports import dump
from dvc_gate.rules import Row
from dvc_gate.sides import read_side

Locks = dict[str, dict[str, Any]]  # by the path of a dvc.yaml, what was recorded of its stages
ANOTHER = "is another in the commit"
Told = Callable[[str], None]


@dataclass(frozen=True)
class Verdict:
    """One stage of the commit, re-made.

    outputs: how many were compared. bytes_differ: phrases for outputs that are not as recorded;
    faults: phrases for what no training that varies can explain.
    """

    stage: str
    outputs: int
    bytes_differ: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def word(self) -> str:
        outputs = [each for each in self.faults if not each.startswith("made ")]
        differ = [each for each in self.bytes_differ if not each.startswith("made ")]
        return "DIFFERENT" if outputs or differ else "stale" if self.phrases else "same"

    @property
    def phrases(self) -> list[str]:
        return [*self.bytes_differ, *self.faults]


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
        return not any(verdict.phrases for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        if self.judged is None:
            return self.identical
        faults = any(verdict.faults for verdict in self.verdicts)
        return not faults and not any(row.failed for row in self.judged)

    @property
    def first(self) -> str | None:
        """The first stage, in the order of the data, whose outputs differ."""
        return next((each.stage for each in self.verdicts if each.word == "DIFFERENT"), None)


def verify(revision: str, names: Sequence[str], by_rules: bool, told: Told) -> Verification:
    """Re-make a commit in an empty folder and compare.

    names: the stages to re-make, with what they need; all where none is named; told: is given
    lines on how it goes. Raises Unjudged where the commit cannot be checked out or run.
    """
    git, prefix = find_root()
    commit = git.commit(revision)
    if git.ask("status", "--porcelain", "-uno"):
        told("note: the commit is verified, not the uncommitted changes")
    committed = Tree(git, prefix, commit)
    with clone.temporary_folder() as folder:
        top = folder / "clone"
        clone.check_out(Git(Path(git.out("rev-parse", "--show-toplevel"))), commit, top)
        root = top / prefix
        remade = Tree(Git(root), prefix)
        if not (root / ".dvc").is_dir():
            raise Unjudged(f"{commit[:9]}: .dvc is not in the commit, so it is no DVC project")
        (root / ".dvc/config.local").write_text(clone.DVC_CONFIG)
        found = pipelines(remade)
        before, removed = _strip(git, remade, found, bool(names), told)
        start = root / os.path.relpath(Path.cwd(), git.folder)
        start = start if start.is_dir() else root
        clone.reproduce(start, names, clone.environment_in(folder, start), told)
        after = {each.path: lock_of(remade, each) for each in found if each.has_lock}
        again = {
            path
            for each in found
            if each.has_lock
            for name, stage in after[each.path].items()
            for path in each.recorded(name, stage, "outs")
        }
        verdicts: list[Verdict] = []
        for each in (each for each in found if each.has_lock):
            gone = sorted(before[each.path].keys() - after[each.path].keys())
            if gone and not names:
                told(f"note: not verified, no longer in {each.path}: {', '.join(gone)}")
            changed = _changed(committed, Git(top), root, each, after[each.path].keys())
            verdicts += _compare(each, before[each.path], after[each.path], changed, again)
        verdicts += _others(Git(top), prefix, removed | again)
        moved, judged = _metrics(committed, remade, again, by_rules)
    if not any(verdict.outputs for verdict in verdicts):
        raise Unjudged(f"{commit[:9]}: nothing was made again: no stage has outputs")
    return Verification(revision, commit, verdicts, moved, judged)


def _strip(
    git: Git, remade: Tree, found: list[Pipeline], partly: bool, told: Told
) -> tuple[Locks, set[str]]:
    """Delete all that the pipelines make and bring what they do not.

    Returns what was recorded, and the paths of what was deleted or will be written anew. Frozen
    stages are not made again: their outputs are taken as they are. partly: what is missing may
    turn out not to be needed.
    """
    root = remade.git.folder
    before: Locks = {}
    kept: dict[str, dict[str, Any]] = {}
    removed: set[str] = set()
    locks: Locks = {}
    for pipeline in found:
        made = lock_of(remade, pipeline)
        if not pipeline.has_lock:
            kept |= pipeline.recorded("", made[""], "outs")
            continue
        if not made and pipeline.stages:
            raise Unjudged(f"{pipeline.lock}: is not in the commit; `dvc repro` makes it")
        frozen = {n: made.get(n, {}) for n, stage in pipeline.stages.items() if stage.get("frozen")}
        for name, stage in frozen.items():
            told(f"note: not verified, frozen: {pipeline.address(name)}")
            kept |= pipeline.recorded(name, stage, "outs")
        before[pipeline.path] = {name: made[name] for name in made if name not in frozen}
        for name, stage in before[pipeline.path].items():
            removed |= pipeline.recorded(name, stage, "outs").keys()
        removed |= {path for name, path, _ in pipeline.outs() if name not in frozen}
        removed.add(pipeline.lock)
        frozen = {name: stage for name, stage in frozen.items() if stage}
        if frozen:
            locks[pipeline.lock] = frozen
    for path in removed:
        clone.remove(root, path)
    for path, stages in locks.items():
        (root / path).write_text(json.dumps({"schema": "2.0", "stages": stages}))
    for path, entry in kept.items():
        try:
            if not (root / path).exists():
                clone.bring(git.folder, path, entry, root / path)
        except Unjudged as error:
            if not partly:
                raise
            told(f"note: {error}")
    return before, removed


def _compare(
    pipeline: Pipeline,
    before: dict[str, Any],
    after: dict[str, Any],
    changed: dict[str, str],
    made: set[str],
) -> Iterator[Verdict]:
    """Yield a verdict on each stage of a pipeline, in the order in which DVC made them.

    changed: what is wrong with files that should be in the commit; made: all outputs.
    """
    for name, stage in after.items():
        address = pipeline.address(name)
        if pipeline.stages.get(name, {}).get("frozen"):
            continue
        if name not in before:
            yield Verdict(address, 0, faults=["is not in dvc.lock"])
            continue
        outs, deps = (
            [pipeline.recorded(name, each, kind) for each in (before[name], stage)]
            for kind in ("outs", "deps")
        )
        differ, inputs = _unequal(*outs), _unequal(*deps)
        sources = [path for path in inputs if path not in made]
        settings = _unequal(_settings(before[name]), _settings(stage))
        inner = [path for path in inputs if path in made]
        bytes_differ = [f"another {', '.join(differ)}"] if differ else []
        bytes_differ += [f"made from another {', '.join(inner)}"] if inner else []
        faults = [
            f"{path} {why}, though dvc.lock has it right" if why == ANOTHER else f"{path} {why}"
            for path, why in changed.items()
            if _within(path, outs[1]) and not (differ and why == ANOTHER)
        ]
        faults += [f"made from another {', '.join(sources)}"] if sources else []
        faults += [f"made with other parameters {', '.join(settings)}"] if settings else []
        faults += ["made by another command"] if before[name].get("cmd") != stage.get("cmd") else []
        yield Verdict(address, len(outs[1]), bytes_differ, faults)


def _within(path: str, outputs: Iterable[str]) -> bool:
    return any(path == output or path.startswith(f"{output}/") for output in outputs)


def _settings(stage: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a stage's parameters, by the name that dvc.yaml has for them."""
    files = (stage.get("params") or {}).values()
    return {key: value for each in files for key, value in each.items()}


def _unequal(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the keys whose values differ, or that one of the two lacks."""
    nothing = object()
    both = {**after, **before}
    return [key for key in both if before.get(key, nothing) != after.get(key, nothing)]


def _changed(
    committed: Tree, top: Git, root: Path, pipeline: Pipeline, stages: Collection[str]
) -> dict[str, str]:
    """Return what is wrong with files of stages' outputs that should be in Git as in the commit.

    The commit's own tree is asked: no gitignore can hide a file that is in no commit.
    """
    found = {}
    for name, output, options in pipeline.outs():
        if options.get("cache", True) or name not in stages:
            continue
        whole = root / output
        files = whole.rglob("*") if whole.is_dir() else [whole]
        made = {path.relative_to(root).as_posix() for path in files if path.is_file()}
        kept = {path for path in committed.blobs if _within(path, [output])}
        found |= {path: "is not in the commit" for path in sorted(made - kept)}
        found |= {path: "is in the commit, and was not made" for path in sorted(kept - made)}
        both = sorted(made & kept)
        given = os.fsencode("".join(f"{committed.prefix}{path}\n" for path in both))
        hashes = top.raw("hash-object", "--stdin-paths", given=given).decode().split()
        pairs = zip(both, hashes, strict=True)
        found |= {path: ANOTHER for path, digest in pairs if digest != committed.blobs[path]}
    return found


def _others(top: Git, prefix: str, made: set[str]) -> list[Verdict]:
    """Return a verdict on what the run changed in the commit though no stage has it as output."""
    listed = os.fsdecode(top.raw("status", "--porcelain", "-z", "-uno", "--no-renames"))
    paths = [entry[3:] for entry in listed.split("\0") if entry]
    outputs = [f"{prefix}{path}" for path in made]
    others = [path for path in paths if not _within(path, outputs)]
    faults = [f"{path} {ANOTHER}" for path in others]
    return [Verdict("no stage's output", len(others), faults=faults)] if others else []


def _metrics(
    committed: Tree, remade: Tree, made: set[str], by_rules: bool
) -> tuple[list[tuple[str, str, Value, Value]], list[Row] | None]:
    """Return (file, key, committed, re-made) of metrics that moved, and the rules' verdict."""
    try:
        before, now = read_side(committed), read_side(remade)
    except Unjudged:
        if by_rules:
            raise
        return [], None
    sides = [
        replace(side, metrics={k: v for k, v in side.metrics.items() if _within(k[0], made)})
        for side in (before, now)
    ]
    both = {**sides[0].metrics, **sides[1].metrics}
    pairs = [(*key, sides[0].metrics.get(key), sides[1].metrics.get(key)) for key in both]
    moved = [pair for pair in pairs if pair[2] != pair[3]]
    if not by_rules:
        return moved, None
    rules_file = gate_file.read(committed)
    if rules_file is None:
        raise Unjudged(f"{committed.label}: has no {gate_file.NAME} to judge by")
    refuse_unreadable(before)
    rows = judge_sides(rules_file.gate, *sides)
    today = datetime.date.today()
    return moved, [rules.acknowledge(rules_file.gate, row, today) for row in rows]


def report(found: Verification) -> list[str]:
    """Return a line for each stage; then the first whose outputs differ, and how metrics moved."""
    lines = [f"{found.revision} is {found.commit[:SHORT]}"]
    width = max(len(verdict.stage) for verdict in found.verdicts)
    for verdict in found.verdicts:
        count = f"{verdict.outputs} output{'s' if verdict.outputs != 1 else ''}"
        told = "; ".join(verdict.phrases) or count
        lines.append(f"{verdict.word:9}  {verdict.stage:{width}}  {told}")
    if found.first:
        lines.append(f"first stage whose outputs differ: {found.first}")
    for file, name, committed, remade in found.moved:
        lines.append(f"{file}: {name} is {remade}, committed {committed}")
    for row in found.judged or ():
        if row.failed:
            lines.append(f"{': '.join(row.metric)}: {row.outcome}")
    if found.judged is not None:
        held = "held" if found.passed else "not held"
        lines.append(f"{held}: {len(found.judged)} metrics made again, by the committed rules")
    if found.identical:
        outputs = sum(verdict.outputs for verdict in found.verdicts)
        lines.append(f"all {outputs} outputs are those of dvc.lock, byte for byte")
    return lines


def as_json(found: Verification) -> str:
    """Return the verification as a JSON object."""
    stages = [
        {
            "stage": each.stage,
            "outputs": each.outputs,
            "verdict": each.word,
            "differences": each.phrases,
        }
        for each in found.verdicts
    ]
    keys = ("file", "metric", "committed", "remade")
    return dump(
        {
            "commit": found.commit,
            "identical": found.identical,
            "passed": found.passed,
            "first": found.first,
            "stages": stages,
            "metrics": [dict(zip(keys, moved, strict=True)) for moved in found.moved],
        }
    )
