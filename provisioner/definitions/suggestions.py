"""Hints for messages: the closest known word, the reason to refuse a text, the home of a misplaced property. Pure.

Whether something is refused is decided elsewhere, by the schema or a lookup; this module only finds a better message.
Texts that came from the environment must not be passed to ``reason_for``: its result would reveal their content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from provisioner import json_schema
from provisioner.definitions.yaml_loader import Document, YamlPath
from provisioner.model import Json, Problem


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most similar, "" if none is similar enough."""
    import difflib

    return next(iter(difflib.get_close_matches(word, tuple(known), n=1)), "")


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the remedy for an unknown word: the closest known one, or ``otherwise`` if none is similar enough."""
    close = closest(word, known)
    return f"did you mean `{close}`?" if close else otherwise


class Reason(NamedTuple):
    """Why a text is refused. ``message`` follows "must be ..., but"."""

    message: str
    remedy: str


_QUOTED = Reason("is in quotes, which would be sent as part of it", "remove them")
_PLACEHOLDER = Reason(
    "contains a placeholder", "write the actual value, or \"{{ var('NAME') }}\" if it differs between targets"
)
_WHITE_SPACE_AT_ENDS = (r"^\s|\s$", Reason("begins or ends with white space", "remove it"))
_CONTROL_CHARACTERS = (r"[\x00-\x1f\x7f]", Reason("contains control characters", "remove them"))

_SERVER_REASONS: tuple[tuple[str, Reason], ...] = (
    _WHITE_SPACE_AT_ENDS,
    (r"^[\"'`‘’‚‛“”„‟«»‹›]|[\"'`‘’‚‛“”„‟«»‹›]$", _QUOTED),
    (r"[{}<>$#]|%.*%|@@.*@@|^__\w+__$|^\[[A-Za-z _-]*\]$", _PLACEHOLDER),
    (r"^(?:YOUR|[Yy]our)[-_ ]?(?:SERVER|HOST|[Ss]erver|[Hh]ost)", _PLACEHOLDER),
    (r"//|^jdbc:", Reason("is a URL", "write only its host; port, database and user name have their own properties")),
    (r"[;=]", Reason("contains several parts of a connection string", "write each part as its own property")),
    (
        r"^[/\\.~]|\.sock$",
        Reason("is the path of a socket or pipe", "write a host name: the database is reached by TCP"),
    ),
    (
        r"^(?:tcp|np|pipe|lpc|admin|mysql|mysqlx|socket|unix):",
        Reason("begins with a protocol", "write only the host; the port has its own property"),
    ),
    (r"@", Reason("contains a user name", "move it to `username`")),
    (r"(?:^[^:]*|\]):[0-9]+$|[,\s]\s*[0-9]{1,5}$", Reason("contains a port", "move it to `port`")),
    (r",", Reason("contains more than one server", "write only one")),
    (r"\s", Reason("contains white space", "remove it")),
    (r"/", Reason("contains a path", "write only the host")),
    (r"^\[.*\]$", Reason("is in brackets", "remove them: only URLs need them")),
    (r"[^\x00-\x7f]", Reason("contains non-ASCII characters", "write its Punycode form, which begins with `xn--`")),
    _CONTROL_CHARACTERS,
    (r":", Reason("contains a colon and is not an IPv6 address", "write a host name, or correct the address")),
    (r"^[0-9.]+$", Reason("is not a valid IP address", "correct it")),
)
_TEXT_REASONS = (_WHITE_SPACE_AT_ENDS, _CONTROL_CHARACTERS)


def reason_for(name: str, text: str) -> Reason | None:
    """Return why ``text`` is refused as the value of the property ``name``; None if no particular reason is known."""
    if not text.strip():
        return None
    if name == "server":
        return next((reason for pattern, reason in _SERVER_REASONS if re.search(pattern, text)), None)
    definitions = json_schema.load("connection")["$defs"]
    patterns = ((definitions["placeholder"]["pattern"], _PLACEHOLDER), (definitions["quoted"]["pattern"], _QUOTED))
    return next((reason for pattern, reason in (*patterns, *_TEXT_REASONS) if re.search(pattern, text)), None)


ANY = "*"
"""In the path of a home: any name that the user chose, such as that of a target."""


class Misplaced(NamedTuple):
    """Properties that are at ``path`` and belong in the mapping at ``home``, as after a slip of the indentation."""

    path: YamlPath
    names: tuple[str, ...]
    home: YamlPath

    def problem(self, document: Document) -> Problem:
        """Return one problem for all of them, at the first."""
        *most, last = (f"`{name}`" for name in self.names)
        names = f"{', '.join(most)} and {last} belong" if most else f"{last} belongs"
        parts = (*self.path[: len(self.home)], *self.home[len(self.path) :])
        if not parts:
            home = "at the top level of the file"
        elif parts[-1] == ANY:
            home = f"in one of the {parts[-2]}"
        else:
            home = f"under `{'.'.join(map(str, parts))}`"
        remedy = f"move {'them' if most else 'it'} there, and check the indentation"
        location = document.key_location((*self.path, self.names[0]))
        return Problem(location, "schema.misplaced", f"{names} {home}", remedy)


def misplaced(schema: Json, errors: Iterable[Any]) -> Iterator[Misplaced]:
    """Yield the unknown properties among ``errors`` that the schema knows at an outer or inner level."""
    unknown = [
        error for error in errors if error.validator == "additionalProperties" and error.validator_value is False
    ]
    homes = list(_homes(schema, schema, ())) if unknown else []
    for error in unknown:
        path: YamlPath = tuple(error.absolute_path)
        by_home: dict[YamlPath, list[str]] = {}
        for name in error.instance:
            if name not in error.schema.get("properties", {}):
                candidates = [home for known, home in homes if known == name and _is_above_or_below(path, home)]
                if candidates:
                    nearest = min(candidates, key=lambda home: (abs(len(home) - len(path)), -len(home)))
                    by_home.setdefault(nearest, []).append(name)
        yield from (Misplaced(path, tuple(names), home) for home, names in by_home.items())


def _is_above_or_below(path: YamlPath, home: YamlPath) -> bool:
    return len(path) != len(home) and all(
        part == other or other == ANY for part, other in zip(path, home, strict=False)
    )


def _homes(schema: Any, root: Json, path: YamlPath) -> Iterator[tuple[str, YamlPath]]:
    """Yield each property of a schema with the path of the mapping that it belongs in."""
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
