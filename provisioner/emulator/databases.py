"""What stands behind a base connection: a database that is only imagined, or a real one.

The parameters of a base connection -> where its database is and how to get in.

Documented: the names (SEED, MYOV) and the form ``Server=...;Port=...;Database=...;UID=...;PWD=...``. Inferred: that a
connection string is read as MySQL Connector/NET does, names in any case, values quoted with ' or ". Assumed: that
"false" on AWS means no TLS at all, and that an empty user, password or database leads nowhere.

The sensitive parameters of base connections whose databases are contacted: in memory, and nowhere else.

What ``/explore`` shows of a database: tables, columns, rows.

Documented (tabular.md): the root is a bare array of ``{type, name, path, canPreview, canFetchSchema}``, a table has
``{"format": "flat", "schema": {"columns": [{name, type, xdm}]}}``, and dates are strings with an XDM format. Assumed:
that names are ``database.table``, the shapes of numbers and booleans, and rows of a preview in ``data``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from provisioner.emulator.base_connection import Connection
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import coded, unreachable
from provisioner.emulator.messages import Json, JsonObject

PREVIEWED = 10
"""Rows of a preview; assumed."""


class DatabaseSource(Protocol):
    """A database. Every method raises ``Refused`` with the provider's words where it fails, or takes too long."""

    def reach(self) -> None:
        """Log in, and no more."""
        ...

    def tables(self) -> Sequence[str]:
        """The paths of its tables, ``database.table`` (assumed)."""
        ...

    def contents(self, path: str, preview: bool) -> TableRows:
        """Of one table; rows by column, ``PREVIEWED`` at most, None without ``preview``."""
        ...


def source(behaviour: Behaviour, params: Mapping[str, Json], seconds: float) -> DatabaseSource:
    """Return what is behind a base connection with these parameters, sensitive ones included.

    Each question to it has ``seconds`` in all. Raises ``Refused``.
    """
    if behaviour.databases == "imagined":
        return _Imagined(behaviour)
    from provisioner.emulator.mysql import Database

    return Database(login(params, behaviour.cloud), PREVIEWED, seconds)


def check_driver(behaviour: Behaviour) -> None:
    """Raises ``ImportError`` where real databases are to be contacted and nothing here can."""
    if behaviour.databases == "real":
        import provisioner.emulator.mysql  # noqa: F401


class _Imagined:
    """As the switches ``tables`` and ``test_result`` say."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._known, self._reachable = behaviour.tables or {}, behaviour.test_result

    def reach(self) -> None:
        if not self._reachable:
            raise unreachable("the database cannot be reached.")

    def tables(self) -> Sequence[str]:
        return tuple(self._known)

    def contents(self, path: str, preview: bool) -> TableRows:
        if path not in self._known:
            raise coded("1330-400", table=path)
        return self._known[path], () if preview else None


Tls = Literal["off", "preferred", "required", "verify-ca", "verify-identity"]

WITHOUT_MODE: Mapping[str, str] = {"azure": "PREFERRED", "aws": "false"}
"""What a missing ``sslMode`` means, by cloud: documented for AWS (SEED), on Azure inferred (Azure Data Factory)."""

_MODES: Mapping[str, Tls] = {
    "disabled": "off",
    "none": "off",
    "false": "off",
    "preferred": "preferred",
    "required": "required",
    "true": "required",
    "verifyca": "verify-ca",
    "verifyidentity": "verify-identity",
    "verifyfull": "verify-identity",
}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "server": ("server", "host", "datasource", "address", "addr", "networkaddress"),
    "port": ("port",),
    "database": ("database", "initialcatalog"),
    "username": ("username", "uid", "userid", "user"),
    "password": ("password", "pwd"),
    "sslMode": ("sslmode",),
}
_NAME_OF = {alias: name for name, aliases in _NAMES.items() for alias in aliases}
_PAIR = re.compile(
    r"""[;\s]*+ (?P<name>[^=]*+) =?+ \s*+
    (?: (?P<quote>['"]) (?P<quoted>(?:(?!(?P=quote)).|(?P=quote){2})*+) (?P=quote) \s*+ | (?!['"]) (?P<bare>[^;]*+) )
    (?:;|\Z)""",
    re.VERBOSE | re.DOTALL,
)
"""One keyword of a connection string and its value. No quantifier gives back: a long string takes linear time."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to reach a database. The password is in no ``repr``. ``server`` may hold a piece of a secret where it comes
    from a connection string: ``quotable`` says that it does not."""

    server: str = field(repr=False)
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    tls: Tls
    quotable: bool = True


def login(params: Mapping[str, Json], cloud: str) -> Login:
    """Of the parameters of either auth spec. Raises ``Refused`` where something is missing or of no use; its words
    repeat no value: in a connection string any piece may be a secret."""
    string = params.get("connectionString")
    whole = isinstance(string, str)
    given = _parts(string) if isinstance(string, str) else {name: str(value) for name, value in params.items()}
    for name in ("server", "database", "username", "password"):
        if not given.get(name):
            raise unreachable(f"no {name} is given.")
    port, mode = given.get("port") or "3306", _plain(given.get("sslMode") or WITHOUT_MODE[cloud])
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise unreachable("the port is not a number from 1 to 65535.")
    if mode not in _MODES:
        raise unreachable("the SSL mode is not known.")
    where = given["server"], int(port), given["database"]
    return Login(*where, given["username"], given["password"], _MODES[mode], quotable=not whole)


def _parts(string: str) -> Mapping[str, str]:
    """By the names of Basic Authentication; names that mean nothing here are left out."""
    found: dict[str, str] = {}
    position = 0
    while position < len(string):
        pair = _PAIR.match(string, position)
        if pair is None:
            raise unreachable("the connection string has a quote that is not closed, or something behind it.")
        position = pair.end()
        name = _NAME_OF.get(_plain(pair["name"]))
        if name:
            quote = pair["quote"]
            found[name] = pair["quoted"].replace(quote * 2, quote) if quote else pair["bare"].strip()
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """What the store does not keep, by base connection and the etag that is stored with it: another emulator on the
    same file may have changed it since."""

    _held: dict[str, tuple[str, Mapping[str, Json]]] = field(default_factory=dict, repr=False)

    def hold(self, stored: Connection, sensitive: Mapping[str, Json]) -> None:
        """Instead of what was held."""
        self._held[stored.id] = (stored.etag, dict(sensitive))

    def of(self, stored: Connection) -> Mapping[str, Json]:
        """Empty where none are held, as after a restart."""
        etag, sensitive = self._held.get(stored.id, ("", {}))
        return sensitive if etag == stored.etag else {}

    def forget(self, stored: Connection) -> None:
        """The base connection is gone."""
        self._held.pop(stored.id, None)

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()


Columns = Mapping[str, str]
"""MySQL's type by the name of a column."""

TableRows = tuple[Columns, Sequence[JsonObject] | None]
"""The columns of a table, and rows where a preview was asked for."""

_Shape = tuple[str, str]
"""The type and the XDM format, "" where it has none."""

_TEXT: _Shape = ("string", "")
_SHAPES: Mapping[_Shape, Sequence[str]] = {
    ("boolean", ""): ("boolean", "tinyint(1)"),
    ("integer", ""): ("tinyint", "smallint", "mediumint", "int", "bigint", "year"),
    ("number", ""): ("decimal", "float", "double"),
    ("string", "date"): ("date",),
    ("string", "date-time"): ("datetime", "timestamp"),
}
_SHAPE_OF = {kind: shape for shape, kinds in _SHAPES.items() for kind in kinds}


def root(tables: Iterable[str]) -> Json:
    """The entries of the root, by path."""
    return [
        {"type": "table", "name": path, "path": path, "canPreview": True, "canFetchSchema": True}
        for path in sorted(tables)
    ]


def table(contents: TableRows) -> Json:
    """One table."""
    columns, rows = contents
    listed: list[Json] = [_column(name, kind) for name, kind in columns.items()]
    whole: JsonObject = {"format": "flat", "schema": {"columns": listed}}
    return whole if rows is None else {**whole, "data": list(rows)}


def _column(name: str, kind: str) -> JsonObject:
    written = kind.lower()
    short = written.partition("(")[0].partition(" ")[0]
    type_, format_ = _SHAPE_OF.get(written) or _SHAPE_OF.get(short) or _TEXT
    if not format_:
        return {"name": name, "type": type_, "xdm": {"type": type_}}
    return {"name": name, "type": type_, "meta:xdmType": format_, "xdm": {"type": type_, "format": format_}}
