"""YAML text -> plain data, with the position of every key and value. The only module that imports yaml to read.

libyaml composes a tree of nodes, and one walk over it makes the data: PyYAML's own constructor follows YAML 1.1 (``no``
is false, ``03306`` is octal), keeps the last of two equal keys and forgets where things stood.

Scalars follow the YAML 1.2 core schema. The source text of every plain scalar that is not a string is kept, so that
``007`` can be told from ``7``.

What a scalar means by the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/, section 10.3.2). Pure.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any, NoReturn, TypeAlias

from provisioner.definitions import syntax
from provisioner.definitions.syntax import (
    MAX_DEPTH,
    REMEDY,
    TOO_DEEP,
    UNQUOTED_TEMPLATE,
    Strange,
    find_strange,
    reader_problem,
    source_line,
    syntax_problem,
)
from provisioner.model import Location, Problem, keeping_once

Path: TypeAlias = tuple[str | int, ...]
Position: TypeAlias = tuple[int, int]
"""Line and column."""

MAX_NODES = 10_000
"""Nodes in one document, aliases counted as what they expand to. A definition has about twenty."""

MAX_SCALAR = 64 * 1024
MAX_KEY = 256
"""Characters. A connection string with every option set stays far below it; so does the longest template."""


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file. ``data`` is None when it could not be read to the end; ``problems`` then say why.

    ``value_marks`` and ``key_marks`` give line and column, counted from 1, by path; ``texts`` the source text of plain
    scalars that are not strings. All are filled once by ``parse`` and only read afterwards.
    """

    file: str
    text: str
    data: Any = None
    value_marks: dict[Path, Position] = field(default_factory=dict)
    key_marks: dict[Path, Position] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def value_mark(self, path: Path) -> Position:
        """Return that of the value; of the nearest enclosing one for what is missing."""
        while (mark := self.value_marks.get(path)) is None and path:
            path = path[:-1]
        return mark or (1, 1)

    def key_mark(self, path: Path) -> Position:
        """Return that of the key of this path."""
        return self.key_marks.get(path) or self.value_mark(path)

    def value_at(self, path: Path) -> Location:
        """Return where the value stands."""
        return Location(self.file, *self.value_mark(path))

    def key_at(self, path: Path) -> Location:
        """Return where the key of this path stands."""
        return Location(self.file, *self.key_mark(path))

    def line(self, number: int) -> str:
        """Return the source line with this number, counted from 1."""
        return source_line(self.text, number)


def parse(file: str, text: str) -> Document:
    """Read one document. Never raises: what is wrong is in ``problems``, each with its position."""
    import yaml

    walk = _Walk(file, has_anchors="&" in text)
    readable, found = syntax.clean(file, text, _scan)
    walk.problems.extend(found)
    if readable is not None and (strange := list(_strange(readable))):
        for one in {one.name: one for one in reversed(strange)}.values():
            before = readable[: one.index]
            mark = (before.count("\n") + 1, len(before) - before.rfind("\n"))
            walk.problem(mark, "yaml.character", f"{one.name} may not stand here", REMEDY)
        readable = _without(readable, strange)
    if readable is None:
        return Document(file, text, problems=tuple(walk.problems))
    loader = _loader()(readable)
    data = None
    try:
        data = walk.document(loader.get_single_node())
    except yaml.MarkedYAMLError as error:
        walk.problems.append(syntax_problem(file, readable, error))
    except yaml.reader.ReaderError as error:
        walk.problems.append(reader_problem(file, readable, error))
    except RecursionError:  # of the loader that is written in Python
        walk.problem((1, 1), *TOO_DEEP)
    except _Refused:
        pass
    finally:
        loader.dispose()
    return Document(file, text, data, walk.value_marks, walk.key_marks, walk.texts, tuple(walk.problems))


def _scan(text: str) -> tuple[list[syntax.Span], int]:
    """Return where the scalars without quotes stand, and how far the text could be read."""
    import yaml

    scalars: list[syntax.Span] = []
    end = 0
    try:
        for token in yaml.scan(text, Loader=_loader()):
            end = max(end, token.end_mark.index)
            if isinstance(token, yaml.ScalarToken) and token.plain:
                scalars.append((token.start_mark.index, token.end_mark.index))
    except yaml.YAMLError:
        return scalars, end
    return scalars, len(text)


_MOST_STRANGE = 100


def _strange(text: str) -> Iterator[Strange]:
    """Yield the characters that are not seen, at most so many that nobody typed them."""
    at = 0
    for _ in range(_MOST_STRANGE):
        found = find_strange(text[at:])
        if found is None:
            return
        yield replace(found, index=at + found.index)
        at += found.index + 1


def _without(text: str, strange: list[Strange]) -> str | None:
    """Return what is to be read to find what else is wrong; None where that is no text."""
    indexes = {one.index for one in strange}
    if len(indexes) == _MOST_STRANGE or any(text[index] in "\x00\x85\u2028\u2029" for index in indexes):
        return None
    return "".join(char for index, char in enumerate(text) if index not in indexes)


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

_PLAIN, _QUOTED, _COLLECTION = "plain", "quoted", "collection"
"""Tags of what has none in the file."""

_STRING = frozenset({_QUOTED, "tag:yaml.org,2002:str"})
_COLLECTIONS = frozenset({_COLLECTION, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


@cache
def _loader() -> Any:
    """Return what composes nodes, with tags that say what is written instead of what YAML 1.1 makes of it."""
    import yaml

    def resolve(_: Any, kind: Any, __: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return _COLLECTION
        return _PLAIN if implicit[0] else _QUOTED

    if not yaml.__with_libyaml__:
        return type("Loader", (yaml.Loader,), {"resolve": resolve})
    from yaml._yaml import CParser

    # Nothing is resolved by the path of a node; that costs least by a function of C that does nothing.
    hooks = {"resolve": resolve, "descend_resolver": staticmethod({}.get), "ascend_resolver": staticmethod(tuple)}
    return type("Loader", (CParser,), hooks)


class _Refused(Exception):
    """The rest of the document is not worth reading; the problem is recorded."""


class _Walk:
    """Makes data of nodes and records positions on the way."""

    def __init__(self, file: str, has_anchors: bool) -> None:
        self.file = file
        self.has_anchors = has_anchors
        self.value_marks: dict[Path, Position] = {}
        self.key_marks: dict[Path, Position] = {}
        self.texts: dict[Path, str] = {}
        self.problems: list[Problem] = []
        self.seen: set[int] = set()
        self.around: set[int] = set()
        self.number = 0

    def document(self, node: Any) -> Any:
        data = None if node is None else self.value(node, ())
        if data is None and not self.texts.get(()) and not self.problems:
            self.problem((1, 1), "yaml.empty", "the file is empty", "write a definition, or remove the file")
        return data

    def value(self, node: Any, path: Path, alias: Position | None = None) -> Any:
        """Return what a node stands for. A node that was met before comes from an alias; all that it brings in stands
        at ``alias``, and what is wrong with it was said."""
        if self.has_anchors and alias is None:
            alias = self.met_before(node, path)
        start = node.start_mark
        mark = alias or (start.line + 1, start.column + 1)
        self.value_marks[path] = mark
        self.number += 1
        if self.number > MAX_NODES:
            self.refuse(mark, *_TOO_LARGE)
        if node.id == "scalar":
            return self.scalar(node, path, mark, alias)
        if len(path) > MAX_DEPTH:
            self.refuse(mark, *TOO_DEEP)
        if id(node) in self.around:
            self.refuse(mark, "yaml.alias-loop", "the alias contains itself", "write the value out")
        if node.tag not in _COLLECTIONS:
            self.bad_tag(mark, alias)
        if self.has_anchors:
            self.around.add(id(node))
        made: dict[str, Any] | list[Any]
        if node.id == "mapping":
            made = self.mapping(node, path, alias)
        else:
            made = [self.value(item, (*path, index), alias) for index, item in enumerate(node.value)]
        if self.has_anchors:
            self.around.discard(id(node))
        return made

    def met_before(self, node: Any, path: Path) -> Position | None:
        """Return where the alias stands that brings in a node; None for a node that is met for the first time."""
        if id(node) not in self.seen:
            self.seen.add(id(node))
            return None
        return self.key_marks.get(path) or self.value_marks[path[:-1]]

    def mapping(self, node: Any, path: Path, alias: Position | None) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            start = key_node.start_mark
            mark = alias or (start.line + 1, start.column + 1)
            key = self.key(node, key_node, mark, alias)
            child = (*path, key)
            plain = key_node.tag is _PLAIN
            if key not in data and not (plain and (key == "<<" or not is_text(key))):
                self.key_marks[child] = mark
                data[key] = self.value(value_node, child, alias)
                continue
            if alias is None:
                self.problem(mark, *self.misuse(key, plain, child))
            # Read under a path of its own, so that the first of two keeps its positions.
            self.value(value_node, (*path, f"{key} (again)"), alias)
        return data

    def key(self, mapping: Any, node: Any, mark: Position, alias: Position | None) -> str:
        if node.id != "scalar":
            if node.id == "mapping" and mapping.flow_style and node.flow_style:
                start = mapping.start_mark
                self.refuse((start.line + 1, start.column + 1), *UNQUOTED_TEMPLATE)
            self.refuse(mark, "yaml.non-string-key", "a key must be a string", "write a plain word as the key")
        self.number += 1
        if self.number > MAX_NODES:
            self.refuse(mark, *_TOO_LARGE)
        if len(node.value) > MAX_KEY:
            self.refuse(mark, "yaml.long-key", f"a key of more than {MAX_KEY} characters", "no property is that long")
        if node.tag is not _PLAIN:
            self.check_quoted(node, mark, alias)
        return sys.intern(node.value)

    def misuse(self, key: str, plain: bool, path: Path) -> tuple[str, str, str]:
        """Return rule, message and remedy for a key that cannot stand here."""
        if plain and not is_text(key):
            return "yaml.non-string-key", f"the key `{key}` is not a string", f'quote it: "{key}"'
        if plain and key == "<<":
            return "yaml.merge-key", "merge keys are not part of YAML 1.2", "write the properties out"
        first = self.key_marks[path][0]
        return "yaml.duplicate-key", f"`{key}` stands twice; the first is on line {first}", "keep one of them"

    def scalar(self, node: Any, path: Path, mark: Position, alias: Position | None) -> Any:
        text = node.value
        if len(text) > MAX_SCALAR:
            message = f"a value of more than {MAX_SCALAR:,} characters"
            self.refuse(mark, "yaml.long-scalar", message, "shorten it; no property takes so much")
        if node.tag is _PLAIN:
            data = resolve(text)
            if isinstance(data, float):
                if alias is None:
                    self.problem(mark, *_FRACTION)
            elif data is not text:
                self.texts[path] = text
                return data
        else:
            self.check_quoted(node, mark, alias)
        return _once(text)

    def check_quoted(self, node: Any, mark: Position, alias: Position | None) -> None:
        """Check the tag, and what an escape in double quotes may have brought in; the rest was seen before."""
        if node.style == '"' and alias is None and (strange := find_strange(node.value)):
            self.problem(mark, "yaml.character", f"{strange.name} may not stand in a text", REMEDY)
        if node.tag not in _STRING:
            self.bad_tag(mark, alias)

    def bad_tag(self, mark: Position, alias: Position | None) -> None:
        if alias is None:
            # Its name is not repeated: a password may begin with an exclamation mark.
            remedy = "remove it, or quote a value that starts with `!`"
            self.problem(mark, "yaml.tag", "a tag has no meaning here", remedy)

    def refuse(self, mark: Position, rule: str, message: str, remedy: str) -> NoReturn:
        self.problem(mark, rule, message, remedy)
        raise _Refused

    def problem(self, mark: Position, rule: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(Location(self.file, *mark), rule, message, remedy))


_once = keeping_once(str)
"""Definitions resemble each other: what ten thousand of them have in common is kept once."""


_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL_HEX = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_STARTS = frozenset({"", *"~nNtTfF+-.0123456789"})
"""How everything begins that is no string: what begins otherwise needs no second look."""
_LONGEST_NUMBER = 40
"""Digits beyond this are text: no property is such a number, and converting them costs time without bound."""


@lru_cache(1000)
def is_text(key: str) -> bool:
    """Whether a plain scalar is a string."""
    return isinstance(resolve(key), str)


def resolve(text: str) -> Any:
    """What a plain scalar means."""
    if text[:1] not in _STARTS or len(text) > _LONGEST_NUMBER:
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
    if _SPECIAL.match(text):
        return float(text.lower().replace(".", ""))
    return text


def as_text(value: str | int) -> str:
    """The canonical text of a scalar: what is sent for a number or a boolean."""
    return str(value).lower() if isinstance(value, bool) else str(value)
