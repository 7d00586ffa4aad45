"""Work shared out among processes that are copies of this one.

A queue of chunks is a pipe that is filled before there is anybody else: whoever wants the next one reads its number.
Each helper hands over what it has made through a pipe of its own, and what none has handed over in the end, for
whatever reason, is made here. So a helper may fail as it likes, and one whose parent is gone ends with its next chunk.
"""

from __future__ import annotations

import fcntl
import gc
import marshal
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from provisioner.sharing import Chunks, Item, Job, Result, alone, chunks_of, work_off

LEAST = 500
"""Items for which it is worth it."""

MOST = 4
"""Processes; a machine with many more has other things to do."""

_INTERRUPTING = (signal.SIGINT, signal.SIGTERM)
_OWN_THREADS = "/proc/self/task"

_NUMBER = 4
"""Bytes of a number in a pipe."""

_ROOM = 1024 * 1024
"""Bytes that a pipe should hold: so many are written and read at once."""


@contextmanager
def share(items: Sequence[Item], job: Job[Item, Result], more: Callable[[int], None]) -> Iterator[Chunks[Result]]:
    """As many processes work on it as there are processors.

    Only where copying a process is safe: on Linux, and while it has one thread.
    """
    chunks = list(chunks_of(items))
    others = min(_processors(), MOST) - 1
    queue = _queue(len(chunks)) if others > 0 and len(items) >= LEAST and _threads() == 1 else None
    if queue is None:
        with alone(items, job, more) as done:
            yield done
        return
    try:
        with _helpers(others, chunks, job, queue) as helpers:
            here = work_off(((number, chunks[number]) for number in _taken(queue)), job, more)
            yield _completed(_beside(here, helpers, job, more), chunks, job, more)
    finally:
        os.close(queue)


def _beside(
    here: Chunks[Result], helpers: Sequence[_Helper], job: Job[Any, Result], more: Callable[[int], None]
) -> Chunks[Result]:
    """What is done here, and what helpers hand over meanwhile and at the end."""
    for done in here:
        yield done
        for helper in helpers:
            yield from _handed_over(helper.collect(), job, more)
    for helper in helpers:
        yield from _handed_over(helper.finish(), job, more)


def _completed(
    done: Chunks[Result], chunks: Sequence[Sequence[Item]], job: Job[Item, Result], more: Callable[[int], None]
) -> Chunks[Result]:
    """What is done, and then what none has handed over."""
    missing = dict(enumerate(chunks))
    for number, results in done:
        del missing[number]
        yield number, results
    yield from work_off(missing.items(), job, more)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" and os.path.isdir(_OWN_THREADS) else 1


def _threads() -> int:
    """Those of libraries that are not written in Python too."""
    return len(os.listdir(_OWN_THREADS))


def _handed_over(messages: Iterable[bytes], job: Job[Any, Result], more: Callable[[int], None]) -> Chunks[Result]:
    for message in messages:
        number, packed = marshal.loads(message)  # noqa: S302 - our own child's, by a pipe that nobody else has
        more(len(packed))
        yield number, list(map(job.unpack, packed))


def _queue(length: int) -> int | None:
    """A pipe of numbers that nobody writes to any more. It holds as many as there is room for."""
    with suppress(OSError):
        queue, into = os.pipe()
        try:
            os.set_blocking(into, False)
            os.write(into, b"".join(number.to_bytes(_NUMBER) for number in range(length)))
        finally:
            os.close(into)
        return queue
    return None


def _taken(queue: int) -> Iterator[int]:
    while number := os.read(queue, _NUMBER):
        yield int.from_bytes(number)


@contextmanager
def _helpers(number: int, chunks: Sequence[Any], job: Job[Any, Any], queue: int) -> Iterator[list[_Helper]]:
    """As many helpers as the system admits. None is left at the end, whatever it is doing."""
    helpers: list[_Helper] = []
    try:
        with _undisturbed(), suppress(OSError):
            helpers.extend(_Helper(chunks, job, queue) for _ in range(number))
        yield helpers
    finally:
        for helper in helpers:
            helper.dismiss()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No helper is forgotten by an interruption."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Helper:
    """Another process. Raises ``OSError`` where there can be none."""

    def __init__(self, chunks: Sequence[Any], job: Job[Any, Any], queue: int) -> None:
        self._out, into = os.pipe()
        self._received = bytearray()
        try:
            self._pid = _forked(lambda: _help_out(chunks, job, queue, into), keep=(queue, into))
        except OSError:
            os.close(self._out)
            raise
        finally:
            os.close(into)
        os.set_blocking(self._out, False)

    def collect(self) -> Iterator[bytes]:
        """The messages that have arrived."""
        with suppress(BlockingIOError):
            while received := os.read(self._out, _ROOM):
                self._received += received
        while (end := _NUMBER + int.from_bytes(self._received[:_NUMBER])) <= len(self._received):
            yield bytes(self._received[_NUMBER:end])
            del self._received[:end]

    def finish(self) -> Iterator[bytes]:
        """The messages that are still to come."""
        os.set_blocking(self._out, True)
        return self.collect()

    def dismiss(self) -> None:
        os.close(self._out)
        with suppress(ChildProcessError):  # where nobody waits for children, the system does
            if os.waitpid(self._pid, os.WNOHANG) == (0, 0):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)


def _help_out(chunks: Sequence[Any], job: Job[Any, Any], queue: int, into: int) -> None:
    """What a helper does: take a chunk, work on it, hand it over as its length and its bytes. What nobody
    fetches yet is kept, and is at most what the work comes to."""
    with suppress(OSError):
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, _ROOM)
    os.set_blocking(into, False)
    waiting = bytearray()
    for number in _taken(queue):
        message = marshal.dumps((number, list(map(job.pack, job.work(chunks[number])))))
        waiting += len(message).to_bytes(_NUMBER) + message
        with suppress(BlockingIOError):  # nobody reads at the moment, and the work goes on
            del waiting[: os.write(into, waiting)]
    os.set_blocking(into, True)
    while waiting:
        del waiting[: os.write(into, waiting)]


def _forked(work: Callable[[], None], keep: tuple[int, int]) -> int:
    """The process id of a copy of this process that does the work, and nothing else that this one would do."""
    pid = os.fork()
    if pid == 0:
        try:
            gc.disable()
            _die_when_interrupted()
            _close_all_but(keep)
            work()
        finally:
            os._exit(0)
    return pid


def _die_when_interrupted() -> None:
    """What handles a signal in the first process is for that alone, which may have to say something."""
    for each in _INTERRUPTING:
        signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTING)


def _close_all_but(keep: tuple[int, int]) -> None:
    """Otherwise a lock would be held, and whoever reads the output would wait."""
    for descriptor in {int(name) for name in os.listdir("/proc/self/fd")} - set(keep):
        with suppress(OSError):  # that of the list itself
            os.close(descriptor)
