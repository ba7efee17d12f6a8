"""Read JSON, YAML and TOML as DVC does; replace a metric that is no number by a word."""

import functools
import io
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import Node

from dvc_gate.dvc_private import load_python
from dvc_gate.problems import one_line

# A metric: a number, a boolean, a word for anything else, or None where it is missing.
Value = int | float | str | None
Key = tuple[str, str]  # the path of a metrics file in the project, and the dotted key inside it
ENDINGS = (".json", ".yaml", ".yml", ".toml")
MOST = 100_000  # values in a file; aliases of YAML multiply a few
QUOTED_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)(e[-+]?\d+)?\s*%?\s*", re.IGNORECASE)


def compose(content: bytes) -> Node | None:
    """Parse YAML into nodes, which know their lines. Raises ValueError."""
    return _parsed(lambda: YAML(typ="safe", pure=True).compose(content.decode("utf-8-sig")))


def construct(node: Node) -> Any:
    """Convert a YAML node to Python's values. Raises ValueError."""
    return _parsed(lambda: YAML(typ="safe", pure=True).constructor.construct_document(node))


@functools.cache
def load_yaml(content: bytes) -> Any:
    """Parse YAML; callers do not change the result. Raises ValueError."""
    return _parsed(lambda: YAML(typ="safe").load(content.decode("utf-8-sig")))


def _parsed(parser: Callable[[], Any]) -> Any:
    try:
        return parser()
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or one_line(error)
        raise ValueError(f"{line}is not valid YAML: {problem}") from None


def dump_yaml(document: Any) -> str:
    """Write YAML; the innermost lists and mappings stand in one line."""
    yaml, stream = YAML(), io.StringIO()
    yaml.width = 1000
    yaml.default_flow_style = None
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(document, stream)
    return stream.getvalue()


def load(path: str, content: bytes) -> Any:
    """Parse a file by the ending of its name, as DVC does. Raises ValueError."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix not in (".json", ".toml", ".py"):
        return load_yaml(content)
    text = content.decode("utf-8-sig")
    if suffix == ".json":
        return json.loads(text, object_pairs_hook=unique)
    if suffix == ".toml":
        return tomllib.loads(text)
    return load_python(text, path)


def flatten(document: Any) -> dict[str, Value]:
    """Map dotted keys to values. Raises ValueError for no mapping, equal keys or too many."""
    if not isinstance(document, dict):
        raise ValueError("expected a mapping of names to values")
    return unique(_pairs(document))


def unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Build a mapping. Raises ValueError for two equal keys, or for more than MOST keys."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"has {key!r} twice")
        if len(result) == MOST:
            raise ValueError(f"holds more than {MOST} values")
        result[key] = value
    return result


def _pairs(node: dict[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, child in node.items():
        if isinstance(child, dict) and child:
            yield from _pairs(child, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", as_value(child)


def as_value(leaf: Any) -> Value:
    """Return finite numbers and booleans as they are; replace anything else by a word."""
    most = sys.float_info.max
    if isinstance(leaf, int | float) and -most <= leaf <= most:
        return leaf
    return "null" if leaf is None else one_line(leaf, sys.maxsize) or "''"


def is_number(value: Value) -> bool:
    """Test for a number or a boolean, which is 0 or 1."""
    return isinstance(value, int | float)


def is_quoted_number(value: Value) -> bool:
    """Recognise a number that is written as text, such as "0.91" or "91 %"."""
    return isinstance(value, str) and QUOTED_NUMBER.fullmatch(value) is not None
