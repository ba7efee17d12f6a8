"""Read gate.yaml, or the section `gate` of params.yaml alone; name mistakes by their line."""

import difflib
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import pydantic
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from dvc_gate import formats
from dvc_gate.pipelines import PARAMS
from dvc_gate.problems import Unjudged, one_line
from dvc_gate.project import Tree
from dvc_gate.rules import EXPECTED, Gate

NAME = "gate.yaml"
SECTION = "gate"


class GateFile(NamedTuple):
    """The rules, and a function from nested keys to their place in the file."""

    gate: Gate
    place: Callable[..., str]


def read(tree: Tree) -> GateFile | None:
    """Read the rules of a commit or the workspace; None where it has none. Raises Unjudged."""
    for file in (NAME, PARAMS):
        try:
            node = tree.parse(file, formats.compose)
        except FileNotFoundError:
            continue
        if file == NAME:
            return _checked(tree.name(file), "", node)
        if section := children(node).get(SECTION):
            return _checked(tree.name(file), SECTION, section[0])
    return None


def read_own(workspace: Tree) -> GateFile:
    """Read the rules of the workspace. Raises Unjudged where it has none."""
    gate_file = read(workspace)
    if gate_file is None:
        raise Unjudged(f"{NAME}: no such file; `dvc-gate init` writes one to begin with")
    return gate_file


def _checked(name: str, section: str, node: Node | None) -> GateFile:
    if not isinstance(node, MappingNode):
        raise Unjudged(f"{name}:1: expected a mapping with the key rules")
    where = functools.partial(place, name, section, node)
    try:
        # Only this node is converted: the rest of params.yaml may hold tags of others.
        return GateFile(Gate.model_validate(formats.construct(node)), where)
    except pydantic.ValidationError as error:
        errors = [_message(where(*e["loc"]), e) for e in error.errors()]
        raise Unjudged("\n".join(dict.fromkeys(errors))) from None
    except ValueError as error:
        raise Unjudged(f"{name}: {error}") from None


def _message(where: str, error: Any) -> str:
    key = next((key for key in reversed(error["loc"]) if key in EXPECTED), "rules")
    if error["type"] == "extra_forbidden":
        wrong = str(error["loc"][-1])
        near = difflib.get_close_matches(wrong, EXPECTED.keys() - {wrong}, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(EXPECTED)}"
        return f"{where} is not a known key; {hint}"
    if error["type"] == "value_error":
        return f"{where} {error['ctx']['error']}"
    value = "missing" if error["type"] == "missing" else one_line(repr(error["input"]), 60)
    return f"{where} is {value}; expected {EXPECTED[key]}"


def children(node: Node | None) -> dict[str | int, tuple[Node, int]]:
    """Map the keys of a node, of equal ones the last, to their nodes and lines from zero."""
    if isinstance(node, MappingNode):
        return {name.value: (value, name.start_mark.line) for name, value in node.value}
    items = node.value if isinstance(node, SequenceNode) else ()
    return {index: (item, item.start_mark.line) for index, item in enumerate(items)}


def place(name: str, section: str, node: Node, *keys: str | int) -> str:
    """Write the place of nested keys as `file:line: key`."""
    line, text = node.start_mark.line, section
    for key in keys:
        node, line = children(node).get(key, (None, line))
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return f"{name}:{line + 1}: {text.removeprefix('.')}"
