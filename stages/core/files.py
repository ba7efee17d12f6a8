"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a path to write to; rename it to `path` when the block ends, delete it when it fails.

    The temporary name ends in `.partial`, which Git and DVC ignore: what a killed process leaves
    behind is never taken for an output.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(partial, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk is reported without one
        raise
    finally:
        partial.unlink(missing_ok=True)
