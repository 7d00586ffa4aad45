"""Colour and emphasis by meaning, and lines that fit. Words carry the meaning as well, so nothing is lost without
colour."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.text import UNSEEN, escaped

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}


@dataclass(frozen=True, slots=True)
class Style:
    """Paints text where ``colour`` is wanted, and folds it to ``width`` columns (0: as long as it is)."""

    colour: bool = False
    width: int = 0

    def paint(self, text: str, *roles: str) -> str:
        if not self.colour or not text:
            return text
        codes = ";".join(_CODES[role] for role in roles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def fold(self, text: str) -> str:
        """Lines that are too long go on below, further in. A word is never broken: ids and digests are copied."""
        if self.width < _NARROWEST:
            return text
        return "\n".join(folded for line in text.split("\n") for folded in _folded(line, self.width))


_NARROWEST = 20
_PAINT = re.compile(r"\x1b\[[\d;]*m")
_WORD = re.compile(r" *[^ ]+")


def _folded(line: str, width: int) -> Iterator[str]:
    begun, room = "", width
    further = " " * (len(line) - len(line.lstrip(" ")) + 4)
    for word in _WORD.findall(line):
        if begun and columns(word) > room:
            yield begun
            word = further + word.lstrip(" ")
            begun, room = "", width
        begun += word
        room -= columns(word)
    yield begun


def columns(text: str) -> int:
    """How many columns of a terminal it takes: paint none, wide characters two, combining ones none."""
    return sum(map(_width, _PAINT.sub("", text)))


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "FW" else 1


PLAIN = Style()


def safe(text: str) -> str:
    """Return text from outside, fit for a terminal and for the log of a pipeline: what is not seen, or turns the
    direction of writing, is shown and not obeyed. Runners obey ``##vso[...]`` and ``##[...]`` anywhere in a line, and
    ``::error::`` where a line begins with it (documented), which any text may."""
    return _BEGINS_A_COMMAND.sub(r"\1:\\u003a", escaped(text).replace("##", "#\\u0023"))


_BEGINS_A_COMMAND = re.compile(r"\A(\s*)::")


def command_text(text: str) -> str:
    """Return text for a command to GitHub's runner, ``::notice::text`` (documented: which characters it escapes)."""
    return safe(text).replace("%", "%25")


def command_property(text: str) -> str:
    """Return text for a property of such a command, ``::notice title=text::``."""
    return command_text(text).replace(":", "%3A").replace(",", "%2C")


def json_text(document: object) -> str:
    """JSON for files and terminals: letters as they are, characters that are not seen, and what UTF-8 cannot hold, as
    the escapes that JSON has for them."""
    return _escaped(json.dumps(document, indent=2, ensure_ascii=False))


def json_line(document: object) -> str:
    """The same in one line."""
    return _escaped(json.dumps(document, ensure_ascii=False))


def _escaped(text: str) -> str:
    shown = "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
    shown = UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], shown)
    return shown.replace("##", "#\\u0023")  # no command to a pipeline's runner; in JSON it reads the same


def count(number: int, noun: str) -> str:
    """``1 problem``, ``2 problems``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
