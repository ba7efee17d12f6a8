"""Read params.yaml as DVC does (ruamel.yaml, YAML 1.2), and explain mistakes in it by line."""

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pydantic
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from stages import files
from stages.files import InputError
from stages.settings.schema import Schema

MAX_DEPTH, MAX_TOKENS = 32, 100_000  # a few aliases of aliases can stand for billions of values
SYNTAX = {  # words of ruamel.yaml, and their meaning for params.yaml
    "'\\t'": "begins with a tab; YAML is indented with spaces alone",
    "another document": "begins a second document; expected one, without `---` in the file",
    "mapping values": "has a second `: `, or is indented unlike the lines around it",
}
TYPES = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}
TYPES |= {"string": "text", "object": "a mapping"}
BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}
BOUNDS |= {"exclusiveMaximum": "and below"}
Node = dict[str, Any]  # a part of a JSON schema
Place = tuple[str | int, ...]  # the keys and list positions that lead to a value
Mistake = tuple[Place, str]  # where it is, and its message after the key


@dataclass(frozen=True)
class Document:
    """A parsed file. marked: its values as ruamel.yaml marks them with their lines."""

    path: Path
    values: dict[str, Any]
    marked: Any = None

    def error(self, mistakes: Iterable[Mistake]) -> InputError:
        """Make an error with a line for each mistake, in the order of the file."""
        lines: set[tuple[int, str]] = set()
        for place, text in mistakes:
            line, value = 1, self.marked
            for key in place:  # a missing or merged key has the line of its mapping
                marks = getattr(getattr(value, "lc", None), "data", None) or {}
                line, value = (marks[key][0] + 1, value[key]) if key in marks else (line, None)
            name = ".".join(files.shown(str(key)) for key in place)  # as `dvc exp run -S` takes it
            lines.add((line, f"{name} {text}"))
        messages = (f"{self.path}:{line}: {text}" for line, text in sorted(lines))
        return InputError("\n".join(map(files.printable, messages)))


def parse(path: Path) -> Document:
    """Parse a YAML file of sections; raises InputError at the first mistake in its syntax."""
    make = "run commands in the repository's root, where it is"
    text = files.text(path, make, "save it as UTF-8").removeprefix("\ufeff")
    if conflict := files.merge_conflict(text):
        raise InputError(f"{path}:{conflict}")
    loaders = YAML(typ="rt", pure=True), YAML(typ="safe")  # with lines; plain values
    for yaml in loaders:
        yaml.max_depth, yaml.composer.warn_double_anchors = MAX_DEPTH, False
    try:
        marked, values = (yaml.load(text) for yaml in loaders)
        tokens = json.JSONEncoder(skipkeys=True, default=str).iterencode(values)
        if sum(1 for _ in islice(tokens, MAX_TOKENS)) == MAX_TOKENS:
            raise ValueError("too many values, aliases written out")
    except MarkedYAMLError as error:
        marks, problem = (error.context_mark, error.problem_mark), str(error.problem)
        start, *_, line = [mark.line + 1 for mark in marks if mark] * 2
        other = f"is not valid YAML: {problem.partition(' with value')[0]}"
        other += f", in what begins on line {start}" * (start != line)
        meaning = next((SYNTAX[words] for words in SYNTAX if words in problem), other)
        raise InputError(f"{path}:{line}: {files.shown(meaning, 200)}") from None
    except (YAMLError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: is not valid YAML: {files.reason(error)}") from None
    except (AttributeError, RecursionError):  # of ruamel.yaml, from an alias inside its own anchor
        raise InputError(f"{path}: is not valid YAML: an alias stands for itself") from None
    if isinstance(values, dict):
        return Document(path, values, marked)
    problem = "is empty" if values is None else "is not a mapping"
    raise InputError(f"{path}:1: {problem}; expected sections such as `datasets:`")


def validate(schema: type[Schema], values: Any, at: Place = ()) -> tuple[Any, list[Mistake]]:
    """Validate the values at a place of params.yaml, and list a mistake for each wrong key."""
    try:
        return schema.model_validate(values), []
    except pydantic.ValidationError as error:
        errors, root = error.errors(include_url=False), schema.model_json_schema()
    root.pop("description", None)  # the docstring
    texts: dict[Place, str] = {}
    for item in errors:
        place, known, node = locate(item, root)
        kind, value, context = item["type"], item["input"], item.get("ctx", {})
        wanted, message = expected(node, root), str(context.get("error", ""))
        if kind in ("extra_forbidden", "invalid_key"):
            texts[place] = f"is not a known key{suggest(place[-1], known)}"
        elif kind in ("missing", "union_tag_not_found"):
            texts[place] = f"is missing; expected {wanted}"
        elif message and not message.startswith("expected "):
            texts[place] = message
        elif place not in texts or message:  # of a union's members, a validator says most
            shown = json.dumps(context.get("tag", value), ensure_ascii=False, default=str)
            shown = "empty" if value is None else files.shown(shown)
            texts[place] = f"is {shown}; {message or f'expected {wanted}'}"
    outer = {place[:n] for place in texts for n in range(len(place))}
    return None, [((*at, *place), texts[place]) for place in texts.keys() - outer]


def locate(item: Any, root: Node) -> tuple[Place, list[str], Node]:
    """Map an error to its place, the keys that are known there, and its part of the schema."""
    place, known, node = (), [], root
    for key in item["loc"]:
        first, *others = members(node, root)
        if "discriminator" in first:  # the key is the tag of a member
            node = {"$ref": first["discriminator"]["mapping"][key]}
        elif not others or isinstance(key, int):  # else the key is the name of a member
            place, known = (*place, key), list(first.get("properties", ()))
            items = next((each["items"] for each in (first, *others) if "items" in each), {})
            node = first.get("properties", {}).get(key, items)
    if item["type"].startswith("union_tag"):
        union = members(node, root)[0]["discriminator"]
        return (*place, union["propertyName"]), known, {"enum": list(union["mapping"])}
    return place, known, node


def members(node: Node, root: Node) -> list[Node]:
    """List the members of a union but for null, or the node alone, with references followed."""
    while "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return [each for each in node.get("anyOf", ()) if each.get("type") != "null"] or [node]


def expected(node: Node, root: Node) -> str:
    """Describe the values that a schema accepts: type, bounds, choices and unit."""
    about, (first, *others) = node.get("description"), members(node, root)
    if choices := first.get("enum") or [first[key] for key in first if key == "const"]:
        text = "one of " * (len(choices) > 1) + ", ".join(map(str, choices))
    elif items := first.get("items"):
        low, high = first.get("minItems", 0), first.get("maxItems", "any")
        text = f"a list of {f'{low} to ' * (low != high)}{high} items, each {expected(items, root)}"
    else:
        ends = (f" {word} {first[key]:.10g}" for key, word in BOUNDS.items() if key in first)
        text = "".join((TYPES[first.get("type", "object")], *ends))
        text = text.replace(" to ", " and up to ") if " above " in text else text
    text = " or ".join([text, *(expected(each, root) for each in others)])
    return about if about and text == "text" else f"{text} [{about}]" if about else text


def suggest(key: str | int, known: Iterable[str]) -> str:
    """End a message about an unknown key: the nearest known key, or all known keys."""
    close = difflib.get_close_matches(str(key), known := [*map(str, known)], n=1)
    end = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
    return f"; {files.shown(end, 200)}"
