"""Does a text hold a secret? Asked in another way than the product asks it, so that one checks the other.

The product makes every spelling of the secret and looks for those. Here the text is turned back into what it may stand
for, and the secret itself is looked for.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import unquote, unquote_plus

SHORTEST = 8
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def holds(text: str, *secrets: str) -> list[str]:
    """The readings of ``text`` in which a secret stands, in any case; also one of its lines, if long enough."""
    lines = {line for secret in secrets for line in (secret, secret.strip(), *secret.splitlines())}
    wanted = {line.casefold() for line in lines if len(line) >= SHORTEST}
    return [reading for reading, read in _readings(text) if any(one in read.casefold() for one in wanted)]


def _readings(text: str) -> Iterator[tuple[str, str]]:
    for name, turn in _TURNS.items():
        once = turn(text)
        yield name, once
        if name.startswith("JSON"):
            yield f"{name} twice", turn(once)
    yield from (("base64", found) for found in _decoded(text, r"[A-Za-z0-9+/_-]{8,}", _base64))
    yield from (("hexadecimal", found) for found in _decoded(text, r"[0-9A-Fa-f]{16,}", _hexadecimal))


def _unescaped(text: str) -> str:
    """What JSON, YAML, Python and C mean by backslashes; surrogates become one character again."""
    pattern = r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\x([0-9A-Fa-f]{2})|\\(.)"

    def meant(found: re.Match[str]) -> str:
        digits = found[1] or found[2] or found[3]
        return chr(int(digits, 16)) if digits else _ESCAPES.get(found[4], found[4])

    return re.sub(pattern, meant, text, flags=re.DOTALL).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_TURNS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "URL": unquote,
    "form": unquote_plus,
    "HTML": html.unescape,
    "JSON": _unescaped,
    "shell": lambda text: re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL),
    "shell, single quotes": lambda text: text.replace("'\"'\"'", "'").replace("'\\''", "'"),
    "doubled single quotes": lambda text: text.replace("''", "'"),
    "doubled double quotes": lambda text: text.replace('""', '"'),
}


def _decoded(text: str, pattern: str, decode: Callable[[str], Iterator[bytes]]) -> Iterator[str]:
    for run in re.findall(pattern, text):
        with suppress(binascii.Error, ValueError):
            yield from (found.decode("utf-8", "ignore") for found in decode(run))


def _base64(run: str) -> Iterator[bytes]:
    """From each of the four places where a group of four may begin."""
    plain = run.translate(str.maketrans("-_", "+/"))
    for start in range(4):
        part = plain[start:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        yield base64.b64decode(part + "=" * (-len(part) % 4))


def _hexadecimal(run: str) -> Iterator[bytes]:
    for start in range(2):
        part = run[start:]
        yield bytes.fromhex(part[: len(part) - len(part) % 2])
