"""`verify`: reproduce a commit in an empty folder; compare with its lock files and its tree."""

import datetime
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dvc_gate import clone, gate_file, revisions, rules
from dvc_gate.check import judge_all, refuse_unreadable
from dvc_gate.formats import Value
from dvc_gate.git import SHORT, Git
from dvc_gate.pipelines import Pipeline, Stages, is_within, lock_of, pipelines
from dvc_gate.problems import Unjudged
from dvc_gate.project import Tree, find_project
from dvc_gate.reports import dump, mappings
from dvc_gate.rules import Row

Log = Callable[[str], None]
OTHER, UNKNOWN = "differs from the commit", "is not in the commit"


class Finding(NamedTuple):
    """A difference, as a phrase; fault: nondeterministic training cannot explain it."""

    text: str
    output: bool = False  # a difference of an output, not of its inputs
    fault: bool = True


class Verdict(NamedTuple):
    """The differences of one stage; outputs: how many were compared."""

    stage: str
    outputs: int
    findings: list[Finding]

    @property
    def word(self) -> str:
        differ = any(finding.output for finding in self.findings)
        return "DIFFERENT" if differ else "stale" if self.findings else "same"


class Verification(NamedTuple):
    """The verdicts on all stages, the metrics that changed, and the verdicts of the rules."""

    revision: str
    commit: str
    verdicts: list[Verdict]
    moved: list[tuple[str, str, Value, Value]]  # (file, key, committed, reproduced)
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


def verify(revision: str, names: Sequence[str], by_rules: bool, log: Log) -> Verification:
    """Reproduce a commit, or some of its stages with their dependencies. Raises Unjudged."""
    workspace = find_project()
    git, prefix = workspace.git, workspace.prefix
    commit = git.commit(revision)
    if git.ask("status", "--porcelain", "-uno"):
        log("note: the commit is verified, not the uncommitted changes")
    with clone.temporary_folder() as folder:
        top = folder / "clone"
        clone.check_out(Git(Path(git.out("rev-parse", "--show-toplevel"))), commit, top)
        root = top / prefix
        if not (root / ".dvc").is_dir():
            raise Unjudged("the folder .dvc is not in the commit, so it holds no DVC project")
        (root / ".dvc/config.local").write_text(clone.DVC_CONFIG)
        remade = Tree(Git(root), prefix)
        project = pipelines(remade)
        locks, known = _delete_outputs(git, remade, project, bool(names), log)
        start = root / os.path.relpath(Path.cwd(), git.folder)
        start = start if start.is_dir() else root
        if error := clone.reproduce(start, names, clone.environment_in(folder, start), log):
            absent = _absent(git.folder, root, project, known, error)
            raise Unjudged(f"`dvc repro` failed: {error}{absent}")
        new_locks = [(each, lock_of(remade, each)) for each in project if each.has_lock]
        outputs = {path for each, stages in new_locks for path in each.all_recorded(stages, "outs")}
        changed = _changed_files(Git(top), prefix)
        verdicts: list[Verdict] = []
        for each, stages in new_locks:
            if not names and (lost := sorted(locks[each.path].keys() - stages.keys())):
                log(f"note: not verified, no longer in {each.path}: {', '.join(lost)}")
            verdicts += _compare(each, locks[each.path], stages, changed, outputs)
        others = [path for path, fault in changed.items() if fault != UNKNOWN]
        if others := [path for path in others if not is_within(path, known | outputs)]:
            findings = [Finding(f"{path} {OTHER}", output=True) for path in others]
            verdicts.append(Verdict("no stage's output", len(others), findings))
        moved, judged = _metrics(workspace.at(commit), remade, outputs, by_rules)
    if not any(verdict.outputs for verdict in verdicts):
        raise Unjudged(f"{commit[:SHORT]}: nothing to verify: no stage has outputs")
    return Verification(revision, commit, verdicts, moved, judged)


def _delete_outputs(
    git: Git, remade: Tree, project: list[Pipeline], partly: bool, log: Log
) -> tuple[dict[str, Stages], set[str]]:
    """Delete all outputs, and copy sources and the outputs of frozen stages from the cache.

    partly: a missing source may not be needed. Return the records of the stages to reproduce, by
    dvc.yaml, and the paths of all outputs.
    """
    root, paths, locks, frozen_locks, sources = remade.git.folder, set(), {}, {}, {}
    for pipeline in project:
        lock = lock_of(remade, pipeline)
        if not pipeline.has_lock:
            if "cmd" in lock[""]:
                raise Unjudged(f"{pipeline.path}: is a stage of DVC 0; expected it in a dvc.yaml")
            sources |= pipeline.recorded("", lock[""], "outs")
            continue
        if not lock and pipeline.stages:
            raise Unjudged(f"{pipeline.lock}: is not in the commit; `dvc repro` makes it")
        frozen = [name for name, stage in pipeline.stages.items() if stage.get("frozen")]
        for name in frozen:
            log(f"note: not verified, frozen: {pipeline.address(name)}")
        locks[pipeline.path] = {name: lock[name] for name in lock if name not in frozen}
        if stages := {name: lock[name] for name in lock if name in frozen}:
            frozen_locks[pipeline.lock] = json.dumps({"schema": "2.0", "stages": stages})
            sources |= pipeline.all_recorded(stages, "outs")
        paths |= {pipeline.lock, *pipeline.all_recorded(locks[pipeline.path], "outs")}
        paths |= {path for name, path, _ in pipeline.outs() if name not in frozen}
    for path in paths:
        clone.remove(root, path)
    for path, text in frozen_locks.items():
        (root / path).write_text(text)
    for path, entry in sources.items():
        try:
            if not (root / path).exists():
                clone.bring(git.folder, path, entry, root / path)
        except Unjudged as error:
            if not partly:
                raise
            log(f"note: {error}")
    return locks, paths | sources.keys()


def _absent(here: Path, root: Path, project: list[Pipeline], outputs: set[str], error: str) -> str:
    """Name the paths of the failed stage, and .env, that exist here but not in the commit."""
    failed = {address.rpartition(":")[2] for address in re.findall(r"'([^']+)'", error)}
    paths = set()
    for pipeline in project:
        for name in failed & pipeline.stages.keys():
            stage = pipeline.stages[name]
            deps = [next(iter(d)) if isinstance(d, dict) else d for d in stage.get("deps") or ()]
            words = re.split(r"[\s'\"=;|&<>()$`]+", str(stage.get("cmd")))
            paths |= {pipeline.inside(name, path) for path in [".env", *deps, *words] if path}
    only_here = [p for p in paths if os.path.exists(here / p) and not os.path.exists(root / p)]
    absent = sorted(path for path in only_here if not is_within(path, outputs))
    return f"; exists here, but is in no commit: {', '.join(absent)}" if absent else ""


def _compare(
    pipeline: Pipeline, before: Stages, after: Stages, changed: dict[str, str], outputs: set[str]
) -> Iterator[Verdict]:
    """Yield a verdict on each stage, in the order of the run; changed: the faults of files."""
    for name, stage in after.items():
        if pipeline.stages.get(name, {}).get("frozen"):
            continue
        findings = [Finding("is not in dvc.lock", output=True)]
        if name in before:
            findings = list(_differences(pipeline, name, before[name], stage, outputs))
        old, new = (pipeline.recorded(name, s, "outs") for s in (before.get(name, {}), stage))
        differ = _unequal(old, new)
        in_git = [p for n, p, more in pipeline.outs() if n == name and not more.get("cache", True)]
        for path, fault in changed.items():
            if is_within(path, in_git) and not (fault == OTHER and is_within(path, differ)):
                more = ", but agrees with dvc.lock" if fault == OTHER else ""
                findings.append(Finding(f"{path} {fault}{more}", output=True))
        yield Verdict(pipeline.address(name), len(new), findings)


def _differences(
    pipeline: Pipeline, name: str, old: dict[str, Any], new: dict[str, Any], outputs: set[str]
) -> Iterator[Finding]:
    def unequal(kind: str) -> list[str]:
        return _unequal(*(pipeline.recorded(name, each, kind) for each in (old, new)))

    if differ := unequal("outs"):
        yield Finding(f"outputs differ: {', '.join(differ)}", output=True, fault=False)
    for path in unequal("deps"):
        yield Finding(f"dependency changed: {path}", fault=path not in outputs)
    values = ((stage.get("params") or {}).values() for stage in (old, new))
    if settings := _unequal(*({k: v for f in files for k, v in f.items()} for files in values)):
        yield Finding(f"parameters changed: {', '.join(settings)}")
    if old.get("cmd") != new.get("cmd"):
        yield Finding("command changed")


def _unequal(before: dict[Any, Any], after: dict[Any, Any]) -> list[Any]:
    absent = object()
    return [k for k in {**after, **before} if before.get(k, absent) != after.get(k, absent)]


def _changed_files(top: Git, prefix: str) -> dict[str, str]:
    """Map the paths that differ from the commit, ignored ones too, to their faults."""
    status = ("status", "--porcelain", "-z", "-uall", "--ignored", "--no-renames")
    status += ("--ignore-submodules=dirty",)  # each runs `git status` itself
    words = {"??": UNKNOWN, "!!": UNKNOWN, " D": "is in the commit, but was not reproduced"}
    changed = {}
    nested = ("submodule", "--quiet", "foreach", "--recursive", 'printf "%s/\\0" "$displaypath"')
    for folder in ["", *filter(None, os.fsdecode(top.raw(*nested)).split("\0"))]:
        for entry in filter(None, os.fsdecode(Git(top.folder / folder).raw(*status)).split("\0")):
            path = f"{folder}{entry[3:]}".removeprefix(prefix)
            changed[path] = words.get(entry[:2], OTHER)
    return changed


def _metrics(
    committed: Tree, remade: Tree, outputs: set[str], by_rules: bool
) -> tuple[list[tuple[str, str, Value, Value]], list[Row] | None]:
    """List (file, key, committed, reproduced) of changed metrics, and the rules' verdicts."""
    try:
        before, now = (revisions.read(tree).of_files(outputs) for tree in (committed, remade))
    except Unjudged:
        if by_rules:
            raise
        return [], None
    old, new = before.metrics, now.metrics
    moved = [(*key, old.get(key), new.get(key)) for key in _unequal(old, new)]
    if not by_rules:
        return moved, None
    if not (file := gate_file.read(committed)):
        raise Unjudged(f"{committed.label}: has no {gate_file.NAME} to judge by")
    refuse_unreadable(before)
    gate, today = file.gate, datetime.date.today()
    return moved, [rules.acknowledge(gate, row, today) for row in judge_all(gate, before, now)]


def report(verification: Verification) -> Iterator[str]:
    """Yield a line for each stage, the first whose outputs differ, and each changed metric."""
    yield f"{verification.revision} is {verification.commit[:SHORT]}"
    width = max(len(verdict.stage) for verdict in verification.verdicts)
    for verdict in verification.verdicts:
        count = f"{verdict.outputs} output{'s' if verdict.outputs != 1 else ''}"
        differences = "; ".join(finding.text for finding in verdict.findings)
        yield f"{verdict.word:9}  {verdict.stage:{width}}  {differences or count}"
    if verification.first:
        yield f"first stage whose outputs differ: {verification.first}"
    for file, name, committed, remade in verification.moved:
        yield f"{file}: {name} is {remade}, committed {committed}"
    if verification.judged is not None:
        yield from (f"{': '.join(r.metric)}: {r.outcome}" for r in verification.judged if r.failed)
        held = "held" if verification.passed else "not held"
        yield f"{held}: {len(verification.judged)} reproduced metrics, by the committed rules"
    if verification.identical:
        count = sum(verdict.outputs for verdict in verification.verdicts)
        yield f"all {count} outputs are those of dvc.lock, byte for byte"


def as_json(verification: Verification) -> str:
    """Write the verification as a JSON object."""
    document = {k: getattr(verification, k) for k in ("commit", "identical", "passed", "first")}
    keys, verdicts = ("stage", "outputs", "verdict", "differences"), verification.verdicts
    rows = [(v.stage, v.outputs, v.word, [f.text for f in v.findings]) for v in verdicts]
    moved = mappings(("file", "metric", "committed", "remade"), verification.moved)
    return dump({**document, "stages": mappings(keys, rows), "metrics": moved})
