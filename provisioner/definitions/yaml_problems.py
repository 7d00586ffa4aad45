"""Problems in the text of a YAML file: syntax errors, merge conflicts, misplaced and invisible characters. Pure.

PyYAML's exceptions become problems with a position and a remedy here; the loader raises and catches them.

YAML takes a no-break space for a letter, so an error caused by one shows up lines later, or as an unexpected key. Such
characters are replaced before parsing where YAML needs a space, and left alone in values, where they are text.
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
from provisioner.text import BLANKS, INVISIBLE, pasted_into_json

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""Line breaks as libyaml counts them."""


def source_line(text: str, number: int) -> str:
    """Return the line with this number, counted from 1; "" if the text has fewer."""
    lines = _lines(text)
    return lines[number - 1] if 0 < number <= len(lines) else ""


@lru_cache(maxsize=2)  # every field of a document asks for its line
def _lines(text: str) -> list[str]:
    return _LINE_BREAK.split(text)


def position_of(text: str, index: int) -> tuple[int, int]:
    """Return line and column of an index, counted from 1."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


# Exceptions of PyYAML

MAX_DEPTH = 32
TOO_DEEP = ("yaml.too-deep", f"nested more than {MAX_DEPTH} levels deep", "flatten it: a definition needs five levels")
"""Rule, message and remedy."""

UNQUOTED_TEMPLATE = (
    "yaml.unquoted-template",
    "`{{` opens a mapping inside a mapping",
    "quote the template: \"{{ env('NAME') }}\"",
)
"""Rule, message and remedy."""

TAG_REMEDY = "remove it, or quote a value that starts with `!`"

_UNQUOTED_TEMPLATE_LINE = re.compile(r"[^#'\"]*?(?:: |- )\s*(\{\{)")

_KNOWN_PROBLEMS = {
    "but found another document": (
        "yaml.several-documents",
        "a second document starts here",
        "move it to a file of its own",
    ),
    "found undefined alias": (
        "yaml.unknown-alias",
        "the alias refers to no anchor above it",
        "quote a value that starts with `*`",
    ),
    "found undefined tag handle": ("yaml.tag", "a tag has no meaning here", TAG_REMEDY),
    "duplicate tag handle": ("yaml.tag", "a tag has no meaning here", TAG_REMEDY),
    "second occurrence": ("yaml.duplicate-anchor", "the anchor is defined twice", "give each anchor a name of its own"),
}
"""Beginnings of PyYAML's messages, and the rule, message and remedy for each. Without libyaml, what follows repeats the
alias or the tag, which may be a password."""

_SYNTAX_REMEDIES = {
    "mapping values are not allowed": "quote a value that contains `: `, and check the indentation",
    "cannot start any token": "quote a value that starts with this character",
    "unexpected end of stream": "close the quote or bracket that was opened",
    "expected ',' or": "close the bracket that was opened, and separate its items by commas",
    "alphabetic or numeric": "quote a value that starts with `*` or `&`",
    "escape character": "write a backslash as `\\\\`, or use 'single quotes'",
    "expected key": "check the indentation and quotes of this line and of the lines above it",
    "could not find expected ':'": "write a colon and a space after the key",
}
"""Parts of the messages of PyYAML's parser, and the remedy for each."""


def syntax_problem(file: str, text: str, error: Any) -> Problem:
    """Return the problem for a ``yaml.MarkedYAMLError``."""
    problem = str(error.problem)
    # Unclosed syntax is noticed at the end; the place where it begins is more useful.
    is_unclosed = any(part in problem for part in ("end of stream", "expected ':'", "expected ',' or"))
    mark = (error.context_mark if is_unclosed else None) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    source = source_line(text, line)
    location = Location(file, line, column)
    if "maximum nesting depth" in problem:  # libyaml's own limit: it looks ahead
        return Problem(location, *TOO_DEEP)
    if unquoted := _UNQUOTED_TEMPLATE_LINE.match(source):
        return Problem(Location(file, line, unquoted.start(1) + 1), *UNQUOTED_TEMPLATE)
    if known := next((beginning for beginning in _KNOWN_PROBLEMS if problem.startswith(beginning)), ""):
        return Problem(location, *_KNOWN_PROBLEMS[known])
    if "'\\t'" in problem or source.lstrip(" ").startswith("\t"):
        return Problem(location, "yaml.tab", "a tab cannot indent YAML", "indent with spaces")
    if re.search(r'"\{\{[^}]*"', source):
        remedy = "use single quotes inside the template: \"{{ env('NAME') }}\""
    else:
        remedies = (remedy for part, remedy in _SYNTAX_REMEDIES.items() if part in problem)
        remedy = next(remedies, "check the line and the one before it")
    context = f" {error.context}" if error.context else ""
    return Problem(location, "yaml.syntax", f"{problem}{context}", remedy)


def reader_problem(file: str, text: str, error: Any) -> Problem:
    """Return the problem for a ``yaml.reader.ReaderError``, a character that YAML does not allow."""
    index = error.position if isinstance(error.position, int) else 0
    if error.encoding != "unicode":  # libyaml counts bytes, PyYAML's own reader characters
        index = len(text.encode("utf-8")[:index].decode("utf-8", "ignore"))
    code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
    message = f"the character U+{code:04X} is not allowed in YAML"
    return Problem(
        Location(file, *position_of(text, index)), "yaml.character", message, 'write it as an escape in "quotes"'
    )


# Merge conflicts, and characters that are pasted in

_CONFLICT_SIGNS = tuple(char * 7 for char in "<=>|")
_CONFLICT = re.compile(r"^(?:<{7}|={7}$|>{7}|\|{7})", re.MULTILINE)
"""Lines that git, Mercurial and Subversion write around the two versions of a conflict."""

_FULLWIDTH_COLON = "\uff1a"
_SUSPECT = re.compile(rf"[{BLANKS}{_FULLWIDTH_COLON}]")

# In an unquoted scalar: at its ends, after what looks like a colon or a dash, or before a comment.
_BLANK = rf"[{BLANKS}]"
_MISPLACED = re.compile(
    rf"^[ \t]*(?:- +)*(?P<start>{_BLANK}[ {BLANKS}]*)"
    rf"|(?P<end>{_BLANK}[ {BLANKS}]*)$"
    rf"|(?<=[:-])(?P<behind>[ ]*{_BLANK}[ {BLANKS}]*)"
    rf"|(?P<before>{_BLANK}[ {BLANKS}]*)(?=[:#])"
    rf"|^[ \t]*(?:- +)*[A-Za-z][A-Za-z0-9_]*[ ]*(?P<colon>{_FULLWIDTH_COLON})",
    re.MULTILINE,
)
_QUOTED_OR_COMMENT = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|(?:(?<=\s)|^)#.*$", re.MULTILINE)
"""Quoted texts and comments, for text that the scanner cannot read."""

Span: TypeAlias = tuple[int, int]
Scan: TypeAlias = Callable[[str], tuple[list[Span], int]]
"""Returns the spans of the unquoted scalars of a text, and the index up to which it could be scanned."""


def clean(file: str, text: str, scan: Scan) -> tuple[str | None, tuple[Problem, ...]]:
    """Return the text to parse, and the problems with pasted characters and merge conflicts in it.

    Misplaced blanks are replaced by spaces, so that the same run finds all other problems. The text is None if parsing
    makes no sense: because of a conflict, or of a colon that YAML does not know.
    """
    if not any(sign in text for sign in _CONFLICT_SIGNS) and (text.isascii() or not _SUSPECT.search(text)):
        return text, ()
    conflicts = tuple(_conflicts(file, text))
    if conflicts:
        return None, conflicts
    indexes: dict[str, list[int]] = {}
    cleaned = list(text)
    for index in _misplaced(text, scan):
        indexes.setdefault(text[index], []).append(index)
        cleaned[index] = " "
    problems = tuple(_misplaced_problem(file, text, places) for places in indexes.values())
    return None if _FULLWIDTH_COLON in indexes else "".join(cleaned), problems


def json_problem(text: str, error: JSONDecodeError) -> tuple[str, str, str]:
    """Return ``line:column``, message and remedy for a text that is not JSON; the remedy is "" if the cause is neither
    a merge conflict nor a pasted character."""
    conflict = next(_conflicts("", text), None)
    if conflict:
        return f"{conflict.location.line}:{conflict.location.column}", conflict.message, conflict.remedy
    message, remedy = pasted_into_json(text, error.pos)
    return f"{error.lineno}:{error.colno}", message or f"not JSON: {error.msg.removesuffix(' at')}", remedy


def _conflicts(file: str, text: str) -> Iterator[Problem]:
    """Yield a problem for each conflict, or one for all remaining markers if the opening ones were removed."""
    markers = [(match[0][0], position_of(text, match.start())) for match in _CONFLICT.finditer(text)]
    opening = [position for sign, position in markers if sign == "<"]
    for position in opening or [position for _, position in markers[:1]]:
        remedy = "keep one version, and remove the lines of `<<<<<<<`, `=======` and `>>>>>>>`"
        yield Problem(Location(file, *position), "yaml.conflict", "an unresolved merge conflict", remedy)


def _misplaced(text: str, scan: Scan) -> Iterator[int]:
    """Yield the index of each character in a position where YAML needs a space or a colon."""
    scalars, scanned = scan(text)
    for start, end in (*scalars, *_unquoted_spans(text, scanned)):
        for match in _MISPLACED.finditer(text[start:end]):
            group = str(match.lastgroup)
            is_key = not text[text.rfind("\n", 0, start) + 1 : start].strip(" -") and match.start() == 0
            if group == "colon" and end <= scanned and not is_key:
                continue
            first, last = match.span(group)
            yield from (start + index for index in range(first, last) if text[start + index] not in " \t")


def _unquoted_spans(text: str, scanned: int) -> Iterator[Span]:
    """Yield the spans after a syntax error that are neither quoted nor comments."""
    if scanned < len(text):
        start = text.rfind("\n", 0, scanned) + 1
        for match in _QUOTED_OR_COMMENT.finditer(text, start):
            yield start, match.start()
            start = match.end()
        yield start, len(text)


def _misplaced_problem(file: str, text: str, indexes: list[int]) -> Problem:
    positions = [position_of(text, index) for index in indexes]
    line, column = positions[0]
    other_lines = sorted({other for other, _ in positions} - {line})
    also = f", also on line{'s' * (len(other_lines) > 1)} {', '.join(map(str, other_lines))}" if other_lines else ""
    character = text[indexes[0]]
    needed = "colon" if character == _FULLWIDTH_COLON else "space"
    message = f"U+{ord(character):04X} ({unicodedata.name(character).lower()}) stands where YAML needs a {needed}{also}"
    remedy = f"write a {needed} instead: such characters come from pasted text"
    return Problem(Location(file, line, column), "yaml.character", message, remedy)


# Invisible characters

INVISIBLE_REMEDY = "remove it, or write a plain space: it is invisible, so reviewers cannot see what the text means"


@dataclass(frozen=True, slots=True)
class InvisibleCharacter:
    """An invisible character at an index of a text. ``name`` is its code point and Unicode name."""

    index: int
    name: str


def find_invisible(text: str) -> InvisibleCharacter | None:
    """Return the first invisible character of a text, if any."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return None  # nearly every file, at a tenth of the cost of a search
    match = INVISIBLE.search(text)
    if match is None:
        return None
    name = unicodedata.name(match[0], "a control character").lower()
    return InvisibleCharacter(match.start(), f"U+{ord(match[0]):04X} ({name})")
