"""A DVC project at one side of a comparison: the workspace, or a commit; any layout."""

import functools
import json
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dvc_gate import dvc_private, formats
from dvc_gate.formats import Value
from dvc_gate.git import SHORT, Git, GitError
from dvc_gate.problems import Unjudged, one_line, reason

Key = tuple[str, str]  # the path of a metrics file in the project, and the dotted key inside it
PARAMS = "params.yaml"
OUTPUTS = ("outs", "metrics", "plots")
TEMPLATES = ("${", "foreach", "matrix")  # without any of these DVC's resolver has nothing to do


def find_root() -> tuple[Git, str]:
    """Return Git in the root of the DVC project around the current folder.

    Also returns the project's folder in the repository: "" or "folder/". Raises Unjudged.
    """
    here = Path.cwd()
    git = Git(here)
    try:
        git.raw("rev-parse", "--git-dir")
    except GitError as error:
        raise Unjudged(f"{here} is in no Git repository that can be read: {error}") from None
    for folder in (here, *here.parents):
        if (folder / ".dvc").is_dir():
            git = Git(folder)
            return git, git.out("rev-parse", "--show-prefix")
    raise Unjudged(f"{here} is in no DVC project: no folder around it has a .dvc; see `dvc init`")


class Tree:
    """The project's files: in the workspace, or at the commit of that full name."""

    def __init__(self, git: Git, prefix: str, revision: str | None = None) -> None:
        self.git, self.prefix, self.revision = git, prefix, revision
        self.label = revision[:SHORT] if revision else "the workspace"

    def told(self, path: str) -> str:
        """Return how messages name a file."""
        return f"{self.label}:{path}" if self.revision else path

    @functools.cached_property
    def blobs(self) -> dict[str, str]:
        """The Git object of each file at the commit, submodules left out."""
        within = ("--", self.prefix) if self.prefix else ()
        try:
            listed = self.git.raw("ls-tree", "-r", "-z", "--full-tree", self.revision, *within)
        except GitError as error:
            raise Unjudged(f"{self.label}: its files cannot be read: {error}") from None
        entries = [line.split("\t", 1) for line in os.fsdecode(listed).split("\0") if line]
        return {p.removeprefix(self.prefix): e.split()[2] for e, p in entries if " blob " in e}

    def read(self, path: str) -> bytes:
        """Return the content of a file; raises FileNotFoundError, OSError or Unjudged."""
        if self.revision is None:
            return (self.git.folder / path).read_bytes()
        if path not in self.blobs:
            raise FileNotFoundError(path)
        try:
            return self.git.raw("cat-file", "blob", self.blobs[path])
        except GitError as error:
            raise Unjudged(f"{self.told(path)}: Git cannot read it: {error}") from None

    def load(self, path: str) -> dict[str, Any]:
        """Return the mapping in a file of DVC's own; raises Unjudged."""
        try:
            found = formats.load_yaml(self.read(path)) or {}
        except OSError as error:
            raise Unjudged(f"{self.told(path)}: cannot be read: {reason(error)}") from None
        except ValueError as error:
            mend = "; `git checkout -- dvc.lock` brings the committed one back"
            mend = mend if path.endswith("dvc.lock") and self.revision is None else ""
            raise Unjudged(f"{self.told(path)}: {one_line(error)}{mend}") from None
        if not isinstance(found, dict):
            raise Unjudged(f"{self.told(path)}: expected a mapping, as DVC writes it")
        return found

    def dvc_files(self) -> list[str]:
        """Return the dvc.yaml and .dvc files of the project, what .dvcignore names left out."""
        if self.revision:
            paths = list(self.blobs)
        else:
            asked = [f":(glob)**/{name}" for name in ("dvc.yaml", "*.dvc", ".dvcignore", "config")]
            listed = self.git.raw("ls-files", "-z", "-co", "--exclude-standard", "--", *asked)
            found = dict.fromkeys(filter(None, os.fsdecode(listed).split("\0")))
            paths = [path for path in found if (self.git.folder / path).is_file()]
        # A folder with a .dvc of its own is another project.
        others = [path[: -len(".dvc/config")] for path in paths if path.endswith("/.dvc/config")]
        ignored = self._ignored([path for path in paths if path.endswith(".dvcignore")])
        return [
            path
            for path in paths
            if posixpath.basename(path) == "dvc.yaml" or path.endswith(".dvc")
            if not path.startswith((".dvc/", *others)) and not ignored(path)
        ]

    def _ignored(self, files: list[str]) -> Callable[[str], bool]:
        from pathspec import GitIgnoreSpec

        specs = {}
        for file in files:
            lines = self.read(file).decode("utf-8", "replace").splitlines()
            if any(line.strip() and not line.startswith("#") for line in lines):
                specs[posixpath.dirname(file)] = GitIgnoreSpec.from_lines(lines)
        return lambda path: any(
            spec.match_file(posixpath.relpath(path, folder or "."))
            for folder, spec in specs.items()
            if not folder or path.startswith(f"{folder}/")
        )


@dataclass(frozen=True)
class Pipeline:
    """One dvc.yaml, its templates written out, or one .dvc file.

    stages: by name, as DVC reads them; of a .dvc file, itself under the name "". metrics, params:
    paths of files in the project.
    """

    path: str
    stages: dict[str, dict[str, Any]]
    metrics: list[str]
    params: list[str]

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)

    @property
    def has_lock(self) -> bool:
        return self.path.endswith(".yaml")

    @property
    def lock(self) -> str:
        """The file in which DVC records what the stages made."""
        return posixpath.join(self.folder, "dvc.lock") if self.has_lock else self.path

    def address(self, stage: str) -> str:
        """Return a stage's name as DVC has it on the command line."""
        return f"{self.path}:{stage}" if self.folder else stage

    def inside(self, stage: str, path: str) -> str:
        """Return the path in the project of what a stage names."""
        wdir = str(self.stages[stage].get("wdir") or "") if stage in self.stages else ""
        return posixpath.normpath(posixpath.join(self.folder, wdir, path.replace("\\", "/")))

    def outs(self, *kinds: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield (stage, path in the project, options) of the outputs, or of some kinds of them."""
        for name, stage in self.stages.items():
            for item in (i for kind in kinds or OUTPUTS for i in stage.get(kind) or ()):
                path, options = (item, {}) if isinstance(item, str) else first(item)
                yield name, self.inside(name, path), options or {}

    def recorded(self, name: str, stage: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
        """Return the entries of a stage in a lock file, "deps" or "outs", by path."""
        return {self.inside(name, entry["path"]): entry for entry in stage.get(kind) or ()}


def first(item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return an output's path and options: of `{path: {…}}`, or of `{path: …, md5: …}`."""
    return (item["path"], item) if "path" in item else next(iter(item.items()))


def pipelines(tree: Tree) -> list[Pipeline]:
    """Return every pipeline of the project; raises Unjudged where DVC could not read one."""
    found = []
    for path in tree.dvc_files():
        document = tree.load(path)
        try:
            found.append(_pipeline(tree, path, document))
        except Unjudged:
            raise
        except Exception as error:  # DVC's resolver lets any kind through, and all mean the same
            raise Unjudged(f"{tree.told(path)}: DVC cannot read it: {one_line(error)}") from None
    return found


def _pipeline(tree: Tree, path: str, document: dict[str, Any]) -> Pipeline:
    if path.endswith(".dvc"):
        pipeline = Pipeline(path, {"": document}, [], [])
        pipeline.metrics.extend(
            p for _, p, options in pipeline.outs("outs") if options.get("metric")
        )
        return pipeline
    if any(sign.encode() in tree.read(path) for sign in TEMPLATES):
        document = dvc_private.resolve(tree.read, posixpath.dirname(path), document)
    pipeline = Pipeline(path, document.get("stages") or {}, [], [])
    pipeline.metrics.extend(made for _, made, _ in pipeline.outs("metrics"))
    pipeline.metrics.extend(pipeline.inside("", name) for name in document.get("metrics") or ())
    for name, stage in pipeline.stages.items():
        for item in stage.get("params") or ():
            files = [PARAMS] if isinstance(item, str) else list(item)
            pipeline.params.extend(pipeline.inside(name, file) for file in files)
    pipeline.params.extend(pipeline.inside("", name) for name in document.get("params") or ())
    return pipeline


class Recorded:
    """What dvc.lock and the .dvc files say of outputs that are in DVC's cache, not in Git."""

    def __init__(self, tree: Tree, found: Iterable[Pipeline]) -> None:
        self.tree, self.pipelines = tree, list(found)

    @functools.cached_property
    def entries(self) -> dict[str, dict[str, Any]]:
        """The entry of each cached output: {"md5": …, "hash": …}."""
        entries = {}
        for pipeline in self.pipelines:
            cached = {path for _, path, more in pipeline.outs() if more.get("cache", True)}
            for name, stage in lock_of(self.tree, pipeline).items():
                for path, entry in pipeline.recorded(name, stage, "outs").items():
                    if path in cached and entry.get("md5"):
                        entries[path] = entry
        return entries

    def member(self, path: str) -> tuple[Path, bool] | None:
        """Return where the cache has a file, and whether it is there; None if DVC has no record.

        A file inside a cached folder is found by the list of that folder.
        """
        parents = [path, *map(str, PurePosixPath(path).parents)]
        owner = next((parent for parent in parents if parent in self.entries), None)
        if owner is None:
            return None
        wanted = "" if owner == path else posixpath.relpath(path, owner)
        places = list(cached_files(self.tree.git.folder, self.entries[owner]))
        for name, place, _ in places:
            if name in (wanted, ""):
                return place, place.is_file()
        return None


def cached_files(root: Path, entry: dict[str, Any]) -> Iterator[tuple[str, Path, str]]:
    """Yield (path in the output, place in the project's cache, hash) of an output's files.

    The path of an output that is one file is "", and so is that of a folder's missing list.
    """
    modern, legacy = _cache_folders(root)  # DVC 2 and before had another folder
    objects = modern if entry.get("hash") == "md5" else legacy
    whole = objects / entry["md5"][:2] / entry["md5"][2:]
    if not entry["md5"].endswith(".dir") or not whole.is_file():
        yield "", whole, entry["md5"]
        return
    for item in json.loads(whole.read_bytes()):
        yield item["relpath"], objects / item["md5"][:2] / item["md5"][2:], item["md5"]


_cache_folders = functools.cache(dvc_private.cache_folders)


def lock_of(tree: Tree, pipeline: Pipeline) -> dict[str, Any]:
    """Return what DVC recorded of a pipeline's stages, by name; nothing where nothing was run."""
    if not pipeline.has_lock:
        return pipeline.stages
    try:
        tree.read(pipeline.lock)
    except FileNotFoundError:
        return {}
    lock = tree.load(pipeline.lock)
    made = lock.get("stages") if "schema" in lock else lock  # before DVC 2 there was no schema
    if not isinstance(made, dict) or not all(isinstance(each, dict) for each in made.values()):
        raise Unjudged(f"{tree.told(pipeline.lock)}: has no `stages`; is it what DVC wrote?")
    return made


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
    side.files.extend(sorted({path for pipeline in found for path in pipeline.metrics}))
    side.results.extend([*side.files, *(pipeline.lock for pipeline in found)])
    unpulled = []
    for path in side.files:
        try:
            content = _content(tree, recorded, path)
            if content is None:
                unpulled.append(path)
                continue
            for key, value in formats.metrics(path, content).items():
                side.metrics[path, key] = value
        except FileNotFoundError as error:
            side.faults[path] = "missing", error.filename or "no such file"
        except OSError as error:
            side.faults[path] = "unreadable", reason(error)
        except (ValueError, RecursionError) as error:
            side.faults[path] = "unreadable", one_line(error)
    if unpulled:
        pull = "dvc fetch --all-commits" if tree.revision else "dvc pull"
        names = " ".join(unpulled)
        raise Unjudged(f"{tree.label}: metrics are not in DVC's cache here: `{pull} {names}`")
    _read_parameters(tree, recorded, side)
    return side


def _content(tree: Tree, recorded: Recorded, path: str) -> bytes | None:
    """Return a file from Git, or at a commit from DVC's cache; None where it has to be pulled.

    In the workspace a file that is gone is not taken from the cache: the pipeline lost it.
    Raises FileNotFoundError with what there is to say as its file name.
    """
    try:
        return tree.read(path)
    except FileNotFoundError:
        known = recorded.member(path)
        if known is None:
            raise FileNotFoundError(2, "missing", "no such file") from None
        place, cached = known
        if cached and tree.revision is None:
            raise FileNotFoundError(2, "missing", "no such file; `dvc checkout` has it") from None
        return place.read_bytes() if cached else None


def _read_parameters(tree: Tree, recorded: Recorded, side: Side) -> None:
    named = (path for each in recorded.pipelines for path in each.params)
    side.parameter_files.extend(dict.fromkeys([PARAMS, *named]))
    for path in side.parameter_files:
        try:
            content = formats.load(path, tree.read(path)) or {}
            prefix = "" if path == PARAMS else f"{path}:"
            side.parameters.update(formats.leaves_of(content, prefix))
        except FileNotFoundError:
            if path != PARAMS:
                side.remarks.append(f"{tree.told(path)}: no such file; its parameters are not told")
        except (OSError, ValueError, AttributeError, RecursionError, Unjudged) as error:
            text = f"{tree.told(path)}: its parameters are not told: {one_line(error, 120)}"
            side.remarks.append(text)
