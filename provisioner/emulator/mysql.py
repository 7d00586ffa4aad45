"""The implementation of ``Database`` for real MySQL servers, through PyMySQL, which only this module imports.

Assumed: that the provider's error texts are those of the driver; that only the database of the base connection is
shown, with views as tables; the JSON of preview values: decimals as numbers, binary values in base64, long ones cut.
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
_MAX_VALUE = 1024
"""Characters, or bytes, of a value in a preview; longer ones are cut."""

_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    " AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')"
)
_COLUMNS = (
    "SELECT column_name, column_type FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position"
)


class MySqlDatabase:
    """A MySQL database. Each call opens its own connection, which is cut after ``seconds`` at the latest."""

    def __init__(self, login: Login, preview_rows: int, seconds: float) -> None:
        self._login, self._preview_rows, self._seconds = login, preview_rows, seconds

    def check_login(self) -> None:
        with self._cursor() as cursor:
            cursor.execute("SELECT 1")  # an expired password allows the login but no statement

    def tables(self) -> Sequence[str]:
        with self._cursor() as cursor:
            return tuple(self._path(name) for name in _table_names(cursor))

    def table(self, path: str, preview: bool) -> TableRows:
        with self._cursor() as cursor:
            name = next((name for name in _table_names(cursor) if self._path(name) == path), None)
            if name is None:
                raise coded("1330-400", table=path)
            columns = _columns(cursor, name)
            if columns and not preview:
                return columns, None
            # A view without known columns is broken: reading from it gives the reason.
            rows = _rows(cursor, name, self._preview_rows, columns)
            return columns, rows if preview else None

    def _path(self, name: str) -> str:
        return f"{self._login.database}.{name}"

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        deadline, login = time.monotonic() + self._seconds, self._login
        try:
            with _socket(login, deadline) as sock, _session(login, sock) as session, session.cursor() as cursor:
                yield cursor
        except ErrorReply:
            raise
        except Exception as error:  # a server that is not MySQL, or an impossible host, fails with any exception
            late = time.monotonic() >= deadline
            raise too_late() if late else unreachable(_message(error, login)) from error


@contextmanager
def _socket(login: Login, deadline: float) -> Iterator[socket.socket]:
    """Connect, and shut the connection down at ``deadline`` (monotonic clock) even while another thread reads from it.

    A socket timeout is not enough: it starts again with each byte that a server sends.
    """
    try:
        left = max(deadline - time.monotonic(), 0.001)
        sock = socket.create_connection((login.server, login.port), min(_CONNECT_SECONDS, left))
    except OSError as error:
        message = f"Can't connect to MySQL server on {login.server!r} ({error})"
        raise pymysql.OperationalError(CR.CR_CONN_HOST_ERROR, message) from error
    with sock, sock.dup() as duplicate:  # TLS takes over the first one
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        timer = threading.Timer(max(deadline - time.monotonic(), 0), _shut_down, (duplicate,))
        timer.daemon = True
        timer.start()
        try:
            yield sock
        finally:
            timer.cancel()
            timer.join()  # the file descriptor of a closed socket may be reused


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):  # the server closed it first
        sock.shutdown(socket.SHUT_RDWR)


def _session(login: Login, sock: socket.socket) -> Any:
    session = pymysql.connect(
        host=login.server,  # for TLS, which verifies the name
        user=login.username,
        password=login.password.encode(),  # a str would have to be Latin-1
        database=login.database,
        charset="utf8mb4",
        defer_connect=True,
        read_timeout=_ANSWER_SECONDS,
        write_timeout=_ANSWER_SECONDS,
        **_tls(login.tls),
    )
    session.connect(sock)
    return session


def _tls(mode: Tls) -> dict[str, Any]:
    """Return PyMySQL's options for a mode; its default is PREFERRED.

    Documented (MYOV): which modes verify what. Assumed: that they verify against the authorities this machine trusts.
    """
    if mode == "off":
        return {"ssl_disabled": True}
    if mode == "preferred":
        return {}
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # MySQL's generated CA certificates fail it
    context.check_hostname = mode == "verify-identity"
    if mode == "required":
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def _table_names(cursor: Any) -> list[str]:
    cursor.execute(_TABLES)
    return [_text(name) for (name,) in cursor.fetchall()]


def _columns(cursor: Any, table: str) -> dict[str, str]:
    cursor.execute(_COLUMNS, (table,))
    return {_text(name): _text(column_type) for name, column_type in cursor.fetchall()}


def _rows(cursor: Any, table: str, limit: int, columns: Columns) -> Sequence[JsonObject]:
    # MySQL has no placeholders for names. This one is from the list of tables, and quoted.
    quoted = table.replace("`", "``")
    cursor.execute(f"SELECT * FROM `{quoted}` LIMIT {limit}")  # noqa: S608
    names = [column[0] for column in cursor.description or ()]
    return tuple(
        {name: _json(value, columns.get(name, "")) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    )


def _message(error: Exception, login: Login) -> str:
    """Return the text of an error. MySQL's have a number and a text, which names user and host, never the password."""
    text = str(error.args[1] if len(error.args) > 1 and isinstance(error.args[0], int) else error)
    if not isinstance(error, pymysql.MySQLError | OSError | RuntimeError | ValueError):
        text = "what answers there does not speak MySQL's protocol"
    return text if login.quotable else text.replace(login.server, "the server")


def _text(value: Any) -> str:
    """Return a text of the information schema, some of which MySQL 8 sends as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _json(value: Any, column_type: str) -> Json:
    if column_type == "tinyint(1)" and value in (0, 1):
        return bool(value)
    if isinstance(value, str | bytes):
        value = value[:_MAX_VALUE]
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
    """Return a TIME in MySQL's notation; it may be negative or longer than a day."""
    sign, rest = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(rest.days * 86_400 + rest.seconds, 60)
    fraction = f".{rest.microseconds:06}" if rest.microseconds else ""
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"
