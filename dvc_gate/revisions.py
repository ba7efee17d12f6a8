"""The metrics and parameters of a project, in the workspace or at a commit."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from dvc_gate import formats
from dvc_gate.formats import Key, Value
from dvc_gate.pipelines import PARAMS, Recorded, is_within, pipelines
from dvc_gate.problems import Unjudged, one_line, reason
from dvc_gate.project import Tree


@dataclass(frozen=True)
class Revision:
    """What a commit or the workspace has.

    files: of metrics; results: these and the lock files. metrics: by file and key. faults: by
    file, the outcome and what is wrong with one that could not be read. parameters: by name, of
    all files of parameters that could be read; remarks tell of the others.
    """

    label: str
    files: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    metrics: dict[Key, Value] = field(default_factory=dict)
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)
    parameter_files: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def of_files(self, paths: Collection[str]) -> "Revision":
        """Return the same with the metrics of these files and folders alone."""
        return replace(
            self,
            files=[file for file in self.files if is_within(file, paths)],
            metrics={key: value for key, value in self.metrics.items() if is_within(key[0], paths)},
            faults={file: why for file, why in self.faults.items() if is_within(file, paths)},
        )


def read(tree: Tree) -> Revision:
    """Return all metrics and parameters of a commit or the workspace.

    What is wrong with single files of metrics stands in `faults`. Raises Unjudged where the
    project cannot be read at all, or where metrics are not pulled.
    """
    found = pipelines(tree)
    recorded = Recorded(tree, found)
    revision, unpulled = Revision(tree.label), []
    named = sorted({path for pipeline in found for path in pipeline.metrics})
    for path in dict.fromkeys(file for each in named for file in _files(tree, recorded, each)):
        try:
            content = formats.metrics(path, _content(tree, recorded, path))
            revision.metrics.update(((path, key), value) for key, value in content.items())
        except NotPulled:
            unpulled.append(path)
        except FileNotFoundError as error:
            inside = not path.startswith(("../", "/"))
            if inside and tree.commit and recorded.owner(path) is None:
                told = f"{tree.told(path)}: was not made yet: its metrics are new"
                revision.remarks.append(told)
                continue
            revision.faults[path] = "missing", str(error.filename or "no such file")
        except OSError as error:
            revision.faults[path] = "unreadable", reason(error)
        except (ValueError, RecursionError) as error:
            revision.faults[path] = "unreadable", one_line(error)
        revision.files.append(path)
    if unpulled:
        pull = "dvc fetch --all-commits" if tree.commit else "dvc pull"
        names = " ".join(unpulled)
        raise Unjudged(f"{tree.label}: metrics are not in DVC's cache here: `{pull} {names}`")
    revision.results.extend([*(pipeline.lock for pipeline in found), *revision.files])
    _read_parameters(tree, recorded, revision)
    return revision


def _files(tree: Tree, recorded: Recorded, path: str) -> list[str]:
    """Return the metrics files in a folder; of anything else the path itself."""
    if path.endswith(formats.ENDINGS):
        return [path]
    inside = [*tree.files_in(path), *recorded.files_in(path)]
    return sorted(file for file in inside if file.endswith(formats.ENDINGS)) or [path]


class NotPulled(Exception):
    """A file is an output in DVC's cache, and not in the cache of this machine."""


def _content(tree: Tree, recorded: Recorded, path: str) -> bytes:
    """Return a file from Git, or at a commit from DVC's cache; raises NotPulled.

    In the workspace a file that is gone is not taken from the cache: the pipeline lost it.
    Raises FileNotFoundError with what there is to say as its file name.
    """
    try:
        return tree.read(path)
    except FileNotFoundError:
        place = recorded.place(path)
        if place is None:
            raise FileNotFoundError(2, "", "no such file") from None
    if not place.is_file():
        raise NotPulled
    if tree.commit is None:
        raise FileNotFoundError(2, "", "no such file; `dvc checkout` has it")
    return place.read_bytes()


def _read_parameters(tree: Tree, recorded: Recorded, revision: Revision) -> None:
    named = (path for each in recorded.pipelines for path in each.params)
    revision.parameter_files.extend(dict.fromkeys([PARAMS, *named]))
    for path in revision.parameter_files:
        try:
            content = formats.leaves(formats.load(path, _content(tree, recorded, path)) or {})
            prefix = "" if path == PARAMS else f"{path}:"
            revision.parameters.update((f"{prefix}{name}", leaf) for name, leaf in content.items())
        except FileNotFoundError:
            if path != PARAMS:
                told = f"{tree.told(path)}: no such file; its parameters are not told"
                revision.remarks.append(told)
        except (OSError, ValueError, AttributeError, RecursionError, NotPulled) as error:
            said = one_line(error, 120) or "not in DVC's cache here"
            revision.remarks.append(f"{tree.told(path)}: its parameters are not told: {said}")
