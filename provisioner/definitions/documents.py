"""YAML text -> plain data, with the position of every key and value. The only module that imports yaml.

libyaml's events are built into data here rather than by a PyYAML loader, because a loader follows YAML 1.1 (``no`` is
false, ``03306`` is octal), keeps the last of two equal keys and forgets where things stood.

Scalars follow the YAML 1.2 core schema. The source text of every plain scalar that is not a string is kept, so that
``007`` can be told from ``7``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NoReturn, TypeAlias

from provisioner.definitions.characters import REMEDY, find_strange
from provisioner.definitions.scalars import is_text, resolve
from provisioner.definitions.yaml_errors import MAX_DEPTH, TOO_DEEP, reader_problem, source_line, syntax_problem
from provisioner.model import Location, Problem
from provisioner.once import keeping_once

Path: TypeAlias = tuple[str | int, ...]
Mark: TypeAlias = tuple[int, int]
"""Line and column."""
Place: TypeAlias = tuple[int, ...]
"""Line and column of a value, then those of its key where it has one."""

MAX_NODES = 10_000
"""Nodes in one document, aliases counted as what they expand to. A definition has about twenty."""

MAX_SCALAR = 64 * 1024
MAX_KEY = 256
"""Characters. A connection string with every option set stays far below it; so does the longest template."""


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file. ``data`` is None when it could not be read to the end; ``problems`` then say why.

    ``places`` give line and column, counted from 1, of the value and of its key, by path; ``texts`` the source text of
    plain scalars that are not strings. Both are filled once by ``parse`` and only read afterwards.
    """

    file: str
    text: str
    data: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def value_mark(self, path: Path) -> Mark:
        """That of the value; of the nearest enclosing one for what is missing or came in by an alias."""
        while (place := self.places.get(path)) is None and path:
            path = path[:-1]
        return (place[0], place[1]) if place else (1, 1)

    def key_mark(self, path: Path) -> Mark:
        """That of the key of this path."""
        place = self.places.get(path, ())
        return (place[2], place[3]) if len(place) == 4 else self.value_mark(path)

    def value_at(self, path: Path) -> Location:
        """Where the value stands."""
        return Location(self.file, *self.value_mark(path))

    def key_at(self, path: Path) -> Location:
        """Where the key of this path stands."""
        return Location(self.file, *self.key_mark(path))

    def line(self, number: int) -> str:
        """The source line with this number, counted from 1."""
        return source_line(self.text, number)


def parse(file: str, text: str) -> Document:
    """Read one document. Never raises: what is wrong is in ``problems``, each with its position."""
    import yaml

    builder = _Builder(file)
    strange = find_strange(text)
    if strange:
        before = text[: strange.index]
        mark = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        builder.problem(mark, "yaml.character", f"{strange.name} may not stand here", REMEDY)
        return Document(file, text, problems=tuple(builder.problems))
    loader = getattr(yaml, "CLoader", yaml.Loader)(text)
    try:
        data = builder.document(iter(loader.get_event, None))
    except yaml.MarkedYAMLError as error:
        builder.problems.append(syntax_problem(file, text, error))
        data = None
    except yaml.reader.ReaderError as error:
        builder.problems.append(reader_problem(file, text, error))
        data = None
    except _Refused:
        data = None
    finally:
        loader.dispose()
    return Document(file, text, data, builder.places, builder.texts, tuple(builder.problems))


def holds_fraction(document: Document) -> bool:
    """Whether a number in it is written with a fraction or an exponent, also one of zero."""
    return any(isinstance(resolve(text), float) for text in document.texts.values())


class _Refused(Exception):
    """The rest of the document is not worth reading; the problem is recorded."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    """``texts`` are those of plain scalars in it, by their path below it."""

    data: Any
    nodes: int
    texts: tuple[tuple[Path, str], ...] = ()


class _Builder:
    """Builds data from events and records positions on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[Path, Place] = {}
        self.texts: dict[Path, str] = {}
        self.problems: list[Problem] = []
        self.anchors: dict[str, _Anchored | None] = {}
        self.nodes = 0
        self.kinds: Any = None

    def document(self, events: Iterator[Any]) -> Any:
        import yaml

        self.kinds = yaml.events
        data: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.refuse(
                        event, "yaml.several-documents", "a second document starts here", "one file, one document"
                    )
            elif isinstance(event, yaml.NodeEvent):
                data = self.node(event, events, ())
        if documents == 0 or self.is_blank(data):
            self.problem((1, 1), "yaml.empty", "the file is empty", "write a definition, or remove the file")
        return data

    def is_blank(self, data: Any) -> bool:
        return data is None and not self.texts.get(())

    def node(self, event: Any, events: Iterator[Any], path: Path, key: Mark | tuple[()] = ()) -> Any:
        self.places[path] = (*_mark(event), *key)
        self.nodes += 1
        if self.nodes > MAX_NODES or len(path) > MAX_DEPTH:
            self.refuse_more(event)
        if event.anchor:
            return self.anchored(event, events, path)
        if event.__class__ is self.kinds.ScalarEvent:
            return self.scalar(event, path)
        return self.content(event, events, path)

    def anchored(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        if isinstance(event, self.kinds.AliasEvent):
            return self.alias(event, path)
        self.anchors[event.anchor] = None  # set once complete: an alias to it before that is a loop
        nodes, texts = self.nodes, len(self.texts)
        data = self.content(event, events, path)
        inside = ((known[len(path) :], text) for known, text in islice(self.texts.items(), texts, None))
        self.anchors[event.anchor] = _Anchored(data, self.nodes - nodes + 1, tuple(inside))
        return data

    def content(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        if isinstance(event, self.kinds.ScalarEvent):
            return self.scalar(event, path)
        self.check_tag(event, _COLLECTIONS)
        if isinstance(event, self.kinds.MappingStartEvent):
            return self.mapping(event, events, path)
        return self.sequence(events, path)

    def mapping(self, start: Any, events: Iterator[Any], path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        end = self.kinds.MappingEndEvent
        for event in events:
            if event.__class__ is end:
                break
            key = self.key(start, event)
            child = (*path, key)
            if self.is_usable(event, child, data):
                data[key] = self.node(next(events), events, child, _mark(event))
            else:
                # Read under a path of its own, so that the first of two keeps its positions.
                self.node(next(events), events, (*path, f"{key} (again)"))
        return data

    def key(self, start: Any, event: Any) -> str:
        if event.__class__ is not self.kinds.ScalarEvent:
            self.refuse_key(start, event)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.refuse_more(event)
        if len(event.value) > MAX_KEY:
            self.refuse(event, "yaml.long-key", f"a key of more than {MAX_KEY} characters", "no property is that long")
        if event.style == '"':
            self.check_text(event)
        if event.tag is not None:
            self.check_tag(event, _STRING)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(event.value, 1)
        return sys.intern(event.value)

    def refuse_key(self, start: Any, event: Any) -> NoReturn:
        if isinstance(event, self.kinds.MappingStartEvent) and start.flow_style and event.flow_style:
            remedy = "a template must stand in quotes: \"{{ env('NAME') }}\""
            self.refuse(start, "yaml.unquoted-template", "`{{` opens a mapping inside a mapping", remedy)
        self.refuse(event, "yaml.non-string-key", "a key must be a string", "write a plain word as the key")

    def is_usable(self, event: Any, child: Path, data: dict[str, Any]) -> bool:
        """Whether a key can stand here; if not, why is recorded, once."""
        key = event.value
        plain = event.implicit[0] and event.tag is None
        if plain and not is_text(key):
            problem = ("yaml.non-string-key", f"the key `{key}` is not a string", f'quote it: "{key}"')
        elif plain and key == "<<":
            problem = ("yaml.merge-key", "merge keys are not part of YAML 1.2", "write the properties out")
        elif key in data:
            first = self.places[child][2]
            problem = ("yaml.duplicate-key", f"`{key}` stands twice; the first is on line {first}", "keep one of them")
        else:
            return True
        self.problem(_mark(event), *problem)
        return False

    def sequence(self, events: Iterator[Any], path: Path) -> list[Any]:
        data: list[Any] = []
        while not isinstance(event := next(events), self.kinds.SequenceEndEvent):
            data.append(self.node(event, events, (*path, len(data))))
        return data

    def check_text(self, event: Any) -> None:
        """What an escape in double quotes may have brought in; the rest was seen before."""
        strange = find_strange(event.value)
        if strange:
            self.problem(_mark(event), "yaml.character", f"{strange.name} may not stand in a text", REMEDY)

    def scalar(self, event: Any, path: Path) -> Any:
        if len(event.value) > MAX_SCALAR:
            message = f"a value of more than {MAX_SCALAR:,} characters"
            self.refuse(event, "yaml.long-scalar", message, "shorten it; no property takes so much")
        if event.implicit[0] and event.tag is None:
            data = resolve(event.value)
            if not isinstance(data, str):
                self.texts[path] = event.value
                return data
        else:
            if event.style == '"':
                self.check_text(event)
            self.check_tag(event, _STRING)
        return _once(event.value)

    def check_tag(self, event: Any, admitted: frozenset[str]) -> None:
        if event.tag is not None and event.tag not in admitted:
            # Its name is not repeated: a password may begin with an exclamation mark.
            remedy = "remove it, or quote a value that starts with `!`"
            self.problem(_mark(event), "yaml.tag", "a tag has no meaning here", remedy)

    def alias(self, event: Any, path: Path) -> Any:
        if event.anchor not in self.anchors:
            remedy = "quote a value that starts with `*`"
            self.refuse(event, "yaml.unknown-alias", "the alias refers to no anchor above it", remedy)
        anchored = self.anchors[event.anchor]
        if anchored is None:
            self.refuse(event, "yaml.alias-loop", "the alias contains itself", "write the value out")
        self.nodes += anchored.nodes
        if self.nodes > MAX_NODES:
            self.refuse_more(event)
        self.texts.update(((*path, *below), text) for below, text in anchored.texts)
        return anchored.data

    def refuse_more(self, event: Any) -> NoReturn:
        if self.nodes > MAX_NODES:
            message = f"the document expands to more than {MAX_NODES:,} values"
            self.refuse(event, "yaml.too-large", message, "write the values out instead of repeating aliases")
        self.refuse(event, *TOO_DEEP)

    def refuse(self, event: Any, rule: str, message: str, remedy: str) -> NoReturn:
        self.problem(_mark(event), rule, message, remedy)
        raise _Refused

    def problem(self, mark: Mark, rule: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(Location(self.file, *mark), rule, message, remedy))


def _mark(event: Any) -> Mark:
    start = event.start_mark
    return (start.line + 1, start.column + 1)


_once = keeping_once(str)
"""Definitions resemble each other: what ten thousand of them have in common is kept once."""


_COLLECTIONS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!"})
_STRING = frozenset({"tag:yaml.org,2002:str", "!"})
