"""MariaDB servers, where MariaDB is installed. Without it the tests say so, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from provisioner.emulator.app import DatabaseTimeouts
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from tests.acceptance.conftest import bare as bare
from tests.acceptance.support import Service
from tests.mariadb import WITHOUT, Server, mariadb, missing

PASSWORD = "crm-pä\"ss;word'-7731"
USER, DATABASE = "svc_aep", "crm"
TABLES = (
    """CREATE TABLE crm.customers (id BIGINT PRIMARY KEY, name VARCHAR(40), rate DECIMAL(6,3), vip TINYINT(1),
    born DATE, seen DATETIME, spent TIME(3), photo BLOB, notes TEXT)""",
    """INSERT INTO crm.customers VALUES (1, 'Zoë', 1.125, 1, '1990-05-17', '2026-11-01 08:30:00', '-36:00:01.250',
    x'00FF', NULL)""",
    *(f"INSERT INTO crm.customers (id, name) VALUES ({number}, 'another')" for number in range(2, 32)),
    "CREATE VIEW crm.`odd``one.out` AS SELECT id FROM crm.customers",
)


@dataclass(frozen=True)
class Database:
    """The sample database on a server, and how to log into it."""

    server: Server
    params: dict[str, str]

    def renew(self, password: str = PASSWORD) -> None:
        """Its password, changed by those who run it."""
        self.server.admit(USER, password, DATABASE)

    def other(self, **params: str | None) -> dict[str, str]:
        """Its parameters with some changed; None leaves one out."""
        return {name: value for name, value in {**self.params, **params}.items() if value is not None}


def _database(server: Server) -> Database:
    server.admit(USER, PASSWORD, DATABASE)
    server.run(*TABLES)
    names = {"server": "127.0.0.1", "database": DATABASE, "username": USER, "password": PASSWORD}
    return Database(server, {**names, "port": str(server.port), "sslMode": "DISABLED"})


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[bool], Database]]:
    """Servers with and without TLS, each started once and only where it is asked for; with the password they began
    with."""
    if missing():
        pytest.skip(WITHOUT)
    started: dict[bool, Database] = {}
    with ExitStack() as stack:

        def server(tls: bool) -> Database:
            if tls not in started:
                started[tls] = _database(stack.enter_context(mariadb(tls=tls)))
            started[tls].renew()
            return started[tls]

        yield server


@pytest.fixture
def database(servers: Callable[[bool], Database]) -> Database:
    """The one without TLS."""
    return servers(False)


Connecting = Callable[..., Service]

TIMEOUTS = DatabaseTimeouts(explore=25.0, credential_check=25.0)
"""Seconds, so that no test depends on how busy the machine is; the clients here wait longer."""


@pytest.fixture
def connecting() -> Iterator[Connecting]:
    """Emulators that contact databases; switches as for ``Behaviour``."""
    with ExitStack() as stack:

        def start(**switches: object) -> Service:
            behaviour = replace(Behaviour(databases="real"), **switches)  # type: ignore[arg-type]
            return Service(stack.enter_context(Emulator(behaviour=behaviour, timeouts=TIMEOUTS)).url)

        yield start
