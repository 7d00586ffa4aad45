"""Problems as text, one ``file:line:column: message (rule)`` each, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from provisioner.model import Location, Problem
from provisioner.report.style import PLAIN, Style, safe

SourceLine = Callable[[Location], str]
"""The line of a file that a location is in, "" when there is none to show."""


def as_text(problems: Iterable[Problem], style: Style = PLAIN, source_line: SourceLine | None = None) -> str:
    """One paragraph a problem; with a code frame where ``source_line`` is given."""
    return "\n".join(_paragraph(problem, style, source_line) for problem in problems)


def _paragraph(problem: Problem, style: Style, source_line: SourceLine | None) -> str:
    where = style.paint(f"{safe(str(problem.location))}:", "bold")
    on = f" on target {', '.join(problem.targets)}" if problem.targets else ""
    lines = [f"{where} {safe(problem.message)}{on} {style.paint(f'({problem.rule})', 'dim')}"]
    if source_line:
        lines.extend(_frame(problem.location, source_line(problem.location), style))
    if problem.remedy:
        lines.append(f"    {style.paint('remedy:', 'cyan')} {safe(problem.remedy)}")
    return "\n".join(lines)


def _frame(location: Location, line: str, style: Style) -> list[str]:
    shown = _without_secrets(line)
    if shown is None:
        return []
    number = f"{location.line:5}"
    # The caret stands under the place even where tabs and wide characters come before it.
    before = "".join("\t" if char == "\t" else " " for char in shown[: location.column - 1])
    bar = style.paint("|", "dim")
    return [
        f"{style.paint(number, 'dim')} {bar} {safe_line(shown)}",
        f"{'':5} {bar} {before}{style.paint('^', 'red')}",
    ]


def safe_line(line: str) -> str:
    """A source line for a terminal: tabs stay tabs."""
    return "\t".join(safe(part) for part in line[:200].split("\t"))


_SECRET = re.compile(r"(password|pwd|connectionstring|secret|token)[^:=]{0,2}[:=]\s*", re.IGNORECASE)
_TEMPLATE = re.compile(r"(\{\{.*?\}\})")
_PROPERTY = re.compile(r"\s*(- )?[\"']?[\w.-]+[\"']?\s*:")


def _without_secrets(line: str) -> str | None:
    """A source line fit to be shown: what may be a secret in plain text is not, templates are.

    None where that cannot be told: a line that is no property may be the middle of a long value.
    """
    if not line.strip():
        return None
    secret = _SECRET.search(line)
    if secret:
        head, tail = line[: secret.end()], line[secret.end() :]
        parts = _TEMPLATE.split(tail)
        kept = [part if index % 2 else _starred(part) for index, part in enumerate(parts)]
        return head + "".join(kept)
    return line if _PROPERTY.match(line) or _TEMPLATE.search(line) else None


def _starred(text: str) -> str:
    """Quotes and spaces stay; anything else becomes three stars, whatever its length."""
    return re.sub(r"[^\s\"']+", "***", text)


def as_json(problems: Iterable[Problem], checked: int, targets: Iterable[str]) -> str:
    """``{format_version, valid, definitions, targets, problems: [{file, line, column, rule, message, ...}]}``."""
    listed = [
        {
            "file": problem.location.file,
            "line": problem.location.line,
            "column": problem.location.column,
            "rule": problem.rule,
            "message": problem.message,
            "remedy": problem.remedy,
            "targets": list(problem.targets),
        }
        for problem in problems
    ]
    result = {
        "format_version": "1.0",
        "valid": not listed,
        "definitions": checked,
        "targets": list(targets),
        "problems": listed,
    }
    return json.dumps(result, indent=2, ensure_ascii=False)
