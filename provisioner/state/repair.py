"""What is left of a state whose files are damaged, lost, or do not belong together. Reads; writes nothing."""

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
    """The best state that can be made of the files, and how."""

    state: State
    notes: tuple[str, ...]


def repair(path: Path, empty: State) -> Repaired:
    """The state file, else its backup, else ``empty``; with all that the journal says up to where it is damaged,
    whether or not it continues that state: it holds ids that stand nowhere else."""
    so_far, said = _journal(beside(path, ".journal"))
    notes = [said] if said else []
    for file in (path, beside(path, ".backup")):
        try:
            found = state_from_bytes(file.read_bytes(), str(file))
            break
        except FileNotFoundError:
            notes.append(f"{file} is not there")
        except (OSError, StateError) as error:
            notes.append(str(error))
    else:
        opened = so_far.opened
        found = replace(empty, lineage=opened.lineage, serial=opened.serial) if opened else empty
    folded = replay(found, so_far.entries[1:])
    serial = max(folded.serial, so_far.opened.serial if so_far.opened else 0) + 1
    return Repaired(replace(folded, serial=serial, journal=""), tuple(notes))


def _journal(path: Path) -> tuple[JournalContents, str]:
    try:
        return journal.read(path), ""
    except StateError as error:
        try:
            lines = path.read_bytes().splitlines(keepends=True)
        except OSError:
            return JournalContents(), error.message
    for number in range(len(lines), 0, -1):
        try:
            return journal.journal_contents(
                b"".join(lines[:number]), str(path)
            ), f"{path} is damaged after line {number}; the lines before were used"
        except StateError:
            continue
    return JournalContents(), f"{path} holds no line that can be read"
