"""Read files with a one-line error, and write them completely or not at all."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

MAKE, AGAIN = "make it with `dvc repro`", "make it again with `dvc repro`"
Content = str | Callable[[Path], None]  # a text, or a function that writes to a path


class InputError(Exception):
    """An error in the input. Each line of its message has a place, a problem and a remedy."""


def size(path: Path, make: str = MAKE) -> int:
    """Measure the size of a readable file in bytes; follow links, since DVC makes them.

    make: the remedy for a missing file.
    Raises InputError for a file that is missing or unreadable, and for a folder.
    """
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {make}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from None


def content(path: Path, make: str = MAKE) -> bytes:
    """Read the bytes of a file; raises InputError as `size` does."""
    size(path, make)
    return path.read_bytes()


def text(path: Path, make: str = MAKE, fix: str = AGAIN) -> str:
    """Read a UTF-8 file; raises InputError for a file that is unreadable or not UTF-8.

    make, fix: the remedy for a missing file, and for one that is not UTF-8.
    """
    data = content(path, make)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text; {fix}") from None


def write_all(outputs: Mapping[Path, Content]) -> None:
    """Write several files, all or none.

    A file is first written under a name that ends in `.partial`, which Git and DVC ignore: a killed
    process leaves no broken output. Raises InputError for a path that cannot be written; then all
    files stay as they were.
    """
    partials: dict[Path, Path] = {}
    try:
        for path, content in outputs.items():
            if path.is_dir():
                raise InputError(f"{path}: is a folder; expected a file to write or to replace")
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = partials[path] = path.with_name(path.name + ".partial")
            if isinstance(content, str):
                partial.write_text(content, encoding="utf-8", newline="\n")
            else:
                content(partial)
            with partial.open("rb") as written:
                os.fsync(written.fileno())
        for path, partial in partials.items():
            partial.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {reason(error)}") from None
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)


def reason(error: Exception) -> str:
    """Shorten the message of the operating system or of a library to one line."""
    text = getattr(error, "strerror", None) or str(error)
    return shown(" ".join(text.split()), 160)


def shown(text: str, most: int = 60) -> str:
    """Shorten a text for a message, with its control characters escaped, line breaks among them."""
    short = text if len(text) <= most else f"{text[: most - 20]}…{text[-19:]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)
