"""YAML text to plain data, with the position of every key and value. No other module imports yaml to read.

libyaml composes a tree of nodes, from which one pass constructs the data. PyYAML's own constructor is not used: it
follows YAML 1.1 (``no`` is false, ``03306`` is octal), keeps the last of two equal keys and discards positions.

Scalars follow the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/, section 10.3.2). The source text of each plain
scalar that is not a string is kept, so that ``007`` can be told from ``7``.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any, NoReturn, TypeAlias

from provisioner.definitions import yaml_problems
from provisioner.definitions.names import is_recognized
from provisioner.definitions.yaml_problems import (
    INVISIBLE_REMEDY,
    MAX_DEPTH,
    TAG_REMEDY,
    TOO_DEEP,
    UNQUOTED_TEMPLATE,
    InvisibleCharacter,
    find_invisible,
    position_of,
    reader_problem,
    source_line,
    syntax_problem,
)
from provisioner.model import Location, Problem, interner

YamlPath: TypeAlias = tuple[str | int, ...]
Position: TypeAlias = tuple[int, int]
"""Line and column, counted from 1."""

MAX_NODES = 10_000
"""Nodes of a document with its aliases expanded. A definition has about twenty."""

MAX_SCALAR = 64 * 1024
"""Characters. A connection string with every option set stays far below it; so does the longest template."""

MAX_KEY = 256
"""Characters."""


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file. ``data`` is None if it could not be read to the end; ``problems`` then say why.

    ``value_positions`` and ``key_positions`` are by path; ``texts`` holds the source text of plain scalars that are not
    strings. ``parse`` fills all of them; later they are only read.
    """

    file: str
    text: str
    data: Any = None
    value_positions: dict[YamlPath, Position] = field(default_factory=dict)
    key_positions: dict[YamlPath, Position] = field(default_factory=dict)
    texts: dict[YamlPath, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def value_position(self, path: YamlPath) -> Position:
        """Return the position of a value; for a missing one, that of the nearest enclosing value."""
        while (position := self.value_positions.get(path)) is None and path:
            path = path[:-1]
        return position or (1, 1)

    def key_position(self, path: YamlPath) -> Position:
        """Return the position of the last key of a path; if it has none, that of its value."""
        return self.key_positions.get(path) or self.value_position(path)

    def value_location(self, path: YamlPath) -> Location:
        return Location(self.file, *self.value_position(path))

    def key_location(self, path: YamlPath) -> Location:
        return Location(self.file, *self.key_position(path))

    def line(self, number: int) -> str:
        """Return the source line with this number, counted from 1."""
        return source_line(self.text, number)


def parse(file: str, text: str) -> Document:
    """Parse one document. Never raises: errors become ``problems`` with positions."""
    import yaml

    constructor = _Constructor(file, has_anchors="&" in text)
    cleaned, problems = yaml_problems.clean(file, text, _scan)
    constructor.problems.extend(problems)
    readable = cleaned
    if cleaned is not None:
        readable, invisible = _without_invisible(cleaned)
        for first in {character.name: character for character in reversed(invisible)}.values():
            position = position_of(cleaned, first.index)
            constructor.add_problem(position, "yaml.character", f"{first.name} is not allowed here", INVISIBLE_REMEDY)
    if readable is None:
        return Document(file, text, problems=tuple(constructor.problems))
    loader = _loader()(readable)
    data = None
    try:
        data = constructor.document(loader.get_single_node())
    except yaml.MarkedYAMLError as error:
        constructor.problems.append(syntax_problem(file, readable, error))
    except yaml.reader.ReaderError as error:
        constructor.problems.append(reader_problem(file, readable, error))
    except RecursionError:  # only in the loader that is written in Python
        constructor.add_problem((1, 1), *TOO_DEEP)
    except _Refused:
        pass
    finally:
        loader.dispose()
    return Document(
        file,
        text,
        data,
        constructor.value_positions,
        constructor.key_positions,
        constructor.texts,
        tuple(constructor.problems),
    )


def _scan(text: str) -> tuple[list[yaml_problems.Span], int]:
    """Return the spans of the unquoted scalars of a text, and the index up to which it could be scanned."""
    import yaml

    scalars: list[yaml_problems.Span] = []
    end = 0
    try:
        for token in yaml.scan(text, Loader=_loader()):
            end = max(end, token.end_mark.index)
            if isinstance(token, yaml.ScalarToken) and token.plain:
                scalars.append((token.start_mark.index, token.end_mark.index))
    except yaml.YAMLError:
        return scalars, end
    return scalars, len(text)


_MAX_INVISIBLE = 100
"""Invisible characters of a file. With as many, nobody typed it."""


def _without_invisible(text: str) -> tuple[str | None, list[InvisibleCharacter]]:
    """Return the text without its invisible characters, to find other problems in it, and these characters.

    The returned text is None if the file is not text.
    """
    invisible: list[InvisibleCharacter] = []
    start = 0
    while len(invisible) < _MAX_INVISIBLE and (character := find_invisible(text[start:])):
        invisible.append(replace(character, index=start + character.index))
        start += character.index + 1
    if not invisible:
        return text, []
    indexes = {character.index for character in invisible}
    if len(indexes) == _MAX_INVISIBLE or any(text[index] in "\x00\x85\u2028\u2029" for index in indexes):
        return None, invisible
    return "".join(char for index, char in enumerate(text) if index not in indexes), invisible


_PLAIN, _QUOTED, _COLLECTION = "plain", "quoted", "collection"
"""Tags of nodes without a tag in the file."""

_STRING_TAGS = frozenset({_QUOTED, "tag:yaml.org,2002:str"})
_COLLECTION_TAGS = frozenset({_COLLECTION, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


@cache
def _loader() -> Any:
    """Return the loader class. Its tags tell how a node is written, not its type in YAML 1.1."""
    import yaml

    def resolve(_: Any, kind: Any, __: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return _COLLECTION
        return _PLAIN if implicit[0] else _QUOTED

    if not yaml.__with_libyaml__:
        return type("Loader", (yaml.Loader,), {"resolve": resolve})
    from yaml._yaml import CParser

    # No tag depends on the path of a node. The cheapest hook that does nothing is a function written in C.
    hooks = {"resolve": resolve, "descend_resolver": staticmethod({}.get), "ascend_resolver": staticmethod(tuple)}
    return type("Loader", (CParser,), hooks)


_TOO_LARGE = (
    "yaml.too-large",
    f"the document expands to more than {MAX_NODES:,} values",
    "write the values out instead of repeating aliases",
)
_FRACTION = (
    "yaml.fraction",
    "a number with a fraction or an exponent, which no property takes",
    "write a whole number, or quote it if it is text",
)
"""Rule, message and remedy."""


class _Refused(Exception):
    """The problem is recorded, and the rest of the document is not read."""


class _Constructor:
    """Constructs data from nodes, and records positions and problems on the way.

    ``alias`` is the position of the alias that brings in a node, or None. All that an alias brings in has its position,
    and the problems in it are reported only where it is anchored.
    """

    def __init__(self, file: str, has_anchors: bool) -> None:
        self.file = file
        self.has_anchors = has_anchors
        self.value_positions: dict[YamlPath, Position] = {}
        self.key_positions: dict[YamlPath, Position] = {}
        self.texts: dict[YamlPath, str] = {}
        self.problems: list[Problem] = []
        self._visited: set[int] = set()
        self._enclosing: set[int] = set()
        self._node_count = 0

    def document(self, node: Any) -> Any:
        data = None if node is None else self._value(node, ())
        if data is None and not self.texts.get(()) and not self.problems:
            self.add_problem((1, 1), "yaml.empty", "the file is empty", "write a definition, or remove the file")
        return data

    def add_problem(self, position: Position, rule: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(Location(self.file, *position), rule, message, remedy))

    def _refuse(self, position: Position, rule: str, message: str, remedy: str) -> NoReturn:
        self.add_problem(position, rule, message, remedy)
        raise _Refused

    def _count_node(self, position: Position) -> None:
        self._node_count += 1
        if self._node_count > MAX_NODES:
            self._refuse(position, *_TOO_LARGE)

    def _value(self, node: Any, path: YamlPath, alias: Position | None = None) -> Any:
        if self.has_anchors and alias is None:
            if id(node) in self._visited:
                alias = self.key_positions.get(path) or self.value_positions[path[:-1]]
            self._visited.add(id(node))
        start = node.start_mark
        position = alias or (start.line + 1, start.column + 1)
        self.value_positions[path] = position
        self._count_node(position)
        if node.id == "scalar":
            return self._scalar(node, path, position, alias)
        if len(path) > MAX_DEPTH:
            self._refuse(position, *TOO_DEEP)
        if id(node) in self._enclosing:
            self._refuse(position, "yaml.alias-loop", "the alias contains itself", "write the value out")
        if node.tag not in _COLLECTION_TAGS:
            self._report_tag(position, alias)
        if self.has_anchors:
            self._enclosing.add(id(node))
        data: dict[str, Any] | list[Any]
        if node.id == "mapping":
            data = self._mapping(node, path, alias)
        else:
            data = [self._value(item, (*path, index), alias) for index, item in enumerate(node.value)]
        if self.has_anchors:
            self._enclosing.discard(id(node))
        return data

    def _mapping(self, node: Any, path: YamlPath, alias: Position | None) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            start = key_node.start_mark
            position = alias or (start.line + 1, start.column + 1)
            key = self._key(node, key_node, position, alias)
            child = (*path, key)
            is_plain = key_node.tag is _PLAIN
            if key not in data and not (is_plain and (key == "<<" or not is_text(key))):
                self.key_positions[child] = position
                data[key] = self._value(value_node, child, alias)
                continue
            if alias is None:
                if is_plain and not is_text(key):
                    rule, message, remedy = "yaml.non-string-key", "the key is not a string", "quote it"
                elif is_plain and key == "<<":
                    rule, message = "yaml.merge-key", "merge keys are not part of YAML 1.2"
                    remedy = "write the properties out"
                else:
                    rule, remedy = "yaml.duplicate-key", "keep one of them"
                    shown = f" `{key}`" if is_recognized(key) else ""
                    message = f"duplicate key{shown}; the first is on line {self.key_positions[child][0]}"
                self.add_problem(position, rule, message, remedy)
            # Read under a path of its own, so that the first of two keeps its positions.
            self._value(value_node, (*path, f"{key} (again)"), alias)
        return data

    def _key(self, mapping: Any, node: Any, position: Position, alias: Position | None) -> str:
        if node.id != "scalar":
            if node.id == "mapping" and mapping.flow_style and node.flow_style:
                start = mapping.start_mark
                self._refuse((start.line + 1, start.column + 1), *UNQUOTED_TEMPLATE)
            self._refuse(position, "yaml.non-string-key", "a key must be a string", "write a plain word as the key")
        self._count_node(position)
        if len(node.value) > MAX_KEY:
            message, remedy = f"a key of more than {MAX_KEY} characters", "shorten it: no property has so long a name"
            self._refuse(position, "yaml.long-key", message, remedy)
        if node.tag is not _PLAIN:
            self._check_string(node, position, alias)
        return sys.intern(node.value)

    def _scalar(self, node: Any, path: YamlPath, position: Position, alias: Position | None) -> Any:
        text = node.value
        if len(text) > MAX_SCALAR:
            message = f"a value of more than {MAX_SCALAR:,} characters"
            self._refuse(position, "yaml.long-scalar", message, "shorten it; no property takes so much")
        if node.tag is _PLAIN:
            data = resolve(text)
            if isinstance(data, float):
                if alias is None:
                    self.add_problem(position, *_FRACTION)
            elif data is not text:
                self.texts[path] = text
                return data
        else:
            self._check_string(node, position, alias)
        return _shared(text)

    def _check_string(self, node: Any, position: Position, alias: Position | None) -> None:
        """Check the tag, and for invisible characters that an escape made: all others are found in the source."""
        if node.style == '"' and alias is None and (invisible := find_invisible(node.value)):
            self.add_problem(position, "yaml.character", f"{invisible.name} is not allowed in text", INVISIBLE_REMEDY)
        if node.tag not in _STRING_TAGS:
            self._report_tag(position, alias)

    def _report_tag(self, position: Position, alias: Position | None) -> None:
        if alias is None:
            # The tag is not repeated: a password may begin with an exclamation mark.
            self.add_problem(position, "yaml.tag", "a tag has no meaning here", TAG_REMEDY)


_shared = interner(str)
"""Definitions resemble each other: strings that ten thousand of them have in common are stored once."""


_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL_HEX = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_FIRST_CHARACTERS = frozenset({"", *"~nNtTfF+-.0123456789"})
"""First characters of all scalars that are not strings."""
_MAX_DIGITS = 40
"""Longer numbers are read as text: no property takes one, and the cost of converting them is not bounded."""


def resolve(text: str) -> Any:
    """Return the value of a plain scalar by the YAML 1.2 core schema."""
    if text[:1] not in _FIRST_CHARACTERS or len(text) > _MAX_DIGITS:
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.match(text):
        return int(text)
    if _OCTAL_HEX.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    if _SPECIAL_FLOAT.match(text):
        return float(text.lower().replace(".", ""))
    return text


@lru_cache(1000)
def is_text(key: str) -> bool:
    """Return whether a plain scalar is a string."""
    return isinstance(resolve(key), str)


def as_text(value: str | int) -> str:
    """Return the canonical text of a scalar, as it is sent for a number or a boolean."""
    return str(value).lower() if isinstance(value, bool) else str(value)
