"""Outcomes that the journal could not take: kept wherever there is room, until the next run takes them up.

A line is one settled intent, as in the journal but without a seal.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from provisioner.errors import StateError
from provisioner.state.codec import entries_from_line, entry_to_json
from provisioner.state.files import PRIVATE, beside, write_all
from provisioner.state.records import Settled


def path_of(state: Path) -> Path:
    """Where the next run looks by itself."""
    return beside(state, ".rescue")


def line(settled: Settled) -> str:
    """What is kept of it. Holds an id and an etag, no secret."""
    return json.dumps(entry_to_json(settled), sort_keys=True)


def keep(state: Path, settled: Settled) -> Path | None:
    """Durable beside the state, or else in the directory for temporary files; None where neither takes it."""
    data = line(settled).encode() + b"\n"
    with suppress(OSError):
        return _append(path_of(state), data)
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(prefix="provisioner-rescue-", suffix=".jsonl")
        _write(descriptor, data)
        return Path(name)
    return None


def read(path: Path) -> tuple[Settled, ...]:
    """What was kept in a file; nothing where there is none. A last line that was cut short is left out.

    Raises ``StateError`` for anything else that is not such a line.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise StateError(f"{path} cannot be read", "check its permissions") from error
    *whole, _cut = text.split("\n")
    return tuple(_settled(one, f"{path}:{number}") for number, one in enumerate(whole, 1) if one.strip())


def _settled(text: str, where: str) -> Settled:
    remedy = "a rescue file holds lines as apply wrote them, nothing else"
    try:
        (entry,) = entries_from_line(b'{"entries":[%b]}' % text.encode(), where)
    except ValueError as error:
        raise StateError(f"{where}: not JSON", remedy) from error
    if not isinstance(entry, Settled):
        raise StateError(f"{where}: not what became of a call", remedy)
    return entry


def _append(path: Path, data: bytes) -> Path:
    _write(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE), data)
    return path


def _write(descriptor: int, data: bytes) -> None:
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
