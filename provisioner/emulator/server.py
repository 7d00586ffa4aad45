"""The emulator as a server: ``Emulator`` runs it in threads of this process, ``serve`` in the foreground."""

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
from provisioner.emulator.app import App, DatabaseTimeouts
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.concurrent_edits import create_existing
from provisioner.emulator.databases import check_driver
from provisioner.emulator.errors import ErrorReply
from provisioner.emulator.fault_config import FaultConfig, Faults
from provisioner.emulator.fault_injection import handle
from provisioner.emulator.store import SqliteStore

_HOST = "127.0.0.1"
_BACKLOG = 128
# Seconds without a request on an open connection; for replies in progress at shutdown; for a client to notice that its
# connection is closed.
_IDLE, _GRACE, _LINGER = 60, 2, 2
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Emulator:
    """An emulator that runs during a ``with`` block. It listens on 127.0.0.1 only."""

    def __init__(
        self,
        data: Path | None = None,
        port: int = 0,
        behaviour: Behaviour = Behaviour(),  # noqa: B008
        faults: FaultConfig = FaultConfig(),  # noqa: B008
        timeouts: DatabaseTimeouts = DatabaseTimeouts(),  # noqa: B008
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Configure the emulator without opening anything.

        ``data`` None keeps everything in memory; port 0 picks a free one; ``clock`` returns epoch seconds.
        """
        self._data, self._port, self._behaviour, self._faults = data, port, behaviour, faults
        self._timeouts, self._clock = timeouts, clock

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, the endpoint of both the Flow Service and the token service."""
        return f"http://{_HOST}:{self._port}"

    def __enter__(self) -> "Emulator":
        """Start, and return once connections are accepted.

        Raises ``OSError`` if the port is in use or the file unusable, ``FaultError`` if the service would refuse a base
        connection that is to exist, ``ImportError`` if real databases are configured and PyMySQL is not installed.
        """
        check_driver(self._behaviour)
        self._store, faults = SqliteStore(self._data), Faults(self._faults)
        app = App(
            self._behaviour,
            self._store,
            self._clock,
            lambda: uuid.uuid4().hex,
            faults=faults,
            timeouts=self._timeouts,
        )
        try:
            create_existing(app, self._faults.existing)
            self._server = _Server(app, _listen(self._port))
        except BaseException:
            self._store.close()
            raise
        self._port = self._server.port
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the replies in progress, close every socket, close the data file."""
        self._server.stop()
        self._store.close()


def serve(
    data: Path | None,
    port: int,
    behaviour: Behaviour,
    announce: Callable[[str], None],
    faults: FaultConfig = FaultConfig(),  # noqa: B008
) -> None:
    """Run until SIGINT or SIGTERM, in the main thread. ``announce`` gets the URL once connections are accepted."""
    stopped = threading.Event()
    previous = {each: signal.signal(each, lambda *_: stopped.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Emulator(data, port, behaviour, faults) as emulator:
            announce(emulator.url)
            stopped.wait()
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


class _Server:
    """The accepting thread, and one thread for each open connection."""

    def __init__(self, app: App, listener: socket.socket) -> None:
        self._app, self._listener = app, listener
        self.port: int = listener.getsockname()[1]
        self._open: dict[threading.Thread, socket.socket] = {}
        self._closing = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, name="emulator", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Answer the requests that have arrived, close every connection, and wait for all threads."""
        self._app.shutdown.set_result(None)
        with suppress(OSError):
            socket.create_connection((_HOST, self.port)).close()  # wakes the accepting thread
        self._accepting.join()
        self._shut_down(socket.SHUT_RD)
        deadline = time.monotonic() + _GRACE
        for thread in self._open:
            thread.join(max(0, deadline - time.monotonic()))
        self._shut_down(socket.SHUT_RDWR)
        for thread in self._open:
            thread.join()

    def _shut_down(self, how: int) -> None:
        with self._closing:
            for sock in self._open.values():
                with suppress(OSError):  # already closed
                    sock.shutdown(how)

    def _accept(self) -> None:
        with self._listener:
            while not self._app.shutdown.done():
                try:
                    sock, _ = self._listener.accept()
                except OSError:  # too many open files
                    time.sleep(0.1)
                    continue
                thread = threading.Thread(
                    target=self._serve_connection, args=(sock,), name="emulator-connection", daemon=True
                )
                self._open = {each: other for each, other in self._open.items() if each.is_alive()} | {thread: sock}
                thread.start()

    def _serve_connection(self, sock: socket.socket) -> None:
        """Answer the requests of one connection until either side closes it."""
        try:
            sock.settimeout(_IDLE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with sock.makefile("rb") as stream, suppress(OSError, EOFError):
                while _serve_request(self._app, sock, stream):
                    pass
                _close_gracefully(sock)
        finally:
            with self._closing:  # afterwards its file descriptor may be reused, and must not be shut down
                sock.close()


def _serve_request(app: App, sock: socket.socket, stream: BinaryIO) -> bool:
    """Answer one request. Return whether another one may follow.

    Raises ``EOFError`` or ``OSError`` if the client is gone, or is to get no answer.
    """
    try:
        request, close = http.read_request(stream, sock.sendall)
    except ErrorReply as error:
        request_id = app.new_id()
        reply = errors.error_reply(error, app.behaviour, request_id)
        sock.sendall(http.encode_reply(reply, request_id, app.clock(), close=True))
        return False
    delivery = handle(app, request)
    if delivery.reply is None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        raise ConnectionResetError
    close = close or app.shutdown.done()
    reply, faults, with_body = delivery.reply, delivery.response_faults, request.method != "HEAD"
    response = http.encode_reply(reply, app.new_id(), app.clock(), faults=faults, with_body=with_body, close=close)
    for piece, seconds in http.split_for_sending(response, faults):
        sock.sendall(piece)
        if seconds:
            wait((app.shutdown,), seconds)
    return not close and not http.forces_close(faults)


def _close_gracefully(sock: socket.socket) -> None:
    """Close the sending side and read the rest: closing with unread data resets the connection and loses the reply."""
    sock.shutdown(socket.SHUT_WR)
    sock.settimeout(_LINGER)
    while sock.recv(65536):
        pass


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port), backlog=_BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise OSError(error.errno, f"the emulator cannot listen on {_HOST}:{port}: {reason}") from error
