"""The emulator as a running server: embedded in threads, or in the foreground."""

import os
import signal
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from provisioner.emulator import errors, http
from provisioner.emulator.app import App, Patience
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.concurrent_edits import seed
from provisioner.emulator.databases import check_driver
from provisioner.emulator.errors import ErrorReply
from provisioner.emulator.fault_injection import handle
from provisioner.emulator.faults import FaultConfig, Faults
from provisioner.emulator.store import SqliteStore

_HOST = "127.0.0.1"
_BACKLOG = 128
# Seconds: without a request on an open connection; for answers under way when the emulator is to end; for a client to
# notice that its connection is closed.
_IDLE, _GRACE, _LINGER = 60, 2, 2
_RESET = struct.pack("ii", 1, 0)


class Emulator:
    """A running emulator, for ``with``; it listens on 127.0.0.1 only, and ends with the block."""

    def __init__(
        self,
        data: Path | None = None,
        port: int = 0,
        behaviour: Behaviour = Behaviour(),  # noqa: B008
        faults: FaultConfig = FaultConfig(),  # noqa: B008
        patience: Patience = Patience(),  # noqa: B008
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``data`` None keeps everything in memory; port 0 picks a free one; ``clock`` has epoch seconds. Nothing is
        opened yet."""
        self._data, self._port, self._behaviour, self._rehearsal = data, port, behaviour, faults
        self._patience, self._clock = patience, clock

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``: both the Flow Service's endpoint and that of the token service."""
        return f"http://{_HOST}:{self._port}"

    def __enter__(self) -> "Emulator":
        """Start, and return once connections are accepted.

        OSError: the port is in use, the file not usable. FaultError: the service would refuse what is to exist.
        ImportError: databases are to be contacted, and PyMySQL is not installed.
        """
        check_driver(self._behaviour)
        self._store, faults = SqliteStore(self._data), Faults(self._rehearsal)
        world = App(self._behaviour, self._store, self._clock, _unique, faults=faults, patience=self._patience)
        try:
            seed(world, self._rehearsal.existing)
            self._server = _Server(world, _listen(self._port))
        except BaseException:
            self._store.close()
            raise
        self._port = self._server.port
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is being answered, close every socket, release the data."""
        self._server.stop()
        self._store.close()


def serve(
    data: Path | None,
    port: int,
    behaviour: Behaviour,
    announce: Callable[[str], None],
    faults: FaultConfig = FaultConfig(),  # noqa: B008
) -> None:
    """Run until SIGINT or SIGTERM, in the main thread. ``announce`` gets the url once connections are accepted."""
    ending = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    previous = {each: signal.signal(each, lambda *_: ending.set()) for each in signals}
    try:
        with Emulator(data, port, behaviour, faults) as emulator:
            announce(emulator.url)
            ending.wait()
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


class _Server:
    """Accepts connections in one thread, and answers each of them in a thread of its own."""

    def __init__(self, world: App, listening: socket.socket) -> None:
        self._world, self._listening = world, listening
        self.port: int = listening.getsockname()[1]
        self._open: dict[threading.Thread, socket.socket] = {}
        self._closing = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, name="emulator", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Answer what has arrived, then close every connection; return when all threads have ended."""
        self._world.ending.set_result(None)
        with suppress(OSError):
            socket.create_connection((_HOST, self.port)).close()  # wakes the thread that accepts
        self._accepting.join()
        self._shut(socket.SHUT_RD)
        until = time.monotonic() + _GRACE
        for thread in self._open:
            thread.join(max(0, until - time.monotonic()))
        self._shut(socket.SHUT_RDWR)
        for thread in self._open:
            thread.join()

    def _shut(self, how: int) -> None:
        with self._closing:
            for link in self._open.values():
                with suppress(OSError):  # closed, by either side
                    link.shutdown(how)

    def _accept(self) -> None:
        with self._listening:
            while not self._world.ending.done():
                try:
                    link, _ = self._listening.accept()
                except OSError:  # as many files are open as may be
                    time.sleep(0.1)
                    continue
                thread = threading.Thread(target=self._converse, args=(link,), name="emulator-connection", daemon=True)
                self._open = {each: other for each, other in self._open.items() if each.is_alive()} | {thread: link}
                thread.start()

    def _converse(self, link: socket.socket) -> None:
        """Answer the requests of one connection until either side ends it."""
        try:
            link.settimeout(_IDLE)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with link.makefile("rb") as stream, suppress(OSError, EOFError):
                while _exchange(self._world, link, stream):
                    pass
                _hang_up(link)
        finally:
            with self._closing:  # its number is free from here on, and must not be shut down
                link.close()


def _exchange(world: App, link: socket.socket, stream: BinaryIO) -> bool:
    """Answer one request. Return whether another one may follow.

    Raises ``EOFError`` or ``OSError`` where there is nobody to answer, or shall not be.
    """
    try:
        request, close = http.read(stream, link.sendall)
    except ErrorReply as refused:
        request_id = world.unique()
        reply = errors.reply(refused, world.behaviour, request_id)
        link.sendall(http.written(reply, request_id, world.clock(), close=True))
        return False
    outcome = handle(world, request)
    if outcome.reply is None:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        raise ConnectionResetError
    close = close or world.ending.done()
    reply, garblings, with_body = outcome.reply, outcome.garblings, request.method != "HEAD"
    answer = http.written(reply, world.unique(), world.clock(), garblings=garblings, with_body=with_body, close=close)
    for piece, seconds in http.pieces(answer, garblings):
        link.sendall(piece)
        if seconds:
            wait((world.ending,), seconds)
    return not close and not http.ends(garblings)


def _unique() -> str:
    return uuid.uuid4().hex


def _hang_up(link: socket.socket) -> None:
    """Send the end, and read what still comes: to close with unread data is a reset, which takes the answer along."""
    link.shutdown(socket.SHUT_WR)
    link.settimeout(_LINGER)
    while link.recv(65536):
        pass


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port), backlog=_BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise OSError(error.errno, f"the emulator cannot listen on {_HOST}:{port}: {reason}") from error
