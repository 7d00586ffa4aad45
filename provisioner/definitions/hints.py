"""Why the text of a property is refused, in words: what it holds that does not belong there. Pure.

The schema decides what is refused; here is only what to say of it. A text that came from the environment is not spoken
of: its author learns that it is refused, and nothing of what it holds.

Properties that stand too far left or right, as a slip of the indentation leaves them. Pure.

What was most likely meant by a word that is not known. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from provisioner import json_schema
from provisioner.definitions.loader import Document, Path
from provisioner.model import Json, Problem


class Reason(NamedTuple):
    """``why`` follows "must be ..., but"."""

    why: str
    remedy: str


_ENDS = (r"^\s|\s$", Reason("begins or ends with white space", "remove it"))
_QUOTED = Reason("stands in quotes, which would be sent as a part of it", "remove them")
_PLACEHOLDER = Reason(
    "holds a placeholder", "write what is meant; what differs from target to target as \"{{ var('NAME') }}\""
)

_SERVER: tuple[tuple[str, Reason], ...] = (
    _ENDS,
    (r"^[\"'`‘’‚‛“”„‟«»‹›]|[\"'`‘’‚‛“”„‟«»‹›]$", _QUOTED),
    (r"[{}<>$#]|%.*%|@@.*@@|^__\w+__$|^\[[A-Za-z _-]*\]$", _PLACEHOLDER),
    (r"^(?:YOUR|[Yy]our)[-_ ]?(?:SERVER|HOST|[Ss]erver|[Hh]ost)", _PLACEHOLDER),
    (
        r"//|^jdbc:",
        Reason("is a URL", "write its host alone; port, database and user are properties of their own"),
    ),
    (
        r"[;=]",
        Reason("holds more than one part of a connection string", "write each part as a property of its own"),
    ),
    (
        r"^[/\\.~]|\.sock$",
        Reason("is the path of a socket or pipe", "write a host name: the database is reached by TCP"),
    ),
    (
        r"^(?:tcp|np|pipe|lpc|admin|mysql|mysqlx|socket|unix):",
        Reason("begins with a protocol", "write the host alone; the port is a property of its own"),
    ),
    (r"@", Reason("holds a user name", "move it to `username`")),
    (r"(?:^[^:]*|\]):[0-9]+$|[,\s]\s*[0-9]{1,5}$", Reason("holds a port", "move it to `port`")),
    (r",", Reason("holds more than one server", "name one")),
    (r"\s", Reason("holds white space", "remove it")),
    (r"/", Reason("holds a path", "write the host alone")),
    (r"^\[.*\]$", Reason("stands in brackets", "remove them: they belong into URLs")),
    (r"[^\x00-\x7f]", Reason("holds characters beyond ASCII", "write it in its form that begins with `xn--`")),
    (r"[\x00-\x1f\x7f]", Reason("holds control characters", "remove them")),
    (r":", Reason("holds a colon, and is no IPv6 address", "write a host name, or correct the address")),
    (r"^[0-9.]+$", Reason("is not a valid IP address", "correct it")),
)
_TEXT: tuple[tuple[str, Reason], ...] = (_ENDS, (r"[\x00-\x1f\x7f]", Reason("holds control characters", "remove them")))


def reason(name: str, text: str) -> Reason | None:
    """Return what is wrong with a text in the place of a property; None where what it must be says it all."""
    if not text.strip():
        return None
    if name == "server":
        return next((one for pattern, one in _SERVER if re.search(pattern, text)), None)
    for kind, one in (("placeholder", _PLACEHOLDER), ("quoted", _QUOTED)):
        if _pattern(kind).search(text):
            return one
    return next((one for pattern, one in _TEXT if re.search(pattern, text)), None)


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(json_schema.load("connection")["$defs"][kind]["pattern"])


ANY = "*"
"""Stands in a home for a name that the user chose, such as that of a target."""


class Misplaced(NamedTuple):
    """Properties that stand at ``path`` and belong to the mapping at ``home``."""

    path: Path
    names: tuple[str, ...]
    home: Path

    def problem(self, document: Document) -> Problem:
        """Return one problem for all of them, at the first."""
        *most, last = (f"`{name}`" for name in self.names)
        names = f"{', '.join(most)} and {last} belong" if most else f"{last} belongs"
        where = _shown(self.home)
        remedy = f"move {'them' if most else 'it'} there, and check the indentation"
        at = document.key_location((*self.path, self.names[0]))
        return Problem(at, "schema.misplaced", f"{names} {where}", remedy)


def _shown(home: Path) -> str:
    if not home:
        return "to the top of the file"
    if home[-1] == ANY:
        return f"to one of the {home[-2]}"
    return f"under `{'.'.join(map(str, home))}`"


def misplaced(schema: Json, errors: Iterable[Any]) -> Iterator[Misplaced]:
    """Yield the unknown properties among ``errors`` that are known further in or further out."""
    strays = [error for error in errors if error.validator == "additionalProperties" and error.validator_value is False]
    homes = list(_homes(schema, schema, ())) if strays else []
    for error in strays:
        path: Path = tuple(error.absolute_path)
        astray: dict[Path, list[str]] = {}
        for name in error.instance:
            if name not in error.schema.get("properties", {}):
                found = [home for known, home in homes if known == name and _is_above_or_below(path, home)]
                if found:
                    nearest = min(found, key=lambda home: (abs(len(home) - len(path)), -len(home)))
                    astray.setdefault(nearest, []).append(name)
        yield from (Misplaced(path, tuple(names), home) for home, names in astray.items())


def _is_above_or_below(path: Path, home: Path) -> bool:
    return len(path) != len(home) and all(one == other or other == ANY for one, other in zip(path, home, strict=False))


def _homes(schema: Any, root: Json, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield every property with the path of the mapping that it belongs to."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from _homes(root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
    for branch in (*schema.get("allOf", ()), *schema.get("anyOf", ()), schema.get("then"), schema.get("else")):
        yield from _homes(branch, root, path)
    for name, child in schema.get("properties", {}).items():
        if child.get("not") != {}:
            yield name, path
            yield from _homes(child, root, (*path, name))
    yield from _homes(schema.get("additionalProperties"), root, (*path, ANY))


def closest(word: str, known: Iterable[str]) -> str:
    """The one of the known words that is most like it, "" where none is."""
    import difflib

    return next(iter(difflib.get_close_matches(word, tuple(known), n=1)), "")


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the remedy for a word that is not known: what is most like it, else what to do ``otherwise``."""
    close = closest(word, known)
    return f"did you mean `{close}`?" if close else otherwise
