"""Definitions x target -> desired base connections; the rules that hold across files. Pure.

``validate`` and ``plan`` run the same code: with no environment given, every ``env()`` stays symbolic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from provisioner.definitions import connection_string, schema
from provisioner.definitions.definition import Definition
from provisioner.definitions.documents import Document, Path
from provisioner.definitions.leaves import Leaf, is_sensitive, leaves_of, render_leaf
from provisioner.definitions.project import Project, Target
from provisioner.model import MYSQL_SPEC_ID, MYSQL_SPEC_VERSION, Cloud, Json, Key, Location, Problem
from provisioner.sensitive import Sensitive, Symbolic, Value

DEFAULT_PORT = "3306"
"""MySQL's own; what the service assumes is not documented, so it is always sent."""

DEFAULT_AWS_SSL_MODE = "false"
"""Documented for AWS. On Azure no default is documented, and nothing is sent that was not written."""

PREVENT_DESTROY = "lifecycle.preventDestroy"
"""The field, ``true`` or absent, of what is not to be deleted. It is recorded, and never sent."""

CONNECTION_STRING = "auth.params.connectionString"


class Field(NamedTuple):
    """One property of a base connection. ``path`` is dotted, such as ``auth.params.server``."""

    path: str
    value: Value
    location: Location


def is_secret(field: Field) -> bool:
    """Whether nobody may read it: not every variable of the environment is a secret, and a literal may be one."""
    return isinstance(field.value, Symbolic) and is_sensitive(field.path)


@dataclass(frozen=True, slots=True)
class Desired:
    """A base connection as it shall be on one target.

    The parts of a connection string are fields below ``auth.params.connectionString``; ``keywords`` then holds the
    keyword to write for each and the field's path, in order. A string that comes whole from the environment is one
    field, and ``keywords`` is empty. ``moved_from`` is the key that it had before, "" where it says none.
    """

    key: Key
    location: Location
    fields: tuple[Field, ...]
    keywords: tuple[tuple[str, str], ...] = ()
    moved_from: Key = ""

    def value(self, path: str) -> Value:
        """The value at a path, "" where there is none."""
        for field in self.fields:
            if field.path == path:
                return field.value
        return ""

    @property
    def name(self) -> str:
        return str(self.value("name"))

    @property
    def unset(self) -> tuple[Field, ...]:
        """The fields whose variables are not set."""
        return tuple(
            field
            for field in self.fields
            if isinstance(field.value, Symbolic) and not isinstance(field.value, Sensitive)
        )

    @property
    def sensitive(self) -> list[tuple[Field, Sensitive]]:
        """What came from the environment and is at hand."""
        return [(field, field.value) for field in self.fields if isinstance(field.value, Sensitive)]

    @property
    def secrets(self) -> Iterator[tuple[Location, Sensitive]]:
        """What nobody may read, as far as it is at hand, and where it is asked for. A connection string that comes
        whole from the environment is followed by the passwords in it."""
        for field, value in self.sensitive:
            if is_secret(field):
                yield field.location, value
                if field.path == CONNECTION_STRING:
                    for inner in connection_string.secrets(value.reveal()):
                        yield field.location, Sensitive(inner, value.origin, value.names)


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

    def build(self, definition: Definition | None, document: Document) -> Built:
        """What one definition asks for; nothing where there is none, or none for this target."""
        if definition is None or not definition.is_for(self._target.name):
            return NOTHING
        leaves, problems = leaves_of(document)
        fields: list[tuple[Leaf, Value]] = []
        secrets: list[Sensitive] = []
        private: list[Sensitive] = []
        for leaf in leaves:
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
        if leaf.keyword and leaf.place[-1] == "port" and not leaf.text.isdecimal():
            continue  # Adobe's page writes `Port={PORT}`, and so may a definition; a number has to be a port
        *above, last = leaf.place
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


def _desired(
    definition: Definition, document: Document, target: Target, rendered: Iterable[tuple[Leaf, Value]]
) -> Desired:
    fields = [Field(leaf.field, value, leaf.location) for leaf, value in rendered]
    keywords = [(leaf.keyword, leaf.field) for leaf, _ in rendered if leaf.keyword]
    fields.extend(_fixed(document))
    params = document.data["auth"]["params"]
    if target.cloud is Cloud.AWS and "sslMode" not in params:
        fields.append(Field("auth.params.sslMode", DEFAULT_AWS_SSL_MODE, document.key_at(("auth", "params"))))
    if isinstance(params.get("connectionString"), dict):
        _add_port(fields, f"{CONNECTION_STRING}.", document)
        keywords = _keywords_of_parts(fields)
    elif "connectionString" not in params:
        _add_port(fields, "auth.params.", document)
    fields.sort(key=_order)
    return Desired(definition.key, document.value_at(()), tuple(fields), tuple(keywords), definition.moved_from)


def _add_port(fields: list[Field], prefix: str, document: Document) -> None:
    if not any(field.path == f"{prefix}port" for field in fields):
        fields.append(Field(f"{prefix}port", DEFAULT_PORT, document.key_at(("auth", "params"))))


def _fixed(document: Document) -> Iterator[Field]:
    """The fields that are never templates."""
    spec = document.data.get("connectionSpec", {"id": MYSQL_SPEC_ID, "version": MYSQL_SPEC_VERSION})
    yield Field("auth.specName", document.data["auth"]["specName"], document.value_at(("auth", "specName")))
    for part in ("id", "version"):
        yield Field(f"connectionSpec.{part}", spec[part], document.value_at(("connectionSpec", part)))
    if document.data.get("lifecycle", {}).get("preventDestroy"):
        yield Field(PREVENT_DESTROY, "true", document.value_at(("lifecycle", "preventDestroy")))


def _keywords_of_parts(fields: Iterable[Field]) -> list[tuple[str, str]]:
    """The mapping form, written as Adobe's page writes it: the five parts in its order, then the options by name."""
    present = {field.path for field in fields if field.path.startswith(f"{CONNECTION_STRING}.")}
    documented = [(word, f"{CONNECTION_STRING}.{part}") for part, word in connection_string.WRITTEN.items()]
    options = sorted(path for path in present if path.startswith(f"{CONNECTION_STRING}.options."))
    prefix = len(f"{CONNECTION_STRING}.options.")
    return [
        *((word, path) for word, path in documented if path in present),
        *((path[prefix:], path) for path in options),
    ]


_FIELD_ORDER = {
    path: place
    for place, path in enumerate(
        (
            "name",
            "description",
            "auth.specName",
            "connectionSpec.id",
            "connectionSpec.version",
            *(f"auth.params.{part}" for part in ("server", "port", "database", "username", "password", "sslMode")),
            CONNECTION_STRING,
            *(f"{CONNECTION_STRING}.{part}" for part in connection_string.WRITTEN),
        )
    )
}


def _order(field: Field) -> tuple[int, str]:
    return (_FIELD_ORDER.get(field.path, len(_FIELD_ORDER)), field.path)


def _duplicate_names(desired: Iterable[Desired]) -> Iterator[Problem]:
    first: dict[str, Desired] = {}
    for one in desired:
        other = first.setdefault(one.name, one)
        if other is not one:
            location = next(field.location for field in one.fields if field.path == "name")
            message = f"the name `{one.name}` is taken by {other.location.file}"
            yield Problem(
                location,
                "definition.duplicate-name",
                message,
                "give each base connection of a target a name of its own",
            )


def body(desired: Desired) -> Json:
    """The body of ``POST /connections``, secrets revealed. Documented: ``mysql-base-connection`` of Adobe's guides."""
    spec = {part: _plain(desired.value(f"connectionSpec.{part}")) for part in ("id", "version")}
    described = {"description": _plain(desired.value("description"))} if desired.value("description") else {}
    return {
        "name": desired.name,
        **described,
        "auth": {"specName": _plain(desired.value("auth.specName")), "params": params(desired)},
        "connectionSpec": spec,
    }


def params(desired: Desired) -> dict[str, str]:
    """``auth.params`` whole, secrets revealed: what a create and a change of any parameter send."""
    if desired.keywords:
        pairs = [connection_string.Pair(word, _plain(desired.value(path))) for word, path in desired.keywords]
        return {"connectionString": connection_string.join(pairs)}
    prefix = "auth.params."
    return {
        field.path.removeprefix(prefix): _plain(field.value)
        for field in desired.fields
        if field.path.startswith(prefix)
    }


def _plain(value: Value) -> str:
    if isinstance(value, Sensitive):
        return value.reveal()
    if isinstance(value, Symbolic):
        raise ValueError(f"{value.origin} is not set")
    return value
