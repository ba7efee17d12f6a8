"""Use the parts of DVC 3 that have no public way."""

import functools
import io
import posixpath
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def _file_system(read: Callable[[str], bytes]) -> SimpleNamespace:
    def exists(path: str) -> bool:
        try:
            return read(path) is not None
        except FileNotFoundError:
            return False

    return SimpleNamespace(
        **{name: getattr(posixpath, name) for name in ("sep", "join", "normpath")},
        suffix=lambda path: posixpath.splitext(path)[1],
        exists=exists,
        isdir=lambda path: False,
        open=lambda path, **_: io.StringIO(read(path).decode("utf-8")),
    )


def resolve(read: Callable[[str], bytes], folder: str, document: dict[str, Any]) -> dict[str, Any]:
    """Expand `foreach`, `matrix` and `${}` of the dvc.yaml in a folder; raises as DVC does."""
    from dvc.parsing import DataResolver

    resolver = DataResolver(SimpleNamespace(fs=_file_system(read), config={}), folder, document)
    stages: dict[str, Any] = {}
    for name in resolver.get_keys():
        stages |= resolver.resolve_one(name)
    more = {"metrics": resolver.resolve_metrics(), "params": resolver.resolve_params()}
    return {"stages": stages, **more}


def load_python(text: str, path: str) -> dict[str, Any]:
    """Parse the constants of a Python file of parameters. Raises ValueError."""
    from dvc.utils.serialize import ParseError, parse_py

    try:
        return parse_py(text, path)
    except ParseError as error:
        raise ValueError(str(error)) from None


@functools.cache
def cache_folders(root: Path) -> tuple[Path, Path]:
    """Locate the project's caches: of DVC 3, and of DVC 2 and before."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        return Path(repo.cache.local.path), Path(repo.cache.legacy.path)


def digest(path: Path, kind: str) -> str:
    """Hash a file as DVC does; kind: "md5", or "md5-dos2unix" of DVC 2 and before."""
    from dvc.fs import localfs
    from dvc_data.hashfile.hash import file_md5

    return file_md5(str(path), localfs, name=kind)
