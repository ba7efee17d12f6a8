"""Read the files of a DVC project, in the workspace or at a commit."""

import functools
import os
import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pathspec import GitIgnoreSpec

from dvc_gate import formats
from dvc_gate.git import SHORT, Git, GitError
from dvc_gate.problems import Unjudged, reason


class Tree:
    """The project's files, in the workspace or at a commit; prefix: its folder, "" or "folder/"."""

    def __init__(self, git: Git, prefix: str, commit: str | None = None) -> None:
        self.git, self.prefix, self.commit = git, prefix, commit
        self.label = commit[:SHORT] if commit else "the workspace"

    def at(self, commit: str) -> "Tree":
        return Tree(self.git, self.prefix, commit)

    def name(self, path: str) -> str:
        return f"{self.label}:{path}" if self.commit else path

    @functools.cached_property
    def blobs(self) -> dict[str, str]:
        """The mode, kind and object in Git of each file at the commit, submodules left out."""
        within = ("--", self.prefix) if self.prefix else ()
        try:
            listed = self.git.raw("ls-tree", "-r", "-z", "--full-tree", self.commit, *within)
        except GitError as error:
            raise Unjudged(f"{self.label}: its files cannot be read: {error}") from None
        entries = [line.split("\t", 1) for line in os.fsdecode(listed).split("\0") if line]
        return {p.removeprefix(self.prefix): e for e, p in entries if " blob " in e}

    def read(self, path: str) -> bytes:
        """Read a file. Raises FileNotFoundError, OSError or Unjudged."""
        if self.commit is None:
            file = self.git.folder / path
            if file.exists() and not file.is_file():  # reading a pipe would hang
                raise IsADirectoryError(21, "is no file")
            return file.read_bytes()
        if path not in self.blobs:
            raise FileNotFoundError(path)
        mode, _, blob = self.blobs[path].split()
        try:
            content = self.git.raw("cat-file", "blob", blob)
        except GitError as error:
            raise Unjudged(f"{self.name(path)}: Git cannot read it: {error}") from None
        if mode != "120000":
            return content
        return self.read(posixpath.normpath(posixpath.join(path, "..", os.fsdecode(content))))

    def parse(self, path: str, parser: Callable[[bytes], Any]) -> Any:
        """Parse a file. Raises FileNotFoundError, or Unjudged where it cannot be parsed."""
        try:
            return parser(self.read(path))
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            raise Unjudged(f"{self.name(path)}: {reason(error)}") from None

    def load(self, path: str) -> dict[str, Any]:
        """Parse a mapping that DVC wrote; raises as `parse` does."""
        document = self.parse(path, formats.load_yaml) or {}
        if not isinstance(document, dict):
            raise Unjudged(f"{self.name(path)}: expected a mapping, as DVC writes it")
        return document

    def files_in(self, folder: str) -> list[str]:
        if self.commit:
            return [path for path in self.blobs if path.startswith(f"{folder}/")]
        root = self.git.folder
        return [p.relative_to(root).as_posix() for p in (root / folder).rglob("*") if p.is_file()]

    def dvc_files(self) -> list[str]:
        """List the dvc.yaml and .dvc files of the project, without those in .dvcignore."""
        paths = self.blobs if self.commit else {}
        if not self.commit:
            globs = [f":(glob)**/{name}" for name in ("dvc.yaml", "*.dvc", ".dvcignore", "config")]
            listed = self.git.raw("ls-files", "-z", "-co", "--exclude-standard", "--", *globs)
            unique = dict.fromkeys(os.fsdecode(listed).split("\0"))
            paths = [path for path in unique if path and (self.git.folder / path).is_file()]
        # A folder with a .dvc of its own is another project.
        others = [path[: -len(".dvc/config")] for path in paths if path.endswith("/.dvc/config")]
        own = [path for path in paths if not path.startswith((".dvc/", *others))]
        files = {p for p in own if posixpath.basename(p) == "dvc.yaml" or p.endswith(".dvc")}
        for file in (path for path in paths if posixpath.basename(path) == ".dvcignore"):
            spec = GitIgnoreSpec.from_lines(self.read(file).decode(errors="replace").splitlines())
            folder = file.removesuffix(".dvcignore")
            inside = [path for path in files if path.startswith(folder)]
            files -= {path for path in inside if spec.match_file(path.removeprefix(folder))}
        return [path for path in own if path in files]


def find_project() -> Tree:
    """Locate the DVC project around the current folder. Raises Unjudged."""
    here = Path.cwd()
    try:
        Git(here).raw("rev-parse", "--git-dir")
    except GitError as error:
        raise Unjudged(f"{here} is in no Git repository that can be read: {error}") from None
    for folder in (here, *here.parents):
        if (folder / ".dvc").is_dir():
            git = Git(folder)
            return Tree(git, git.out("rev-parse", "--show-prefix"))
    raise Unjudged(f"{here} is in no DVC project: no folder around it has a .dvc; see `dvc init`")
