"""JSON, YAML and TOML, read as DVC reads them; what is no number in a metric becomes a word."""

import functools
import io
import json
import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node

# A metric: a number, a word for what stands there instead of one, or None where there is nothing.
Value = int | float | str | None
Key = tuple[str, str]  # the path of a metrics file in the project, and the dotted key inside it
ENDINGS = (".json", ".yaml", ".yml", ".toml")
MOST = 100_000  # values in a file
CONFLICT = re.compile(r"^(?:<{7} .*|={7}|>{7} .*)$", re.MULTILINE)


def text_of(content: bytes) -> str:
    """Return UTF-8 text; raises ValueError where it is none, or holds a merge conflict."""
    text = content.decode("utf-8-sig")
    marks = list(CONFLICT.finditer(text))
    if any(mark[0].startswith("<") for mark in marks):
        lines = ", ".join(str(text.count("\n", 0, mark.start()) + 1) for mark in marks[:6])
        raise ValueError(f"has the marks of a merge conflict on lines {lines}: settle it first")
    return text


def compose(content: bytes) -> Node | None:
    """Return the nodes of a YAML text, with their lines; raises ValueError where it is none."""
    return _yaml_or_fault(lambda: YAML(typ="safe", pure=True).compose(text_of(content)))


@functools.cache
def load_yaml(content: bytes) -> Any:
    """Return what is in a YAML text, not to be changed; raises ValueError where it is none."""
    return _yaml_or_fault(lambda: YAML(typ="safe").load(text_of(content)))


def dump_yaml(document: Any, lists_in_lines: bool = False) -> str:
    """Return a YAML text; lists_in_lines: the innermost lists are written as [a, b]."""
    yaml, stream = YAML(), io.StringIO()
    yaml.width = 1000
    yaml.default_flow_style = None if lists_in_lines else False
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(document, stream)
    return stream.getvalue()


def _yaml_or_fault(read: Any) -> Any:
    try:
        return read()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{line}is not valid YAML: {error.problem or error.context}") from None
    except YAMLError as error:
        raise ValueError(f"is not valid YAML: {error}") from None


def load(path: str, content: bytes) -> Any:
    """Return what is in a file, by the ending of its name, as DVC does; raises ValueError."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".json":
        return json.loads(text_of(content), object_pairs_hook=unique)
    if suffix == ".toml":
        return tomllib.loads(text_of(content))
    if suffix == ".py":
        from dvc_gate.dvc_private import load_python

        return load_python(text_of(content), path)
    return load_yaml(content)


def metrics(path: str, content: bytes) -> dict[str, Value]:
    """Return the metrics in a file by their dotted keys.

    Raises ValueError where it is no mapping, or says something twice.
    """
    found = load(path, content)
    if not isinstance(found, dict):
        raise ValueError("expected a mapping of names to numbers")
    return {name: as_value(leaf) for name, leaf in leaves(found).items()}


def leaves(node: dict[Any, Any]) -> dict[str, Any]:
    """Return the leaves of nested mappings by their dotted keys.

    Raises ValueError where two have one name, or where YAML's aliases make very many of a few.
    """
    found = list(islice(leaves_of(node), MOST + 1))
    if len(found) > MOST:
        raise ValueError(f"holds more than {MOST} values")
    return unique(found)


def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping; raises ValueError where a key stands twice."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"has {max(keys, key=keys.count)!r} twice")
    return mapping


def leaves_of(node: dict[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, child in node.items():
        if isinstance(child, dict) and child:
            yield from leaves_of(child, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", child


def as_value(leaf: Any) -> Value:
    """Return a finite number as it is, and for anything else the word that shows it."""
    if isinstance(leaf, str):
        return leaf if leaf and leaf.isprintable() else repr(leaf)
    if isinstance(leaf, list):
        return "a list"
    if leaf == {}:
        return "empty"
    if isinstance(leaf, int | float) and not isinstance(leaf, bool):
        try:
            return leaf if math.isfinite(leaf) else json.dumps(leaf)
        except OverflowError:
            return "too large"
    return json.dumps(leaf, default=str)
