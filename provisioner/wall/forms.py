"""A secret -> every spelling in which it could stand in a text. Pure.

Each is given case-folded, for texts that are searched case-folded: ``%2F`` and ``%2f`` are then one, and so is what a
resolver or a database has put into lower case.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_SAME_EVERYWHERE = re.compile(r"[A-Za-z0-9_.~-]*\Z")
"""Characters that URLs, JSON, HTML, YAML, shells and connection strings all leave as they are."""


def pieces(secret: str) -> set[str]:
    """The secret and each of its lines: what of it may turn up by itself."""
    return {secret, secret.strip(), *secret.splitlines()} - {""} if not secret.isalnum() else {secret}


def forms(piece: str) -> set[str]:
    """The text itself, and what URLs, JSON, HTML, YAML, shells, connection strings, Python and base64 make of it."""
    return {form.casefold() for form in _forms(piece)}


def _forms(text: str) -> Iterator[str]:
    octets = text.encode("utf-8", "surrogatepass")
    yield text
    yield octets.hex()
    yield from _base64(octets)
    if not _SAME_EVERYWHERE.match(text):
        yield from _escaped(text, octets)


def _escaped(text: str, octets: bytes) -> Iterator[str]:
    yield from (quote(octets, safe=""), quote(octets), quote_plus(octets))
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield from (once, json.dumps(once)[1:-1], once.replace("/", r"\/"))
    import html

    yield html.escape(text)
    yield html.escape(text, quote=False)
    yield from (text.replace("'", "'\"'\"'"), text.replace("'", r"'\''"))
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", text)
    yield from (text.replace("'", "''"), text.replace('"', '""'))
    yield from (repr(text)[1:-1], ascii(text)[1:-1])
    yield "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def _base64(octets: bytes) -> Iterator[str]:
    """Inside something longer the bytes may begin at any of three places; what depends on the neighbours is cut off."""
    for shift in range(3):
        first, last = -(-shift * 8 // 6), (shift + len(octets)) * 8 // 6
        encoded = base64.b64encode(bytes(shift) + octets)[first:last].decode()
        yield encoded
        if "+" in encoded or "/" in encoded:
            yield encoded.replace("+", "-").replace("/", "_")
