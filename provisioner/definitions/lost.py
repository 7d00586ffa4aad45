"""Files that are not where they are looked for: the project file, and definitions that nobody reads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from provisioner.definitions.files import SUFFIXES
from provisioner.errors import UsageError
from provisioner.model import Location, Problem, Severity

_NAMED_LIKE_IT = re.compile(r"\.?provisioner\.ya?ml(\.(txt|ya?ml))?", re.IGNORECASE)
_MOST = 200
"""Entries of a folder that are looked at to find what is meant."""


def no_project_file(folder: Path, name: str) -> UsageError:
    """Return the error for a folder without a project file, with the file that is likely meant."""
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        return UsageError(
            f"there is no {name} in {folder}: the folder {what}", f"name the folder of {name} with --project"
        )
    entries = _entries(folder)
    for entry in entries:
        if _NAMED_LIKE_IT.fullmatch(entry.name) and entry.name != name:
            return UsageError(f"there is no {name} in {folder}, but {entry.name}", f"rename {entry.name} to {name}")
    if (folder / name).is_dir():
        return UsageError(f"{folder / name} is a folder", f"make {name} a file: `provisioner init` makes a new project")
    above = next((one for one in folder.parents if (one / name).is_file()), None)
    below = next((entry for entry in entries if not entry.name.startswith(".") and (entry / name).is_file()), None)
    for found in (above, below):
        if found:
            where = os.path.relpath(found, folder)
            return UsageError(f"there is no {name} in {folder}, but in {where}", f"run it there, or: --project {where}")
    remedy = "run in the folder of the project, or name it with --project; `provisioner init` makes a new one"
    return UsageError(f"there is no {name} in {folder}", remedy)


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(islice(folder.iterdir(), _MOST))
    return []


_DEFINITION_ELSEWHERE = re.compile(r"(?=.*^name:)(?=.*^auth:)", re.MULTILINE | re.DOTALL)
_MEANT = re.compile(r".+\.(ya?ml\.(txt|j2|jinja2?|tmpl|template|json)|yam|yml?a|ymal|json|jsonc|toml)", re.IGNORECASE)
"""Names of files that were meant to be read. A backup, or what was renamed to be left out, is not."""


def not_read(project: Path, connections: str) -> Iterator[Problem]:
    """Yield a warning for each file that looks like a definition and is none for its name or its place."""
    for above, folders, names in os.walk(project / connections):
        shown = os.path.relpath(above, project).replace(os.sep, "/")
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if name.lower().endswith(SUFFIXES):
                message = "a folder that is named like a definition; the files in it are read"
                yield _warning(f"{shown}/{name}", message, "rename the folder, or move its content into a file")
        for name in _meant(names):
            yield _warning(f"{shown}/{name}", "not read: definitions end in .yaml or .yml", "rename the file")
    for path in _entries(project):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and _holds_a_definition(path):
            message = f"not read: definitions lie below {connections}/"
            yield _warning(path.name, message, f"move the file to {connections}/{path.name}")


def _meant(names: Iterable[str]) -> Iterator[str]:
    for name in sorted(names):
        if not name.lower().endswith(SUFFIXES) and not name.startswith(".") and _MEANT.fullmatch(name):
            yield name


def _holds_a_definition(path: Path) -> bool:
    try:
        return path.is_file() and bool(_DEFINITION_ELSEWHERE.match(path.read_text("utf-8")[:10_000]))
    except (OSError, UnicodeError):
        return False


def _warning(file: str, message: str, remedy: str) -> Problem:
    return Problem(Location(file), "files.not-read", message, remedy, severity=Severity.WARNING)
