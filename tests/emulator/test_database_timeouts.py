"""Timeouts of databases: requests are answered in time, and the connection to the database is closed."""

import itertools
import socket
import struct
import threading
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import pytest

from provisioner.emulator import connections, explore
from provisioner.emulator.app import AdmittedRequest, App, Client, DatabaseTimeouts
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.messages import Request, dump
from provisioner.emulator.routes import answer
from provisioner.emulator.store import SqliteStore

from .support import BASIC, CALLER, body

# `ssl` does not close what was cut between the connection and the handshake (`SSLSocket._create`, where `getpeername`
# and then `recv` fail); the collector does.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

ROOT = "/data/foundation/flowservice/connections"
LATE = "Error from flow provider: the database did not answer in time."
SHORT = 0.05
FOREVER = 3600.0

TLS = 0x0800
OK = b"\0\0\0\2\0\0\0"


def packet(number, content):
    return struct.pack("<I", len(content))[:3] + bytes([number]) + content


def greeting(flags=0):
    """What a server says first: version, thread, salt, what it can do, and how it wants to be logged in to."""
    able = struct.pack("<HBHH", 0xF7FF | flags, 45, 2, 0x0008)
    return packet(
        0, b"\x0a5.7.44\0\1\0\0\0saltsalt\0" + able + b"\x15" + bytes(10) + b"saltsaltsalt\0mysql_native_password\0"
    )


def silent(link):
    """Say nothing at all."""
    while link.recv(65536):
        pass


def drips(link, head=b"\xff\xff\xff\0"):
    """Say a byte at a time, of a packet that is long."""
    link.settimeout(0.002)
    for byte in itertools.chain(head, itertools.repeat(0x0A)):
        link.sendall(bytes([byte]))
        with suppress(TimeoutError):
            if not link.recv(65536):
                return


def logged_in(link):
    """Let in, until there is a query."""
    link.sendall(greeting())
    link.recv(65536)
    link.sendall(packet(2, OK))
    while said := link.recv(65536):
        if b"SELECT " in said:
            return
        link.sendall(packet(1, OK))


def silent_once_logged_in(link):
    """Do not answer the query."""
    logged_in(link)
    silent(link)


def drips_once_logged_in(link):
    """Answer the query a byte at a time."""
    logged_in(link)
    drips(link, b"\xff\xff\xff\1")


def silent_in_tls(link):
    """Agree to TLS, and do not begin it."""
    link.sendall(greeting(TLS))
    silent(link)


def drips_in_tls(link):
    """Begin TLS a byte at a time."""
    link.sendall(greeting(TLS))
    link.recv(65536)
    drips(link, b"\x16\3\3\x40\0")


@contextmanager
def database(manner):
    """A port behind which one connection is served in this manner, and an event: that the other side ended it."""
    over = threading.Event()

    def serve():
        link, _ = listening.accept()
        with link, suppress(OSError):
            manner(link)
        over.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1], over


@pytest.fixture
def app():
    numbers = itertools.count(1)
    behaviour = Behaviour(databases="real", check_credentials="write")
    with closing(SqliteStore(None)) as store:
        yield App(behaviour, store, lambda: 1_600_000_000.5, lambda: f"{next(numbers):032x}")


def send(app, method, path, content=None, **headers):
    every = {name.lower(): value for name, value in CALLER.items()} | {"content-type": "application/json"} | headers
    with app.lock:
        return answer(app, Request(method, path, headers=every, body=b"" if content is None else dump(content)))


def at(port):
    """Parameters that lead there."""
    return BASIC | {"server": "127.0.0.1", "port": str(port), "sslMode": "PREFERRED"}


def made(app, params):
    """Path and etag of a base connection that nobody checked."""
    unchecked = replace(app, behaviour=replace(app.behaviour, check_credentials="never"))
    auth = {"specName": "Basic Authentication", "params": params}
    found = send(unchecked, "POST", ROOT, body(auth=auth)).body
    return f"{ROOT}/{found['id']}", found["etag"]


MANNERS = [silent, drips, silent_in_tls, drips_in_tls, silent_once_logged_in, drips_once_logged_in]


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.__name__)
@pytest.mark.parametrize("write", ["create", "change"])
def test_a_write_is_refused_after_the_timeout(app, manner, write):
    """However much time it has for ``/test`` and ``/explore``."""
    app = replace(app, timeouts=DatabaseTimeouts(explore=FOREVER, credential_check=SHORT))
    path, etag = made(app, BASIC)
    before = send(app, "GET", ROOT).body
    with database(manner) as (port, over):
        params = at(port)
        if write == "create":
            auth = {"specName": "Basic Authentication", "params": params}
            refused = send(app, "POST", ROOT, body("Another", auth=auth))
        else:
            change = [{"op": "replace", "path": "/auth/params", "value": params}]
            refused = send(app, "PATCH", path, change, **{"if-match": etag})
        assert over.wait(30), "the connection is cut, not left to the database"
    assert (refused.status, refused.body["type"].rpartition("/")[2]) == (400, "FLOW-1100-400")
    assert refused.body["errorMessage"].endswith(LATE)
    assert send(app, "GET", ROOT).body == before


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.__name__)
def test_explore_has_its_own_timeout(app, manner):
    """However little there is before a write."""
    app = replace(
        app,
        behaviour=replace(app.behaviour, test_failure="error"),
        timeouts=DatabaseTimeouts(explore=SHORT, credential_check=FOREVER),
    )
    for what in ("test", "explore"):
        with database(manner) as (port, over):
            path, _ = made(app, at(port))
            refused = send(app, "GET", f"{path}/{what}")
            assert over.wait(30)
        assert refused.body["errorMessage"].endswith(LATE)


def test_default_timeouts():
    assert DatabaseTimeouts() == DatabaseTimeouts(explore=15, credential_check=2)


def test_each_handler_uses_its_timeout(app):
    app = replace(app, timeouts=DatabaseTimeouts(explore=7, credential_check=3))
    path, etag = made(app, BASIC)
    change = [{"op": "replace", "path": "/auth/params", "value": BASIC}]
    requests = [
        (connections.create_connection, Request("POST", ROOT, body=dump(body())), 3),
        (connections.patch_connection, Request("PATCH", path, headers={"if-match": etag}, body=dump(change)), 3),
        (explore.test_connection, Request("GET", f"{path}/test"), 7),
        (explore.explore_connection, Request("GET", f"{path}/explore"), 7),
    ]
    caller = Client(CALLER["x-api-key"], CALLER["x-gw-ims-org-id"], CALLER["x-sandbox-name"])
    for handler, request, seconds in requests:
        assert handler(app, AdmittedRequest(request, caller, path.rpartition("/")[2])).seconds == seconds


class Late:
    """A lock that is free again only after what was waited for has come."""

    def __init__(self, awaited):
        self.awaited = awaited

    def release(self):
        """Nobody else wants it."""

    def acquire(self):
        if not self.awaited.done():
            self.awaited.set_result(None)


def test_what_comes_too_late_does_not_count_because_others_were_handled_meanwhile(app):
    awaited = Future()
    app = replace(app, lock=Late(awaited))
    assert not app.wait(0, awaited)
    assert awaited.done()
    assert app.wait(0, awaited)
