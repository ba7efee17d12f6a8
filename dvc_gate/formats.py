"""Read JSON, YAML and TOML as DVC does; describe a metric that is no number by a word."""

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

# A metric: a number, a boolean, a word for anything else, or None where it is missing.
Value = int | float | str | None
Key = tuple[str, str]  # the path of a metrics file in the project, and the dotted key inside it
ENDINGS = (".json", ".yaml", ".yml", ".toml")
MOST = 100_000  # values in a file
QUOTED_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)(e[-+]?\d+)?\s*%?\s*", re.IGNORECASE)


def text_of(content: bytes) -> str:
    """Decode UTF-8 text without the marks of a merge conflict. Raises ValueError."""
    text = content.decode("utf-8-sig")
    if mark := re.search(r"^<{7} ", text, re.MULTILINE):
        line = text.count("\n", 0, mark.start()) + 1
        raise ValueError(f"line {line}: has the mark of a merge conflict: settle it first")
    return text


def compose(content: bytes) -> Node | None:
    """Parse YAML into nodes, which know their lines. Raises ValueError."""
    return _parsed(lambda: YAML(typ="safe", pure=True).compose(text_of(content)))


@functools.cache
def load_yaml(content: bytes) -> Any:
    """Parse YAML; callers do not change the result. Raises ValueError."""
    return _parsed(lambda: YAML(typ="safe").load(text_of(content)))


def _parsed(parser: Any) -> Any:
    try:
        return parser()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{line}is not valid YAML: {error.problem or error.context}") from None
    except YAMLError as error:
        raise ValueError(f"is not valid YAML: {error}") from None


def dump_yaml(document: Any, lists_in_lines: bool = False) -> str:
    """Write YAML; lists_in_lines: the innermost lists as [a, b]."""
    yaml, stream = YAML(), io.StringIO()
    yaml.width = 1000
    yaml.default_flow_style = None if lists_in_lines else False
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(document, stream)
    return stream.getvalue()


def load(path: str, content: bytes) -> Any:
    """Parse a file by the ending of its name, as DVC does. Raises ValueError."""
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
    """Map the dotted keys of a metrics file to their values. Raises ValueError."""
    document = load(path, content)
    if not isinstance(document, dict):
        raise ValueError("expected a mapping of names to numbers")
    return {name: as_value(leaf) for name, leaf in leaves(document).items()}


def leaves(document: dict[Any, Any]) -> dict[str, Any]:
    """Flatten nested mappings to dotted keys. Raises ValueError for equal keys and a flood."""
    pairs = list(islice(_pairs(document), MOST + 1))
    if len(pairs) > MOST:  # YAML's aliases multiply a few values
        raise ValueError(f"holds more than {MOST} values")
    return unique(pairs)


def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Build a mapping. Raises ValueError where a key stands twice."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise ValueError(f"has {max(keys, key=keys.count)!r} twice")
    return dict(pairs)


def _pairs(node: dict[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, child in node.items():
        if isinstance(child, dict) and child:
            yield from _pairs(child, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", child


def as_value(leaf: Any) -> Value:
    """Keep finite numbers and booleans; describe anything else by a word."""
    if isinstance(leaf, str):
        return leaf if leaf and leaf.isprintable() else repr(leaf)
    if leaf == {} or isinstance(leaf, list):
        return "empty" if leaf == {} else "a list"
    if isinstance(leaf, int | float):
        try:
            return leaf if math.isfinite(leaf) else json.dumps(leaf)
        except OverflowError:
            return "too large"
    return json.dumps(leaf, default=str)


def is_quoted_number(value: Value) -> bool:
    """Recognise a number that is written as text, such as "0.91" or "91 %"."""
    return isinstance(value, str) and QUOTED_NUMBER.fullmatch(value) is not None
