"""The one way out of the process: standard output for the result, standard error for everything else."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Egress:
    """Where a run writes. Whole lines, from any thread."""

    stdout: TextIO
    stderr: TextIO
    lock: threading.Lock = field(default_factory=threading.Lock)

    def result(self, text: str) -> None:
        """What the command was asked for."""
        self._write(self.stdout, text)

    def note(self, text: str) -> None:
        """Everything else: progress, warnings, errors."""
        self._write(self.stderr, text)

    def ask(self, text: str) -> None:
        """A question; the answer follows on the same line."""
        self._write(self.stderr, text, end="")

    def _write(self, stream: TextIO, text: str, end: str = "\n") -> None:
        if not text:
            return
        with self.lock:
            try:
                stream.write(text if text.endswith("\n") else f"{text}{end}")
                stream.flush()
            except BrokenPipeError:
                _discard(stream)


def _discard(stream: TextIO) -> None:
    """The reader has gone, as ``head`` does; what is under way must still end, be recorded, and have its exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
