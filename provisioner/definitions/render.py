"""Read the folder of definitions and render it for each target: desired base connections, and all problems.

``validate`` and ``plan`` run the same code. Without an environment, every ``env()`` stays symbolic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from provisioner.definitions import connection_string, files, schema
from provisioner.definitions.definition import Definition, DefinitionParser, ParsedDefinition, duplicates, key_conflicts
from provisioner.definitions.desired import (
    CONNECTION_STRING,
    PREVENT_DESTROY,
    Desired,
    Rendered,
    display_order,
    plain,
    render_field,
)
from provisioner.definitions.fields import STAND_IN, is_plain, is_sensitive, with_likely_spec, with_values
from provisioner.definitions.project import CONNECTIONS, Project, Target
from provisioner.definitions.schema import IN_DOCUMENT
from provisioner.definitions.yaml_loader import Document, Position, parse
from provisioner.model import MYSQL_SPEC_ID, MYSQL_SPEC_VERSION, Cloud, Location, Problem
from provisioner.progress import SILENT, Progress
from provisioner.secrets import Sensitive, Symbolic, Value

TOGETHER = 100
"""Files processed together, stage by stage: a fifth faster than file by file. Their documents are dropped afterwards,
so that thousands of definitions take little memory."""

DEFAULT_PORT = "3306"
"""The default of MySQL. That of the service is not documented, so the port is always sent."""

DEFAULT_AWS_SSL_MODE = "false"
"""Documented for AWS. For Azure no default is documented, and none is sent."""


class Named(NamedTuple):
    """The name of a base connection on a target, and its location."""

    name: Value
    location: Location


@dataclass(frozen=True, slots=True)
class RenderedDefinitions:
    """Definitions rendered for one target: the desired base connections by key, and the problems.

    ``names`` and ``secrets``, the sensitive values that were read, include those of definitions with problems.
    ``private`` values came from the environment too, but are not secret by themselves, such as a host.
    """

    desired: tuple[Desired, ...]
    names: tuple[Named, ...]
    problems: tuple[Problem, ...]
    secrets: tuple[Sensitive, ...]
    private: tuple[Sensitive, ...]


NOTHING = RenderedDefinitions((), (), (), (), ())


@dataclass(frozen=True, slots=True)
class ReadResult:
    """``texts`` of all files that could be read, by path; ``definitions`` of those that could be parsed; ``problems``
    that are independent of a target; ``by_target``, in the order of the targets."""

    texts: Mapping[str, str]
    definitions: tuple[Definition, ...]
    problems: tuple[Problem, ...]
    by_target: tuple[RenderedDefinitions, ...]


def read(
    project: Project, targets: tuple[Target, ...], environment: Mapping[str, str], progress: Progress = SILENT
) -> ReadResult:
    """Read every definition of the project, and render it for each of the targets that it applies to."""
    entries, tree_problems = files.list_definitions(project.connections, CONNECTIONS)
    problems, texts, definitions = list(tree_problems), dict[str, str](), list[Definition]()
    parser = DefinitionParser(project)
    renderers = [DefinitionRenderer(target, environment) for target in targets]
    by_target: list[list[RenderedDefinitions]] = [[] for _ in targets]
    advance = progress.of("definitions read", len(entries))
    advance(0)
    for start in range(0, len(entries), TOGETHER):
        chunk = entries[start : start + TOGETHER]
        contents = [(entry, files.read_entry(entry, project.connections)) for entry in chunk]
        problems += [content for _, content in contents if isinstance(content, Problem)]
        texts |= {entry.file: content for entry, content in contents if isinstance(content, str)}
        documents = [(entry, parse(entry.file, text)) for entry, text in contents if isinstance(text, str)]
        results = [parser.parse(document, entry.stem) for entry, document in documents]
        parsed = [result for result in results if isinstance(result, ParsedDefinition)]
        for result in results:
            problems += result.problems if isinstance(result, ParsedDefinition) else result
        definitions += [result.definition for result in parsed]
        for parts, renderer in zip(by_target, renderers, strict=True):
            parts += [renderer.render(result) for result in parsed]
        advance(len(chunk))
    problems += key_conflicts(tuple(definitions))
    return ReadResult(texts, tuple(definitions), tuple(problems), tuple(map(_joined, by_target)))


def _joined(parts: Iterable[RenderedDefinitions]) -> RenderedDefinitions:
    """Return all definitions of one target as one value, with the problems between them."""
    parts = tuple(parts)
    names = tuple(name for part in parts for name in part.names)
    problems = [problem for part in parts for problem in part.problems]
    known_names = (named for named in names if isinstance(named.name, str) and named.name)
    for named, first in duplicates(known_names, lambda named: str(named.name)):
        message = f"the name `{named.name}` is already used by {first.location.file}"
        remedy = "give each base connection of a target a name of its own"
        problems.append(Problem(named.location, "definition.duplicate-name", message, remedy))
    return RenderedDefinitions(
        tuple(sorted((desired for part in parts for desired in part.desired), key=lambda desired: desired.key)),
        names,
        tuple(problems),
        tuple(secret for part in parts for secret in part.secrets),
        tuple(value for part in parts for value in part.private),
    )


class DefinitionRenderer:
    """Renders definitions for a target.

    ``environment`` holds the variables that may be read; one that is missing or empty becomes a ``Symbolic``.
    """

    def __init__(self, target: Target, environment: Mapping[str, str]) -> None:
        self._target, self._environment = target, environment
        self._checker = schema.Checker(schema.narrowed(target.cloud))

    def render(self, parsed: ParsedDefinition) -> RenderedDefinitions:
        """Return one definition rendered for the target; ``NOTHING`` if it does not apply to it."""
        definition = parsed.definition
        if not definition.is_for(self._target.name):
            return NOTHING
        problems: list[Problem] = []
        rendered_fields: list[Rendered] = []
        secrets: list[Sensitive] = []
        private: list[Sensitive] = []
        for field in parsed.fields:
            if is_plain(field):
                rendered_fields.append(plain(field))
                continue
            rendered, field_problems, variables = render_field(field, self._target, self._environment)
            values = secrets if is_sensitive(field.name) else private
            values.extend(variables)
            problems.extend(field_problems)
            if rendered is not None:
                rendered_fields.append(rendered)
                if isinstance(rendered.value, Sensitive):
                    values.append(rendered.value)
        problems.extend(self._schema_problems(parsed, rendered_fields, problems))
        names = tuple(Named(item.value, item.field.location) for item in rendered_fields if item.field.name == "name")
        if problems or not definition.sound:
            return RenderedDefinitions((), names, tuple(problems), tuple(secrets), tuple(private))
        desired = _desired(definition, parsed.document, self._target, rendered_fields)
        all_secrets = dict.fromkeys((*secrets, *(secret for _, secret in desired.secrets)))
        return RenderedDefinitions((desired,), names, (), tuple(all_secrets), tuple(private))

    def _schema_problems(
        self, parsed: ParsedDefinition, rendered_fields: Sequence[Rendered], known: Iterable[Problem]
    ) -> list[Problem]:
        """Return the schema's problems with the rendered definition, without those that the file itself has."""
        broken = parsed.broken
        if len(rendered_fields) < len(parsed.fields):
            sound = {rendered.field for rendered in rendered_fields}
            broken += tuple(field for field in parsed.fields if field not in sound)
        values = [(rendered.field, rendered.checked_text) for rendered in rendered_fields]
        values += [(field, STAND_IN) for field in broken]
        sources = {item.field.rule_path: item.source for item in rendered_fields if item.source is not IN_DOCUMENT}
        data = with_likely_spec(with_values(parsed.document, values))
        problems = self._checker.check(parsed.document, data, sources)
        if not problems:
            return []
        unreadable = {problem.location for problem in parsed.document.problems}
        reported = {(problem.location, problem.rule) for problem in (*parsed.problems, *known)}
        return [
            problem
            for problem in problems
            if problem.location not in unreadable and (problem.location, problem.rule) not in reported
        ]


PositionedValue: TypeAlias = tuple[Value, Position]


def _desired(
    definition: Definition, document: Document, target: Target, rendered_fields: Sequence[Rendered]
) -> Desired:
    values: dict[str, PositionedValue]
    values = {rendered.field.name: (rendered.value, rendered.field.position) for rendered in rendered_fields}
    values |= dict(_other_values(document, target, values))
    paths = _in_display_order(tuple(values))
    texts, symbols = dict[str, str](), dict[str, Symbolic]()
    for path in paths:
        value, _ = values[path]
        if isinstance(value, Symbolic):
            symbols[path] = value
        elif value:
            texts[path] = value
    return Desired(
        definition.key,
        document.value_location(()),
        texts,
        symbols,
        _shared_positions(paths, tuple([values[path][1] for path in paths])),
        _keywords(document, rendered_fields, paths),
        definition.moved_from,
    )


def _other_values(
    document: Document, target: Target, written: Collection[str]
) -> Iterator[tuple[str, PositionedValue]]:
    """Yield the values that are not template fields: those that are always literal, and defaults."""
    data, params = document.data, document.data["auth"]["params"]
    yield "auth.specName", (data["auth"]["specName"], document.value_position(("auth", "specName")))
    spec = data.get("connectionSpec", {"id": MYSQL_SPEC_ID, "version": MYSQL_SPEC_VERSION})
    for part in ("id", "version"):
        yield f"connectionSpec.{part}", (spec[part], document.value_position(("connectionSpec", part)))
    if data.get("lifecycle", {}).get("preventDestroy"):
        yield PREVENT_DESTROY, ("true", document.value_position(("lifecycle", "preventDestroy")))
    position = document.key_position(("auth", "params"))
    if target.cloud is Cloud.AWS and "sslMode" not in params:
        yield "auth.params.sslMode", (DEFAULT_AWS_SSL_MODE, position)
    if "connectionString" not in params:
        port = "auth.params.port"
    elif isinstance(params["connectionString"], dict):
        port = f"{CONNECTION_STRING}.port"
    else:  # a connection string in text form gets no default
        return
    if port not in written:
        yield port, (DEFAULT_PORT, position)


def _keywords(
    document: Document, rendered_fields: Iterable[Rendered], paths: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """Return keywords and paths of the parts of a connection string. The text form keeps its own; the mapping form is
    written in the order of Adobe's page, followed by the options by name."""
    if not isinstance(document.data["auth"]["params"].get("connectionString"), dict):
        return tuple((item.field.keyword, item.field.name) for item in rendered_fields if item.field.keyword)
    present = {path for path in paths if path.startswith(f"{CONNECTION_STRING}.")}
    documented = [(word, f"{CONNECTION_STRING}.{part}") for part, word in connection_string.WRITTEN.items()]
    prefix = f"{CONNECTION_STRING}.options."
    options = sorted(path for path in present if path.startswith(prefix))
    return (
        *((word, path) for word, path in documented if path in present),
        *((path.removeprefix(prefix), path) for path in options),
    )


@lru_cache(1000)
def _shared_positions(paths: tuple[str, ...], positions: tuple[Position, ...]) -> Mapping[str, Position]:
    """Return a mapping that all definitions with the same layout share."""
    return dict(zip(paths, positions, strict=True))


@lru_cache(1000)
def _in_display_order(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(paths, key=display_order))
