"""The findings of ``doctor`` as text, line by line, and its facts as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from provisioner import __version__
from provisioner.doctor.findings import Finding, Line, Status, count_by_status
from provisioner.doctor.site import Site
from provisioner.model import Json
from provisioner.report.terminal import Style, columns, folded_to, json_text, safe

FORMAT_VERSION = "1.0"

_SYMBOL = {Status.PASSED: "+", Status.WARNED: "!", Status.FAILED: "x", Status.NOT_TRIED: "-"}
"""Shown beside the word of the status, never instead of it."""

_ROLES = {
    Status.PASSED: ("green",),
    Status.WARNED: ("yellow",),
    Status.FAILED: ("red", "bold"),
    Status.NOT_TRIED: ("dim",),
}
_LEAST_FOR_TEXT = 30
"""Columns beside the ids that are worth a column of text; in fewer, texts go below their line."""


def line_as_text(line: Line[Site], finding: Finding, width: int, style: Style) -> str:
    """Return one line, and below it details and a remedy where there are any. ``width`` is that of the longest id."""
    word = style.paint(f"{_SYMBOL[finding.status]} {finding.status:9}", *_ROLES[finding.status])
    head = f"{word}  {line.id:{width}}  "
    indent = columns(head)
    body = [safe(finding.seen), *(f"- {safe(detail)}" for detail in finding.details)]
    if finding.remedy:
        body.append(f"{style.paint('remedy:', 'cyan')} {safe(finding.remedy)}")
    room = style.width - indent
    if style.width and room < _LEAST_FOR_TEXT:
        return style.fold("\n".join([head.rstrip(), *(f"    {text}" for text in body)]))
    room = max(room, 0)
    parts = (part for number, text in enumerate(body) for part in folded_to(text, room, "  " if number else ""))
    return "\n".join(f"{head if number == 0 else ' ' * indent}{part}" for number, part in enumerate(parts))


def section_as_text(name: str, style: Style) -> str:
    return style.paint(name, "bold")


def summary_as_text(findings: Iterable[Finding], style: Style) -> str:
    numbers = count_by_status(findings)
    return style.paint(f"Doctor: {', '.join(f'{numbers[status]:,} {status}' for status in Status)}.", "bold")


def facts_as_json(findings: Iterable[tuple[Line[Site], Finding]], at: datetime) -> str:
    """Return ``{format_version, provisioner, at, summary, lines: [{id, title, status, because, facts}]}``.

    schemas/doctor.schema.json describes it. It has neither what was seen nor remedies, which may name hosts and files.
    """
    found = tuple(findings)
    numbers = count_by_status(finding for _, finding in found)
    lines: list[Json] = [
        {
            "id": line.id,
            "title": line.title,
            "status": finding.status.value,
            "because": finding.cause or None,
            "facts": dict(finding.facts),
        }
        for line, finding in found
    ]
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "provisioner": __version__,
            "at": at.isoformat(timespec="seconds"),
            "summary": {status.value: numbers[status] for status in Status},
            "lines": lines,
        }
    )
