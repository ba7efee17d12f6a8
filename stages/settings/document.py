"""params.yaml as DVC reads it, with the line of every value.

DVC reads YAML 1.2 with ruamel.yaml: `1e-3` is a number, anchors and merge keys are followed. What
it would drop in silence or trip over is refused here, one mistake at a time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from stages import files
from stages.files import InputError

HOME = "commands run in the repository's root, where it stands"
LARGEST = 1_000_000  # characters of a file
DEEPEST = 32  # values inside each other
MOST_VALUES = 100_000  # with aliases written out
MOST_DIGITS = 4000  # of a whole number; Python reads 4300
STANDARD = "tag:yaml.org,2002:"  # what stands for !! in a tag
MERGE = f"{STANDARD}merge"
TYPES = ("str", "int", "float", "bool", "null", "map", "seq")

# The keys and list positions that lead to a value.
Place = tuple[str | int, ...]
# Where a mistake is, and what follows the key in its message.
Mistake = tuple[Place, str]


@dataclass(frozen=True)
class Document:
    """A parsed file. lines: the line of each key and list item, counted from one."""

    path: Path
    values: dict[str, Any]
    lines: dict[Place, int]

    def error(self, mistakes: Iterable[Mistake]) -> InputError:
        """Return the error that tells each mistake in a line, in the order of the file."""
        told = sorted({(self.line(place), f"{name_of(place)} {text}") for place, text in mistakes})
        lines = [f"{self.path}:{line}: {text.lstrip()}" for line, text in told]
        return InputError("\n".join(map(files.printable, lines)))

    def line(self, place: Place) -> int:
        """Return the line of a value, or of what it is missing from."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def name_of(place: Place) -> str:
    """Return a place as one name: `models.stable.training[0].phase`."""
    parts = (f"[{key}]" if isinstance(key, int) else f".{files.shown(key)}" for key in place)
    return "".join(parts).removeprefix(".")


def parse(path: Path) -> Document:
    """Read a YAML file of sections; raises InputError at the first mistake in its syntax."""
    text = text_of(path)
    try:
        root = yaml().compose(text)
        if not isinstance(root, MappingNode):
            found = "is empty" if root is None else "is not a mapping"
            raise InputError(f"{path}:1: {found}; expected sections such as `datasets:`")
        lines = Marks(path, root).lines
        return Document(path, yaml().constructor.construct_document(root), lines)
    except MarkedYAMLError as error:
        raise InputError(f"{path}:{syntax(error)}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"the control character U+{error.character:04X}"
        raise InputError(f"{path}:{line}: holds {character}; take it away") from None
    except (YAMLError, ValueError) as error:
        raise InputError(f"{path}: is not valid YAML: {files.reason(error)}") from None


def yaml() -> YAML:
    reader = YAML(typ="safe", pure=True)
    reader.max_depth = DEEPEST
    reader.composer.warn_double_anchors = False
    return reader


def text_of(path: Path) -> str:
    """Return the text of a file, a byte-order mark left out; raises InputError."""
    text = files.text(path, HOME, "save it as UTF-8").removeprefix("\ufeff")
    if len(text) > LARGEST:
        raise InputError(f"{path}: has {len(text)} characters; expected {LARGEST} at most")
    if conflict := files.merge_conflict(text):
        raise InputError(f"{path}:{conflict}")
    if odd := re.search("^%|[\x85\u2028\u2029]", text, re.MULTILINE):
        line = text.count("\n", 0, odd.start()) + 1
        # Such line breaks are seen by one of ruamel.yaml's two parsers, and no editor.
        what = "a YAML directive" if odd[0] == "%" else f"the line break U+{ord(odd[0]):04X}"
        raise InputError(f"{path}:{line}: has {what}; take it away")
    return text


# What ruamel.yaml says, and what that means for who reads it.
SYNTAX = {
    "'\\t'": "begins with a tab; YAML is indented with spaces alone",
    "maximum depth": f"is nested more than {DEEPEST} deep; expected sections, rows and settings",
    "another document": "begins a second document; expected one, without `---` in the file",
    "mapping values": "has a second `: `, or is indented unlike the lines around it",
    "for merging": "merges what is no mapping; expected an alias, such as `<<: *name`",
}


def syntax(error: MarkedYAMLError) -> str:
    """Return the line of a syntax error, and what is wrong there."""
    mark, problem = error.problem_mark or error.context_mark, str(error.problem or error.context)
    line = mark.line + 1 if mark else 1
    for sign, meaning in SYNTAX.items():
        if sign in problem:
            return f"{line}: {meaning}"
    began = error.context_mark.line + 1 if error.context_mark else line
    began_text = f", in what begins on line {began}" if began != line else ""
    return f"{line}: is not valid YAML: {files.reason(ValueError(problem))}{began_text}"


class Marks:
    """The lines of a file's values, aliases written out; raises InputError where one is no value.

    lines: of each key and list item, by its place.
    """

    def __init__(self, path: Path, root: Node) -> None:
        self.lines: dict[Place, int] = {}
        self._path, self._left = path, MOST_VALUES
        self._resolver = yaml().resolver
        self._add(root, ())

    def _add(self, node: Node, place: Place, depth: int = 0) -> None:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:  # a few aliases of aliases can stand for billions
            most = f"{MOST_VALUES} values, or {DEEPEST} inside each other"
            raise self._refused(place[:3], f"holds more than {most}, aliases written out")
        self._check_type(node, place)
        if isinstance(node, SequenceNode):
            for i, item in enumerate(node.value):
                self.lines[*place, i] = item.start_mark.line + 1
                self._add(item, (*place, i), depth + 1)
        elif isinstance(node, MappingNode):
            own: dict[str, int] = {}
            for key, value in sorted(node.value, key=is_own):  # what is merged comes first
                name = key.value if isinstance(key, ScalarNode) else "?"
                here, line = (*place, name), key.start_mark.line + 1
                self.lines[here] = line
                if key.tag not in (f"{STANDARD}str", MERGE):
                    raise self._refused(here, "is a key that is no text; put it in quotes")
                if name in own:
                    text = f"stands on line {own[name]} already; rename one of the two"
                    raise self._refused(here, text)
                own[name] = line
                self._add(value, place if key.tag == MERGE else here, depth + 1)

    def _check_type(self, node: Node, place: Place) -> None:
        name, implied = node.tag.removeprefix(STANDARD), node.tag
        if isinstance(node, ScalarNode):
            plain = (node.style is None, True)
            implied = str(self._resolver.resolve(ScalarNode, node.value, plain))
            if name == "int" and len(node.value) > MOST_DIGITS:
                raise self._refused(place, f"is a number of more than {MOST_DIGITS} digits")
        if node.tag != implied or name not in TYPES:  # by a tag; a date; one of the signs << and =
            text = (
                f"is of the YAML type {files.shown(name)}; expected a number or text, without a tag"
            )
            raise self._refused(place, text)

    def _refused(self, place: Place, text: str) -> InputError:
        return Document(self._path, {}, self.lines).error([(place, text)])


def is_own(pair: tuple[Node, Node]) -> bool:
    """Tell whether a key of a mapping is its own, and not one that merges another's."""
    return pair[0].tag != MERGE


def is_text(value: str) -> bool:
    """Tell whether a value is text when it is written without quotes."""
    return str(yaml().resolver.resolve(ScalarNode, value, (True, True))).endswith(":str")
