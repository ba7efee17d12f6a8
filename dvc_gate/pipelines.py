"""The pipelines of a project: what dvc.yaml and .dvc files name, and what DVC recorded of it."""

import functools
import json
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dvc_gate import dvc_private
from dvc_gate.problems import Unjudged, one_line
from dvc_gate.project import Tree

PARAMS = "params.yaml"
OUTPUTS = ("outs", "metrics", "plots")
TEMPLATES = (b"${", b"foreach", b"matrix")  # without these DVC's resolver has nothing to do


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


def is_within(path: str, outer: Iterable[str]) -> bool:
    """Whether a path is one of some paths, or inside of one."""
    return any(path == each or path.startswith(f"{each}/") for each in outer)


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
    if any(sign in tree.read(path) for sign in TEMPLATES):
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
    """What dvc.lock and the .dvc files say of outputs, and where DVC's cache has them."""

    def __init__(self, tree: Tree, found: Iterable[Pipeline]) -> None:
        self.tree, self.pipelines = tree, list(found)

    @functools.cached_property
    def entries(self) -> dict[str, dict[str, Any]]:
        """The entry of each output that was made: {"md5": …, "hash": …}; of those in Git, {}."""
        entries = {}
        for each in self.pipelines:
            in_git = {path for _, path, more in each.outs() if not more.get("cache", True)}
            for name, stage in lock_of(self.tree, each).items():
                made = each.recorded(name, stage, "outs")
                entries |= {path: {} if path in in_git else made[path] for path in made}
        return entries

    def files_in(self, folder: str) -> list[str]:
        """Return what the lists of the cache have in a folder, or in a part of a folder."""
        owner = self.owner(folder)
        if owner is None or not self.entries[owner].get("md5", "").endswith(".dir"):
            return []
        listed = cached_files(self.tree.git.folder, self.entries[owner])
        paths = [posixpath.join(owner, name) for name, _, _ in listed if name]
        return [path for path in paths if path.startswith(f"{folder}/")]

    def owner(self, path: str) -> str | None:
        """Return the recorded output that a file is, or is inside of."""
        parents = [path, *map(str, PurePosixPath(path).parents)]
        return next((parent for parent in parents if parent in self.entries), None)

    def place(self, path: str) -> Path | None:
        """Return where the cache should have a file; None where DVC does not say so.

        A file inside a cached folder is found by the list of that folder, if that is there.
        """
        owner = self.owner(path)
        if owner is None or not self.entries[owner].get("md5"):
            return None
        wanted = "" if owner == path else posixpath.relpath(path, owner)
        places = cached_files(self.tree.git.folder, self.entries[owner])
        return next((place for name, place, _ in places if name in (wanted, "")), None)


def cached_files(root: Path, entry: dict[str, Any]) -> Iterator[tuple[str, Path, str]]:
    """Yield (path in the output, place in the project's cache, hash) of an output's files.

    The path of an output that is one file is "", and so is that of a folder's missing list.
    """
    modern, legacy = dvc_private.cache_folders(root)  # DVC 2 and before had another folder
    objects = modern if entry.get("hash") == "md5" else legacy
    whole = objects / entry["md5"][:2] / entry["md5"][2:]
    if not entry["md5"].endswith(".dir") or not whole.is_file():
        yield "", whole, entry["md5"]
        return
    for item in json.loads(whole.read_bytes()):
        yield item["relpath"], objects / item["md5"][:2] / item["md5"][2:], item["md5"]


def lock_of(tree: Tree, pipeline: Pipeline) -> dict[str, Any]:
    """Return what DVC recorded of a pipeline's stages, by name; nothing where nothing was run."""
    if not pipeline.has_lock:
        return pipeline.stages
    try:
        lock = tree.load(pipeline.lock)
    except FileNotFoundError:
        return {}
    made = lock.get("stages") if "schema" in lock else lock  # before DVC 2 there was no schema
    if not isinstance(made, dict) or not all(isinstance(each, dict) for each in made.values()):
        raise Unjudged(f"{tree.told(pipeline.lock)}: has no `stages`; is it what DVC wrote?")
    return made
