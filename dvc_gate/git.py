"""Git, asked by its own command, so that shallow and partial clones fetch what they lack.

Nothing that a hook exports leads to another repository, nothing asks for a password, and nothing
waits for ever.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dvc_gate.problems import Unjudged, one_line

SHORT = 9  # characters of a commit's name
LONGEST = 120  # seconds for one command, lazy fetches included
# Of what begins with GIT_, these alone do not choose another repository, index or output.
KEPT = ("GIT_CONFIG_", "GIT_SSH", "GIT_ASKPASS", "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_EXEC_PATH")
NOTHING = "0" * 40  # the commit before the first push, in the words of CI services


class GitError(Exception):
    """What Git says where it fails."""


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what leads Git elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(KEPT)
    }


class Git:
    """Git in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def raw(self, *arguments: str, given: bytes = b"", **more: str) -> bytes:
        """Return what a command prints; given: its standard input; more: of its environment.

        Raises GitError where it fails, Unjudged where there is no Git or it hangs.
        """
        own = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **more}
        try:
            done = subprocess.run(
                ("git", *arguments),
                cwd=self.folder,
                env=clean_environment() | own,
                input=given,
                capture_output=True,
                timeout=LONGEST,
                start_new_session=True,  # no terminal: ssh must not ask for anything
            )
        except subprocess.TimeoutExpired:
            raise Unjudged(f"`git {arguments[0]}` took more than {LONGEST} s") from None
        except OSError as error:
            raise Unjudged(f"git cannot be run: {one_line(error)}") from None
        if done.returncode:
            said = os.fsdecode(done.stderr).strip().splitlines() or ["it said nothing"]
            fatal = [line for line in said if line.startswith(("fatal:", "error:"))]
            raise GitError(one_line((fatal or said)[0]))
        return done.stdout

    def out(self, *arguments: str) -> str:
        """Return what a command prints, stripped; raises Unjudged where it fails."""
        try:
            return os.fsdecode(self.raw(*arguments)).strip()
        except GitError as error:
            raise Unjudged(f"`git {' '.join(arguments)}`: {error}") from None

    def ask(self, *arguments: str) -> str | None:
        """Return what a command prints, stripped, or None where it fails."""
        try:
            return os.fsdecode(self.raw(*arguments)).strip()
        except GitError:
            return None

    def commit(self, revision: str) -> str:
        """Return the full name of the commit that a revision, or a DVC experiment, names.

        Raises Unjudged where there is none.
        """
        experiments = [ref for ref, _ in self.experiments() if ref.endswith(f"/{revision}")]
        for name in (revision, *experiments[:2]):
            if found := self._commit(name):
                if len(experiments) > 1 and name != revision:
                    break
                return found
        raise Unjudged(f"unknown Git revision {one_line(revision, 60)!r}{self.hint()}")

    def _commit(self, revision: str) -> str | None:
        # In two steps: ":/text^{commit}" would look for a commit with that very text.
        named = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        return named and self.ask("rev-parse", "--verify", "--quiet", f"{named}^{{commit}}")

    def experiments(self) -> list[tuple[str, str]]:
        """Return (reference, commit) of each DVC experiment: refs/exps/<2>/<38>/<name>."""
        listed = self.ask("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps") or ""
        pairs = [line.rsplit(" ", 1) for line in listed.splitlines()]
        return [(ref, commit) for ref, commit in pairs if len(ref.split("/")[2]) == 2]

    def default_baseline(self, results: Sequence[str]) -> tuple[str | None, str]:
        """Return the commit that the workspace is compared with by default, and which one that is.

        Off the main branch the merge base with it. On it, or where the merge base is HEAD itself,
        the commit before; but HEAD while `results`, files of the workspace, are not committed yet,
        for then they are what is new. None at the very first commit.
        Raises Unjudged where there is no such commit.
        """
        head = self.commit("HEAD")
        name, refs = self._main_branch()
        on_main = self.ask("symbolic-ref", "--short", "--quiet", "HEAD") == name
        base = head if on_main else self.ask("merge-base", head, *refs)
        if base is None:
            raise Unjudged(f"HEAD has no merge base with {' or '.join(refs)}{self.hint()}")
        if base != head:
            return base, f"the merge base with {name}"
        status = ("--literal-pathspecs", "status", "--porcelain", "--", *results)
        if results and self.ask(*status):
            return head, "HEAD, for the metrics of the workspace are not committed"
        before = self._commit("HEAD~1")
        if before is None and self._is_shallow():
            raise Unjudged(f"there is no commit before HEAD{self.hint()}")
        return before, "the commit before HEAD" if before else "there is no commit before HEAD"

    def _main_branch(self) -> tuple[str, list[str]]:
        """Return the name of the main branch, and the references to it, remote and local."""
        names = ["main", "master"]
        if default := self.ask("symbolic-ref", "--short", "--quiet", "refs/remotes/origin/HEAD"):
            names.insert(0, default.removeprefix("origin/"))
        for name in names:
            candidates = (f"refs/remotes/origin/{name}", f"refs/heads/{name}")
            if refs := [ref for ref in candidates if self._commit(ref)]:
                return name, refs
        raise Unjudged(f"found no branch {' or '.join(dict.fromkeys(names))}{self.hint()}")

    def _is_shallow(self) -> bool:
        return self.ask("rev-parse", "--is-shallow-repository") == "true"

    def hint(self) -> str:
        """Return how to mend what a revision could not be found for."""
        if self._is_shallow():
            return "; the clone is shallow: run `git fetch --unshallow`"
        return "; give one with --baseline REV"
