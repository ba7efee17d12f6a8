"""Parameters: one section of a YAML file, checked against its schema, with errors for people."""

import difflib
from pathlib import Path
from typing import Any, TypeVar

import pydantic
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError


class InputError(Exception):
    """Something that the person at the keyboard can mend; the text says what, where and how."""


class Schema(pydantic.BaseModel):
    """Base of every schema: frozen, no unknown keys, no silent conversion of types.

    The description of a field is what its error message says was expected.
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False
    )


Section = TypeVar("Section", bound=pydantic.BaseModel)


def read(path: Path, section: tuple[str, ...], schema: type[Section]) -> Section:
    """Read the section at the nested keys `section` of the YAML file `path`.

    Raises InputError: one line for each mistake, with the line of the file where it stands.
    """
    document = load(path)
    node: Any = document
    line = 1
    for depth, key in enumerate(section):
        if not isinstance(node, CommentedMap) or key not in node:
            parent = ".".join(section[:depth]) or "the file"
            known = list(node) if isinstance(node, CommentedMap) else []
            raise InputError(f"{path}:{line}: {parent} has no key {key!r}{_nearest(key, known)}")
        line = _line_of(node, key, line)
        node = node[key]
    try:
        return schema.model_validate(plain(node))
    except pydantic.ValidationError as error:
        raise InputError(
            "\n".join(
                _message(path, ".".join(section), node, line, schema, item)
                for item in error.errors()
            )
        ) from None


def load(path: Path) -> CommentedMap:
    """Parse a YAML 1.2 file (as DVC does: `1e-3` is a number) whose top level is a mapping.

    Raises InputError where it cannot be read or parsed.
    """
    try:
        document = YAML(typ="rt").load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{path}:{line}: is not valid YAML: {error.problem}") from None
    except YAMLError as error:
        raise InputError(f"{path}: is not valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, CommentedMap):
        raise InputError(f"{path}:1: expected a mapping of sections at the top level")
    return document


def plain(node: Any) -> Any:
    """Return the plain Python value of a parsed YAML node."""
    if isinstance(node, CommentedMap):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _line_of(container: Any, key: Any, default: int) -> int:
    """Return the line, counted from one, where `key` stands in a parsed mapping or list."""
    try:
        return container.lc.key(key)[0] + 1
    except (AttributeError, KeyError, TypeError):
        pass
    try:
        return container.lc.item(key)[0] + 1
    except (AttributeError, KeyError, TypeError, IndexError):
        return default


def _nearest(key: object, known: list[Any]) -> str:
    names = [str(name) for name in known]
    close = difflib.get_close_matches(str(key), names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known keys: {', '.join(names)}" if names else ""


def _message(
    path: Path, location: str, node: Any, line: int, schema: type[pydantic.BaseModel], error: Any
) -> str:
    """Return the one line that says what is wrong with one value, where, and what was expected."""
    root = schema.model_json_schema()
    expected: dict[str, Any] = root
    for key in error["loc"]:
        parent, parent_expected = node, expected
        expected = _expected_at(expected, key, root)
        if _is_tag(parent_expected, key):
            continue
        location += f"[{key}]" if isinstance(key, int) else f".{key}"
        if isinstance(parent, CommentedMap | CommentedSeq) and error["type"] != "missing":
            line = _line_of(parent, key, line)
            node = parent[key]
    if error["type"] == "missing":
        return f"{path}:{line}: {location} is missing; expected {_describe(expected, error)}"
    if error["type"] == "extra_forbidden":
        known = list(parent_expected.get("properties", {}))
        return f"{path}:{line}: {location} is not a known key{_nearest(key, known)}"
    if error["type"] == "value_error":
        return f"{path}:{line}: {location}: {error['ctx']['error']}"
    value = "empty" if node is None else repr(plain(node))
    return f"{path}:{line}: {location} is {value}; expected {_describe(expected, error)}"


def _describe(expected: dict[str, Any], error: Any) -> str:
    return expected.get("description") or error["msg"]


def _is_tag(expected: dict[str, Any], key: Any) -> bool:
    """Tell whether `key` only names the member of a union, and is no key of the file."""
    return "discriminator" in expected and key in expected["discriminator"]["mapping"]


def _expected_at(expected: dict[str, Any], key: Any, root: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of the value at `key` of a value with the JSON schema `expected`."""
    if _is_tag(expected, key):
        child = {"$ref": expected["discriminator"]["mapping"][key]}
    elif isinstance(key, int):
        child = expected.get("items", {})
    else:
        child = expected.get("properties", {}).get(key, {})
    if "$ref" in child:
        target = root["$defs"][child["$ref"].rsplit("/", 1)[1]]
        child = {**target, **{name: value for name, value in child.items() if name != "$ref"}}
    return child
