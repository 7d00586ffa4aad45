"""The lock of a state file: a kernel lock on ``<state>.lock``, which ends with its process, and its holder.

The lock is on a file of its own, so that the state can be replaced by rename while it is held. ``<state>.lock.info``
describes the holder, for messages only; it is written after the lock is acquired and removed before it is released.
"""

from __future__ import annotations

import errno
import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.errors import LockedError, StateError
from provisioner.state.atomic import beside, replace_file

if TYPE_CHECKING:
    from filelock import BaseFileLock

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP)


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a lock, as shown to others. ``since`` is ISO 8601 UTC; ``run_url`` is "" outside a pipeline."""

    user: str
    host: str
    pid: int
    command: str
    since: str
    run_url: str = ""

    def __str__(self) -> str:
        url = f" ({self.run_url})" if self.run_url else ""
        return f"{self.user} on {self.host}, pid {self.pid}: {self.command}, since {self.since}{url}"


def ignore(_message: str) -> None:
    """Do nothing; the default for callbacks."""


@contextmanager
def hold(path: Path, holder: Holder, timeout: float = 0.0, waiting: Callable[[str], None] = ignore) -> Iterator[None]:
    """Hold the lock of the state at ``path``, whose directory exists.

    Wait up to ``timeout`` seconds (below 0: for ever), after calling ``waiting`` with the current holder. Raise
    ``LockedError`` with the holder, and ``StateError`` if locking is not possible.
    """
    lock = _acquire(path, timeout, waiting)
    info = beside(path, ".lock.info")
    try:
        try:
            replace_file(info, json.dumps(asdict(holder), sort_keys=True).encode() + b"\n")
        except OSError as error:
            message = f"{info} cannot be written: {error.strerror}"
            raise StateError(message, "free space, or check permissions") from error
        yield
    finally:
        with suppress(OSError):
            info.unlink()
        lock.release()


def describe_holder(path: Path) -> str:
    """Return a description of the holder of the lock of the state at ``path``, which must be held."""
    try:
        info = json.loads(beside(path, ".lock.info").read_text(encoding="utf-8"))
        return str(Holder(**{field.name: info[field.name] for field in fields(Holder)}))
    except (OSError, ValueError, LookupError, TypeError):  # just acquired, just released, or cut short by a crash
        return "an unknown process"


def current_holder(path: Path) -> str:
    """Return a description of the holder of the lock of the state at ``path``; "" if there is none, or it is unknown.

    A shared lock is tried only if there is a description, which is removed on release. Otherwise this check could make
    a run fail that starts at the same time.
    """
    if not beside(path, ".lock.info").exists():
        return ""
    try:
        with beside(path, ".lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return describe_holder(path)
    except OSError:
        return ""
    return ""


def _acquire(path: Path, timeout: float, waiting: Callable[[str], None]) -> BaseFileLock:
    from filelock import FileLock, Timeout

    # One lock for all threads of the process: the thread that releases it may be another than the one that acquired it.
    # No fallback to a marker file, which would outlive a killed process.
    lock = FileLock(beside(path, ".lock"), thread_local=False, fallback_to_soft=False)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if timeout == 0:
                raise
            waiting(describe_holder(path))
            lock.acquire(timeout=timeout)
    except Timeout:
        raise LockedError(
            f"{path} is locked by {describe_holder(path)}",
            "wait until it ends, or wait here with --lock-timeout SECONDS",
        ) from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, NotImplementedError) or error.errno in _NO_LOCKS:
            message = f"{path} cannot be locked: its file system does not support locks"
            raise StateError(message, "keep the state on a local disk") from error
        raise StateError(f"{path} cannot be locked: {error}", "check the permissions of the directory") from error
    return lock
