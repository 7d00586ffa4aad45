"""The one way out of the process: standard output for the result, standard error for everything else."""

from __future__ import annotations

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
        with self.lock:
            self.stderr.write(text)
            self.stderr.flush()

    def _write(self, stream: TextIO, text: str) -> None:
        if text:
            with self.lock:
                stream.write(text if text.endswith("\n") else f"{text}\n")
                stream.flush()
