"""Outcomes of an apply: a line each as they happen, and a summary that tells the truth.

What an apply does, as it does it: one JSON object a line.

Every event has ``time`` (ISO 8601, UTC) and ``type``: ``plan`` (the plan's numbers and its digest), ``planned_change``
(one ``change`` of the plan as JSON), ``outcome`` (one ``outcome`` of the result as JSON), ``summary``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from provisioner.apply.outcome import Applied, Outcome, Verdict
from provisioner.model import Json
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Probe, Test
from provisioner.report import plan_json
from provisioner.report.escaping import code, plain
from provisioner.report.terminal import PLAIN, Style, count, json_line, json_text, safe

_DONE = {Action.CREATE: "created", Action.UPDATE: "changed", Action.DELETE: "destroyed"}
_RECORDED = {Action.REFRESH: "taken into the state", Action.FORGET: "forgotten", Action.MOVE: "moved"}
_WORD = {
    **_DONE,
    Action.REFRESH: "recorded",
    Action.FORGET: "forgotten",
    Action.MOVE: "moved",
    Action.NO_OP: "tested",
}
_COLOUR = {
    Verdict.DONE: "green",
    Verdict.UNTESTED: "yellow",
    Verdict.FAILED: "red",
    Verdict.STALE: "yellow",
    Verdict.UNKNOWN: "yellow",
    Verdict.NOT_ATTEMPTED: "dim",
}


def line(outcome: Outcome, style: Style = PLAIN) -> str:
    """One outcome, with its message and remedy where it did not succeed."""
    done = outcome.verdict is Verdict.DONE
    word = _word(outcome) if done else outcome.verdict.value
    head = f"{style.paint(f'{word:13}', _COLOUR[outcome.verdict])} {safe(outcome.change.key)}"
    if done:
        took = "" if outcome.change.is_only_recorded else f" in {outcome.seconds:.1f} s"
        what = ", ".join([f"{safe(outcome.id)}{took}", *_found(outcome.change)])
        return style.fold(f"{head}  {style.paint(what, 'dim')}")
    remedy = f"\n    {style.paint('remedy:', 'cyan')} {safe(outcome.remedy)}" if outcome.remedy else ""
    where = outcome.change.location
    head += style.paint(f"  {safe(where.file)}:{where.line}", "dim") if where else ""
    return style.fold(f"{head}\n    {safe(outcome.message)}{remedy}")


def _word(outcome: Outcome) -> str:
    """What was done."""
    return "recorded" if outcome.is_recorded else _WORD.get(outcome.change.action, "done")


def _found(change: Change) -> list[str]:
    """What a change that was done has found out on the way."""
    steps = {type(step) for step in change.steps}
    return [words for step, words in ((Probe, "credentials proved"), (Test, "database reached")) if step in steps]


def summary(applied: Applied) -> str:
    """What was done and what was not, each once."""
    numbers = [applied.done(action) for action in (Action.CREATE, Action.UPDATE, Action.DELETE)]
    left = _left(applied)
    word = "incomplete" if left else "complete"
    first = f"Apply {word}: {numbers[0]} added, {numbers[1]} changed, {numbers[2]} destroyed."
    recorded = [f"{applied.recorded:,} only recorded."] if applied.recorded else []
    recorded += [f"{number:,} {words}." for action, words in _RECORDED.items() if (number := applied.done(action))]
    return " ".join([first, *recorded, *left])


def _left(applied: Applied) -> list[str]:
    parts = [
        f"{applied.count(verdict):,} {verdict.value}"
        for verdict in (Verdict.FAILED, Verdict.STALE, Verdict.UNKNOWN, Verdict.UNTESTED, Verdict.NOT_ATTEMPTED)
        if applied.count(verdict)
    ]
    parts += [f"{len(applied.blocked):,} blocked"] if applied.blocked else []
    left = [f"{', '.join(parts).capitalize()}."] if parts else []
    if applied.uncompacted:
        left.append(f"The state was not written: {applied.uncompacted}.")
    if applied.unchecked:
        left.append(f"What was created was not checked: {applied.unchecked}. Run plan: it looks at all of it.")
    if applied.count(Verdict.UNKNOWN):
        left.append(f"Run apply again: it finds out what became of {count(applied.count(Verdict.UNKNOWN), 'call')}.")
    elif applied.count(Verdict.NOT_ATTEMPTED):
        left.append("Run apply again.")
    return left


def as_json(applied: Applied) -> str:
    """``{format_version, interrupted, outcomes: [{address, action, outcome, id, ...}], blocked: [...]}``."""
    document = {
        "format_version": "1.0",
        "interrupted": applied.interrupted,
        "state_not_written": applied.uncompacted,
        "not_checked": applied.unchecked,
        "outcomes": [as_value(outcome) for outcome in applied.outcomes],
        "blocked": [
            {"address": change.key, "reason": change.reason, "remedy": change.remedy, **_place(change)}
            for change in applied.blocked
        ],
    }
    return json_text(document)


def as_value(outcome: Outcome) -> Json:
    """One outcome, for JSON."""
    return {
        "address": outcome.change.key,
        "action": outcome.change.action.value,
        "outcome": outcome.verdict.value,
        "id": outcome.id or None,
        "message": outcome.message,
        "remedy": outcome.remedy,
        **_place(outcome.change),
    }


def _place(change: Change) -> Json:
    where = change.location
    return {"file": where.file if where else None, "line": where.line if where else None}


_MOST_TOLD = 100


def as_markdown(applied: Applied) -> str:
    """The summary, what was not done with its remedy, and what was done; a hundred of each at most."""
    left = [
        (one.change, one.verdict.value, one.message, one.remedy)
        for one in applied.outcomes
        if one.verdict is not Verdict.DONE
    ]
    left += [(change, "blocked", change.reason, change.remedy) for change in applied.blocked]
    lines = ["### Apply", "", f"**{plain(summary(applied))}**", ""]
    for change, verdict, message, remedy in left[:_MOST_TOLD]:
        where = change.location
        at = f" at {code(f'{where.file}:{where.line}')}" if where else ""
        lines.append(f"- {verdict} {code(change.key)}{at}: {plain(message[:_WIDEST])}")
        lines += [f"  - Remedy: {plain(remedy[:_WIDEST])}"] if remedy else []
    lines += [f"- and {len(left) - _MOST_TOLD:,} more"] if len(left) > _MOST_TOLD else []
    done = [one for one in applied.outcomes if one.verdict is Verdict.DONE]
    lines += [f"- {_word(one)} {code(one.change.key)}: {code(one.id)}" for one in done[:_MOST_TOLD]]
    lines += [f"- and {len(done) - _MOST_TOLD:,} more that were done"] if len(done) > _MOST_TOLD else []
    return "\n".join(lines) + "\n"


_WIDEST = 300
"""Characters of a message; a summary of a step is short."""


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
    body = {**as_value(outcome), "seconds": round(outcome.seconds, 3)}
    return _event("outcome", now, {"outcome": body})


def of_end(applied: Applied, now: datetime) -> str:
    """The last event."""
    return _event("summary", now, {"message": summary(applied), "interrupted": applied.interrupted})


def _event(kind: str, now: datetime, body: Json) -> str:
    return json_line({"time": now.isoformat(timespec="milliseconds"), "type": kind, **body})
