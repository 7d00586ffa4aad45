"""Colour and emphasis by meaning. Words carry the meaning as well, so nothing is lost without colour."""

from __future__ import annotations

import json
from dataclasses import dataclass

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
    """Paints text where ``colour`` is wanted, and leaves it alone elsewhere."""

    colour: bool = False

    def paint(self, text: str, *roles: str) -> str:
        if not self.colour or not text:
            return text
        codes = ";".join(_CODES[role] for role in roles)
        return f"\x1b[{codes}m{text}\x1b[0m"


PLAIN = Style()


def safe(text: str) -> str:
    """Text that came from outside, fit for a terminal and for the log of a pipeline: control and direction characters
    shown, not obeyed. Runners obey ``##vso[...]`` and ``##[...]`` wherever they stand in a line."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return shown.replace("##", "#\\u0023")


def json_text(document: object) -> str:
    """JSON for files and terminals: letters as they are, control and direction characters, and what UTF-8 cannot hold,
    as the escapes that JSON has for them."""
    return _escaped(json.dumps(document, indent=2, ensure_ascii=False))


def json_line(document: object) -> str:
    """The same in one line."""
    return _escaped(json.dumps(document, ensure_ascii=False))


def _escaped(text: str) -> str:
    shown = "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
    return shown.replace("##", "#\\u0023")  # no command to a pipeline's runner; in JSON it reads the same


def count(number: int, noun: str) -> str:
    """``1 problem``, ``2 problems``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
