"""Repair of a state whose files are damaged, lost, or do not belong together. Reads; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from provisioner.errors import StateError
from provisioner.state import journal
from provisioner.state.atomic import beside
from provisioner.state.codec import state_from_bytes
from provisioner.state.journal import JournalContents
from provisioner.state.records import State
from provisioner.state.replay import replay


@dataclass(frozen=True, slots=True)
class Repaired:
    """The best state that the files allow, and notes on how it was made."""

    state: State
    notes: tuple[str, ...]


def repair(path: Path, empty: State) -> Repaired:
    """Return the state file, else its backup, else ``empty``, with the journal replayed up to where it is damaged.

    The journal is replayed whether or not it continues that state, since its ids are recorded nowhere else.
    """
    contents, note = _read_undamaged(beside(path, ".journal"))
    header = contents.header
    notes = [note] if note else []
    for file in (path, beside(path, ".backup")):
        try:
            state = state_from_bytes(file.read_bytes(), str(file))
            break
        except FileNotFoundError:
            notes.append(f"{file} is missing")
        except (OSError, StateError) as error:
            notes.append(str(error))
    else:
        state = replace(empty, lineage=header.lineage, serial=header.serial) if header else empty
    state = replay(state, contents.entries[1:])
    serial = max(state.serial, header.serial if header else 0) + 1
    return Repaired(replace(state, serial=serial, journal=""), tuple(notes))


def _read_undamaged(path: Path) -> tuple[JournalContents, str]:
    """Return the contents of a journal up to its first damaged line, and a note if there is one."""
    try:
        return journal.read(path), ""
    except StateError as error:
        try:
            lines = path.read_bytes().splitlines(keepends=True)
        except OSError:
            return JournalContents(), error.message
    for number in range(len(lines), 0, -1):
        try:
            contents = journal.parse(b"".join(lines[:number]), str(path))
        except StateError:
            continue
        return contents, f"{path} is damaged after line {number}; the lines before were used"
    return JournalContents(), f"{path} holds no readable line"
