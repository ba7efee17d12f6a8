"""Read the pipelines of a project from dvc.yaml and .dvc files, and DVC's records of them."""

import functools
import json
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from dvc_gate import dvc_private
from dvc_gate.problems import Unjudged, one_line
from dvc_gate.project import Tree

PARAMS = "params.yaml"
OUTPUTS = ("outs", "metrics", "plots")
TEMPLATES = (b"${", b"foreach", b"matrix")  # without these DVC's resolver has nothing to do
Stages = dict[str, dict[str, Any]]  # by name; a .dvc file is one stage of the name ""


class Pipeline(NamedTuple):
    """One dvc.yaml, its templates expanded, or one .dvc file."""

    path: str
    stages: Stages
    metrics: list[str]  # paths in the project, as those of params
    params: list[str]

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)

    @property
    def has_lock(self) -> bool:
        return self.path.endswith(".yaml")

    @property
    def lock(self) -> str:
        """The file with DVC's records of the stages."""
        return posixpath.join(self.folder, "dvc.lock") if self.has_lock else self.path

    def address(self, stage: str) -> str:
        """Name a stage as on DVC's command line."""
        return f"{self.path}:{stage}" if self.folder else stage

    def inside(self, stage: str, path: str) -> str:
        """Convert a path of a stage to one in the project."""
        wdir = str(self.stages[stage].get("wdir") or "") if stage in self.stages else ""
        return posixpath.normpath(posixpath.join(self.folder, wdir, path.replace("\\", "/")))

    def outs(self, *kinds: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield (stage, path in the project, options) of the outputs, or of some kinds of them."""
        for name, stage in self.stages.items():
            for item in (i for kind in kinds or OUTPUTS for i in stage.get(kind) or ()):
                item = {item: {}} if isinstance(item, str) else item
                # In a dvc.yaml it is {path: {…}}, in a .dvc file {path: …, md5: …}.
                path, options = (item["path"], item) if "path" in item else [*item.items()][0]
                yield name, self.inside(name, path), options or {}

    def recorded(self, name: str, stage: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
        """Map the paths of a stage's recorded "deps" or "outs" to their records."""
        return {self.inside(name, entry["path"]): entry for entry in stage.get(kind) or ()}

    def all_recorded(self, stages: Stages, kind: str) -> dict[str, dict[str, Any]]:
        return {p: e for name in stages for p, e in self.recorded(name, stages[name], kind).items()}


def is_within(path: str, outer: Iterable[str]) -> bool:
    """Test whether a path is one of some paths, or inside of one."""
    return any(path == each or path.startswith(f"{each}/") for each in outer)


def pipelines(tree: Tree) -> list[Pipeline]:
    """Read every pipeline of the project. Raises Unjudged where DVC could not read one."""
    result = []
    for path in tree.dvc_files():
        document = tree.load(path)
        try:
            result.append(_pipeline(tree, path, document))
        except Unjudged:
            raise
        except Exception as error:  # DVC's resolver lets any kind through, and all mean the same
            raise Unjudged(f"{tree.name(path)}: DVC cannot read it: {one_line(error)}") from None
    return result


def _pipeline(tree: Tree, path: str, document: dict[str, Any]) -> Pipeline:
    if path.endswith(".dvc"):
        pipeline = Pipeline(path, {"": document}, [], [])
        pipeline.metrics.extend(p for _, p, more in pipeline.outs("outs") if more.get("metric"))
        return pipeline
    if any(sign in tree.read(path) for sign in TEMPLATES):
        document = dvc_private.resolve(tree.read, posixpath.dirname(path), document)
    pipeline = Pipeline(path, document.get("stages") or {}, [], [])
    pipeline.metrics.extend(metric for _, metric, _ in pipeline.outs("metrics"))
    pipeline.metrics.extend(pipeline.inside("", name) for name in document.get("metrics") or ())
    for name, stage in pipeline.stages.items():
        for item in stage.get("params") or ():
            files = [PARAMS] if isinstance(item, str) else list(item)
            pipeline.params.extend(pipeline.inside(name, file) for file in files)
    pipeline.params.extend(pipeline.inside("", name) for name in document.get("params") or ())
    return pipeline


class Recorded:
    """The records of outputs in dvc.lock and .dvc files, and their places in DVC's cache."""

    def __init__(self, tree: Tree, pipelines: Iterable[Pipeline]) -> None:
        self.tree, self.pipelines = tree, list(pipelines)

    @functools.cached_property
    def entries(self) -> dict[str, dict[str, Any]]:
        """The record of each output: {"md5": …, "hash": …}; of those in Git, {}."""
        entries = {}
        for each in self.pipelines:
            entries |= each.all_recorded(lock_of(self.tree, each), "outs")
            in_git = [path for _, path, options in each.outs() if not options.get("cache", True)]
            entries |= {path: {} for path in in_git if path in entries}
        return entries

    def owner(self, path: str) -> str | None:
        """Find the recorded output that holds a file."""
        parents = [path, *map(str, PurePosixPath(path).parents)]
        return next((parent for parent in parents if parent in self.entries), None)

    def places(self, path: str) -> dict[str, Path]:
        """Locate the files of the output that holds a path in the cache; none for one in Git."""
        if (owner := self.owner(path)) is None:
            return {}
        listed = cached_files(self.tree.git.folder, self.entries[owner])
        return {posixpath.join(owner, name).rstrip("/"): place for name, place, _ in listed}

    def place(self, path: str) -> Path | None:
        """Locate a file in the cache, or the list of its folder where that is not there."""
        places = self.places(path)
        return places.get(path) or places.get(self.owner(path))


def cached_files(root: Path, entry: dict[str, Any]) -> Iterator[tuple[str, Path, str]]:
    """Yield (path in the output, place in the cache, hash); the path of a single file is ""."""
    modern, legacy = dvc_private.cache_folders(root)  # DVC 2 and before had another folder
    objects = modern if entry.get("hash") == "md5" else legacy
    files, md5 = entry.get("files"), entry.get("md5")  # a remote with versions has no list
    if files is None and md5:
        place = objects / md5[:2] / md5[2:]
        if not md5.endswith(".dir") or not place.is_file():
            yield "", place, md5
            return
        files = json.loads(place.read_bytes())
    for item in files or ():
        yield item["relpath"], objects / item["md5"][:2] / item["md5"][2:], item["md5"]


def lock_of(tree: Tree, pipeline: Pipeline) -> Stages:
    """Read DVC's records of a pipeline's stages; none before the first run. Raises Unjudged."""
    if not pipeline.has_lock:
        return pipeline.stages
    try:
        lock = tree.load(pipeline.lock)
    except FileNotFoundError:
        return {}
    stages = lock.get("stages") if "schema" in lock else lock  # before DVC 2 there was no schema
    if not isinstance(stages, dict) or not all(isinstance(each, dict) for each in stages.values()):
        raise Unjudged(f"{tree.name(pipeline.lock)}: has no `stages`; did DVC write it?")
    return stages
