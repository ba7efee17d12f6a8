"""Parameters: sections of params.yaml, checked against their schemas, with errors for people."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from stages import files
from stages.files import InputError
from stages.settings import document
from stages.settings.document import Key, Mistake, Part, input_error

Section = TypeVar("Section", bound=pydantic.BaseModel)


def read(path: Path, section: tuple[str, ...], schema: type[Section]) -> Section:
    """Read the section at the nested keys `section` of the YAML file `path`.

    Raises InputError: one line for each mistake, with the line of the file where it stands.
    """
    part = document.load(path)
    for key in section:
        if key not in part.parts:
            where, near = part.location or "the file", known_keys(key, part.parts)
            raise InputError(f"{path}:{part.line}: {where} has no key {files.shown(key)!r}{near}")
        part = part.parts[key]
    checked, mistakes = validate(part, schema)
    if checked is None:
        raise input_error(mistakes)
    return checked


def validate(part: Part, schema: type[Section]) -> tuple[Section | None, list[Mistake]]:
    """Return a part as its schema has it, or what is wrong with it."""
    try:
        return schema.model_validate(part.value), []
    except pydantic.ValidationError as error:
        root = schema.model_json_schema()
        found: dict[str, Mistake] = {}
        for item in without_misspelt(error.errors(include_url=False)):
            location, mistake = explain(part, root, item)
            if mistake is None:
                continue
            # Where the members of a union complain of one value, a validator's words are the best.
            if location not in found or item["type"] == "value_error":
                found[location] = mistake
        # One member of a union complains of the whole, another of an item: the item tells more.
        return None, [
            mistake
            for location, mistake in found.items()
            if not any(other.startswith((f"{location}.", f"{location}[")) for other in found)
        ]


def without_misspelt(errors: list[Any]) -> list[Any]:
    """Leave out that a key is missing where it is there, misspelt: that is told already."""
    unknown = [error["loc"] for error in errors if error["type"] == "extra_forbidden"]
    return [
        error
        for error in errors
        if error["type"] != "missing"
        or not any(
            (*other[:-1], nearest(str(other[-1]), error["loc"][-1:])) == error["loc"]
            for other in unknown
        )
    ]


def explain(part: Part, root: dict[str, Any], error: Any) -> tuple[str, Mistake | None]:
    """Return the location of an error of pydantic, and the line that tells of it.

    root: the JSON schema of the part. None where the value was refused already.
    """
    alternatives = resolve(root, root)
    known: list[str] = []
    description, missing = describe([], alternatives), None
    keys = list(error["loc"])
    if error["type"].startswith("union_tag"):
        keys.append(error["ctx"]["discriminator"].strip("'"))
    for key in keys:
        children = [child for each in alternatives if (child := child_at(each, key))]
        if not children and key not in part.parts:
            # Not a key: the name of a member of a union.
            alternatives = [each for each in alternatives if has_tag(each, key)] or alternatives
            continue
        known = [name for each in alternatives for name in each.get("properties", ())]
        alternatives = [each for child in children for each in resolve(child, root)]
        description = describe(children, alternatives) or description
        if key in part.parts:
            part = part.parts[key]
        else:
            missing = part.inside(key)
    if part.value is document.REFUSED:
        return part.location, None
    return missing or part.location, told(part, missing, known, description, error)


def told(
    part: Part, missing: str | None, known: list[str], description: str, error: Any
) -> Mistake:
    """Return the line for an error at a part, or at a key that is missing inside it."""
    expected = description or error["msg"]
    if error["type"] == "extra_forbidden":
        name = part.location.rsplit(".", 1)[-1]
        return part.mistake(f"is not a known key{known_keys(name, known)}")
    if error["type"] in ("value_error", "assertion_error"):
        text = str(error["ctx"]["error"])
        if not text.startswith("expected "):
            return part.mistake(text)
        expected = text.removeprefix("expected ")
    if missing:
        lacks = "has its default" if error["type"] == "value_error" else "is missing"
        return part.line, f"{part.file}:{part.line}: {missing} {lacks}; expected {expected}"
    return part.differs(expected + hint(part, error))


def hint(part: Part, error: Any) -> str:
    """Return how to mend a value of a wrong type, where that is not plain to see."""
    if isinstance(part.value, float) and part.value.is_integer() and error["type"] == "int_type":
        return f"; write {part.value:.0f}"
    if not isinstance(part.value, str) or not error["type"].startswith(("int", "float", "bool")):
        return ""
    if part.written.startswith("'"):
        return "" if document.is_text(part.value) else "; take the quotes away"
    if re.fullmatch(r"[-+]?\d+,\d+", part.value):
        return "; write a decimal point"
    return ""


def resolve(schema: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the alternatives of a JSON schema, references followed."""
    if "$ref" in schema:
        return resolve(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    members = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    return [each for member in members for each in resolve(member, root)] or [schema]


def child_at(schema: dict[str, Any], key: Key) -> dict[str, Any] | None:
    """Return the JSON schema of what is at a key, if the schema has one for it."""
    if isinstance(key, int):
        return schema.get("items")
    child = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
    return child if isinstance(child, dict) else None


def has_tag(schema: dict[str, Any], tag: Key) -> bool:
    return any(child.get("const") == tag for child in schema.get("properties", {}).values())


def describe(children: list[dict[str, Any]], alternatives: list[dict[str, Any]]) -> str:
    """Return what a value is expected to be.

    children: its JSON schemas, whose descriptions are for people; alternatives: what they refer to,
    whose descriptions are docstrings.
    """
    for child in children:
        if "description" in child:
            return child["description"]
    tags = [str(child["const"]) for child in alternatives if "const" in child]
    if tags:
        return f"one of {', '.join(tags)}"
    names = [name for each in alternatives for name in each.get("properties", ())]
    return f"a mapping with the keys {', '.join(names)}" if names else ""


def nearest(key: str, known: Iterable[Any]) -> str | None:
    """Return the known key that a key may be a misspelling of."""
    return next(iter(difflib.get_close_matches(key, [str(name) for name in known], n=1)), None)


def known_keys(key: str, known: Iterable[Any]) -> str:
    """Return the end of a message about an unknown key: the known one nearest to it, or all."""
    names = [str(name) for name in known]
    if close := nearest(key, names):
        return f"; did you mean {close}?"
    return f"; known keys: {files.shown(', '.join(names), 200)}" if names else ""
