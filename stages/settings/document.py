"""A YAML file as DVC reads it, with the line of every value, and errors for people.

DVC reads YAML 1.2 with ruamel.yaml: `1e-3` is a number, anchors and merge keys are followed. What
it would drop in silence or trip over is refused here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from stages import files
from stages.files import InputError

LARGEST = 1_000_000  # bytes of a file
DEEPEST = 32  # values inside each other
MOST_VALUES = 100_000  # with aliases written out
STANDARD = "tag:yaml.org,2002:"  # what stands for !! in a tag
SCALARS = ("str", "int", "float", "bool", "null")

# The value of what was refused already, so that no schema complains of it again.
REFUSED = object()
Key = str | int
# A line of the file, counted from one, and the text of a mistake there.
Mistake = tuple[int, str]


@dataclass(frozen=True)
class Part:
    """One value of a YAML file: where it stands, and how it is written there.

    location: its keys, dotted. line: of its key, counted from one. parts: what is inside it.
    """

    file: str
    location: str
    line: int
    value: Any
    written: str
    parts: Mapping[Key, "Part"] = field(default_factory=dict)

    def mistake(self, text: str) -> Mistake:
        """Say what is wrong with this value; text: what follows its key."""
        place = f"{self.location} " if self.location else ""
        return self.line, f"{self.file}:{self.line}: {place}{text}"

    def differs(self, expected: str) -> Mistake:
        """Say that this value is not what was expected."""
        return self.mistake(f"is {self.written}; expected {expected}")

    def inside(self, key: Key) -> str:
        """Return the location of what is at a key."""
        if isinstance(key, int):
            return f"{self.location}[{key}]"
        return f"{self.location}.{files.shown(key)}" if self.location else files.shown(key)


def input_error(mistakes: list[Mistake]) -> InputError:
    """Return the error that tells of all mistakes, in the order of the file."""
    return InputError("\n".join(files.printable(text) for _, text in sorted(set(mistakes))))


def load(path: Path) -> Part:
    """Read a YAML file whose top level is a mapping; raises InputError where it is none."""
    part, mistakes = parse(path)
    if mistakes:
        raise input_error(mistakes)
    return part


def parse(path: Path) -> tuple[Part, list[Mistake]]:
    """Read a YAML file whose top level is a mapping.

    Returns it with the mistakes that leave the rest of it readable, such as duplicate keys.
    Raises InputError where there is no reading it.
    """
    builder = Builder(path)
    return builder.part(compose(path, text_of(path)), "", 1), builder.mistakes


def text_of(path: Path) -> str:
    """Return the text of a file, a byte-order mark left out."""
    size = files.size(path, "commands run in the repository's root, where it stands")
    if size > LARGEST:
        raise InputError(f"{path}: has {size} bytes; expected {LARGEST} at most")
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text; save it as UTF-8") from None


def yaml() -> YAML:
    parser = YAML(typ="safe", pure=True)
    parser.max_depth = DEEPEST
    parser.composer.warn_double_anchors = False
    return parser


def compose(path: Path, text: str) -> Node:
    """Parse a text; raises InputError where it is not one YAML document, a mapping."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("%"):
            raise InputError(f"{path}:{number}: is a YAML directive; take the line away")
    try:
        node = yaml().compose(text)
    except MarkedYAMLError as error:
        raise InputError(f"{path}:{syntax(error)}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"the control character U+{error.character:04X}"
        raise InputError(f"{path}:{line}: holds {character}; take it away") from None
    except (YAMLError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: is not valid YAML: {files.reason(error)}") from None
    if not isinstance(node, MappingNode):
        found = "is empty" if node is None else "is not a mapping"
        raise InputError(f"{path}:1: {found}; expected sections such as `datasets:` at the margin")
    return node


# What ruamel.yaml says, and what that means for who reads it.
SYNTAX = {
    "'\\t'": "begins with a tab; YAML is indented with spaces alone",
    "maximum depth": f"is nested more than {DEEPEST} deep; expected sections, rows and settings",
    "another document": "begins a second document; expected one, without `---` in the file",
    "mapping values": "has a second `: `, or is indented unlike the lines around it",
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


class Builder:
    """Turns the nodes of one parsed file into parts, and collects the mistakes on the way."""

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self.mistakes: list[Mistake] = []
        self._yaml = yaml()
        self._left = MOST_VALUES

    def part(self, node: Node, location: str, line: int, around: tuple[Node, ...] = ()) -> Part:
        """Return the part of a node; around: the nodes that it is inside of."""
        part = Part(self.file, location, line, REFUSED, "an alias of what it is inside of")
        if any(node is outer for outer in around):
            self.mistakes.append(part.differs("a value of its own"))
            return part
        self._spend(1)
        if isinstance(node, ScalarNode):
            return self._scalar(node, part)
        if node.tag not in (f"{STANDARD}map", f"{STANDARD}seq"):
            self.mistakes.append(part.mistake(tagged(node)))
        inner = (*around, node)
        if isinstance(node, SequenceNode):
            nodes = {i: (item.start_mark.line + 1, item) for i, item in enumerate(node.value)}
        else:
            nodes = self._pairs(node, part, inner)
        parts = {
            key: self.part(item, part.inside(key), line, inner)
            for key, (line, item) in nodes.items()
        }
        values = {key: item.value for key, item in parts.items()}
        if isinstance(node, SequenceNode):
            written = f"[{', '.join(item.written for item in parts.values())}]"
            return replace(
                part, value=list(values.values()), written=files.shown(written), parts=parts
            )
        return replace(part, value=values, written="a mapping" if parts else "{}", parts=parts)

    def _spend(self, values: int) -> None:
        """Count values: a few aliases of aliases can stand for billions of them."""
        self._left -= values
        if self._left < 0:
            raise InputError(
                f"{self.file}: holds more than {MOST_VALUES} values, aliases written out"
            )

    def _scalar(self, node: ScalarNode, part: Part) -> Part:
        written = files.shown(node.value) if node.style is None else quoted(node.value)
        part = replace(part, written=written or "empty")
        tag = self._yaml.resolver.resolve(ScalarNode, node.value, (node.style is None, True))
        if node.tag != str(tag):
            self.mistakes.append(part.mistake(tagged(node)))
        elif node.tag.removeprefix(STANDARD) not in SCALARS:
            # A date, or one of the signs << and =; DVC takes none of them.
            self.mistakes.append(part.differs(f"a number, or text in quotes: {quoted(node.value)}"))
        else:
            try:
                return replace(part, value=self._yaml.constructor.construct_object(node))
            except ValueError:  # Python reads 4300 digits at most
                self.mistakes.append(part.differs("a number with fewer digits"))
        return part

    def _pairs(
        self, node: MappingNode, part: Part, around: tuple[Node, ...]
    ) -> dict[Key, tuple[int, Node]]:
        """Return what is inside a mapping, with the lines of the keys."""
        self._spend(len(node.value))
        merged: dict[Key, tuple[int, Node]] = {}
        own: dict[Key, tuple[int, Node]] = {}
        merges = 0
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = str(key.value) if isinstance(key, ScalarNode) else "?"
            here = replace(part, line=line, location=part.inside(name))
            if key.tag == f"{STANDARD}merge":
                merges += 1
                merged = self._merged(value, here, around)
                if merges > 1:
                    self.mistakes.append(here.mistake("stands twice; expected `<<: [*one, *two]`"))
            elif not isinstance(key, ScalarNode):
                self.mistakes.append(part.mistake("has a key that is no text; expected a name"))
            elif key.tag != f"{STANDARD}str":
                text = f"is a key that is no text; write {quoted(key.value)}"
                self.mistakes.append(here.mistake(text))
            elif key.value in own:
                first = own[key.value][0]
                text = f"stands on line {first} already; rename one of the two, or take it away"
                self.mistakes.append(here.mistake(text))
            else:
                own[key.value] = line, value
        return merged | own

    def _merged(
        self, node: Node, part: Part, around: tuple[Node, ...]
    ) -> dict[Key, tuple[int, Node]]:
        """Return what `<<` brings into a mapping; the first of several wins."""
        sources = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[Key, tuple[int, Node]] = {}
        for source in sources:
            if not isinstance(source, MappingNode) or any(source is outer for outer in around):
                self.mistakes.append(part.mistake("expected an alias of a mapping, such as *name"))
            else:
                merged = self._pairs(source, part, (*around, source)) | merged
        return merged


def tagged(node: Node) -> str:
    return f"has the YAML tag {files.shown(node.tag.replace(STANDARD, '!!'))}; take it away"


def quoted(text: str) -> str:
    """Return a text as it can stand in a YAML file: in quotes."""
    return "'" + files.shown(text).replace("'", "''") + "'"


def is_text(value: str) -> bool:
    """Tell whether a value is text when it is written without quotes."""
    return str(yaml().resolver.resolve(ScalarNode, value, (True, True))).endswith(":str")
