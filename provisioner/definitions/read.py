"""The folder of definitions -> what they ask for on each target, and all that is wrong with them.

A few files at a time are worked on from their texts to what they ask for, stage by stage, which is a fifth faster than
file by file; what they were parsed into is dropped, so that thousands take little memory.

Definitions x target -> desired base connections; the rules that hold across files. Pure.

``validate`` and ``plan`` run the same code: with no environment given, every ``env()`` stays symbolic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from provisioner.definitions import connection_string, files, schema
from provisioner.definitions.definition import Definition, DefinitionParser, ParsedDefinition, between, repeated
from provisioner.definitions.desired import (
    CONNECTION_STRING,
    PREVENT_DESTROY,
    Desired,
    Rendered,
    place_of,
    plain,
    render_leaf,
)
from provisioner.definitions.fields import STAND_IN, is_plain, is_sensitive, with_likely_spec, with_values
from provisioner.definitions.loader import Document, Position, parse
from provisioner.definitions.project import CONNECTIONS, Project, Target
from provisioner.definitions.schema import WRITTEN
from provisioner.model import MYSQL_SPEC_ID, MYSQL_SPEC_VERSION, Cloud, Location, Problem
from provisioner.progress import SILENT, Progress
from provisioner.secrets import Sensitive, Symbolic, Value

TOGETHER = 100
"""Files that are worked on together."""


@dataclass(frozen=True, slots=True)
class Read:
    """``texts`` are those of all files that could be read, by path; ``definitions`` those of them that could be parsed;
    ``problems`` are with the files as such; ``built`` is what is asked for on each of the targets, in their order."""

    texts: Mapping[str, str]
    definitions: tuple[Definition, ...]
    problems: tuple[Problem, ...]
    built: tuple[Built, ...]


def read(
    project: Project, targets: tuple[Target, ...], environment: Mapping[str, str], progress: Progress = SILENT
) -> Read:
    """Read every definition of the project and apply it to each of the targets that it is for."""
    entries, found = files.list_tree(project.connections, CONNECTIONS)
    problems, texts, definitions = list(found), dict[str, str](), list[Definition]()
    definer = DefinitionParser(project)
    builders = [Builder(target, environment) for target in targets]
    built: list[list[Built]] = [[] for _ in targets]
    more = progress.of("definitions read", len(entries))
    more(0)
    for start in range(0, len(entries), TOGETHER):
        chunk = entries[start : start + TOGETHER]
        contents = [(entry, files.read_entry(entry, project.connections)) for entry in chunk]
        problems += [text for _, text in contents if isinstance(text, Problem)]
        texts |= {entry.file: text for entry, text in contents if isinstance(text, str)}
        documents = [(entry, parse(entry.file, text)) for entry, text in contents if isinstance(text, str)]
        defined = [definer.define(document, entry.stem) for entry, document in documents]
        declared = [one for one in defined if isinstance(one, ParsedDefinition)]
        problems += [
            problem for one in defined for problem in (one.problems if isinstance(one, ParsedDefinition) else one)
        ]
        definitions += [one.definition for one in declared]
        for parts, builder in zip(built, builders, strict=True):
            parts += [builder.build(one) for one in declared]
        more(len(chunk))
    whole = tuple(definitions)
    return Read(texts, whole, (*problems, *between(whole)), tuple(map(joined, built)))


DEFAULT_PORT = "3306"
"""MySQL's own; what the service assumes is not documented, so it is always sent."""

DEFAULT_AWS_SSL_MODE = "false"
"""Documented for AWS. On Azure no default is documented, and nothing is sent that was not written."""


class Named(NamedTuple):
    """The name of a base connection on a target, and where it stands."""

    name: Value
    location: Location


@dataclass(frozen=True, slots=True)
class Built:
    """What the definitions ask for, by key, and what is wrong with them.

    ``names`` and ``secrets``, the sensitive values that were read, are those of definitions with problems too;
    ``private`` came from the environment as well and is no secret by itself, such as a host.
    """

    desired: tuple[Desired, ...]
    names: tuple[Named, ...]
    problems: tuple[Problem, ...]
    secrets: tuple[Sensitive, ...]
    private: tuple[Sensitive, ...]


NOTHING = Built((), (), (), (), ())


class Builder:
    """Applies definitions to a target.

    ``environment`` holds the variables that may be read at all; one that is absent or empty gives a ``Symbolic``.
    """

    def __init__(self, target: Target, environment: Mapping[str, str]) -> None:
        self._target, self._environment = target, environment
        self._checker = schema.Checker(schema.narrowed(target.cloud))

    def build(self, declared: ParsedDefinition) -> Built:
        """Return what one definition asks for; nothing where it is not for this target."""
        definition, document = declared.definition, declared.document
        if not definition.is_for(self._target.name):
            return NOTHING
        problems: list[Problem] = []
        fields: list[Rendered] = []
        secrets: list[Sensitive] = []
        private: list[Sensitive] = []
        for leaf in declared.fields:
            if is_plain(leaf):
                fields.append(plain(leaf))
                continue
            rendered, found, read = render_leaf(leaf, self._target, self._environment)
            known = secrets if is_sensitive(leaf.field) else private
            known.extend(read)
            problems.extend(found)
            if rendered is not None:
                fields.append(rendered)
                if isinstance(rendered.value, Sensitive):
                    known.append(rendered.value)
        problems.extend(self._schema_problems(declared, fields, problems))
        names = tuple(Named(one.value, one.leaf.location) for one in fields if one.leaf.field == "name")
        if problems or not definition.sound:
            return Built((), names, tuple(problems), tuple(secrets), tuple(private))
        desired = _desired(definition, document, self._target, fields)
        known_secrets = dict.fromkeys((*secrets, *(secret for _, secret in desired.secrets)))
        return Built((desired,), names, (), tuple(known_secrets), tuple(private))

    def _schema_problems(
        self, declared: ParsedDefinition, fields: Sequence[Rendered], known: Iterable[Problem]
    ) -> Iterator[Problem]:
        """Yield what the schema says of what the target makes of a file; not what it says of the file itself."""
        broken = declared.broken
        if len(fields) < len(declared.fields):
            done = {one.leaf for one in fields}
            broken += tuple(leaf for leaf in declared.fields if leaf not in done)
        held = [*((one.leaf, one.held) for one in fields), *((leaf, STAND_IN) for leaf in broken)]
        sources = {one.leaf.rule_path: one.source for one in fields if one.source is not WRITTEN}
        data = with_likely_spec(with_values(declared.document, held))
        found = self._checker.check(declared.document, data, sources)
        if found:
            unread = {problem.location for problem in declared.document.problems}
            said = {(problem.location, problem.rule) for problem in (*declared.problems, *known)}
            for problem in found:
                if problem.location not in unread and (problem.location, problem.rule) not in said:
                    yield problem


def joined(parts: Iterable[Built]) -> Built:
    """What many definitions ask for on one target, with what is wrong with them beside each other."""
    parts = tuple(parts)
    desired = [one for part in parts for one in part.desired]
    names = tuple(name for part in parts for name in part.names)
    return Built(
        tuple(sorted(desired, key=lambda one: one.key)),
        names,
        (*(problem for part in parts for problem in part.problems), *_duplicate_names(names)),
        tuple(secret for part in parts for secret in part.secrets),
        tuple(value for part in parts for value in part.private),
    )


PositionedValue: TypeAlias = tuple[Value, Position]
"""The value of a field, and where it stands."""


def _desired(definition: Definition, document: Document, target: Target, rendered: Sequence[Rendered]) -> Desired:
    entries: dict[str, PositionedValue] = {one.leaf.field: (one.value, one.leaf.mark) for one in rendered}
    entries |= _fixed(document)
    entries |= dict(_defaults(document, target, entries))
    fields = _in_order(tuple(entries))
    texts, symbols = dict[str, str](), dict[str, Symbolic]()
    for field in fields:
        value, _ = entries[field]
        if isinstance(value, Symbolic):
            symbols[field] = value
        elif value:
            texts[field] = value
    return Desired(
        definition.key,
        document.value_location(()),
        texts,
        symbols,
        _places(fields, tuple([entries[field][1] for field in fields])),
        _keywords(document, rendered, fields),
        definition.moved_from,
    )


def _defaults(document: Document, target: Target, written: Collection[str]) -> Iterator[tuple[str, PositionedValue]]:
    """What is sent although the file does not say it."""
    params, mark = document.data["auth"]["params"], document.key_position(("auth", "params"))
    if target.cloud is Cloud.AWS and "sslMode" not in params:
        yield "auth.params.sslMode", (DEFAULT_AWS_SSL_MODE, mark)
    for port, is_meant in (
        (f"{CONNECTION_STRING}.port", isinstance(params.get("connectionString"), dict)),
        ("auth.params.port", "connectionString" not in params),
    ):
        if is_meant and port not in written:
            yield port, (DEFAULT_PORT, mark)


def _fixed(document: Document) -> Iterator[tuple[str, PositionedValue]]:
    """The fields that are never templates."""
    spec = document.data.get("connectionSpec", {"id": MYSQL_SPEC_ID, "version": MYSQL_SPEC_VERSION})
    yield "auth.specName", (document.data["auth"]["specName"], document.value_position(("auth", "specName")))
    for part in ("id", "version"):
        yield f"connectionSpec.{part}", (spec[part], document.value_position(("connectionSpec", part)))
    if document.data.get("lifecycle", {}).get("preventDestroy"):
        yield PREVENT_DESTROY, ("true", document.value_position(("lifecycle", "preventDestroy")))


def _keywords(document: Document, rendered: Iterable[Rendered], fields: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """As they are written in text form; the mapping form is written as Adobe's page writes it: the five parts in its
    order, then the options by name."""
    if not isinstance(document.data["auth"]["params"].get("connectionString"), dict):
        return tuple((one.leaf.keyword, one.leaf.field) for one in rendered if one.leaf.keyword)
    present = {field for field in fields if field.startswith(f"{CONNECTION_STRING}.")}
    documented = [(word, f"{CONNECTION_STRING}.{part}") for part, word in connection_string.WRITTEN.items()]
    options = sorted(path for path in present if path.startswith(f"{CONNECTION_STRING}.options."))
    prefix = len(f"{CONNECTION_STRING}.options.")
    return (
        *((word, path) for word, path in documented if path in present),
        *((path[prefix:], path) for path in options),
    )


@lru_cache(1000)
def _places(fields: tuple[str, ...], marks: tuple[Position, ...]) -> Mapping[str, Position]:
    """Return a mapping that definitions share in which everything stands at the same places."""
    return dict(zip(fields, marks, strict=True))


@lru_cache(1000)
def _in_order(fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return fields in the order in which they are shown."""
    return tuple(sorted(fields, key=place_of))


def _duplicate_names(names: Iterable[Named]) -> Iterator[Problem]:
    shown = (one for one in names if isinstance(one.name, str) and one.name)
    for one, other in repeated(shown, lambda named: str(named.name)):
        message = f"the name `{one.name}` is taken by {other.location.file}"
        remedy = "give each base connection of a target a name of its own"
        yield Problem(one.location, "definition.duplicate-name", message, remedy)
