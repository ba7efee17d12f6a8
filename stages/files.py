"""Read files with a one-line error, and write them completely or not at all."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

MAKE, AGAIN = "make it with `dvc repro`", "make it again with `dvc repro`"
CONFLICT = re.compile(r"(<{7}|={7}|>{7})( |$)")


class InputError(Exception):
    """An error in the input. Each line of its message has a place, a problem and a remedy."""


def size(path: Path, make: str = MAKE) -> int:
    """Measure a readable file in bytes, following links, as DVC makes them.

    make: the remedy for a missing file.
    Raises InputError for a file that is missing or unreadable, a folder or a device.
    """
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            with path.open("rb"):
                return status.st_size
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(f"{path}: is a link to a file that does not exist; {make}") from None
        raise InputError(f"{path}: no such file; {make}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from None
    kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
    raise InputError(f"{path}: is {kind}; expected a file")


def text(path: Path, make: str = MAKE, fix: str = AGAIN) -> str:
    """Read a UTF-8 file; raises InputError for a file that is unreadable or not UTF-8.

    make, fix: the remedy for a missing file, and for one that is not UTF-8.
    """
    size(path, make)
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text; {fix}") from None


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, and rename it to `path` when the block succeeds.

    The temporary name ends in `.partial`, which Git and DVC ignore: a killed process leaves no
    broken output. Raises InputError for a path that cannot be written.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected a file to write or to replace")
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{path}: cannot be written: {path.parent} is no folder") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {reason(error)}") from None


Content = str | Callable[[Path], None]  # a text, or a function that writes to a path


def write_all(outputs: Mapping[Path, Content]) -> None:
    """Write several files, all or none: each a text, or a function that writes to a path.

    Raises InputError for a path that cannot be written; all files stay as they were.
    """
    with ExitStack() as stack:
        for path, content in outputs.items():
            partial = stack.enter_context(atomic(path))
            if isinstance(content, str):
                partial.write_text(content, encoding="utf-8", newline="\n")
            else:
                content(partial)


def reason(error: Exception) -> str:
    """Shorten the message of the operating system or of a library to one line."""
    text = getattr(error, "strerror", None) or str(error)
    return shown(" ".join(text.split()), 160)


def shown(text: str, most: int = 60) -> str:
    """Shorten a text for a message, with its control characters escaped."""
    return printable(text if len(text) <= most else f"{text[: most - 20]}…{text[-19:]}")


def printable(text: str) -> str:
    """Escape the control characters of a text, line breaks among them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def merge_conflict(text: str) -> str:
    """Locate an unresolved merge conflict, as the end of a message; empty without one.

    The message has the lines, the problem and the remedy.
    """
    lines = text.splitlines()
    signs = {n: line[:7] for n, line in enumerate(lines, start=1) if CONFLICT.match(line)}
    first = next((n for n, sign in signs.items() if sign != "=" * 7), None)
    if first is None:
        return ""
    last = next((n for n, sign in signs.items() if n >= first and sign == ">" * 7), len(lines))
    return (
        f"{first}: has an unresolved merge conflict, lines {first} to {last}; keep one side, and "
        "delete the lines with <<<<<<<, ======= and >>>>>>>"
    )
