"""A plan as a single HTML page without external resources; its only script is for search and filters.

Text from outside is escaped by the template engine, with control and direction characters as escapes as in the other
reports. Should markup ever get through, the page's Content Security Policy blocks its scripts and requests.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from provisioner.planning.diff import FieldChange
from provisioner.planning.plan import Action, Plan
from provisioner.report.plan_text import as_summary
from provisioner.report.terminal import safe
from provisioner.report.wording import (
    NEW_SERVERS,
    SEVERITY,
    SYMBOL,
    Caveat,
    approval_command,
    field_note,
    file_and_line,
    new_servers,
    not_in_digest,
    shown_fields,
    sorted_by_severity,
    unknowns,
)

if TYPE_CHECKING:
    from jinja2 import Environment

_MAX_UNFOLDED = 20
"""With more changes than this, all are folded at first."""


@dataclass(frozen=True, slots=True)
class _Inline:
    """A style sheet or script in the page, and the digest by which the page's policy allows it."""

    text: str

    @property
    def digest(self) -> str:
        return f"sha256-{base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()}"


def as_html(plan: Plan) -> str:
    """Return the whole plan, the most severe changes first."""
    from markupsafe import Markup

    changes = sorted_by_severity(plan.changes)
    return (
        _environment()
        .get_template("plan.html.jinja")
        .render(
            plan=plan,
            changes=changes,
            open=sum(change.action is not Action.NO_OP for change in changes) <= _MAX_UNFOLDED,
            counts=[(action.value, number) for action in SEVERITY if (number := plan.count(action))],
            summary=as_summary(plan),
            created=str(plan.provenance),
            approval=approval_command(plan),
            sections=[
                ("Not known", list(unknowns(plan))),
                ("Not covered by the digest", list(not_in_digest(plan))),
                ("Notes", [Caveat(note, Counter()) for note in plan.notes]),
            ],
            new_servers=NEW_SERVERS,
            servers=new_servers(plan),
            symbol=SYMBOL,
            field_note=field_note,
            shown_fields=shown_fields,
            style=_Inline(Markup(_read("plan.css"))),  # noqa: S704 - our own text
            script=_Inline(Markup(_read("plan.js"))),  # noqa: S704
        )
    )


def _read(name: str) -> str:
    return files("provisioner").joinpath("report", "page", name).read_text("utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup, escape

    environment = Environment(loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {
        "safe_text": safe,
        "prose": _prose,
        "file_and_line": file_and_line,
        "breakable": lambda path: Markup(str(escape(safe(path))).replace(".", ".<wbr>")),  # noqa: S704 - escaped first
    }
    environment.globals["cell"] = _cell
    return environment


def _prose(text: str) -> str:
    """Return a sentence as HTML, with the parts between backticks as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(safe(text)))))  # noqa: S704 - escaped first


def _cell(field: FieldChange, value: str | None, side: str) -> str:
    """Return the cell for one value, empty if there is none."""
    from markupsafe import Markup

    if value is None:
        return Markup('<td class="{}"></td>').format(side)
    differs = " differs" if field.before != field.after else ""
    origin = " origin" if field.sensitive else ""
    shown = safe(value if field.sensitive else f'"{value}"')
    return Markup('<td class="{}{}{}">{}</td>').format(side, differs, origin, shown)
