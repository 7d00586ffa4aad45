"""What yaml raises -> problems with a place and a remedy."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from provisioner.model import Location, Problem

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
