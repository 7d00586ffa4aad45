"""Names that a user wrote, as messages may repeat them. Pure.

If a secret is pasted into the wrong place, or the value of a connection string lacks its quotes, a piece of the secret
becomes the name of a property, an option or a variable. Messages therefore repeat a name only if it is known or nearly
so; the location leads to any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from provisioner import json_schema
from provisioner.definitions.connection_string import OPEN, SECRET, fold_keyword

_SLIP = 0.85
"""Similarity of a mistyped name, by difflib: `nam`, `pasword` and `sslMdoe` reach it, `passwordabcd` does not."""

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")


@lru_cache(1000)
def is_recognized(name: str) -> bool:
    """Return whether a name is that of a property or of an option, or a slip of one.

    A slip has only letters, blanks, `_` and `-`: digits and other characters may be those of a password.
    """
    import difflib

    plain = fold_keyword(name)
    if plain in _known():
        return True
    is_word = plain.isascii() and plain.isalpha()
    return is_word and bool(difflib.get_close_matches(plain, _known(), n=1, cutoff=_SLIP))


def is_variable(name: str) -> bool:
    """Return whether a name reads as that of an environment variable: words in capitals joined by `_`, which generated
    secrets lack, or a recognized name in capitals."""
    return bool(_VARIABLE.fullmatch(name)) or (name.isupper() and is_recognized(name))


def quoted(path: Sequence[str | int]) -> str:
    """Return a path as messages name it: "`auth.params.port`"; "a property in `auth.params`" if the next name is not
    recognized.

    Outside of ``auth``, a path consists of known names and of those that the project file gives to targets and vars.
    """
    if not path:
        return "the document"
    end = len(path)
    if path[0] == "auth":
        end = next((index for index, part in enumerate(path) if not is_recognized(str(part))), end)
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[:end]).removeprefix(".")
    return f"`{text}`" if end == len(path) else f"a property in `{text}`"


@cache
def _known() -> frozenset[str]:
    """Return the names of all properties and options, folded."""
    schemas = [json_schema.load(name) for name in ("connection", "project")]
    return frozenset(map(fold_keyword, _properties(schemas))) | OPEN | SECRET


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        yield from _properties(list(schema.values()))
    elif isinstance(schema, list):
        for part in schema:
            yield from _properties(part)
