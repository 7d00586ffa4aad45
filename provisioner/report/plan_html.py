"""A plan as one page that needs nothing else: no network, no other file, and no script but for search and filters.

What came from outside is escaped by the template engine, and shown as everywhere else: control and direction
characters as escapes. Should markup ever get through, the page's own policy lets neither script nor request of it pass.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from provisioner import __version__
from provisioner.planning.diff import FieldChange
from provisioner.planning.plan import Action, Plan
from provisioner.report.plan_text import summary
from provisioner.report.terminal import safe
from provisioner.report.wording import (
    NEW_SERVERS,
    SEVERITY,
    SYMBOL,
    UnknownPart,
    approval,
    fields_of,
    line_of,
    new_servers,
    sorted_by_severity,
    uncovered,
    unknowns,
    verdict,
)

if TYPE_CHECKING:
    from jinja2 import Environment

_MOST_OPEN = 20
"""More changes than this begin folded."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A style or script that stands in the page, and the digest by which the page's policy admits it."""

    text: str

    @property
    def digest(self) -> str:
        return f"sha256-{base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()}"


def as_html(plan: Plan, made: datetime) -> str:
    """Return the whole plan, what a reader must not miss first. ``made`` is when, in UTC."""
    from markupsafe import Markup

    changes = sorted_by_severity(plan.changes)
    return (
        _environment()
        .get_template("plan.html.jinja")
        .render(
            plan=plan,
            changes=changes,
            open=sum(change.action is not Action.NO_OP for change in changes) <= _MOST_OPEN,
            counts=[(action.value, number) for action in SEVERITY if (number := plan.count(action))],
            summary=summary(plan),
            made=f"{made:%Y-%m-%d %H:%M} UTC by provisioner {__version__}",
            approval=approval(plan),
            sections=[
                ("What could not be known", list(unknowns(plan))),
                ("What the digest does not cover", list(uncovered(plan))),
                ("Notes", [UnknownPart(note, Counter()) for note in plan.notes]),
            ],
            new_servers=NEW_SERVERS,
            servers=new_servers(plan),
            symbol=SYMBOL,
            verdict=verdict,
            fields_of=fields_of,
            style=_Part(Markup(_read("plan.css"))),  # noqa: S704 - our own text
            script=_Part(Markup(_read("plan.js"))),  # noqa: S704
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
        "shown": safe,
        "words": _words,
        "place": line_of,
        "breakable": lambda path: Markup(str(escape(safe(path))).replace(".", ".<wbr>")),  # noqa: S704 - escaped first
    }
    environment.globals["cell"] = _cell
    return environment


def _words(text: str) -> str:
    """Return our own words, with commands and names as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(safe(text)))))  # noqa: S704 - escaped first


def _cell(field: FieldChange, value: str | None, side: str) -> str:
    """One value of a row; one that is not there is an empty cell."""
    from markupsafe import Markup

    if value is None:
        return Markup('<td class="{}"></td>').format(side)
    differs = " differs" if field.before != field.after else ""
    origin = " origin" if field.sensitive else ""
    shown = safe(value if field.sensitive else f'"{value}"')
    return Markup('<td class="{}{}{}">{}</td>').format(side, differs, origin, shown)
