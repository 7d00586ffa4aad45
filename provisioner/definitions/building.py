"""Definitions x target -> desired base connections; the rules that hold across files. Pure.

``validate`` and ``plan`` run the same code: with no environment given, every ``env()`` stays symbolic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

from provisioner.definitions import connection_string, schema
from provisioner.definitions.definition import Definition, repeated
from provisioner.definitions.desired import CONNECTION_STRING, PREVENT_DESTROY, Desired, place_of
from provisioner.definitions.documents import Document, Mark, Path
from provisioner.definitions.leaves import Leaf, is_plain, is_sensitive, leaves_of, render_leaf
from provisioner.definitions.project import Project, Target
from provisioner.model import MYSQL_SPEC_ID, MYSQL_SPEC_VERSION, Cloud, Json, Problem
from provisioner.sensitive import Sensitive, Symbolic, Value

DEFAULT_PORT = "3306"
"""MySQL's own; what the service assumes is not documented, so it is always sent."""

DEFAULT_AWS_SSL_MODE = "false"
"""Documented for AWS. On Azure no default is documented, and nothing is sent that was not written."""


@dataclass(frozen=True, slots=True)
class Built:
    """What the definitions ask for, by key, and what is wrong with them. ``secrets`` are the sensitive values that were
    read, also for definitions with problems; ``private`` came from the environment too and is no secret by itself, such
    as a host."""

    desired: tuple[Desired, ...]
    problems: tuple[Problem, ...]
    secrets: tuple[Sensitive, ...]
    private: tuple[Sensitive, ...]


NOTHING = Built((), (), (), ())


class Builder:
    """Applies definitions to a target.

    ``environment`` holds the variables that may be read at all; one that is absent or empty gives a ``Symbolic``.
    """

    def __init__(self, project: Project, target: Target, environment: Mapping[str, str]) -> None:
        self._project, self._target, self._environment = project, target, environment
        self._checker = schema.Checker(schema.narrowed(target.cloud))

    def build(self, definition: Definition, document: Document) -> Built:
        """Return what one definition asks for; nothing where it is not for this target."""
        if not definition.is_for(self._target.name):
            return NOTHING
        leaves, problems = leaves_of(document)
        fields: list[tuple[Leaf, Value]] = []
        secrets: list[Sensitive] = []
        private: list[Sensitive] = []
        for leaf in leaves:
            if is_plain(leaf):
                fields.append((leaf, leaf.text))
                continue
            rendered, read = render_leaf(leaf, definition.called, self._project, self._target, self._environment)
            known = secrets if is_sensitive(leaf.field) else private
            known.extend(read)
            if isinstance(rendered, Problem):
                problems.append(rendered)
            else:
                fields.append((leaf, rendered))
                if isinstance(rendered, Sensitive):
                    known.append(rendered)
        if not problems and definition.sound:
            problems.extend(self._checker.check(document, _rendered(document, fields)))
        if problems or not definition.sound:
            return Built((), tuple(problems), tuple(secrets), tuple(private))
        desired = _desired(definition, document, self._target, fields)
        known_secrets = dict.fromkeys((*secrets, *(secret for _, secret in desired.secrets)))
        return Built((desired,), (), tuple(known_secrets), tuple(private))


def joined(parts: Iterable[Built]) -> Built:
    """What many definitions ask for on one target, with what is wrong with them beside each other."""
    parts = tuple(parts)
    desired = [one for part in parts for one in part.desired]
    return Built(
        tuple(sorted(desired, key=lambda one: one.key)),
        (*(problem for part in parts for problem in part.problems), *_duplicate_names(desired)),
        tuple(secret for part in parts for secret in part.secrets),
        tuple(value for part in parts for value in part.private),
    )


def _rendered(document: Document, fields: Iterable[tuple[Leaf, Value]]) -> Json:
    """The document with rendered leaves; what is not known keeps its template, which every schema admits.

    A connection string in text form becomes the mapping of its parts, so that the same rules hold for them.
    """
    copies: dict[Path, Any] = {(): dict(document.data)}
    for leaf, value in fields:
        known = _known(value, leaf.text)
        if known == leaf.text and not leaf.keyword:
            continue
        if leaf.keyword and leaf.rule_path[-1] == "port" and not leaf.text.isdecimal():
            continue  # Adobe's page writes `Port={PORT}`, and so may a definition; a number has to be a port
        *above, last = leaf.rule_path
        holder = _copied(copies, tuple(above))
        if isinstance(holder.get(last, ""), str):
            holder[last] = known
    data: Json = copies[()]
    return data


def _known(value: Value, otherwise: str) -> str:
    if isinstance(value, Sensitive):
        return value.reveal()
    return otherwise if isinstance(value, Symbolic) else value


def _copied(copies: dict[Path, Any], path: Path) -> Any:
    """The mapping at a path, as a copy that is in the copy of what holds it: what nobody writes to is not copied."""
    if path not in copies:
        outer = _copied(copies, path[:-1])
        inner = outer.get(path[-1])
        copies[path] = outer[path[-1]] = dict(inner) if isinstance(inner, dict) else {}
    return copies[path]


Entry: TypeAlias = tuple[Value, Mark]
"""The value of a field, and where it stands."""


def _desired(
    definition: Definition, document: Document, target: Target, rendered: Sequence[tuple[Leaf, Value]]
) -> Desired:
    entries: dict[str, Entry] = {leaf.field: (value, leaf.mark) for leaf, value in rendered}
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
        document.value_at(()),
        texts,
        symbols,
        _places(fields, tuple([entries[field][1] for field in fields])),
        _keywords(document, rendered, fields),
        definition.moved_from,
    )


def _defaults(document: Document, target: Target, written: Collection[str]) -> Iterator[tuple[str, Entry]]:
    """What is sent although the file does not say it."""
    params, mark = document.data["auth"]["params"], document.key_mark(("auth", "params"))
    if target.cloud is Cloud.AWS and "sslMode" not in params:
        yield "auth.params.sslMode", (DEFAULT_AWS_SSL_MODE, mark)
    for port, is_meant in (
        (f"{CONNECTION_STRING}.port", isinstance(params.get("connectionString"), dict)),
        ("auth.params.port", "connectionString" not in params),
    ):
        if is_meant and port not in written:
            yield port, (DEFAULT_PORT, mark)


def _fixed(document: Document) -> Iterator[tuple[str, Entry]]:
    """The fields that are never templates."""
    spec = document.data.get("connectionSpec", {"id": MYSQL_SPEC_ID, "version": MYSQL_SPEC_VERSION})
    yield "auth.specName", (document.data["auth"]["specName"], document.value_mark(("auth", "specName")))
    for part in ("id", "version"):
        yield f"connectionSpec.{part}", (spec[part], document.value_mark(("connectionSpec", part)))
    if document.data.get("lifecycle", {}).get("preventDestroy"):
        yield PREVENT_DESTROY, ("true", document.value_mark(("lifecycle", "preventDestroy")))


def _keywords(
    document: Document, rendered: Iterable[tuple[Leaf, Value]], fields: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """As they are written in text form; the mapping form is written as Adobe's page writes it: the five parts in its
    order, then the options by name."""
    if not isinstance(document.data["auth"]["params"].get("connectionString"), dict):
        return tuple((leaf.keyword, leaf.field) for leaf, _ in rendered if leaf.keyword)
    present = {field for field in fields if field.startswith(f"{CONNECTION_STRING}.")}
    documented = [(word, f"{CONNECTION_STRING}.{part}") for part, word in connection_string.WRITTEN.items()]
    options = sorted(path for path in present if path.startswith(f"{CONNECTION_STRING}.options."))
    prefix = len(f"{CONNECTION_STRING}.options.")
    return (
        *((word, path) for word, path in documented if path in present),
        *((path[prefix:], path) for path in options),
    )


@lru_cache(1000)
def _places(fields: tuple[str, ...], marks: tuple[Mark, ...]) -> Mapping[str, Mark]:
    """Return a mapping that definitions share in which everything stands at the same places."""
    return dict(zip(fields, marks, strict=True))


@lru_cache(1000)
def _in_order(fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return fields in the order in which they are shown."""
    return tuple(sorted(fields, key=place_of))


def _duplicate_names(desired: Iterable[Desired]) -> Iterator[Problem]:
    for one, other in repeated(desired, attrgetter("name")):
        message = f"the name `{one.name}` is taken by {other.location.file}"
        remedy = "give each base connection of a target a name of its own"
        yield Problem(one.location_of("name"), "definition.duplicate-name", message, remedy)
