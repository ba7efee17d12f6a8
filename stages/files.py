"""Unreadable files give a one-line error; files are written completely or not at all."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

MAKE, AGAIN = "make it with `dvc repro`", "make it again with `dvc repro`"
CONFLICT = re.compile(r"(<{7}|={7}|>{7})( |$)")


class InputError(Exception):
    """What the person at the keyboard can mend; one line a mistake: where, what and how."""


def size(path: Path, make: str = MAKE) -> int:
    """Return the bytes of a file that can be read; links are followed, as DVC makes them.

    make: what to do where there is none.
    Raises InputError where it is missing, may not be read, or is a folder or a device.
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


def text(path: Path, make: str = MAKE, mend: str = AGAIN) -> str:
    """Return the text of a UTF-8 file; raises InputError where there is none.

    make, mend: what to do where there is no file, or no text in it.
    """
    size(path, make)
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text; {mend}") from None


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a path to write to; rename it to `path` when the block ends, delete it when it fails.

    The temporary name ends in `.partial`, which Git and DVC ignore: what a killed process leaves
    behind is never taken for an output.
    Raises InputError where the file cannot be written.
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


def reason(error: Exception) -> str:
    """Return what an error of the operating system or of a library says, in one short line."""
    text = getattr(error, "strerror", None) or str(error)
    return shown(" ".join(text.split()), 160)


def shown(text: str, most: int = 60) -> str:
    """Return a text as it can be shown in a line: shortened, without control characters."""
    return printable(text if len(text) <= most else f"{text[: most - 20]}…{text[-19:]}")


def merge_conflict(text: str) -> str:
    """Return where a text has the markers of a merge conflict; empty where it has none.

    As the end of a message: the line, what is there, and how to mend it.
    """
    lines = text.splitlines()
    signs = {n: line[:7] for n, line in enumerate(lines, start=1) if CONFLICT.match(line)}
    first = next((n for n, sign in signs.items() if sign != "=" * 7), None)
    if first is None:
        return ""
    last = next((n for n, sign in signs.items() if n >= first and sign == ">" * 7), len(lines))
    return (
        f"{first}: has an unresolved merge conflict, lines {first} to {last}; keep one side, and "
        "take the lines with <<<<<<<, ======= and >>>>>>> away"
    )


def printable(text: str) -> str:
    """Return a text with its control characters, line breaks among them, written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


Content = str | Callable[[Path], None]  # a text, or a function that writes to a path


def write_all(outputs: Mapping[Path, Content]) -> None:
    """Write several files, all or none: each a text, or a function that writes to a path.

    Raises InputError where one cannot be written; then all stay as they were.
    """
    with ExitStack() as stack:
        for path, content in outputs.items():
            partial = stack.enter_context(whole(path))
            if isinstance(content, str):
                partial.write_text(content, encoding="utf-8", newline="\n")
            else:
                content(partial)
