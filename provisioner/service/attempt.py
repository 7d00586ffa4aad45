"""One attempt of a call, observed at its connection: whether the request began to leave, and its deadline.

Both are facts about how far the attempt came. The type of an exception tells neither: the libraries raise the same
types before they connect and while they read a response.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Self

from provisioner.service.messages import Certificate


class Attempt:
    """One attempt, from connecting to the last byte of the response. Used by one thread, like its connections.

    ``left``: bytes of the request may have left. ``late``: the deadline has passed; the connection was shut down, which
    ends every wait for it. ``odd``: the response breaks a rule of HTTP, so that its end cannot be found and its
    connection must not be used again. ``certificate`` is that of the other side, None for plain HTTP.
    """

    def __init__(self, within: float) -> None:
        self.left = False
        self.late = False
        self.odd = False
        self.certificate: Certificate | None = None
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(within, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        _CURRENT.attempt = self
        return self

    def __exit__(self, *_: object) -> None:
        _CURRENT.attempt = None
        self._timer.cancel()
        self._timer.join()
        if self._handle is not None:
            self._handle.close()

    def watch(self, connected: Any) -> None:
        """Shut this socket down at the deadline. A duplicate is kept, since TLS detaches the plain socket."""
        with self._lock:
            if self._handle is None:
                self._handle = socket.socket(fileno=os.dup(connected.fileno()))
            if self.late:
                self._shut()

    def leave(self, connected: Any) -> None:
        """Record that the request begins to leave. Raise ``TimeoutError`` if the deadline has passed."""
        self.watch(connected)
        with self._lock:
            if self.late:
                raise TimeoutError("the deadline has passed")
            self.left = True
        self.certificate = _certificate_of(connected)

    def _expire(self) -> None:
        with self._lock:
            self.late = True
            self._shut()

    def _shut(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)


def _certificate_of(connected: Any) -> Certificate | None:
    if not isinstance(connected, ssl.SSLSocket):
        return None
    issuer: Any = (connected.getpeercert() or {}).get("issuer", ())
    names = {name: value for part in issuer for name, value in part}
    shown = dict.fromkeys(filter(None, (names.get("organizationName"), names.get("commonName"))))
    return Certificate(", ".join(shown), connected.version() or "")


class _Current(threading.local):
    attempt: Attempt | None = None


_CURRENT = _Current()


def _current_attempt() -> Attempt:
    if _CURRENT.attempt is None:
        raise RuntimeError("a connection is used outside of an attempt")
    return _CURRENT.attempt


class _LineReader:
    """The beginning of a response. Remembers the last line read, which must be the empty one after the headers."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self.file.readline(limit)
        return self.last

    def close(self) -> None:
        self.file.close()


class _Response(HTTPResponse):
    """A response that must have complete headers: ``http.client`` takes the end of the connection for their end."""

    fp: Any

    def begin(self) -> None:
        lines = self.fp = _LineReader(self.fp)
        try:
            super().begin()
        finally:
            if self.fp is lines:
                self.fp = lines.file
        if lines.last not in (b"\r\n", b"\n"):
            raise HTTPException("the headers were cut")
        lengths = self.msg.get_all("content-length", [])
        unclear = len(lengths) > 1 or (lengths and "transfer-encoding" in self.msg)
        if self.msg.defects or self.msg.get_payload() or unclear:
            _current_attempt().odd = True


class _WatchedConnection(HTTPConnection):
    """Mixin for a connection of ``urllib3`` that reports to the attempt of its thread."""

    response_class = _Response
    _connecting = False

    def _new_conn(self) -> Any:
        parent: Any = super()
        connected = parent._new_conn()
        _current_attempt().watch(connected)
        return connected

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if not self._connecting:  # while connecting, the data is the CONNECT for a tunnel
            if self.sock is None:
                self.connect()
            _current_attempt().leave(self.sock)
        super().send(data)


@cache
def watched(pool: type[Any]) -> type[Any]:
    """Return a subclass of the pool whose connections report to the attempt of their thread."""
    connection = type(f"Watched{pool.ConnectionCls.__name__}", (_WatchedConnection, pool.ConnectionCls), {})
    return type(f"Watched{pool.__name__}", (pool,), {"ConnectionCls": connection})
