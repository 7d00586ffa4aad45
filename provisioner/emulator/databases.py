"""Databases behind base connections: simulated or real, how to log in to them, and how ``/explore`` shows them.

``database_for`` picks the implementation; the real one is in ``mysql``. ``login`` reads the parameters of a base
connection, ``CredentialStore`` keeps the sensitive ones in memory, ``root_body`` and ``table_body`` render the answers.

Documented: the names of parameters (SEED, MYOV) and ``Server=...;Port=...;Database=...;UID=...;PWD=...``; for
``/explore`` (tabular.md) that the root is a bare array of ``{type, name, path, canPreview, canFetchSchema}``, that a
table has ``{"format": "flat", "schema": {"columns": [{name, type, xdm}]}}``, and that dates are strings with an XDM
format. Inferred: that a connection string is read as MySQL Connector/NET does, names in any case, values quoted with '
or ". Assumed: that "false" on AWS means no TLS at all; that an empty user, password or database is refused; that
tables are named ``database.table``; the shapes of numbers and booleans; that rows of a preview are in ``data``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.connection_model import Connection
from provisioner.emulator.errors import coded, unreachable
from provisioner.emulator.messages import Json, JsonObject

PREVIEW_ROWS = 10
"""Rows of a preview; assumed."""

Columns = Mapping[str, str]
"""MySQL's type by the name of a column."""

TableRows = tuple[Columns, Sequence[JsonObject] | None]
"""The columns of a table, and the rows of its preview; None if no preview was requested."""


class Database(Protocol):
    """The database behind a base connection.

    Every method raises ``ErrorReply`` with the provider's words if it fails or takes too long.
    """

    def check_login(self) -> None:
        """Log in, and do nothing else."""
        ...

    def tables(self) -> Sequence[str]:
        """Return the paths of the tables, ``database.table`` (assumed)."""
        ...

    def table(self, path: str, preview: bool) -> TableRows:
        """Return the columns of a table and, with ``preview``, at most ``PREVIEW_ROWS`` rows."""
        ...


def database_for(behaviour: Behaviour, params: Mapping[str, Json], seconds: float) -> Database:
    """Return the database behind a base connection with these parameters, sensitive ones included.

    Each call to it may take ``seconds`` in total. Raises ``ErrorReply``.
    """
    if behaviour.databases == "imagined":
        return _SimulatedDatabase(behaviour)
    from provisioner.emulator.mysql import MySqlDatabase

    return MySqlDatabase(login(params, behaviour.cloud), PREVIEW_ROWS, seconds)


def check_driver(behaviour: Behaviour) -> None:
    """Raise ``ImportError`` if real databases are to be contacted and there is no driver."""
    if behaviour.databases == "real":
        import provisioner.emulator.mysql  # noqa: F401


class _SimulatedDatabase:
    """A database that exists only in the switches ``tables`` and ``test_result``."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._tables, self._reachable = behaviour.tables or {}, behaviour.test_result

    def check_login(self) -> None:
        if not self._reachable:
            raise unreachable("the database cannot be reached.")

    def tables(self) -> Sequence[str]:
        return tuple(self._tables)

    def table(self, path: str, preview: bool) -> TableRows:
        if path not in self._tables:
            raise coded("1330-400", table=path)
        return self._tables[path], () if preview else None


Tls = Literal["off", "preferred", "required", "verify-ca", "verify-identity"]

DEFAULT_SSL_MODE: Mapping[str, str] = {"azure": "PREFERRED", "aws": "false"}
"""The meaning of a missing ``sslMode``, by cloud: documented for AWS (SEED), on Azure inferred (Azure Data Factory)."""

_TLS_OF_MODE: Mapping[str, Tls] = {
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
_KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "server": ("server", "host", "datasource", "address", "addr", "networkaddress"),
    "port": ("port",),
    "database": ("database", "initialcatalog"),
    "username": ("username", "uid", "userid", "user"),
    "password": ("password", "pwd"),
    "sslMode": ("sslmode",),
}
_PARAM_OF_KEYWORD = {keyword: param for param, keywords in _KEYWORDS.items() for keyword in keywords}
_PAIR = re.compile(
    r"""[;\s]*+ (?P<name>[^=]*+) =?+ \s*+
    (?: (?P<quote>['"]) (?P<quoted>(?:(?!(?P=quote)).|(?P=quote){2})*+) (?P=quote) \s*+ | (?!['"]) (?P<bare>[^;]*+) )
    (?:;|\Z)""",
    re.VERBOSE | re.DOTALL,
)
"""One keyword of a connection string and its value. Possessive quantifiers keep long strings at linear time."""


@dataclass(frozen=True, slots=True)
class Login:
    """Address and credentials of a database. No ``repr`` shows server or password.

    A ``server`` from a connection string may contain part of a secret; ``quotable`` says that this one does not.
    """

    server: str = field(repr=False)
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    tls: Tls
    quotable: bool = True


def login(params: Mapping[str, Json], cloud: str) -> Login:
    """Return the login in the parameters of either auth spec.

    Raises ``ErrorReply`` if a parameter is missing or unusable. Its text quotes no value: any part of a connection
    string may be a secret.
    """
    string = params.get("connectionString")
    from_string = isinstance(string, str)
    texts = _parse(string) if isinstance(string, str) else {name: str(value) for name, value in params.items()}
    for name in ("server", "database", "username", "password"):
        if not texts.get(name):
            raise unreachable(f"no {name} is given.")
    port, mode = texts.get("port") or "3306", _normalized(texts.get("sslMode") or DEFAULT_SSL_MODE[cloud])
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise unreachable("the port is not a number from 1 to 65535.")
    if mode not in _TLS_OF_MODE:
        raise unreachable("the SSL mode is not known.")
    return Login(
        texts["server"],
        int(port),
        texts["database"],
        texts["username"],
        texts["password"],
        _TLS_OF_MODE[mode],
        quotable=not from_string,
    )


def _parse(string: str) -> Mapping[str, str]:
    """Return the values of a connection string by the names of Basic Authentication, without unknown keywords."""
    values: dict[str, str] = {}
    position = 0
    while position < len(string):
        pair = _PAIR.match(string, position)
        if pair is None:
            raise unreachable("the connection string has a quote that is not closed, or something behind it.")
        position = pair.end()
        param = _PARAM_OF_KEYWORD.get(_normalized(pair["name"]))
        if param:
            quote = pair["quote"]
            values[param] = pair["quoted"].replace(quote * 2, quote) if quote else pair["bare"].strip()
    return values


def _normalized(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


@dataclass(frozen=True, slots=True)
class CredentialStore:
    """Values of sensitive parameters, which the connection store does not keep; in memory only.

    They are kept for one etag of a base connection: another emulator on the same file may have changed it since.
    """

    _by_id: dict[str, tuple[str, Mapping[str, Json]]] = field(default_factory=dict, repr=False)

    def put(self, stored: Connection, credentials: Mapping[str, Json]) -> None:
        self._by_id[stored.id] = (stored.etag, dict(credentials))

    def get(self, stored: Connection) -> Mapping[str, Json]:
        """Return the credentials; empty if there are none, as after a restart."""
        etag, credentials = self._by_id.get(stored.id, ("", {}))
        return credentials if etag == stored.etag else {}

    def remove(self, stored: Connection) -> None:
        self._by_id.pop(stored.id, None)

    def clear(self) -> None:
        self._by_id.clear()


def root_body(tables: Iterable[str]) -> Json:
    """Return the answer to ``/explore`` without an object: an entry for each table, by path."""
    return [
        {"type": "table", "name": path, "path": path, "canPreview": True, "canFetchSchema": True}
        for path in sorted(tables)
    ]


def table_body(contents: TableRows) -> Json:
    """Return the answer to ``/explore`` for one table."""
    columns, rows = contents
    shown: list[Json] = [_column(name, mysql_type) for name, mysql_type in columns.items()]
    body: JsonObject = {"format": "flat", "schema": {"columns": shown}}
    return body if rows is None else {**body, "data": list(rows)}


_JsonType = tuple[str, str]
"""A JSON type and its XDM format, "" where it has none."""

_STRING: _JsonType = ("string", "")
_MYSQL_TYPES: Mapping[_JsonType, Sequence[str]] = {
    ("boolean", ""): ("boolean", "tinyint(1)"),
    ("integer", ""): ("tinyint", "smallint", "mediumint", "int", "bigint", "year"),
    ("number", ""): ("decimal", "float", "double"),
    ("string", "date"): ("date",),
    ("string", "date-time"): ("datetime", "timestamp"),
}
_JSON_TYPE_OF = {name: json_type for json_type, names in _MYSQL_TYPES.items() for name in names}


def _column(name: str, mysql_type: str) -> JsonObject:
    full_type = mysql_type.lower()
    base_type = full_type.partition("(")[0].partition(" ")[0]
    type_, format_ = _JSON_TYPE_OF.get(full_type) or _JSON_TYPE_OF.get(base_type) or _STRING
    if not format_:
        return {"name": name, "type": type_, "xdm": {"type": type_}}
    return {"name": name, "type": type_, "meta:xdmType": format_, "xdm": {"type": type_, "format": format_}}
