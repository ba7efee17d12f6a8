"""Collect the metrics and parameters of a project, in the workspace or at a commit."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from dvc_gate import formats
from dvc_gate.formats import Key, Value
from dvc_gate.pipelines import PARAMS, Pipeline, Recorded, is_within, pipelines
from dvc_gate.problems import Unjudged, reason
from dvc_gate.project import Tree


@dataclass(frozen=True)
class Revision:
    """The metrics and parameters of a commit or the workspace; remarks: on files without any."""

    label: str
    files: list[str] = field(default_factory=list)  # of metrics
    results: list[str] = field(default_factory=list)  # these and the lock files
    metrics: dict[Key, Value] = field(default_factory=dict)
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)  # outcome and reason, by file
    parameter_files: list[str] = field(default_factory=list)
    parameters: dict[str, Value] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def of_files(self, paths: Collection[str]) -> "Revision":
        """Select the metrics of some files and folders."""
        return replace(
            self,
            files=[file for file in self.files if is_within(file, paths)],
            metrics={key: value for key, value in self.metrics.items() if is_within(key[0], paths)},
            faults={file: why for file, why in self.faults.items() if is_within(file, paths)},
        )

    def with_names(self, renamed: dict[str, str]) -> "Revision":
        """Rename files of metrics, old to new."""
        return replace(
            self,
            files=[renamed.get(file, file) for file in self.files],
            metrics={(renamed.get(f, f), key): value for (f, key), value in self.metrics.items()},
        )


def read(tree: Tree) -> Revision:
    """Read all metrics and parameters. Raises Unjudged, such as for metrics that are not pulled."""
    every = pipelines(tree)
    recorded = Recorded(tree, every)
    revision, unpulled = Revision(tree.label), []
    named = sorted({path for pipeline in every for path in pipeline.metrics})
    for path in dict.fromkeys(file for each in named for file in _files(tree, recorded, each)):
        try:
            content = _content(tree, recorded, path)
            if content is None:
                unpulled.append(path)
                continue
            values = formats.flatten(formats.load(path, content))
            revision.metrics.update(((path, key), value) for key, value in values.items())
        except FileNotFoundError as error:
            inside = not path.startswith(("../", "/"))
            if inside and tree.commit and recorded.owner(path) is None:
                revision.remarks.append(_absence(tree, path, every))
                continue
            revision.faults[path] = "missing", reason(error)
        except (OSError, ValueError, RecursionError) as error:
            revision.faults[path] = "unreadable", reason(error)
        revision.files.append(path)
    if unpulled:
        pull = "dvc fetch --all-commits" if tree.commit else "dvc pull"
        names = " ".join(unpulled)
        raise Unjudged(f"{tree.label}: metrics are not in DVC's cache here: `{pull} {names}`")
    revision.results.extend([*(pipeline.lock for pipeline in every), *revision.files])
    _read_parameters(tree, recorded, revision)
    return revision


def _absence(tree: Tree, path: str, every: list[Pipeline]) -> str:
    outputs = [out for pipeline in every for _, out, _ in pipeline.outs()]
    if is_within(path, outputs) or tree.git.ask("check-ignore", "--quiet", "--", path) is None:
        return f"{tree.name(path)}: did not exist yet: its metrics are new"
    return f"{path}: NEVER COMPARED: Git ignores it and DVC does not cache it, so no commit has it"


def _files(tree: Tree, recorded: Recorded, path: str) -> list[str]:
    """List the metrics files in a folder; of anything else the path itself."""
    if path.endswith(formats.ENDINGS):
        return [path]
    cached = [file for file in recorded.places(path) if file.startswith(f"{path}/")]
    inside = {*tree.files_in(path), *cached}
    return sorted(file for file in inside if file.endswith(formats.ENDINGS)) or [path]


def _content(tree: Tree, recorded: Recorded, path: str) -> bytes | None:
    """Read a file from Git or the cache; None where it is not pulled. Raises FileNotFoundError."""
    try:
        return tree.read(path)
    except FileNotFoundError:
        place = recorded.place(path)
    if place and not place.is_file():
        return None
    if place and tree.commit:
        return place.read_bytes()
    raise FileNotFoundError(2, f"no such file{'; `dvc checkout` restores it' if place else ''}")


def _read_parameters(tree: Tree, recorded: Recorded, revision: Revision) -> None:
    named = (path for each in recorded.pipelines for path in each.params)
    revision.parameter_files.extend(dict.fromkeys([PARAMS, *named]))
    for path in revision.parameter_files:
        try:
            content = _content(tree, recorded, path)
            if content is None:
                raise ValueError("not in DVC's cache here")
            values = formats.flatten(formats.load(path, content) or {})
            prefix = "" if path == PARAMS else f"{path}:"
            revision.parameters.update({f"{prefix}{name}": values[name] for name in values})
        except (OSError, ValueError, RecursionError) as error:
            if path != PARAMS or not isinstance(error, FileNotFoundError):
                message = f"{tree.name(path)}: its parameters are not shown: {reason(error)}"
                revision.remarks.append(message)
