"""The two sides of a comparison: metrics and parameters of the workspace or of a Git revision.

Read through `DVCFileSystem`, from the files that the side's own dvc.yaml declares as metrics.
`dvc.api.metrics_show` reads the same files, but at a revision it also raises for what is wrong in
the workspace; it passes over a folder, a null and a list, and it drops the names of the files.
"""

import json
import math
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo.experiments.utils import resolve_name
from dvc.scm import SCM
from scmrepo.exceptions import SCMError

from stages.core.rules import Value
from stages.files import InputError

SHORT = 9  # characters of a commit's name


@dataclass(frozen=True)
class Side:
    """What stands at one side.

    revision: the full name of a commit, or None for the workspace. files: by model, the path of
    its metrics. metrics: by name, `<model>.<path in the file>`. faults: by model, the outcome and
    what is wrong with a file that could not be read. parameters: by path, of all parameter files.
    """

    revision: str | None
    files: dict[str, str]
    metrics: dict[str, Value]
    faults: dict[str, tuple[str, str]]
    parameters: dict[str, Any]

    @property
    def label(self) -> str:
        return self.revision[:SHORT] if self.revision else "the workspace"


def read(revision: str | None) -> Side:
    """Read the workspace, or the commit of that full name.

    Raises InputError where the project there cannot be read at all; what is wrong with single
    files of metrics stands in `faults`.
    """
    label = revision[:SHORT] if revision else "the workspace"
    try:
        fs = DVCFileSystem(rev=revision)
        paths = sorted("/".join(key) for key in fs.repo.index.metric_keys["repo"])
        shown = fs.repo.params.show(on_error="raise")[""]["data"]
    except Exception as error:  # DVC lets any kind through, and all mean the same here
        text = " ".join(str(error).split())
        raise InputError(f"{label}: DVC cannot read the project: {text}") from error
    side = Side(revision, {}, {}, {}, {})
    for file, content in shown.items():
        prefix = "" if file == "params.yaml" else f"{file}:"
        side.parameters.update(flat(content["data"], prefix))
    for path in paths:
        model = PurePosixPath(path).parent.name
        if model in side.files:
            raise InputError(
                f"{label}: {path} and {side.files[model]} would have the same names; "
                "expected each file of metrics in a folder of its own name"
            )
        side.files[model] = path
        try:
            # In the workspace DVC would fall back on its cache for a file that is gone.
            content = fs.cat_file(f"/{path}") if revision else Path(path).read_bytes()
            side.metrics.update(parse(f"{model}.", content))
        except FileNotFoundError:
            side.faults[model] = "missing", f"{path}: no such file"
        except (OSError, ValueError, RecursionError) as error:
            side.faults[model] = "unreadable", f"{path}: {' '.join(str(error).split())}"
    return side


def parse(prefix: str, content: bytes) -> dict[str, Value]:
    """Return the metrics in a JSON file, their names prefixed.

    Raises ValueError where it is not a JSON object, or says something twice.
    """
    document = json.loads(content, object_pairs_hook=unique)
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    leaves = list(leaves_of(document, prefix))
    return {name: as_value(leaf) for name, leaf in unique(leaves).items()}


def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping; raises ValueError where a key stands twice."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"has {max(keys, key=keys.count)!r} twice")
    return mapping


def leaves_of(node: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, child in node.items():
        if isinstance(child, dict) and child:
            yield from leaves_of(child, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", child


def flat(node: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return the leaves of nested mappings by their dotted paths."""
    return dict(leaves_of(node, prefix))


def as_value(leaf: Any) -> Value:
    """Return a finite number as it is, and for anything else the word that shows it."""
    if isinstance(leaf, str):
        return leaf if leaf and leaf.isprintable() else repr(leaf)
    if isinstance(leaf, int | float) and not isinstance(leaf, bool):
        try:
            return leaf if math.isfinite(leaf) else json.dumps(leaf)
        except OverflowError:
            return "too large"
    if isinstance(leaf, list):
        return "a list"
    return "empty" if leaf == {} else json.dumps(leaf)


def commit(revision: str) -> str:
    """Return the full name of the commit that a revision, or a DVC experiment, names.

    Raises InputError where there is none.
    """
    if git("rev-parse", "--git-dir") is None:
        raise InputError("this folder is in no Git repository, so there is nothing to compare with")
    if found := commit_of(revision):
        return found
    try:
        experiment = resolve_name(SCM("."), revision).get(revision)
    except (DvcException, SCMError):  # no commit yet, or several experiments of that name
        experiment = None
    if experiment is None:
        raise InputError(f"unknown Git revision {revision!r}{shallow_hint()}")
    return commit(str(experiment))


def commit_of(revision: str) -> str | None:
    """Return the full name of the commit that Git knows by a revision."""
    named = git("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
    return named and git("rev-parse", "--verify", "--quiet", f"{named}^{{commit}}")


def default_baseline(metric_files: Sequence[str]) -> tuple[str, str]:
    """Return the commit that the workspace is compared with by default, and which one that is.

    Off the main branch the merge base with it. On it, or where the merge base is HEAD itself, the
    commit before; but HEAD while the workspace holds metrics that are not committed yet, for
    then they are what is new. Raises InputError where there is no such commit.
    """
    head = commit("HEAD")
    name, refs = main_branch()
    on_main = git("symbolic-ref", "--short", "--quiet", "HEAD") == name
    base = head if on_main else git("merge-base", head, *refs)
    if base is None:
        raise InputError(f"HEAD has no merge base with {' or '.join(refs)}{shallow_hint()}")
    if base != head:
        return base, f"the merge base with {name}"
    if metric_files and git("status", "--porcelain", "--", *metric_files):
        return head, "HEAD, for the metrics of the workspace are not committed"
    before = commit_of("HEAD~1")
    if before is None:
        raise InputError(f"there is no commit before HEAD{shallow_hint()}")
    return before, "the commit before HEAD"


def main_branch() -> tuple[str, list[str]]:
    """Return the name of the main branch, and the references to it, remote and local.

    Raises InputError where there is none.
    """
    names = ["main", "master"]
    if default := git("symbolic-ref", "--short", "--quiet", "refs/remotes/origin/HEAD"):
        names.insert(0, default.removeprefix("origin/"))
    for name in names:
        candidates = (f"refs/remotes/origin/{name}", f"refs/heads/{name}")
        refs = [ref for ref in candidates if commit_of(ref)]
        if refs:
            return name, refs
    raise InputError(f"found no branch {' or '.join(dict.fromkeys(names))}{shallow_hint()}")


def shallow_hint() -> str:
    """Return how to mend what a revision could not be found for."""
    if git("rev-parse", "--is-shallow-repository") == "true":
        return "; the clone is shallow: run `git fetch --unshallow`"
    return "; give one with --baseline REV"


def text_at(revision: str, path: str) -> str:
    """Return the content of a file at a commit; raises InputError where there is none."""
    text = git("show", f"{revision}:./{path}", strip=False)
    if text is None:
        raise InputError(f"{revision[:SHORT]}:{path}: no such file at that revision")
    return text


def git(*arguments: str, strip: bool = True) -> str | None:
    """Return what a Git command prints, or None where it fails."""
    done = subprocess.run(
        ("git", *arguments), capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode != 0:
        return None
    return done.stdout.strip() if strip else done.stdout
