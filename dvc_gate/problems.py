"""Describe mistakes in one line each, and write files atomically."""

import os
from pathlib import Path


class Unjudged(Exception):
    """The reason for no verdict: one line for each mistake, with its place and its remedy."""


def one_line(text: object, most: int = 240) -> str:
    """Shorten a text to one line; control characters become escapes."""
    line = " ".join(str(text).split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def reason(error: Exception) -> str:
    """Describe a failure to read a file, in one line."""
    return one_line(getattr(error, "strerror", None) or error)


def write_atomically(path: Path, text: str) -> None:
    """Write a file under another name and rename it. Raises Unjudged."""
    special = path.exists() and not path.is_file()  # such as /dev/stdout
    partial = path if special else path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A byte of a file's name that UTF-8 cannot hold is written as an escape.
        partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        if not special:
            os.replace(partial, path)
    except OSError as error:
        raise Unjudged(f"{path}: cannot be written: {reason(error)}") from None
