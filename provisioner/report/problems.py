"""Problems as text, one ``file:line:column: message (rule)`` each, and as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from provisioner.model import Location, Problem, Severity
from provisioner.report.terminal import PLAIN, Style, columns, json_text, safe

SourceLine = Callable[[Location], str]
"""The line of a file that a location is in, "" when there is none to show."""


def as_text(problems: Iterable[Problem], style: Style = PLAIN, source_line: SourceLine | None = None) -> str:
    """One paragraph a problem; with a code frame where ``source_line`` is given."""
    return "\n".join(style.fold(_told(problem, style, source_line)) for problem in problems)


def as_warning(problem: Problem, style: Style = PLAIN) -> str:
    """One finding that stops nothing."""
    return as_text((replace(problem, severity=Severity.WARNING),), style)


def _told(problem: Problem, style: Style, source_line: SourceLine | None) -> str:
    shown = _paragraph(problem, style, source_line)
    return f"{style.paint('warning:', 'yellow')} {shown}" if problem.severity is Severity.WARNING else shown


def _paragraph(problem: Problem, style: Style, source_line: SourceLine | None) -> str:
    where = style.paint(f"{safe(str(problem.location))}:", "bold")
    on = f" on target{'s' * (len(problem.targets) > 1)} {', '.join(problem.targets)}" if problem.targets else ""
    lines = [f"{where} {safe(problem.message)}{on} {style.paint(f'({problem.rule})', 'dim')}"]
    if source_line:
        lines.extend(_frame(problem.location, source_line(problem.location), style))
    if problem.remedy:
        lines.append(f"    {style.paint('remedy:', 'cyan')} {safe(problem.remedy)}")
    return "\n".join(lines)


MAX_LINE = 200
"""Characters of a source line; on a narrower terminal as many as stand in a row."""

_MARGIN = 8


def _frame(location: Location, line: str, style: Style) -> list[str]:
    shown = _without_secrets(line)
    if shown is None:
        return []
    bar = style.paint("|", "dim")
    most = min(MAX_LINE, max(style.width - _MARGIN, 0) or MAX_LINE)
    frame = [f"{style.paint(f'{location.line:5}', 'dim')} {bar} {safe_line(shown[:most])}"]
    before = line[: location.column - 1]
    if len(before) < most and shown.startswith(before):
        frame.append(f"{'':5} {bar} {_blank(before)}{style.paint('^', 'red')}")
    return frame


def safe_line(line: str) -> str:
    """A source line for a terminal: tabs stay tabs."""
    return "\t".join(safe(part) for part in line.split("\t"))


def _blank(text: str) -> str:
    """As wide on a terminal as ``text``: tabs stay, wide characters take two places and combining ones none."""
    return "".join(char if char == "\t" else " " * columns(safe(char)) for char in text)


_SECRET = re.compile(r"(pass|pwd|connectionstring|secret|token)[^:=]{0,9}[:=]\s*", re.IGNORECASE)
_NAME = re.compile(r"(?:(?<=[\s{,])|^)[\"']?([^\s\"'{},:]+)[\"']?\s*:(?:\s+|$)")
_OPEN = {
    *(
        "name",
        "description",
        "key",
        "movedFrom",
        "targets",
        "lifecycle",
        "preventDestroy",
        "connectionSpec",
        "id",
        "version",
        "auth",
        "specName",
        "params",
    ),
    *("server", "port", "database", "username", "sslMode", "options"),
}
"""The properties whose values may be shown. Anything else may be a password under a name that was mistyped."""

_CALL = re.compile(r"(\{\{\s*(?:env\(['\"][A-Z][A-Z0-9_]*['\"]\)|var\(['\"]\w+['\"]\))\s*\}\})")


def _without_secrets(line: str) -> str | None:
    """A source line fit to be shown: what may be a secret in plain text is not, plain calls of env() and var() are.

    None where that cannot be told: a line that does not begin with a name may be the middle of a long value.
    """
    names = list(_NAME.finditer(line))
    if not names or line[: names[0].start()].strip(" \t-{"):
        return None
    starts = [name.end() for name in names if name[1] not in _OPEN]
    starts.extend(secret.end() for secret in _SECRET.finditer(line))
    open_until = min(starts, default=len(line))
    parts = _CALL.split(line[open_until:])
    return line[:open_until] + "".join(part if index % 2 else _starred(part) for index, part in enumerate(parts))


def _starred(text: str) -> str:
    """Quotes and spaces stay; anything else becomes three stars, whatever its length."""
    return re.sub(r"[^\s\"']+", "***", text)


def as_json(problems: Iterable[Problem], checked: int, targets: Iterable[str]) -> str:
    """``{format_version, valid, definitions, targets, problems: [{file, line, column, severity, rule, ...}]}``.

    It is valid where no problem is an error."""
    found = tuple(problems)
    listed = [
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
        for problem in found
    ]
    result = {
        "format_version": "1.1",
        "valid": all(problem.severity is Severity.WARNING for problem in found),
        "definitions": checked,
        "targets": list(targets),
        "problems": listed,
    }
    return json_text(result)
