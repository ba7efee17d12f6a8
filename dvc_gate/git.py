"""Run Git's own command, so that partial clones fetch missing objects."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dvc_gate.problems import Unjudged, one_line

SHORT = 9  # characters of a commit's name
# Of the variables GIT_*, these alone do not choose another repository, index or output.
SAFE = ("GIT_CONFIG_", "GIT_SSH", "GIT_ASKPASS", "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_EXEC_PATH")
# Git asks for no password, locks nothing and speaks English.
SETTINGS = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
SHALLOW = "; the clone is shallow: run `git fetch --unshallow`"
NOTHING = re.compile("0{40}|0{64}")  # CI services call the commit before the first push so


class GitError(Unjudged):
    """A failure of Git, in Git's words."""


def clean_environment() -> None:
    """Delete the variables of this process that choose another repository, as those of a hook."""
    for name in [*os.environ]:
        if name.startswith("GIT_") and not name.startswith(SAFE):
            del os.environ[name]


class Git:
    """Run Git in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def raw(self, *arguments: str, **variables: str) -> bytes:
        """Capture the output of a command. Raises GitError where it fails, Unjudged without Git."""
        try:
            done = subprocess.run(
                ("git", *arguments),
                cwd=self.folder,
                env=os.environ | SETTINGS | variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                start_new_session=True,  # without a terminal ssh asks for nothing
            )
        except OSError as error:
            raise Unjudged(f"git cannot be run: {one_line(error)}") from None
        if done.returncode:
            lines = os.fsdecode(done.stderr).strip().splitlines() or ["no message"]
            fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
            raise GitError(one_line((fatal or lines)[0]))
        return done.stdout

    def out(self, *arguments: str) -> str:
        """Capture the output of a command, stripped. Raises GitError where it fails."""
        return os.fsdecode(self.raw(*arguments)).strip()

    def ask(self, *arguments: str) -> str | None:
        """Capture the output of a command, stripped; None where it fails."""
        try:
            return self.out(*arguments)
        except GitError:
            return None

    def commit(self, revision: str) -> str:
        """Resolve a revision or the name of a DVC experiment to a full commit. Raises Unjudged."""
        if commit := self._commit(revision):
            return commit
        commits = [commit for ref, commit in self.experiments() if ref.endswith(f"/{revision}")]
        if len(commits) == 1:
            return commits[0]
        raise Unjudged(f"unknown Git revision {one_line(revision, 60)!r}{self.hint()}")

    def _commit(self, revision: str) -> str | None:
        # In two steps: ":/text^{commit}" would look for a commit with that very text.
        named = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        return named and self.ask("rev-parse", "--verify", "--quiet", f"{named}^{{commit}}")

    def experiments(self) -> list[tuple[str, str]]:
        """List (reference, commit) of the DVC experiments: refs/exps/<2>/<38>/<name>."""
        listed = self.ask("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps") or ""
        pairs = [line.rsplit(" ", 1) for line in listed.splitlines()]
        return [(ref, commit) for ref, commit in pairs if len(ref.split("/")[2]) == 2]

    def default_baseline(self, results: Sequence[str]) -> tuple[str | None, str]:
        """Choose a commit to compare the workspace with, and name the choice. Raises Unjudged.

        On the main branch it is HEAD while any of the files `results` is uncommitted.
        """
        head = self.commit("HEAD")
        name, refs = self._main_branch()
        on_main = self.ask("symbolic-ref", "--short", "--quiet", "HEAD") == name
        base = head if on_main else self.ask("merge-base", head, *refs)
        if base is None:
            raise Unjudged(f"HEAD has no merge base with {' or '.join(refs)}{self.hint()}")
        if base != head:
            return base, f"the merge base with {name}"
        if results and self.ask("--literal-pathspecs", "status", "--porcelain", "--", *results):
            return head, "HEAD, for the metrics of the workspace are not committed"
        before = self._commit("HEAD~1")
        if before is None and self.hint() == SHALLOW:
            raise Unjudged(f"there is no commit before HEAD{SHALLOW}")
        return before, "the commit before HEAD" if before else "there is no commit before HEAD"

    def _main_branch(self) -> tuple[str, list[str]]:
        default = self.ask("symbolic-ref", "--short", "--quiet", "refs/remotes/origin/HEAD")
        for name in ((default or "").removeprefix("origin/"), "main", "master"):
            candidates = (f"refs/remotes/origin/{name}", f"refs/heads/{name}")
            if name and (refs := [ref for ref in candidates if self._commit(ref)]):
                return name, refs
        raise Unjudged(f"there is no branch main or master{self.hint()}")

    def hint(self) -> str:
        shallow = self.ask("rev-parse", "--is-shallow-repository") == "true"
        return SHALLOW if shallow else "; give one with --baseline REV"
