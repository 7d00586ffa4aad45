"""Problems as text and as JSON.

The text has ``file:line:column: message (rule)`` for each problem and, on request, the line of the file. Of that line
only values of properties that cannot hold a secret are shown, and names that cannot be a piece of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from provisioner.definitions.names import is_recognized, is_variable
from provisioner.model import Json, Location, Problem, Severity
from provisioner.report.terminal import PLAIN, Style, columns, json_text, safe

SourceLine = Callable[[Location], str]
"""Returns the line of a file at a location, "" if there is none to show."""


def as_text(problems: Iterable[Problem], style: Style = PLAIN, source_line: SourceLine | None = None) -> str:
    """Return a paragraph for each problem, with a code frame if ``source_line`` is given."""
    return "\n".join(style.fold(_paragraph(problem, style, source_line)) for problem in problems)


def as_warning(problem: Problem, style: Style = PLAIN) -> str:
    """Return one problem as a warning, whatever its severity."""
    return as_text((replace(problem, severity=Severity.WARNING),), style)


def _paragraph(problem: Problem, style: Style, source_line: SourceLine | None) -> str:
    warning = f"{style.paint('warning:', 'yellow')} " if problem.severity is Severity.WARNING else ""
    location = style.paint(f"{safe(str(problem.location))}:", "bold")
    on = f" on target{'s' * (len(problem.targets) > 1)} {', '.join(problem.targets)}" if problem.targets else ""
    lines = [f"{warning}{location} {safe(problem.message)}{on} {style.paint(f'({problem.rule})', 'dim')}"]
    if source_line:
        lines.extend(_frame(problem.location, source_line(problem.location), style))
    if problem.remedy:
        lines.append(f"    {style.paint('remedy:', 'cyan')} {safe(problem.remedy)}")
    return "\n".join(lines)


MAX_LINE = 200
"""Characters of a source line; fewer on a narrow terminal."""

_MARGIN = 8


def _frame(location: Location, line: str, style: Style) -> list[str]:
    """Return the source line and a caret below the column; nothing if the line might show a secret."""
    shown = _without_secrets(line)
    if shown is None:
        return []
    bar = style.paint("|", "dim")
    max_length = min(MAX_LINE, max(style.width - _MARGIN, 0) or MAX_LINE)
    frame = [f"{style.paint(f'{location.line:5}', 'dim')} {bar} {safe_line(shown[:max_length])}"]
    before = line[: location.column - 1]
    if len(before) < max_length and shown.startswith(before):
        indent = "".join(char if char == "\t" else " " * columns(safe(char)) for char in before)
        frame.append(f"{'':5} {bar} {indent}{style.paint('^', 'red')}")
    return frame


def safe_line(line: str) -> str:
    """Return a source line, safe for a terminal, with its tabs."""
    return "\t".join(safe(part) for part in line.split("\t"))


_SECRET = re.compile(r"(pass|pwd|connectionstring|secret|token)[^:=]{0,9}[:=]\s*", re.IGNORECASE)
_TEXTS = {
    *("name", "description", "key", "movedFrom", "targets", "preventDestroy", "id", "version", "specName"),
    *("server", "port", "database", "username", "sslMode"),
}
"""The properties whose values may be shown. The value of any other may be a password under a mistyped name."""
_MAPPINGS = {"lifecycle", "connectionSpec", "auth", "params", "options"}

_ENTRY = re.compile(
    r"[\s{},]*(?:-\s+)*(?P<key>(?P<quote>[\"'])?(?P<name>[^\s\"'{},:]+)(?(quote)(?P=quote)\s*:\s*|\s*:(?:\s+|\Z)))"
)
_REST = re.compile(r"(?:(?!(?<=[\s{,])[\"']?[^\s\"'{},:]+[\"']?\s*:(?:\s|\Z)).)*", re.DOTALL)
"""The value of a line that is one entry, up to what looks like another name."""
_ITEM = re.compile(
    r"(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^']|'')*+'|\[[^\[\]{}]*+\]|(?:(?!:\s)[^{}\[\],\"'])*+)\s*+(?=[,}]|\Z)", re.DOTALL
)
"""A value between braces."""

_WORDS = "[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
_CALL = re.compile(rf"(\{{\{{\s*(?:env\(['\"]{_WORDS}['\"]\)|var\(['\"](?i:{_WORDS})['\"]\))\s*\}}\}})")
"""A plain call with a name that no generated secret looks like."""
_ENV = re.compile(r"(\benv\(\s*['\"])([^'\"]*)")


def _without_secrets(line: str) -> str | None:
    """Return a source line with possible secrets replaced by stars, among them names that may be a piece of one; calls
    of env() and var() are kept.

    Return None for a line that does not begin with a recognized name: it may be part of a long value.
    """
    public = _public_end(line)
    if not line[:public].strip(" \t-{"):
        return None
    start = min((public, *(secret.end() for secret in _SECRET.finditer(line))))
    parts = _CALL.split(line[start:])
    # Three stars for text of any length; quotes and spaces are kept.
    masked = (part if index % 2 else re.sub(r"[^\s\"']+", "***", part) for index, part in enumerate(parts))
    named = _ENV.sub(lambda call: call[0] if is_variable(call[2]) else f"{call[1]}***", line[:start])
    return named + "".join(masked)


def _public_end(line: str) -> int:
    """Return the index up to which a line consists of recognized names and values that may be shown."""
    index, before_braces = 0, len(line.partition("{")[0])
    while entry := _ENTRY.match(line, index):
        if not is_recognized(entry["name"]):
            return entry.start("key")
        index = entry.end()
        if entry["name"] in _TEXTS:
            value = (_ITEM if index > before_braces else _REST).match(line, index)
            if value is None:
                return index
            index = value.end()
        elif entry["name"] not in _MAPPINGS or line[index : index + 1] not in ("", "{"):
            return index
    return len(line) - len(line[index:].lstrip(" \t{},"))


def as_json(problems: Iterable[Problem], checked: int = 0, targets: Iterable[str] = ()) -> str:
    """Return ``{format_version, valid, definitions, targets, problems: [{file, line, column, severity, rule, ...}]}``.

    ``valid`` is true unless a problem is an error.
    """
    problems = tuple(problems)
    document = {
        "format_version": "1.1",
        "valid": all(problem.severity is Severity.WARNING for problem in problems),
        "definitions": checked,
        "targets": list(targets),
        "problems": as_dicts(problems),
    }
    return json_text(document)


def as_dicts(problems: Iterable[Problem]) -> list[Json]:
    """Return the problems as they stand in JSON."""
    return [
        {
            "file": problem.location.file,
            "line": problem.location.line,
            "column": problem.location.column,
            "severity": problem.severity.value,
            "rule": problem.rule,
            "message": problem.message,
            "remedy": problem.remedy,
            "targets": list(problem.targets),
        }
        for problem in problems
    ]
