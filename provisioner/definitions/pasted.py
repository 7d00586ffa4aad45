"""What came into a YAML file by merging or pasting and is no YAML: conflict markers, blanks that are no spaces. Pure.

YAML takes a no-break space for a letter, so that what is wrong shows lines later, or as a key that nobody wrote. In a
value such characters are text like any other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from json import JSONDecodeError
from typing import TypeAlias

from provisioner.model import Location, Problem
from provisioner.unseen import BLANKS, pasted_into_json

_SUSPECT = re.compile(rf"[{BLANKS}\uff1a]")
_SIGNS = tuple(char * 7 for char in "<=>|")
_CONFLICT = re.compile(r"^(?:<{7}|={7}$|>{7}|\|{7})", re.MULTILINE)
"""What git, Mercurial and Subversion write where two versions of a file do not go together."""

# In a scalar without quotes: at its ends, behind what would be a colon or a dash, or before a comment.
_ODD = rf"[{BLANKS}]"
_STRUCTURAL = re.compile(
    rf"^[ \t]*(?:- +)*(?P<start>{_ODD}[ {BLANKS}]*)"
    rf"|(?P<end>{_ODD}[ {BLANKS}]*)$"
    rf"|(?<=[:-])(?P<behind>[ ]*{_ODD}[ {BLANKS}]*)"
    rf"|(?P<before>{_ODD}[ {BLANKS}]*)(?=[:#])"
    r"|^[ \t]*(?:- +)*[A-Za-z][A-Za-z0-9_]*[ ]*(?P<colon>\uff1a)",
    re.MULTILINE,
)
_OPAQUE = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|(?:(?<=\s)|^)#.*$", re.MULTILINE)
"""Quoted texts and comments, in what YAML could not be asked about."""


Span: TypeAlias = tuple[int, int]
Scan: TypeAlias = Callable[[str], tuple[list[Span], int]]
"""Where the scalars without quotes of a text stand, and how far it could be read."""


def clean(file: str, text: str, scan: Scan) -> tuple[str | None, tuple[Problem, ...]]:
    """Return the text to read, and what does not belong into it.

    Blanks are replaced, so that one run finds everything else too. The text is None where nothing can be read: it holds
    two versions, or lacks the space behind a colon.
    """
    if not any(sign in text for sign in _SIGNS) and (text.isascii() or not _SUSPECT.search(text)):
        return text, ()
    conflicts = tuple(_conflicts(file, text))
    if conflicts:
        return None, conflicts
    found: dict[str, list[int]] = {}
    read = list(text)
    for index in _misplaced(text, scan):
        found.setdefault(text[index], []).append(index)
        read[index] = " "
    problems = tuple(_problem(file, text, indexes) for indexes in found.values())
    return None if "\uff1a" in found else "".join(read), problems


def _conflicts(file: str, text: str) -> Iterator[Problem]:
    """Yield one problem for each conflict; where its beginning was removed, one for what is left of it."""
    markers = [(found[0][0], _place(text, found.start())) for found in _CONFLICT.finditer(text)]
    begun = [place for sign, place in markers if sign == "<"] or [place for _, place in markers[:1]]
    for line, column in begun:
        remedy = "keep one version, and remove the lines of `<<<<<<<`, `=======` and `>>>>>>>`"
        yield Problem(Location(file, line, column), "yaml.conflict", "an unresolved merge conflict", remedy)


def in_json(text: str, error: JSONDecodeError) -> tuple[str, str, str]:
    """Return line and column, message and remedy for a text that is no JSON; the remedy is "" where nothing was pasted
    or merged."""
    conflict = next(_conflicts("", text), None)
    if conflict:
        return f"{conflict.location.line}:{conflict.location.column}", conflict.message, conflict.remedy
    place = f"{error.lineno}:{error.colno}"
    message, remedy = pasted_into_json(text, error.pos)
    return place, message or f"not JSON: {error.msg}", remedy


def _misplaced(text: str, scan: Scan) -> Iterator[int]:
    """Yield the index of each character that stands where YAML needs a space or a colon."""
    scalars, read = scan(text)
    for start, end in (*scalars, *_unread(text, read)):
        for found in _STRUCTURAL.finditer(text[start:end]):
            group = str(found.lastgroup)
            behind_a_key = not text[text.rfind("\n", 0, start) + 1 : start].strip(" -") and found.start() == 0
            if group == "colon" and end <= read and not behind_a_key:
                continue
            first, last = found.span(group)
            yield from (start + index for index in range(first, last) if text[start + index] not in " \t")


def _unread(text: str, read: int) -> Iterator[Span]:
    """Yield what is not quoted of what lies behind a syntax error."""
    if read < len(text):
        end = text.rfind("\n", 0, read) + 1
        for opaque in _OPAQUE.finditer(text, end):
            yield end, opaque.start()
            end = opaque.end()
        yield end, len(text)


def _problem(file: str, text: str, indexes: list[int]) -> Problem:
    places = [_place(text, index) for index in indexes]
    line, column = places[0]
    lines = sorted({other for other, _ in places} - {line})
    also = f", also on line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}" if lines else ""
    character = text[indexes[0]]
    needed = "colon" if character == "\uff1a" else "space"
    message = f"U+{ord(character):04X} ({unicodedata.name(character).lower()}) stands where YAML needs a {needed}{also}"
    remedy = f"write a {needed} instead: such characters come with what is pasted from a page"
    return Problem(Location(file, line, column), "yaml.character", message, remedy)


def _place(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
