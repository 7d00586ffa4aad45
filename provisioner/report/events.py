"""What an apply does, as it does it: one JSON object a line.

Every event has ``time`` (ISO 8601, UTC) and ``type``: ``plan`` (the plan's numbers and its digest), ``planned_change``
(one ``change`` of the plan as JSON), ``outcome`` (one ``outcome`` of the result as JSON), ``summary``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from provisioner.apply.outcome import Applied, Outcome
from provisioner.model import Json
from provisioner.planning.plan import Plan
from provisioner.report import outcomes, plan_json
from provisioner.report.terminal import json_line


def of_plan(plan: Plan, now: datetime) -> Iterator[str]:
    """The plan, and each change of it that would be carried out or is held back."""
    whole = plan_json.as_value(plan)
    yield _event("plan", now, {name: whole[name] for name in ("target", "digest", "not_in_digest", "summary")})
    wanted = {change.key for change in (*plan.pending, *plan.blocked)}
    for change in whole["resource_changes"]:
        if change["address"] in wanted:
            yield _event("planned_change", now, {"change": change})


def of_outcome(outcome: Outcome, now: datetime) -> str:
    """One change and what became of it."""
    body = {**outcomes.as_value(outcome), "seconds": round(outcome.seconds, 3)}
    return _event("outcome", now, {"outcome": body})


def of_end(applied: Applied, now: datetime) -> str:
    """The last event."""
    return _event("summary", now, {"message": outcomes.summary(applied), "interrupted": applied.interrupted})


def _event(kind: str, now: datetime, body: Json) -> str:
    return json_line({"time": now.isoformat(timespec="milliseconds"), "type": kind, **body})
