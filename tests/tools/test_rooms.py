"""Tools and tests do not import each other, but for the tests of the tools."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT


def imported(file: Path) -> set[str]:
    """List the packages that a file imports from."""
    packages = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            packages.add(str(node.module).partition(".")[0])
        elif isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
    return packages


@pytest.mark.parametrize(("room", "other"), [("tools", "tests"), ("tests", "tools")])
def test_neither_imports_the_other(room: str, other: str) -> None:
    for file in (ROOT / room).rglob("*.py"):
        if ROOT / "tests/tools" not in file.parents:
            assert other not in imported(file), file
