"""Ctrl-C and SIGTERM, which pipelines send when they are cancelled: the first asks to stop, the second stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import Self

from provisioner.errors import ExitCode, Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Handles signals for the length of a ``with`` block, in the main thread.

    The first signal sets ``requested`` and raises ``KeyboardInterrupt``, except while ``undisturbed``: then workers see
    that it is set, finish what is under way and record it. A second signal ends the process at once; what was under way
    is an intent in the journal, which the next run settles. If the block is left by ``KeyboardInterrupt`` and was never
    ``undisturbed``, nothing was sent, and it becomes ``Interrupted``.
    """

    def __init__(self) -> None:
        self.requested = Event()
        self._undisturbed = self._was_undisturbed = False

    def __enter__(self) -> Self:
        self._before = [(each, signal.signal(each, self._arrived)) for each in _SIGNALS]
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for each, handler in self._before:
            signal.signal(each, handler)
        if kind is KeyboardInterrupt and not self._was_undisturbed:
            raise Interrupted("interrupted; nothing was sent") from None

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Do not raise ``KeyboardInterrupt`` meanwhile, for what must not be cut off half-way."""
        self._undisturbed = self._was_undisturbed = True
        try:
            yield
        finally:
            self._undisturbed = False

    def _arrived(self, _signal: int, _frame: FrameType | None) -> None:
        if self.requested.is_set():
            # Not through the console, whose lock the interrupted thread may hold.
            os.write(2, b"\nstopped at once; what was under way is in the journal, and the next apply settles it\n")
            os._exit(ExitCode.INTERRUPTED)
        self.requested.set()
        if not self._undisturbed:
            raise KeyboardInterrupt
        os.write(2, b"\ninterrupted: no new calls; waiting for those under way; press Ctrl-C again to stop at once\n")
