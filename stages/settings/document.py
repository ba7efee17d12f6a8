"""Read params.yaml as DVC does (ruamel.yaml, YAML 1.2), and give each mistake its line."""

import contextlib
import difflib
import re
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pydantic
from pydantic.alias_generators import to_snake
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from stages import files
from stages.files import InputError
from stages.settings.schema import Schema

Place = tuple[str | int, ...]  # the keys and list positions that lead to a value
Mistake = tuple[Place, str]  # its place, and the message that follows the key


@dataclass(frozen=True)
class Document:
    """A parsed file. marked: its values as ruamel.yaml's objects, which hold line numbers."""

    path: Path
    values: dict[str, Any]
    marked: Any = None

    def error(self, mistakes: Iterable[Mistake]) -> InputError:
        """Make an error with a line for each mistake, in the order of the file."""
        lines = set()
        for place, text in mistakes:
            key = ".".join(files.shown(str(part)) for part in place)  # as `dvc exp run -S` takes it
            lines.add((self._line(place), f"{key} {text}"))
        return InputError("\n".join(f"{self.path}:{line}: {text}" for line, text in sorted(lines)))

    def _line(self, place: Place) -> int:
        line, value = 1, self.marked
        # A missing or merged key has the line of its mapping.
        with contextlib.suppress(AttributeError, KeyError, TypeError):
            for key in place:
                line, value = value.lc.data[key][0] + 1, value[key]
        return line


def parse(path: Path) -> Document:
    """Parse a YAML file of sections; raises InputError at the first mistake in its syntax."""
    make = "run commands in the repository's root"
    text = files.text(path, make, "save it as UTF-8").removeprefix("\ufeff")
    try:
        marked = YAML().load(text)
        values = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(filter(None, (error.context, error.problem)))
        problem = files.shown(problem.partition(" with value")[0], 200)
        raise InputError(f"{path}:{mark.line + 1}: is not valid YAML: {problem}") from None
    # Besides its own errors, ruamel.yaml raises Python's for some tags and aliases.
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: is not valid YAML: {files.reason(error)}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}:1: is not a mapping; expected sections such as `datasets:`")
    return Document(path, values, marked)


def validate(schema: type[Schema], values: Any, at: Place = ()) -> tuple[Any, list[Mistake]]:
    """Validate values; return the object, None if it is wrong, and a mistake for each wrong key."""
    try:
        return schema.model_validate(values), []
    except pydantic.ValidationError as error:
        errors = error.errors(include_url=False)
    return None, [((*at, *place_of(item)), message_of(item, schema)) for item in errors]


def place_of(error: Any) -> Place:
    """List the keys that lead to an error, without the tags of unions."""
    # pydantic puts a union's tag after the key or list position: adam in training.0.adam.warmup.
    pairs = pairwise((None, *error["loc"]))
    keys = [key for before, key in pairs if before != "initial" and not isinstance(before, int)]
    if tag := error.get("ctx", {}).get("discriminator"):
        keys.append(tag.strip("'"))
    return tuple(keys)


def message_of(error: Any, schema: type[Schema]) -> str:
    """Write the message that follows the key: the value, and the expected one."""
    kind, context, loc = error["type"], error.get("ctx", {}), error["loc"]
    if kind in ("extra_forbidden", "invalid_key"):
        # The key or tag of a nested schema is its name in snake case: levenberg_marquardt.
        nested = {to_snake(each.__name__): each for each in Schema.__subclasses__()}
        known = nested.get(loc[-2], schema) if len(loc) > 1 else schema
        return f"is not a known key{suggest(str(loc[-1]), known.model_fields)}"
    if kind in ("missing", "union_tag_not_found"):
        return "is missing; expected a value"
    value = context.get("tag", error["input"])
    shown = "empty" if value is None else files.shown(reprlib.repr(value))
    expected = re.sub(r"^\w+ should (be|have)", "expected", error["msg"])
    expected = re.sub(r"valid dictionary.*", "mapping", expected).removeprefix("Value error, ")
    if "tag" in context:
        expected = f"expected one of {context['expected_tags']}"
    return f"is {shown}; {expected}"


def suggest(key: str, known: Iterable[str]) -> str:
    """End a message about an unknown key: the nearest known key, or all known keys."""
    known = list(map(str, known))
    close = difflib.get_close_matches(key, known, n=1)
    end = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
    return f"; {files.shown(end, 200)}"
