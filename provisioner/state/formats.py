"""The text of a state file <-> State. Pure.

Sorted, indented, one member per record, a newline at the end: a change of one record is a change of its lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from provisioner.errors import StateError
from provisioner.model import Json
from provisioner.state.encoding import state_from_json, state_to_json
from provisioner.state.reading import Reader, check_not_newer, parse
from provisioner.state.records import FORMAT_VERSION, State

UPGRADES: dict[int, Callable[[Json], Json]] = {}
"""From a format to the next one, by the number of the older."""

_PUT_BACK = (
    "put back its last good version (version control, or the backup beside it), "
    "or make it anew: provisioner state rebuild"
)
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |\r?$)", re.MULTILINE)


def state_to_bytes(state: State) -> bytes:
    """The content of the file."""
    text = json.dumps(state_to_json(state), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "surrogatepass")


def state_from_bytes(data: bytes, where: str) -> State:
    """The state that a file holds; ``where`` is its name, for messages. Raises ``StateError`` and nothing else."""
    found = Reader(_parsed(_decoded(data, where), where), where)
    return state_from_json(Reader(_upgraded(found), where))


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise StateError(f"{where}: not UTF-8 at byte {error.start}", _PUT_BACK) from None


def _parsed(text: str, where: str) -> object:
    try:
        return parse(text)
    except ValueError as error:
        raise _not_json(text, where, error) from None


def _not_json(text: str, where: str, error: ValueError) -> StateError:
    # Looked for only here: where a line begins with its marks, a text is no JSON.
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        return StateError(
            f"{where}:{line}: an unresolved merge conflict",
            "take one side whole, never parts of both (git checkout --theirs FILE, or --ours); "
            "or make it anew: provisioner state rebuild",
        )
    if isinstance(error, json.JSONDecodeError):
        return StateError(f"{where}:{error.lineno}:{error.colno}: not JSON: {error.msg}", _PUT_BACK)
    return StateError(f"{where}: {error}", _PUT_BACK)


def _upgraded(found: Reader) -> Json:
    version = check_not_newer(found, FORMAT_VERSION)
    data: Json = found.value
    while version < FORMAT_VERSION:
        if version not in UPGRADES:
            raise StateError(f"{found.where}: format {version} is not known", _PUT_BACK)
        data = UPGRADES[version](data)
        version += 1
    return data
