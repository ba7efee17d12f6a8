"""gate.yaml, or the section `gate` of params.yaml: read alone, checked, mistakes told by line."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pydantic
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from dvc_gate import formats
from dvc_gate.pipelines import PARAMS
from dvc_gate.problems import Unjudged, one_line
from dvc_gate.project import Tree
from dvc_gate.rules import EXPECTED, Gate

NAME = "gate.yaml"
SECTION = "gate"


@dataclass(frozen=True)
class GateFile:
    """The rules, and where each of them stands.

    name: of the file in messages; section: "" or "gate."; node: what the file says.
    """

    gate: Gate
    name: str
    section: str
    node: Node

    def place(self, *keys: str | int) -> str:
        return place(self.name, self.section, self.node, keys)


def read(tree: Tree) -> GateFile | None:
    """Return the rules of a commit or the workspace, None where it has none; raises Unjudged."""
    for file, section in ((NAME, ""), (PARAMS, f"{SECTION}.")):
        try:
            node = tree.parse(file, formats.compose)
        except FileNotFoundError:
            continue
        if section:
            node, _ = child(node, SECTION)
        if node is not None or not section:
            return _checked(tree.told(file), section, node)
    return None


def read_own(workspace: Tree) -> GateFile:
    """Return the rules of the workspace; raises Unjudged where there are none."""
    found = read(workspace)
    if found is None:
        raise Unjudged(f"{NAME}: no such file; `dvc-gate init` writes one to begin with")
    return found


def _checked(name: str, section: str, node: Node | None) -> GateFile:
    if not isinstance(node, MappingNode):
        raise Unjudged(f"{name}:1: expected a mapping with the key rules")
    try:
        # The node alone: whatever stands elsewhere in the file is DVC's business.
        value = YAML(typ="safe", pure=True).constructor.construct_document(node)
        return GateFile(Gate.model_validate(value), name, section, node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = one_line(error.problem)
        raise Unjudged(f"{name}:{mark.line + 1 if mark else 1}: {told}") from None
    except pydantic.ValidationError as error:
        wrong = [_told(place(name, section, node, each["loc"]), each) for each in error.errors()]
        raise Unjudged("\n".join(dict.fromkeys(wrong))) from None


def _told(where: str, error: Any) -> str:
    """Return the line for one error of pydantic: where, what is there, what was expected."""
    key = next((key for key in reversed(error["loc"]) if key in EXPECTED), "rules")
    if error["type"] == "extra_forbidden":
        wrong = str(error["loc"][-1])
        near = difflib.get_close_matches(wrong, EXPECTED.keys() - {wrong}, n=1)
        mend = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(EXPECTED)}"
        return f"{where} is not a known key; {mend}"
    if error["type"] == "missing":
        return f"{where} is missing; expected {EXPECTED[key]}"
    if error["type"] == "value_error":
        return f"{where} {error['ctx']['error']}"
    return f"{where} is {one_line(repr(error['input']), 60)}; expected {EXPECTED[key]}"


def child(node: Node | None, key: str | int) -> tuple[Node | None, int]:
    """Return the node at a key, of a key that stands twice the last, and its line from zero."""
    found: tuple[Node | None, int] = None, -1
    if isinstance(node, MappingNode):
        for name, value in node.value:
            found = (value, name.start_mark.line) if name.value == key else found
    elif isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        found = node.value[key], node.value[key].start_mark.line
    return found


def place(name: str, section: str, node: Node, keys: Sequence[str | int]) -> str:
    """Return `file:line: key` of what is at nested keys."""
    here: Node | None = node
    line, text = node.start_mark.line, section
    for key in keys:
        here, at = child(here, key)
        line = at if at >= 0 else line
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return f"{name}:{line + 1}: {text.replace('..', '.').lstrip('.')}"
