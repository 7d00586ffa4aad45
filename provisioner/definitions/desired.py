"""A base connection as it shall be on one target, as a value. ``building.py`` makes it of a definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from provisioner.definitions import connection_string
from provisioner.definitions.fields import is_sensitive
from provisioner.definitions.loader import Mark
from provisioner.model import Json, Key, Location, Problem
from provisioner.secrets import Sensitive, Symbolic, Value

PREVENT_DESTROY = "lifecycle.preventDestroy"
"""The field, ``true`` or absent, of what is not to be deleted. It is recorded, and never sent."""

CONNECTION_STRING = "auth.params.connectionString"


_ORDER = {
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


def place_of(path: str) -> tuple[int, str]:
    """Return the sort key of a field among those of a base connection, as they are shown."""
    return _ORDER.get(path, len(_ORDER)), path


class Field(NamedTuple):
    """One property of a base connection. ``path`` is dotted, such as ``auth.params.server``."""

    path: str
    value: Value
    location: Location


@dataclass(frozen=True, slots=True)
class Desired:
    """A base connection as it shall be on one target.

    ``places`` has the path of every field, in the order in which they are shown, with its line and column in the file
    of ``location``. Its value is in ``texts`` if anybody may read it and it is not empty, and in ``symbols`` if it is
    known by its origin. Definitions resemble each other: their places are mostly the same mapping, and most texts are
    as they are recorded, which is seen by comparing two mappings.

    The parts of a connection string are fields below ``auth.params.connectionString``; ``keywords`` then holds the
    keyword to write for each and the field's path, in order. A string that comes whole from the environment is one
    field, and ``keywords`` is empty. ``moved_from`` is the key that it had before, "" where it says none.
    """

    key: Key
    location: Location
    texts: Mapping[str, str]
    symbols: Mapping[str, Symbolic]
    places: Mapping[str, Mark]
    keywords: tuple[tuple[str, str], ...] = ()
    moved_from: Key = ""

    def value(self, path: str) -> Value:
        """The value at a path, "" where there is none."""
        return self.symbols.get(path) or self.texts.get(path, "")

    def location_of(self, path: str) -> Location:
        """Where a field stands."""
        return Location(self.location.file, *self.places[path])

    @property
    def fields(self) -> tuple[Field, ...]:
        """All of them, as they are shown."""
        return tuple(Field(path, self.value(path), self.location_of(path)) for path in self.places)

    @property
    def visible(self) -> dict[str, str]:
        """What anybody may read, also where it is empty, by path."""
        return {path: self.texts.get(path, "") for path in self.places if path not in self.symbols}

    @property
    def name(self) -> str:
        return str(self.value("name"))

    @property
    def unset(self) -> list[tuple[str, Symbolic]]:
        """What comes from variables that are not set, by path."""
        return [(path, symbol) for path, symbol in self.symbols.items() if not isinstance(symbol, Sensitive)]

    @property
    def sensitive(self) -> list[tuple[str, Sensitive]]:
        """What came from the environment and is at hand, by path."""
        return [(path, symbol) for path, symbol in self.symbols.items() if isinstance(symbol, Sensitive)]

    @property
    def confidential(self) -> list[tuple[str, Symbolic]]:
        """What nobody may read, by path: not each variable of the environment is a secret, and a literal may be one."""
        return [(path, symbol) for path, symbol in self.symbols.items() if is_sensitive(path)]

    @property
    def secrets(self) -> Iterator[tuple[str, Sensitive]]:
        """What of that is at hand, by the path that asks for it. A connection string that comes whole from the
        environment is followed by the passwords in it."""
        for path, symbol in self.confidential:
            if isinstance(symbol, Sensitive):
                yield path, symbol
                if path == CONNECTION_STRING:
                    for inner in connection_string.secrets(symbol.reveal()):
                        yield path, Sensitive(inner, symbol.origin, symbol.names)


def unset_variables(desired: Iterable[Desired], variables: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each field that reads a variable which is not set."""
    for one in desired:
        for path, symbol in one.unset:
            if not all(variables.get(name) for name in symbol.names):
                message = f"{symbol.origin} is not set, or empty"
                yield Problem(one.location_of(path), "secret.unset", message, "set the variable")


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
    paths = [path for path in desired.places if path.startswith(prefix)]
    return {path.removeprefix(prefix): _plain(desired.value(path)) for path in paths}


def _plain(value: Value) -> str:
    if isinstance(value, Sensitive):
        return value.reveal()
    if isinstance(value, Symbolic):
        raise ValueError(f"{value.origin} is not set")
    return value
