"""Real databases, through PyMySQL; the only module that knows it.

Assumed: that the words of the provider are those of the driver, that only the database of the base connection is
shown, views as tables too, and how values of a preview look in JSON: decimals as numbers, binary ones in base64, long
ones cut.
"""

import base64
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pymysql
from pymysql.constants import CR

from provisioner.emulator.databases import Columns, Login, TableRows, Tls
from provisioner.emulator.errors import ErrorReply, coded, too_late, unreachable
from provisioner.emulator.messages import Json, JsonObject

_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 10
_LONGEST = 1024
"""Characters, or bytes, of a value in a preview; the rest is cut."""

_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    " AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')"
)
_COLUMNS = (
    "SELECT column_name, column_type FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position"
)


class Database:
    """See ``Source``. Each question is a connection of its own, which ends after ``seconds`` at the latest."""

    def __init__(self, login: Login, previewed: int, seconds: float) -> None:
        """Nothing is contacted yet."""
        self._login, self._previewed, self._seconds = login, previewed, seconds

    def reach(self) -> None:
        """See ``Source``."""
        with self._cursor() as cursor:
            cursor.execute("SELECT 1")  # a password that has expired lets in, and no further

    def tables(self) -> Sequence[str]:
        """See ``Source``."""
        with self._cursor() as cursor:
            return tuple(self._path(name) for name in _names(cursor))

    def contents(self, path: str, preview: bool) -> TableRows:
        """See ``Source``."""
        with self._cursor() as cursor:
            table = self._name(cursor, path)
            kinds = _kinds(cursor, table)
            if kinds and not preview:
                return kinds, None
            # Where no column is known, a view is broken: to read from it says why.
            rows = _rows(cursor, table, self._previewed, kinds)
            return kinds, rows if preview else None

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        ends, login = time.monotonic() + self._seconds, self._login
        try:
            with _link(login, ends) as link, _session(login, link) as session, session.cursor() as cursor:
                yield cursor
        except ErrorReply:
            raise
        except Exception as error:  # what a server that is none sends, or a host that cannot be one, ends anywhere
            late = time.monotonic() >= ends
            raise too_late() if late else unreachable(_words(error, login)) from error

    def _path(self, name: str) -> str:
        return f"{self._login.database}.{name}"

    def _name(self, cursor: Any, path: str) -> str:
        for name in _names(cursor):
            if self._path(name) == path:
                return name
        raise coded("1330-400", table=path)


@contextmanager
def _link(login: Login, ends: float) -> Iterator[socket.socket]:
    """Connect, and cut the connection at ``ends`` by the monotonic clock, whoever waits for it then.

    A time-out would not do: it begins anew with each byte that a server drips.
    """
    try:
        left = max(ends - time.monotonic(), 0.001)
        link = socket.create_connection((login.server, login.port), min(_CONNECT_SECONDS, left))
    except OSError as error:
        words = f"Can't connect to MySQL server on {login.server!r} ({error})"
        raise pymysql.OperationalError(CR.CR_CONN_HOST_ERROR, words) from error
    with link, link.dup() as other:  # TLS takes the first one over
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cut = threading.Timer(max(ends - time.monotonic(), 0), _cut, (other,))
        cut.daemon = True
        cut.start()
        try:
            yield link
        finally:
            cut.cancel()
            cut.join()  # the number of a closed socket may be that of another one


def _cut(link: socket.socket) -> None:
    with suppress(OSError):  # the server was faster
        link.shutdown(socket.SHUT_RDWR)


def _session(login: Login, link: socket.socket) -> Any:
    session = pymysql.connect(
        host=login.server,  # for TLS, which verifies its name
        user=login.username,
        password=login.password.encode(),  # a text would have to be Latin-1
        database=login.database,
        charset="utf8mb4",
        defer_connect=True,
        read_timeout=_ANSWER_SECONDS,
        write_timeout=_ANSWER_SECONDS,
        **_tls(login.tls),
    )
    session.connect(link)
    return session


def _tls(mode: Tls) -> dict[str, Any]:
    """PyMySQL's default is PREFERRED. Documented (MYOV): which modes verify what; assumed: against which authorities,
    those that this machine trusts."""
    if mode == "off":
        return {"ssl_disabled": True}
    if mode == "preferred":
        return {}
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # MySQL's own authorities do not pass it
    context.check_hostname = mode == "verify-identity"
    if mode == "required":
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def _names(cursor: Any) -> list[str]:
    cursor.execute(_TABLES)
    return [_text(name) for (name,) in cursor.fetchall()]


def _kinds(cursor: Any, table: str) -> dict[str, str]:
    cursor.execute(_COLUMNS, (table,))
    return {_text(name): _text(kind) for name, kind in cursor.fetchall()}


def _rows(cursor: Any, table: str, number: int, kinds: Columns) -> Sequence[JsonObject]:
    # A name that is in the list of tables, quoted: there is no placeholder for names.
    quoted = table.replace("`", "``")
    cursor.execute(f"SELECT * FROM `{quoted}` LIMIT {number}")  # noqa: S608
    names = [column[0] for column in cursor.description or ()]
    return tuple(
        {name: _json(value, kinds.get(name, "")) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    )


def _words(error: Exception, login: Login) -> str:
    """MySQL errors are a number and a text, which names user and host and never the password."""
    text = str(error.args[1] if len(error.args) > 1 and isinstance(error.args[0], int) else error)
    if not isinstance(error, pymysql.MySQLError | OSError | RuntimeError | ValueError):
        text = "what answers there does not speak MySQL's protocol"
    return text if login.quotable else text.replace(login.server, "the server")


def _text(value: Any) -> str:
    """MySQL 8 gives some of its own texts as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _json(value: Any, kind: str) -> Json:
    if kind == "tinyint(1)" and value in (0, 1):
        return bool(value)
    if isinstance(value, str | bytes):
        value = value[:_LONGEST]
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _time(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def _time(value: timedelta) -> str:
    """As MySQL writes a TIME, which may be negative and of more than a day."""
    sign, rest = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(rest.days * 86_400 + rest.seconds, 60)
    fraction = f".{rest.microseconds:06}" if rest.microseconds else ""
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"
