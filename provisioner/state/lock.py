"""One writer per state: a kernel lock on ``<state>.lock``, which dies with its process, and who holds it.

The lock is on a file of its own, so that the state may be replaced by rename while it is held. Who holds it is in
``<state>.lock.info``, written after the lock is owned and removed before it is given up; it is for the reader only.
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


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, for whom it blocks. ``since`` is ISO 8601 UTC; ``run_url`` "" outside a pipeline."""

    user: str
    host: str
    pid: int
    command: str
    since: str
    run_url: str = ""

    def __str__(self) -> str:
        url = f" ({self.run_url})" if self.run_url else ""
        return f"{self.user} on {self.host}, pid {self.pid}: {self.command}, since {self.since}{url}"


def nobody(_holder: str) -> None:
    """The default for ``waiting``: nobody is told."""


@contextmanager
def hold(path: Path, holder: Holder, timeout: float = 0.0, waiting: Callable[[str], None] = nobody) -> Iterator[None]:
    """Be the only one to write the state at ``path``; its directory exists.

    Waits up to ``timeout`` seconds (below 0: without end) after telling ``waiting`` who holds it. Raises
    ``LockedError`` naming the holder, and ``StateError`` where no lock can be made.
    """
    lock = _acquired(path, timeout, waiting)
    info = beside(path, ".lock.info")
    try:
        _announce(info, holder)
        yield
    finally:
        with suppress(OSError):
            info.unlink()
        lock.release()


def held_by(path: Path) -> str:
    """Who holds the lock of the state at ``path``, as far as it says so; only of use while somebody does."""
    info = beside(path, ".lock.info")
    try:
        said = json.loads(info.read_text(encoding="utf-8"))
        return str(Holder(**{field.name: said[field.name] for field in fields(Holder)}))
    except (OSError, ValueError, LookupError, TypeError):  # just acquired, just released, or cut short by a crash
        return "a process that has not said who it is"


def writer(path: Path) -> str:
    """Return who holds the lock of the state at ``path``; "" where nobody does, or it cannot be told.

    Whoever ends takes its name away, so a shared lock is tried only where there is one: a run that begins
    meanwhile is not turned away by one that only looks.
    """
    if not beside(path, ".lock.info").exists():
        return ""
    try:
        with beside(path, ".lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return held_by(path)
    except OSError:
        return ""
    return ""


def _acquired(path: Path, timeout: float, waiting: Callable[[str], None]) -> BaseFileLock:
    from filelock import FileLock, Timeout

    # One lock for all threads of the process: whoever gives it up need not be the thread that took it. A marker file,
    # as a fallback, would outlive a killed process.
    lock = FileLock(beside(path, ".lock"), thread_local=False, fallback_to_soft=False)
    try:
        _acquire(lock, path, timeout, waiting)
    except Timeout:
        raise LockedError(
            f"{path} is locked by {held_by(path)}", "wait for it to end, or wait here with --lock-timeout SECONDS"
        ) from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, NotImplementedError) or error.errno in _NO_LOCKS:
            message = f"{path} cannot be locked: its file system has no locks"
            raise StateError(message, "keep the state on a local disk") from error
        raise StateError(f"{path} cannot be locked: {error}", "check the directory's permissions") from error
    return lock


_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP)


def _acquire(lock: BaseFileLock, path: Path, timeout: float, waiting: Callable[[str], None]) -> None:
    from filelock import Timeout

    try:
        lock.acquire(timeout=0)
    except Timeout:
        if timeout == 0:
            raise
        waiting(held_by(path))
        lock.acquire(timeout=timeout)


def _announce(info: Path, holder: Holder) -> None:
    try:
        replace_file(info, json.dumps(asdict(holder), sort_keys=True).encode() + b"\n")
    except OSError as error:
        raise StateError(f"{info} cannot be written: {error.strerror}", "free space, or check permissions") from error
