"""A server on loopback that misbehaves in ways that no HTTP library offers."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_TLS = b"\x16\x03"
"""How a handshake begins: no request comes before it is over."""

Behaviour = Callable[[socket.socket, bytes], None]


class Impolite:
    """Accepts connections, reads one request from each and hands both to ``behaviour``; then closes."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.requests: list[bytes] = []
        self._read = threading.Semaphore(0)
        self.stopping = threading.Event()
        self._behaviour = behaviour
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_for_request(self) -> None:
        """Wait for one that was sent: a client that gives up early may do so before it is read here."""
        assert self._read.acquire(timeout=60), "no request came"

    def stop(self) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(5)
                request = _request(connection)
                self.requests.append(request)
                self._read.release()
                self._behaviour(connection, request)


def _request(connection: socket.socket) -> bytes:
    """Head and, where announced, body."""
    raw = b""
    while b"\r\n\r\n" not in raw and not raw.startswith(_TLS) and (part := connection.recv(65536)):
        raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    while len(body) < length and (part := connection.recv(65536)):
        body += part
    return head + b"\r\n\r\n" + body


@contextmanager
def impolite(behaviour: Behaviour) -> Iterator[Impolite]:
    server = Impolite(behaviour)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def saying(raw: bytes) -> Behaviour:
    return lambda connection, _: connection.sendall(raw)


def answering(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def resetting(connection: socket.socket, _: bytes) -> None:
    """RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def dripping(start: bytes, drip: bytes) -> Behaviour:
    """Say the beginning, then one ``drip`` after the other, and never the end."""

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        _until_closed(connection, drip)

    return behave


def waiting(drip: bytes) -> Behaviour:
    """The same for a server that was sent something else than a request."""
    return dripping(b"", drip)


def _until_closed(connection: socket.socket, drip: bytes) -> None:
    connection.settimeout(0.02)
    while True:
        try:
            if not connection.recv(65536):
                return
        except TimeoutError:
            connection.sendall(drip)
