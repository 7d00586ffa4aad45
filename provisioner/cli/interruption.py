"""Ctrl-C and SIGTERM, which pipelines send when they are cancelled: the first asks to stop, the second stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 130


class Interruption:
    """Installed for the length of a ``with`` in the main thread.

    The first signal sets ``asked`` and raises ``KeyboardInterrupt``, except while ``undisturbed``: then whoever works
    looks at ``asked``, ends what is under way and records it. A second one ends the process where it stands; what was
    under way is an intent in the journal, which the next run settles.
    """

    def __init__(self) -> None:
        self.asked = Event()
        self._undisturbed = False

    def __enter__(self) -> Self:
        self._before = [(each, signal.signal(each, self._arrived)) for each in _SIGNALS]
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before:
            signal.signal(each, handler)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Around what must not be cut off half-way."""
        self._undisturbed = True
        try:
            yield
        finally:
            self._undisturbed = False

    def _arrived(self, _signal: int, _frame: FrameType | None) -> None:
        if self.asked.is_set():
            # Not through the console, whose lock the interrupted thread may hold.
            os.write(2, b"\nstopped at once; what was under way is in the journal, and the next apply settles it\n")
            os._exit(INTERRUPTED)
        self.asked.set()
        if not self._undisturbed:
            raise KeyboardInterrupt
        os.write(2, b"\ninterrupted: no new calls; waiting for those under way. Once more stops at once\n")
