"""What pydantic refuses, told for people: where it stands, what was expected, how to mend it.

What was expected is read from the JSON schema: its bounds, choices and lengths.
"""

import difflib
import json
import re
from collections.abc import Iterable
from typing import Any

import pydantic

from stages import files
from stages.settings.document import Document, Mistake, Place, is_text

Node = dict[str, Any]  # a part of a JSON schema


def explain(error: pydantic.ValidationError, parsed: Document, schema: Node) -> list[Mistake]:
    """Return what is wrong in a file, one mistake for each place; schema: as JSON."""
    found: dict[Place, Mistake] = {}
    misspelt: set[Place] = set()
    for item in error.errors(include_url=False):
        place, known, node = locate(item, schema)
        if item["type"] == "extra_forbidden":
            misspelt.add((*place[:-1], nearest(place[-1], known)))
            text = f"is not a known key{known_keys(place[-1], known)}"
        else:
            text = told(item, place in parsed.lines, expected(node, schema))
        # Of what the members of a union say, a validator's words are the best.
        if place not in found or item["type"] == "value_error":
            found[place] = place, text
    return [
        mistake
        for place, mistake in found.items()
        # A misspelt key is not missing too; and what is wrong inside a value tells more of it.
        if (place in parsed.lines or place not in misspelt)
        and not any(other[: len(place)] == place for other in found if other != place)
    ]


def locate(item: Any, root: Node) -> tuple[Place, list[str], Node]:
    """Return the place of an error, the keys that are known there, and its part of the schema."""
    place, known, node = (), [], root
    keys = list(item["loc"])
    if item["type"].startswith("union_tag"):
        keys += [None, tag_of(item)]
    for i, key in enumerate(keys):
        node = resolved(node, root)
        members = [each for each in node.get("anyOf", ()) if each.get("type") != "null"]
        if "discriminator" in node:  # the key is no key, but the tag of a member
            tag, tags = (node["discriminator"][part] for part in ("propertyName", "mapping"))
            node = {"$ref": tags[key]} if key else {"properties": {tag: {"enum": list(tags)}}}
        elif len(members) > 1:  # nor here: only a list has something inside
            node = next(each for each in members if "items" in each) if keys[i + 1 :] else node
        else:
            place, known = (*place, key), list(node.get("properties", ()))
            inside = node.get("additionalProperties") or node.get("items", {})
            node = node.get("properties", {}).get(key, inside)
    return place, known, node


def tag_of(item: Any) -> str:
    """Return the key whose value names the member of a union."""
    return item["ctx"]["discriminator"].strip("'")


def resolved(node: Node, root: Node) -> Node:
    """Return a part of a schema with its references followed."""
    while "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node


def told(item: Any, is_there: bool, wanted: str) -> str:
    """Return what follows the key in the message of an error."""
    value = item["input"]
    if item["type"] == "value_error":
        said = str(item["ctx"]["error"])
        if not said.startswith("expected "):
            return said
        wanted = said.removeprefix("expected ")
    elif not is_there:
        return f"is missing; expected {wanted}"
    if item["type"] == "union_tag_invalid":
        value = value[tag_of(item)]
    return f"is {written(value)}; expected {wanted or item['msg']}{hint(value, wanted)}"


def written(value: Any) -> str:
    """Return a value as it may be written in YAML, shortened."""
    return files.shown("empty" if value is None else json.dumps(value, ensure_ascii=False))


def hint(value: Any, wanted: str) -> str:
    """Return how to mend a value of a wrong type, where that is not plain to see."""
    if isinstance(value, float) and value.is_integer() and "whole number" in wanted:
        return f"; write {value:.0f}"
    if not isinstance(value, str) or not re.search("number|true or false", wanted):
        return ""
    if re.fullmatch(r"[-+]?\d+,\d+", value):
        return "; write a decimal point"
    return "" if is_text(value) else "; take the quotes away"


def expected(node: Node, root: Node) -> str:
    """Return what a schema expects, in words; empty where it takes anything."""
    about, node = node.get("description"), resolved(node, root)
    match node:
        case {"discriminator": {"propertyName": tag}}:
            return f"a mapping with the key {tag}"
        case {"anyOf": members}:
            words = (expected(each, root) for each in members if each.get("type") != "null")
            text = " or ".join(words)
        case {"const": value}:
            return str(value)
        case {"enum": values}:
            return f"one of {', '.join(map(str, values))}"
        case {"type": "object", "properties": known}:
            return f"a mapping with the keys {', '.join(known)}"
        case {"type": "object"}:
            return "rows, each with its settings below"
        case {"type": "array", "items": items}:
            low, high = node.get("minItems", 0), node.get("maxItems")
            count = low if low == high else f"{low} to {high}" if high else f"{low} or more"
            text = f"a list of {count} items, each {expected(items, root)}"
        case {"type": "string"}:
            return about or "text"
        case _:
            names = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}
            ends = [f"{word} {node[key]:.10g}" for key, word in BOUNDS.items() if key in node]
            text = " ".join((names.get(node.get("type", ""), ""), *ends))
            text = text.replace(" to ", " and up to ") if " above " in text else text
    return f"{text} [{about}]" if about else text


BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "exclusiveMaximum": "and below",
}


def nearest(key: str | int, known: Iterable[str]) -> str | None:
    """Return the known key that a key may be a misspelling of."""
    return next(iter(difflib.get_close_matches(str(key), list(known), n=1)), None)


def known_keys(key: str | int, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown key: the known one nearest to it, or all."""
    close, names = nearest(key, known), files.shown(", ".join(known), 200)
    return f"; did you mean {close}?" if close else f"; known keys: {names}" if names else ""
