"""All that the gate takes from inside DVC, where there is no public way. Written for DVC 3."""

import functools
import io
import posixpath
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class _Files:
    """What DVC's resolver asks of a file system."""

    sep = "/"
    join = staticmethod(posixpath.join)
    normpath = staticmethod(posixpath.normpath)
    suffix = staticmethod(lambda path: posixpath.splitext(path)[1])

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read

    def exists(self, path: str) -> bool:
        try:
            self._read(path)
        except FileNotFoundError:
            return False
        return True

    def isdir(self, path: str) -> bool:
        return False

    def open(self, path: str, **_: Any) -> io.StringIO:
        return io.StringIO(self._read(path).decode("utf-8"))


def resolve(read: Callable[[str], bytes], folder: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return a dvc.yaml with its `foreach`, `matrix` and `${}` written out.

    read: gives a file of the project, or raises FileNotFoundError; folder: that of the dvc.yaml.
    Raises whatever DVC does.
    """
    from dvc.parsing import DataResolver

    resolver = DataResolver(SimpleNamespace(fs=_Files(read), config={}), folder, document)
    stages: dict[str, Any] = {}
    for name in resolver.get_keys():
        stages |= resolver.resolve_one(name)
    return {
        "stages": stages,
        "metrics": resolver.resolve_metrics(),
        "params": resolver.resolve_params(),
    }


def load_python(text: str, path: str) -> dict[str, Any]:
    """Return the constants of a Python file of parameters; raises ValueError."""
    from dvc.utils.serialize import ParseError, parse_py

    try:
        return parse_py(text, path)
    except ParseError as error:
        raise ValueError(str(error)) from None


@functools.cache
def cache_folders(root: Path) -> tuple[Path, Path]:
    """Return the folders of the project's cache: of DVC 3, and of DVC 2 and before."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        return Path(repo.cache.local.path), Path(repo.cache.legacy.path)


def digest(path: Path, kind: str) -> str:
    """Return DVC's hash of a file; kind: "md5", or "md5-dos2unix" of DVC 2 and before."""
    from dvc.fs import localfs
    from dvc_data.hashfile.hash import file_md5

    return file_md5(str(path), localfs, name=kind)
