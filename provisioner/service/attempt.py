"""One attempt of a call, seen from the connection below it: whether the request began to leave, and its deadline.

Both are facts about where we were. The type of an exception tells neither: the libraries raise the same types before a
connection is looked for and while an answer is read.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Self


class Attempt:
    """One attempt, from connecting to the last byte of the answer. Of one thread, like the connections it uses.

    ``left``: bytes of the request may have left. ``late``: the deadline has passed; the connection was shut down from
    outside, which ends whatever waits for it. ``odd``: the answer breaks a rule of HTTP, so what comes next on its
    connection cannot be told from what belongs to it.
    """

    def __init__(self, within: float) -> None:
        self.left = False
        self.late = False
        self.odd = False
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(within, self._end)
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
        """End this socket at the deadline. A handle of its own is kept: TLS detaches the one of the plain socket."""
        with self._lock:
            if self._handle is None:
                self._handle = socket.socket(fileno=os.dup(connected.fileno()))
            if self.late:
                self._shut()

    def leave(self, connected: Any) -> None:
        """Note that the request begins to leave. Raise ``TimeoutError`` instead once the deadline has passed."""
        self.watch(connected)
        with self._lock:
            if self.late:
                raise TimeoutError("the deadline has passed")
            self.left = True

    def _end(self) -> None:
        with self._lock:
            self.late = True
            self._shut()

    def _shut(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)


class _Current(threading.local):
    attempt: Attempt | None = None


_CURRENT = _Current()


def _attempt() -> Attempt:
    if _CURRENT.attempt is None:
        raise RuntimeError("a connection is used outside of an attempt")
    return _CURRENT.attempt


class _Lines:
    """The beginning of an answer: remembers the last line read, for it to be the empty one that ends the headers."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self.file.readline(limit)
        return self.last

    def close(self) -> None:
        self.file.close()


class _Response(HTTPResponse):
    """An answer whose headers have to be whole: ``http.client`` takes the end of the connection for their end."""

    fp: Any

    def begin(self) -> None:
        lines = self.fp = _Lines(self.fp)
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
            _attempt().odd = True


class _Watched(HTTPConnection):
    """What a connection of ``urllib3`` tells the attempt of its thread. Mixed in before its class."""

    response_class = _Response
    _connecting = False

    def _new_conn(self) -> Any:
        below: Any = super()
        connected = below._new_conn()
        _attempt().watch(connected)
        return connected

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        """While connecting this is no request but the CONNECT for a tunnel."""
        if not self._connecting:
            if self.sock is None:
                self.connect()
            _attempt().leave(self.sock)
        super().send(data)


@cache
def watched(pool: type[Any]) -> type[Any]:
    """Return the class of pools whose connections tell the attempt of their thread how far they have come."""
    connection = type(f"Watched{pool.ConnectionCls.__name__}", (_Watched, pool.ConnectionCls), {})
    return type(f"Watched{pool.__name__}", (pool,), {"ConnectionCls": connection})
