"""What keeps the gate from judging, told in lines for people; and files that are written whole."""

import os
from pathlib import Path

# What no UTF-8 can hold, such as a byte of a file's name, is written as an escape.
AS_TEXT = {"encoding": "utf-8", "errors": "backslashreplace", "newline": "\n"}


class Unjudged(Exception):
    """Why there is no verdict; one line a mistake: where it is, what it is, how to mend it."""


def one_line(text: object, most: int = 240) -> str:
    """Return a text in one line, shortened, its control characters written as escapes."""
    line = " ".join(str(text).split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def reason(error: OSError) -> str:
    """Return what the operating system says."""
    return one_line(error.strerror or error)


def write_whole(path: Path, text: str) -> None:
    """Write a file under another name and rename it; raises Unjudged where it cannot be written."""
    if path.is_dir():
        raise Unjudged(f"{path}: cannot be written: it is a folder")
    partial = path.with_name(f"{path.name}.partial")
    try:
        if path.exists() and not path.is_file():  # such as /dev/stdout
            path.write_text(text, **AS_TEXT)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_text(text, **AS_TEXT)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise Unjudged(f"{path}: cannot be written: {reason(error)}") from None
