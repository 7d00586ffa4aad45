"""Persistence of base connections: the ``ConnectionStore`` interface and its SQLite implementation."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from provisioner.emulator.connection_model import AuditStamp, Connection, ConnectionBody, Provisioning
from provisioner.emulator.errors import coded
from provisioner.emulator.messages import dump, parse

# Version of the whole layout; a file with another one is refused.
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
    """Base connections, isolated by organization and sandbox."""

    def add(self, connection: Connection) -> None:
        """Store a new connection."""
        ...

    def find(self, org: str, sandbox: str, id: str) -> Connection | None:  # noqa: A002
        """Return the connection as it was last written."""
        ...

    def replace(self, connection: Connection, etag: str) -> bool:
        """Write the connection if its stored etag is still ``etag``, atomically. Return False otherwise."""
        ...

    def remove(self, connection: Connection) -> bool:
        """Delete the connection. Return False if there was none."""
        ...

    def newest_first(self, org: str, sandbox: str, below: int | None) -> Iterator[tuple[int, Connection]]:
        """Yield position in the order of creation and connection, descending, below a position."""
        ...

    def clear(self) -> None:
        """Delete all connections."""
        ...


class SqliteStore:
    """A store in memory or in a SQLite file. Threads may share it, and processes may share a file.

    Written data survives a crash of the process, not of the machine: every write is committed to the operating system
    before it is answered, without waiting for the disk.
    """

    def __init__(self, path: Path | None) -> None:
        """Open or create the file; None keeps everything in memory. Raises ``OSError`` if it is unusable."""
        self._lock = threading.Lock()
        if path is not None:
            _create(path)
        try:
            self._database = _open(path)
        except sqlite3.Error as error:
            raise OSError(f"{path}: not usable as the emulator's data file: {error}") from error

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def add(self, connection: Connection) -> None:
        columns = (connection.id, connection.org, connection.sandbox, connection.etag, _document(connection))
        self._write("INSERT INTO connections (id, org, sandbox, etag, document) VALUES (?, ?, ?, ?, ?)", *columns)

    def find(self, org: str, sandbox: str, id: str) -> Connection | None:  # noqa: A002
        rows = self._read(f"{_SELECT} WHERE id = ? AND org = ? AND sandbox = ?", id, org, sandbox)
        return _connection(rows[0]) if rows else None

    def replace(self, connection: Connection, etag: str) -> bool:
        columns = (connection.etag, _document(connection), connection.id, etag)
        return self._write("UPDATE connections SET etag = ?, document = ? WHERE id = ? AND etag = ?", *columns) == 1

    def remove(self, connection: Connection) -> bool:
        return self._write("DELETE FROM connections WHERE id = ?", connection.id) == 1

    def newest_first(self, org: str, sandbox: str, below: int | None) -> Iterator[tuple[int, Connection]]:
        # Reads in chunks, so that a reader never blocks a writer for long.
        sql = f"{_SELECT} WHERE org = ? AND sandbox = ? AND place < ? ORDER BY place DESC LIMIT {_CHUNK}"
        place = 2**63 - 1 if below is None else below
        while rows := self._read(sql, org, sandbox, place):
            for row in rows:
                place = row[0]
                yield place, _connection(row)

    def clear(self) -> None:
        self._write("DELETE FROM connections")

    def _read(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        return self._run(sql, values).fetchall()

    def _write(self, sql: str, *values: str) -> int:
        return self._run(sql, values).rowcount

    def _run(self, sql: str, values: tuple[str | int, ...]) -> sqlite3.Cursor:
        """Execute a statement. Raise 1103-503 for a full disk, or a file that another process keeps locked."""
        try:
            with self._lock:
                return self._database.execute(sql, values)
        except sqlite3.OperationalError as error:
            raise coded("1103-503") from error


_SELECT = "SELECT place, id, org, sandbox, etag, document FROM connections"


def _create(path: Path) -> None:
    """Create the file before SQLite does, so that it is never readable by others; its side files inherit the mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _open(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=10)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=OFF")
        (layout,) = database.execute("PRAGMA user_version").fetchone()
        if layout not in (0, _LAYOUT):
            raise sqlite3.DatabaseError(f"written by another version (layout {layout}, here {_LAYOUT})")
        database.executescript(_SCHEMA)
        database.execute(f"PRAGMA user_version={_LAYOUT}")
    except BaseException:
        database.close()
        raise
    return database


def _document(connection: Connection) -> str:
    provisioning = None if connection.provisioning is None else asdict(connection.provisioning)
    declared, created, updated = connection.declared, connection.created, connection.updated
    document: dict[str, Any] = {
        "declared": {name: getattr(declared, name) for name in ConnectionBody.__slots__},
        "state": connection.state,
        "created": {name: getattr(created, name) for name in AuditStamp.__slots__},
        "updated": {name: getattr(updated, name) for name in AuditStamp.__slots__},
        "ready": provisioning,
    }
    return dump(document).decode("ascii")


def _connection(row: tuple[Any, ...]) -> Connection:
    _, id_, org, sandbox, etag, text = row
    document: Any = parse(text.encode("ascii"))
    declared = ConnectionBody(**document["declared"] | {"hidden": tuple(document["declared"]["hidden"])})
    created, updated = AuditStamp(**document["created"]), AuditStamp(**document["updated"])
    provisioning = document["ready"] and Provisioning(**document["ready"])
    return Connection(id_, org, sandbox, etag, declared, document["state"], created, updated, provisioning)
