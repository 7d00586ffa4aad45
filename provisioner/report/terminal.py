"""Text for terminals, CI logs and JSON: colour, folding and width, and the escaping of text from outside.

Colour never carries a meaning of its own: everything can be read without it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.text import INVISIBLE, escaped

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}
_MIN_WIDTH = 20
_ANSI_CODE = re.compile(r"\x1b\[[\d;]*m")
_WORD = re.compile(r" *[^ ]+")


@dataclass(frozen=True, slots=True)
class Style:
    """The capabilities of a terminal: ``colour``, and ``width`` in columns (0: unlimited)."""

    colour: bool = False
    width: int = 0

    def paint(self, text: str, *roles: str) -> str:
        if not (self.colour and text and roles):
            return text
        codes = ";".join(_CODES[role] for role in roles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def fold(self, text: str) -> str:
        """Return the text with long lines continued on the next one, indented further.

        Words are never broken, so that ids and digests can be copied.
        """
        if self.width < _MIN_WIDTH:
            return text
        return "\n".join(folded for line in text.split("\n") for folded in folded_to(line, self.width))


PLAIN = Style()


def folded_to(line: str, width: int, indent: str | None = None) -> Iterator[str]:
    """Yield the line in lines of at most ``width`` columns (0: unlimited). Words are never broken.

    ``indent`` stands before all but the first; None for that of the line and four more.
    """
    if indent is None:
        indent = " " * (len(line) - len(line.lstrip(" ")) + 4)
    current, room = "", width
    for word in _WORD.findall(line):
        if width and current and columns(word) > room:
            yield current
            word = indent + word.lstrip(" ")
            current, room = "", width
        current += word
        room -= columns(word)
    yield current


def columns(text: str) -> int:
    """Return the width on a terminal: no columns for colour codes and combining characters, two for wide ones."""
    plain = _ANSI_CODE.sub("", text)
    return len(plain) if plain.isascii() else sum(map(_char_width, plain))


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "FW" else 1


_COMMAND_START = re.compile(r"\A(\s*)::")


def safe(text: str) -> str:
    """Return text from outside, safe for a terminal and for the log of a CI system.

    Invisible and direction-changing characters are shown as escapes. Runners obey ``##vso[...]`` and ``##[...]``
    anywhere in a line, and ``::error::`` at its beginning (documented); both are broken up.
    """
    return _COMMAND_START.sub(r"\1:\\u003a", escaped(text).replace("##", "#\\u0023"))


def command_text(text: str) -> str:
    """Return text for a command to GitHub's runner, ``::notice::text`` (documented: the characters it escapes)."""
    return safe(text).replace("%", "%25")


def command_property(text: str) -> str:
    """Return text for a property of such a command, ``::notice title=text::``."""
    return command_text(text).replace(":", "%3A").replace(",", "%2C")


def json_text(document: object) -> str:
    """Return indented JSON in which letters are not escaped.

    Invisible characters, and those that UTF-8 cannot hold, are.
    """
    return _escape_json(json.dumps(document, indent=2, ensure_ascii=False))


def json_line(document: object) -> str:
    """Return the same JSON on one line."""
    return _escape_json(json.dumps(document, ensure_ascii=False))


def _escape_json(text: str) -> str:
    shown = "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
    shown = INVISIBLE.sub(lambda match: json.dumps(match[0])[1:-1], shown)
    return shown.replace("##", "#\\u0023")  # no command to a runner; to a JSON parser it is the same
