"""The files of a DVC project, in the workspace or at a commit."""

import functools
import os
import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dvc_gate import formats
from dvc_gate.git import SHORT, Git, GitError
from dvc_gate.problems import Unjudged, one_line, reason


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
            file = self.git.folder / path
            if file.exists() and not file.is_file():  # a pipe would be waited for
                raise IsADirectoryError(21, "is no file")
            return file.read_bytes()
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
            raise Unjudged(f"{self.told(path)}: {one_line(error)}") from None
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
