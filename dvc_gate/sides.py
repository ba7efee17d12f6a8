"""One side of a comparison: the metrics and parameters of the workspace or of a commit."""

from dataclasses import dataclass, field
from typing import Any

from dvc_gate import formats
from dvc_gate.formats import Key, Value
from dvc_gate.pipelines import PARAMS, Recorded, pipelines
from dvc_gate.problems import Unjudged, one_line, reason
from dvc_gate.project import Tree


@dataclass(frozen=True)
class Side:
    """What stands at one side.

    files: of metrics; results: these and the lock files. metrics: by file and key. faults: by
    file, the outcome and what is wrong with one that could not be read. parameters: by name, of
    all files of parameters that could be read; remarks tell of the others.
    """

    label: str
    revision: str | None = None
    files: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    metrics: dict[Key, Value] = field(default_factory=dict)
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)
    parameter_files: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def read_side(tree: Tree) -> Side:
    """Read all metrics and parameters of one side.

    Raises Unjudged where the project cannot be read at all, or where metrics are not pulled; what
    is wrong with single files of metrics stands in `faults`.
    """
    found = pipelines(tree)
    recorded = Recorded(tree, found)
    side = Side(tree.label, tree.revision)
    side.results.extend(pipeline.lock for pipeline in found)
    unpulled = []
    for path in sorted({path for pipeline in found for path in pipeline.metrics}):
        try:
            content = _content(tree, recorded, path)
            for key, value in formats.metrics(path, content).items():
                side.metrics[path, key] = value
        except NotPulled:
            unpulled.append(path)
        except FileNotFoundError as error:
            inside = not path.startswith(("../", "/"))
            if inside and tree.revision and recorded.owner(path) is None:
                side.remarks.append(f"{tree.told(path)}: was not made yet: its metrics are new")
                continue
            side.faults[path] = "missing", str(error.filename or "no such file")
        except OSError as error:
            side.faults[path] = "unreadable", reason(error)
        except (ValueError, RecursionError) as error:
            side.faults[path] = "unreadable", one_line(error)
        side.files.append(path)
    if unpulled:
        pull = "dvc fetch --all-commits" if tree.revision else "dvc pull"
        names = " ".join(unpulled)
        raise Unjudged(f"{tree.label}: metrics are not in DVC's cache here: `{pull} {names}`")
    side.results.extend(side.files)
    _read_parameters(tree, recorded, side)
    return side


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
    if tree.revision is None:
        raise FileNotFoundError(2, "", "no such file; `dvc checkout` has it")
    return place.read_bytes()


def _read_parameters(tree: Tree, recorded: Recorded, side: Side) -> None:
    named = (path for each in recorded.pipelines for path in each.params)
    side.parameter_files.extend(dict.fromkeys([PARAMS, *named]))
    for path in side.parameter_files:
        try:
            content = formats.load(path, _content(tree, recorded, path)) or {}
            prefix = "" if path == PARAMS else f"{path}:"
            found = formats.leaves(content)
            side.parameters.update((f"{prefix}{name}", value) for name, value in found.items())
        except FileNotFoundError:
            if path != PARAMS:
                side.remarks.append(f"{tree.told(path)}: no such file; its parameters are not told")
        except (OSError, ValueError, AttributeError, RecursionError, NotPulled) as error:
            said = one_line(error, 120) or "not in DVC's cache here"
            side.remarks.append(f"{tree.told(path)}: its parameters are not told: {said}")
