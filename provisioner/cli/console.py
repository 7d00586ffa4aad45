"""The one way out of the process: the result to standard output, everything else to standard error, reports to files.

All of it is checked by the secret scanner first. What libraries and Python itself write to the standard streams comes
through here as well (``redirected``).
"""

from __future__ import annotations

import glob
import io
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, cast

from provisioner.errors import Leak, NotWritten
from provisioner.secret_scanner import SecretScanner

_PRIVATE, _PUBLIC = 0o600, 0o666
"""Modes of files; of the latter the user's umask takes away."""


@dataclass(frozen=True, slots=True)
class Console:
    """Where a run writes. Whole lines, from any thread. Raises ``Leak``, and writes nothing, for a text that holds a
    sensitive value of the run."""

    stdout: TextIO
    stderr: TextIO
    scanner: SecretScanner = field(default_factory=SecretScanner)
    lock: threading.Lock = field(default_factory=threading.Lock)
    passing: list[str] = field(default_factory=list)
    """The line at the end of the terminal that stays there, if there is one."""
    lost: list[str] = field(default_factory=list)
    """Why results could not be written. That nobody reads them, as behind ``head``, is no reason."""

    def check(self, words: Iterable[str]) -> None:
        """Raise ``Leak`` where any of these holds a sensitive value, as they are: before they are escaped, folded or
        cut, after which a part of a value, or one in other company, might pass."""
        self.scanner.check("\n".join(words))

    def out(self, text: str) -> None:
        """What the command was asked for."""
        self._write(self.stdout, text)

    def check_written(self) -> None:
        """Raises ``NotWritten`` where a part of the result is lost; once."""
        if self.lost:
            message = f"standard output cannot be written: {self.lost.pop()}"
            self.lost.clear()
            raise NotWritten(message, "run it again where there is room for it")

    def err(self, text: str) -> None:
        """Everything else: progress, warnings, errors."""
        self._write(self.stderr, text)

    def ask(self, text: str) -> None:
        """A question; the answer follows on the same line."""
        self.status("")
        self._write(self.stderr, text, end="")

    def status(self, text: str) -> None:
        """The line that stays at the end of a terminal, in the place of the one before; "" takes it away."""
        self.scanner.check(text)
        with self.lock:
            self._clear()
            self.passing[:] = [text] if text else []
            self._put_last()

    def write_report(self, path: Path, text: str) -> None:
        """A file for nobody but the user. Raises ``OSError``, also where there is a file of that name."""
        self.scanner.check(text)
        _new_file(path, text, _PRIVATE)

    def write_private(self, path: Path, text: str) -> None:
        """Write a private file of the user's choice, as ``write_public`` does."""
        self._write_file(path, text, _PRIVATE)

    def write_public(self, path: Path, text: str) -> None:
        """Write a file for whoever may read the folder. Raise ``OSError``.

        A file is there whole or not at all, and takes the place of one that is there, also behind a link. What is no
        file, such as a pipe or a device, is never replaced: it is written into, and our own streams as such.
        """
        self._write_file(path, text, _PUBLIC)

    def _write_file(self, path: Path, text: str, mode: int) -> None:
        self.scanner.check(text)
        try:
            there = os.stat(path)
        except FileNotFoundError:
            there = None
        if there is not None and (stream := self._stream_of(there)):
            self._put(stream, text, "\n")
        elif there is None or stat.S_ISREG(there.st_mode):
            _replace(Path(os.path.realpath(path)), text, mode)
        else:
            _write_into(path, text)

    def _stream_of(self, there: os.stat_result) -> TextIO | None:
        """Return which of our own streams a file is, as behind ``/dev/stdout``."""
        for stream in (self.stdout, self.stderr):
            with suppress(OSError, ValueError):
                if os.path.samestat(os.fstat(stream.fileno()), there):
                    return stream
        return None

    def append(self, path: Path, text: str) -> None:
        """More for a file that others write to as well. Raises ``OSError``."""
        self.scanner.check(text)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)

    def create(self, path: Path, text: str) -> None:
        """A new file for whoever may read the folder, which is made where there is none. Raises ``OSError``."""
        self.scanner.check(text)
        path.parent.mkdir(parents=True, exist_ok=True)
        _whole_new_file(path, text, _PUBLIC)

    def remove_litter(self, path: Path) -> None:
        """Remove what a ``create`` of this file that was killed has left beside it."""
        for litter in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            with suppress(OSError):
                litter.unlink()

    def err_unchecked(self, text: str) -> None:
        """A note that must get out: an id that nothing else could record, the words that a leak is reported with."""
        self._put(self.stderr, text, "\n")

    @contextmanager
    def redirected(self) -> Iterator[None]:
        """Meanwhile what anybody writes to the standard streams comes through here."""
        # Only what _Lines can is ever asked of them: write, flush, isatty, fileno.
        out, err = (cast(TextIO, _Lines(self, stream)) for stream in (self.stdout, self.stderr))
        with closing(out), closing(err), redirect_stdout(out), redirect_stderr(err):
            yield

    def _write(self, stream: TextIO, text: str, end: str = "\n") -> None:
        self.scanner.check(text)
        self._put(stream, text, end)

    def _clear(self) -> None:
        if self.passing:
            self._decorate("\r\x1b[2K")

    def _put_last(self) -> None:
        for text in tuple(self.passing):
            self._decorate(text)

    def _decorate(self, text: str) -> None:
        """What nobody needs must not end a run: the terminal may be gone."""
        try:
            self.stderr.write(text)
            self.stderr.flush()
        except (OSError, ValueError):
            self.passing.clear()

    def _put(self, stream: TextIO, text: str, end: str) -> None:
        if not text:
            return
        with self.lock:
            try:
                self._clear()
                stream.write(text if text.endswith("\n") else f"{text}{end}")
                stream.flush()
                self._put_last()
            except OSError as error:
                _discard(stream)
                if stream is self.stdout and not isinstance(error, BrokenPipeError):
                    self.lost.append(error.strerror or type(error).__name__)


def _new_file(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _whole_new_file(path: Path, text: str, mode: int) -> None:
    """Whole or not at all, and never in the place of another one."""
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        _new_file(temporary, text, mode)
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        _new_file(path, text, mode)
    finally:
        temporary.unlink(missing_ok=True)


def _replace(path: Path, text: str, mode: int) -> None:
    """Whole or not at all; nothing is left of an attempt."""
    temporary = path.with_name(f"{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        _new_file(temporary, text, mode)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_into(path: Path, text: str) -> None:
    """Into a pipe or a device as it is there; a folder is neither."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _discard(stream: TextIO) -> None:
    """Nobody reads it any more, as behind ``head``, or there is no room for it; what is under way must still end, be
    recorded, and have its exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Lines(io.TextIOBase):
    """Collects what is written until a line is whole, since half a secret is not found."""

    encoding = "utf-8"

    def __init__(self, console: Console, stream: TextIO) -> None:
        self._console = console
        self._stream = stream
        self._open = threading.local()

    def write(self, text: str | bytes) -> int:
        if isinstance(text, bytes):  # so click writes the answers of shell completion
            text = text.decode("utf-8", "replace")
        whole, line_end, rest = (getattr(self._open, "text", "") + text).rpartition("\n")
        self._open.text = rest
        with suppress(Leak):  # not ours to report: whoever wrote it may not expect an error
            self._console._write(self._stream, whole + line_end)
        return len(text)

    def flush(self) -> None:
        """What has no line end yet waits for it: standard streams are flushed at any time."""

    def close(self) -> None:
        """The last line may have no end."""
        self.write("\n" if getattr(self._open, "text", "") else "")

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
