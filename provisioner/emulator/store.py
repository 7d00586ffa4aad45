"""Where base connections are kept: SQLite in memory or in a file, behind one small interface."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from provisioner.emulator.base_connection import Connection, ConnectionBody, Ready, Stamp
from provisioner.emulator.errors import coded
from provisioner.emulator.messages import dump, parse

# One number for the whole layout; a file with another one is refused, not guessed at.
_LAYOUT = 1
_CHUNK = 256

_SCHEMA = """
CREATE TABLE IF NOT EXISTS connections (
    place    INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    org      TEXT NOT NULL,
    sandbox  TEXT NOT NULL,
    etag     TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS connections_by_sandbox ON connections (org, sandbox, place);
"""


class ConnectionStore(Protocol):
    """What the core needs. Organisation and sandbox isolate: nothing is found from another one."""

    def add(self, connection: Connection) -> None:
        """Keep a new one."""
        ...

    def find(self, org: str, sandbox: str, id: str) -> Connection | None:  # noqa: A002
        """The connection as it was last written."""
        ...

    def replace(self, connection: Connection, etag: str) -> bool:
        """Write it if its stored etag is still ``etag``, atomically; otherwise False."""
        ...

    def remove(self, connection: Connection) -> bool:
        """Forget it; False when it was gone already."""
        ...

    def newest_first(self, org: str, sandbox: str, below: int | None) -> Iterator[tuple[int, Connection]]:
        """Place in the order of creation and connection, descending, below a place."""
        ...

    def clear(self) -> None:
        """Forget all."""
        ...


class SqliteStore:
    """The one implementation. Several threads may use it, and several processes may share a file.

    Written data survives the death of the process, not that of the machine: every write is committed to the
    operating system before it is answered, and nothing waits for the disk.
    """

    def __init__(self, path: Path | None) -> None:
        """Open or create; OSError when the file cannot be used."""
        self._lock = threading.Lock()
        if path is not None:
            _create(path)
        try:
            self._database = _open(path)
        except sqlite3.Error as error:
            raise OSError(f"{path}: not usable as the emulator's data file: {error}") from error

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._database.close()

    def add(self, connection: Connection) -> None:
        """See ``ConnectionStore``."""
        columns = (connection.id, connection.org, connection.sandbox, connection.etag, _document(connection))
        self._write("INSERT INTO connections (id, org, sandbox, etag, document) VALUES (?, ?, ?, ?, ?)", *columns)

    def find(self, org: str, sandbox: str, id: str) -> Connection | None:  # noqa: A002
        """See ``ConnectionStore``."""
        rows = self._read(f"{_SELECT} WHERE id = ? AND org = ? AND sandbox = ?", id, org, sandbox)
        return _connection(rows[0]) if rows else None

    def replace(self, connection: Connection, etag: str) -> bool:
        """See ``ConnectionStore``."""
        columns = (connection.etag, _document(connection), connection.id, etag)
        return self._write("UPDATE connections SET etag = ?, document = ? WHERE id = ? AND etag = ?", *columns) == 1

    def remove(self, connection: Connection) -> bool:
        """See ``ConnectionStore``."""
        return self._write("DELETE FROM connections WHERE id = ?", connection.id) == 1

    def newest_first(self, org: str, sandbox: str, below: int | None) -> Iterator[tuple[int, Connection]]:
        """See ``ConnectionStore``. Reads in chunks, so that a reader never blocks a writer for long."""
        sql = f"{_SELECT} WHERE org = ? AND sandbox = ? AND place < ? ORDER BY place DESC LIMIT {_CHUNK}"
        place = 2**63 - 1 if below is None else below
        while rows := self._read(sql, org, sandbox, place):
            for row in rows:
                place = row[0]
                yield place, _connection(row)

    def clear(self) -> None:
        """See ``ConnectionStore``."""
        self._write("DELETE FROM connections")

    def _read(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        return self._run(sql, values).fetchall()

    def _write(self, sql: str, *values: str) -> int:
        return self._run(sql, values).rowcount

    def _run(self, sql: str, values: tuple[str | int, ...]) -> sqlite3.Cursor:
        """A full disk, or a file that another process keeps locked, is the emulator's 1103-503."""
        try:
            with self._lock:
                return self._database.execute(sql, values)
        except sqlite3.OperationalError as error:
            raise coded("1103-503") from error


_SELECT = "SELECT place, id, org, sandbox, etag, document FROM connections"


def _create(path: Path) -> None:
    """Made before SQLite opens it, so that nobody else can ever read it; its side files inherit the mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _open(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=10)
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    (layout,) = database.execute("PRAGMA user_version").fetchone()
    if layout not in (0, _LAYOUT):
        raise sqlite3.DatabaseError(f"written by another version (layout {layout}, here {_LAYOUT})")
    database.executescript(_SCHEMA)
    database.execute(f"PRAGMA user_version={_LAYOUT}")


def _document(connection: Connection) -> str:
    ready = None if connection.ready is None else asdict(connection.ready)
    declared, created, updated = connection.declared, connection.created, connection.updated
    document: dict[str, Any] = {
        "declared": {name: getattr(declared, name) for name in ConnectionBody.__slots__},
        "state": connection.state,
        "created": {name: getattr(created, name) for name in Stamp.__slots__},
        "updated": {name: getattr(updated, name) for name in Stamp.__slots__},
        "ready": ready,
    }
    return dump(document).decode("ascii")


def _connection(row: tuple[Any, ...]) -> Connection:
    _, id_, org, sandbox, etag, text = row
    document: Any = parse(text.encode("ascii"))
    declared = ConnectionBody(**document["declared"] | {"hidden": tuple(document["declared"]["hidden"])})
    created, updated = Stamp(**document["created"]), Stamp(**document["updated"])
    ready = document["ready"] and Ready(**document["ready"])
    return Connection(id_, org, sandbox, etag, declared, document["state"], created, updated, ready)
