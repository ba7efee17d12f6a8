"""gate.yaml, or the section `gate` of params.yaml: read alone, checked, mistakes told by line."""

import difflib
import typing
from dataclasses import dataclass
from typing import Any

import pydantic
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from dvc_gate import formats
from dvc_gate.problems import Unjudged, one_line, reason
from dvc_gate.project import PARAMS, Tree
from dvc_gate.rules import Gate, Schema

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
    """Return the rules at one side, or None where there are none; raises Unjudged."""
    for file, section in ((NAME, ""), (PARAMS, f"{SECTION}.")):
        try:
            node = formats.compose(tree.read(file))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Unjudged(f"{tree.told(file)}: cannot be read: {reason(error)}") from None
        except ValueError as error:
            raise Unjudged(f"{tree.told(file)}: {one_line(error)}") from None
        if section:
            node = child(node, SECTION)
        if node is not None or not section:
            return _checked(tree.told(file), section, node)
    return None


def _checked(name: str, section: str, node: Node | None) -> GateFile:
    if not isinstance(node, MappingNode):
        raise Unjudged(f"{name}:1: expected a mapping with the key rules")
    try:
        # The node alone: whatever stands elsewhere in the file is DVC's business.
        value = YAML(typ="safe", pure=True).constructor.construct_document(node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unjudged(
            f"{name}:{mark.line + 1 if mark else 1}: {one_line(error.problem)}"
        ) from None
    try:
        return GateFile(Gate.model_validate(value), name, section, node)
    except pydantic.ValidationError as error:
        told = {_told(name, section, node, value, each): None for each in error.errors()}
        raise Unjudged("\n".join(sorted(told, key=lambda line: told[line] or 0))) from None


def _told(name: str, section: str, node: Node, value: Any, error: Any) -> str:
    """Return the line for one error of pydantic: where, what is there, what was expected."""
    keys, model, description = error["loc"], Gate, "a mapping"
    known: list[str] = []
    for key in keys:
        value = value[key] if _has(value, key) else ...
        if isinstance(key, str) and model is not None:
            fields = {each.alias or name: each for name, each in model.model_fields.items()}
            known = list(fields)
            description = fields[key].description if key in fields else description
            model = _schema_in(fields[key].annotation) if key in fields else None
    where = place(name, section, node, keys)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(keys[-1]), known, n=1)
        mend = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
        return f"{where} is not a known key; {mend}"
    if error["type"] == "missing":
        return f"{where} is missing; expected {description}"
    if error["type"] == "value_error":
        return f"{where} {error['ctx']['error']}"
    return f"{where} is {one_line(repr(value), 60)}; expected {description}"


def _has(value: Any, key: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(key, int) and key < len(value)
    return isinstance(value, dict) and key in value


def _schema_in(annotation: Any) -> type[Schema] | None:
    """Return the schema in an annotation such as list[Rule]."""
    if isinstance(annotation, type) and issubclass(annotation, Schema):
        return annotation
    return next((s for a in typing.get_args(annotation) if (s := _schema_in(a))), None)


def child(node: Node | None, key: str | int) -> Node | None:
    """Return the node at a key; of a key that stands twice, the last."""
    found = None
    if isinstance(node, MappingNode):
        for name, value in node.value:
            found = value if name.value == key else found
    elif isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        found = node.value[key]
    return found


def place(name: str, section: str, node: Node, keys: typing.Sequence[str | int]) -> str:
    """Return `file:line: key` of what is at nested keys."""
    line, text = node.start_mark.line, section
    here: Node | None = node
    for key in keys:
        if isinstance(here, MappingNode):
            for name_node, _ in here.value:
                line = name_node.start_mark.line if name_node.value == key else line
        here = child(here, key)
        if here is not None and isinstance(key, int):
            line = here.start_mark.line
        text += (
            f"[{key}]" if isinstance(key, int) else f".{key}" if text[-1:] not in ("", ".") else key
        )
    return f"{name}:{line + 1}: {text.rstrip('.')}"
