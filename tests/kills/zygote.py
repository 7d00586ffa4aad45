"""Runs the command in a fresh process, many times a second, and kills it at a boundary.

Everything is imported once; each request forks a child that runs the installed command's own ``main``. There is no
hook in the product: the child wraps the functions through which it reaches the disk and the service, counts, and at
the boundary asked for it sends itself SIGKILL. A boundary is the moment after a write (and once more within it, half of
the bytes written), after an fsync, a rename, a link, a removal or a cut, and before and after each call.

Requests are JSON lines on standard input: ``{"folder", "environ", "args", "kill", "ahead"}``; ``kill`` 0 lets it end,
``ahead`` are the seconds by which the clock of this machine is wrong. Answers: ``{"code", "passed"}``, code -9 where it
was killed, ``passed`` the boundaries that it came through.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import pkgutil
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import provisioner
from provisioner import cli
from provisioner.cli import apply
from provisioner.service import messages, retry, transport
from provisioner.service.messages import Timing
from provisioner.service.transport import HttpTransport


class Boundaries:
    """Counts, from any thread, and kills at the one that was asked for."""

    def __init__(self, kill: int) -> None:
        self._kill = kill
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.passed = 0

    def __call__(self) -> None:
        with self._lock:
            self.passed = next(self._numbers)
            if self.passed == self._kill:
                os.kill(os.getpid(), signal.SIGKILL)

    def after(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            result = function(*args, **more)
            self()
            return result

        return wrapped

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            self()
            return self.after(function)(*args, **more)

        return wrapped

    def torn(self, write: Callable[[int, Any], int]) -> Callable[[int, Any], int]:
        """Half of the bytes, a boundary, and the rest: what a crash leaves of a line."""

        def wrapped(descriptor: int, data: Any) -> int:
            half = len(data) // 2
            done = write(descriptor, data[:half]) if half else 0
            self()
            done += write(descriptor, data[half:])
            self()
            return done

        return wrapped


LONGEST_PAUSE = 0.05
"""Seconds: the list of this emulator does not lag, and it is never busy, so that every wait is short."""


def timing(ahead: float, real: Callable[..., Timing]) -> Callable[..., Timing]:
    """Return the clocks of a machine that is ahead, or behind, and never pauses for long."""

    def wrong(interrupted: threading.Event | None = None) -> Timing:
        right = real(interrupted)
        return replace(
            right,
            now=lambda: right.now() + timedelta(seconds=ahead),
            sleep=lambda seconds: right.sleep(min(seconds, LONGEST_PAUSE)),
        )

    return wrong


def run(request: dict[str, Any], report: int) -> None:
    """The child: never returns."""
    boundary = Boundaries(request["kill"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    sys.argv = ["provisioner", *request["args"]]
    write = os.write
    os.write = boundary.torn(os.write)
    for name in ("fsync", "replace", "link", "ftruncate", "unlink"):
        setattr(os, name, boundary.after(getattr(os, name)))
    transport.real_timing = timing(request["ahead"], transport.real_timing)
    HttpTransport.send = boundary.around(HttpTransport.send)  # type: ignore[method-assign]
    code = 70
    try:
        cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        write(report, json.dumps({"code": code, "passed": boundary.passed}).encode())
        os._exit(code)


def serve() -> None:
    """Until standard input ends."""
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            run(json.loads(line), writing)
        os.close(writing)
        with os.fdopen(reading) as report:
            text = report.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write((text or json.dumps({"code": -9 if killed else 70, "passed": 0})) + "\n")
        sys.stdout.flush()


def prepare() -> None:
    """Import everything once."""
    for module in pkgutil.walk_packages(provisioner.__path__, "provisioner."):
        importlib.import_module(module.name)
    for library in ("jsonschema", "yaml", "jinja2", "filelock"):
        importlib.import_module(library)
    messages.LOOPBACK = messages.Deadlines(attempt=60.0, lag=60.0)
    apply._sleep = lambda interruption, seconds: interruption.requested.wait(min(seconds, LONGEST_PAUSE))
    with contextlib.suppress(AttributeError):
        retry.Policy.__init__.__defaults__ = (6, 180.0, 0.005, 0.02, 0.02, 20, 0.005, 0.02)  # type: ignore[misc]


if __name__ == "__main__":
    prepare()
    serve()
