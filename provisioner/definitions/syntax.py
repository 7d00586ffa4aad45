"""What yaml raises -> problems with a place and a remedy.

What came into a YAML file by merging or pasting and is no YAML: conflict markers, blanks that are no spaces. Pure.

YAML takes a no-break space for a letter, so that what is wrong shows lines later, or as a key that nobody wrote. In a
value such characters are text like any other.

Characters that a definition may not hold: only without them does a reviewer see what is meant. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from json import JSONDecodeError
from typing import Any, TypeAlias

from provisioner.model import Location, Problem
from provisioner.text import BLANKS, UNSEEN, pasted_into_json

MAX_DEPTH = 32
TOO_DEEP = ("yaml.too-deep", f"nested more than {MAX_DEPTH} levels deep", "a definition needs five")
"""Rule, message and remedy."""


def source_line(text: str, number: int) -> str:
    """The line with this number, counted from 1; "" where there is none."""
    lines = _lines(text)
    return lines[number - 1] if 0 < number <= len(lines) else ""


_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What libyaml counts as the end of a line."""


@lru_cache(maxsize=2)
def _lines(text: str) -> list[str]:
    """Kept, because every leaf of a document asks for its line."""
    return _LINE_BREAK.split(text)


UNQUOTED_TEMPLATE = (
    "yaml.unquoted-template",
    "`{{` opens a mapping inside a mapping",
    "a template must stand in quotes: \"{{ env('NAME') }}\"",
)
"""Rule, message and remedy."""

_UNQUOTED = re.compile(r"[^#'\"]*?(?:: |- )\s*(\{\{)")

_COMPOSER = {
    "but found another document": ("yaml.several-documents", "a second document starts here", "one file, one document"),
    "found undefined alias": (
        "yaml.unknown-alias",
        "the alias refers to no anchor above it",
        "quote a value that starts with `*`",
    ),
    "second occurrence": ("yaml.duplicate-anchor", "the anchor is given twice", "give each anchor a name of its own"),
}
"""What PyYAML's composer says -> rule, message and remedy."""


def syntax_problem(file: str, text: str, error: Any) -> Problem:
    """A ``yaml.MarkedYAMLError`` as a problem at its place."""
    # What is not closed or ended is noticed later; where it began is what helps.
    unclosed = any(part in str(error.problem) for part in ("end of stream", "expected ':'", "expected ',' or"))
    mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    location = Location(file, line, column)
    if "maximum nesting depth" in str(error.problem):  # libyaml's own limit: it looks ahead
        return Problem(location, *TOO_DEEP)
    unquoted = _UNQUOTED.match(source_line(text, line))
    if unquoted:
        return Problem(Location(file, line, unquoted.start(1) + 1), *UNQUOTED_TEMPLATE)
    if error.problem in _COMPOSER:
        return Problem(location, *_COMPOSER[error.problem])
    if "'\\t'" in str(error.problem) or _starts_with_tab(text, line):
        return Problem(location, "yaml.tab", "a tab cannot indent YAML", "indent with spaces")
    context = f" {error.context}" if error.context else ""
    if re.search(r'"\{\{[^}]*"', source_line(text, mark.line + 1 if mark else 1)):
        remedy = "inside double quotes a template takes single ones: \"{{ env('NAME') }}\""
    else:
        remedy = _syntax_remedy(str(error.problem))
    return Problem(location, "yaml.syntax", f"{error.problem}{context}", remedy)


def _starts_with_tab(text: str, line: int) -> bool:
    return source_line(text, line).lstrip(" ").startswith("\t")


def _syntax_remedy(problem: str) -> str:
    remedies = {
        "mapping values are not allowed": "quote a value that contains `: `, and check the indentation",
        "cannot start any token": "quote a value that starts with this character",
        "unexpected end of stream": "close the quote or bracket that was opened",
        "expected ',' or": "close the bracket that was opened, and separate what it holds by commas",
        "alphabetic or numeric": "quote a value that starts with `*` or `&`",
        "escape character": "write a backslash as `\\\\`, or use 'single quotes'",
        "expected key": "check the indentation and the quotes of this line and of the one before",
        "could not find expected ':'": "a key is followed by a colon and a space",
    }
    return next(
        (remedy for part, remedy in remedies.items() if part in problem), "check the line and the one before it"
    )


def reader_problem(file: str, text: str, error: Any) -> Problem:
    """A ``yaml.reader.ReaderError``, a character that YAML does not allow, as a problem at its place."""
    before = _before(text, error)
    location = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
    code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
    return Problem(
        location,
        "yaml.character",
        f"the character U+{code:04X} is not allowed in YAML",
        'write it as an escape in "quotes"',
    )


def _before(text: str, error: Any) -> str:
    """The text before the error: libyaml counts bytes, PyYAML's own reader characters."""
    position = error.position if isinstance(error.position, int) else 0
    if error.encoding != "unicode":
        return text.encode("utf-8")[:position].decode("utf-8", "ignore")
    return text[:position]


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


REMEDY = "remove it, or write a plain space: it is not seen, and what a reviewer reads is not what is meant"


@dataclass(frozen=True, slots=True)
class Strange:
    """The first such character of a text, at an index."""

    index: int
    name: str


def find_strange(text: str) -> Strange | None:
    """Return None where there is none."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return None  # as nearly every file: this costs a tenth
    found = UNSEEN.search(text)
    if found is None:
        return None
    name = unicodedata.name(found[0], "a control character").lower()
    return Strange(found.start(), f"U+{ord(found[0]):04X} ({name})")
