"""Outcomes of an apply: a line for each change as it finishes, the summary, Markdown, and a stream of events.

The stream has one JSON object a line. Every event has ``time`` (ISO 8601, UTC) and ``type``: ``plan`` (the plan's
numbers and its digest), ``planned_change`` (one ``change`` of the plan as JSON), ``outcome`` (one ``outcome`` of the
result as JSON), ``summary`` (the result as JSON without outcomes and calls).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from provisioner.apply.evidence import RunEvidence, Work
from provisioner.apply.outcome import Applied, Outcome, Verdict
from provisioner.model import Json
from provisioner.planning.plan import Action, Plan
from provisioner.planning.steps import Probe, Test
from provisioner.report import apply_json, plan_json
from provisioner.report.escaping import code_span, markdown_text
from provisioner.report.terminal import PLAIN, Style, json_line, safe
from provisioner.text import count

_VERB = {
    Action.CREATE: "created",
    Action.UPDATE: "changed",
    Action.DELETE: "destroyed",
    Action.REFRESH: "refreshed",
    Action.FORGET: "forgotten",
    Action.MOVE: "moved",
    Action.NO_OP: "tested",
}
_COUNTED_APART = {Action.REFRESH: "refreshed", Action.FORGET: "forgotten", Action.MOVE: "moved"}
_COLOUR = {
    Verdict.DONE: "green",
    Verdict.UNTESTED: "yellow",
    Verdict.FAILED: "red",
    Verdict.STALE: "yellow",
    Verdict.UNKNOWN: "yellow",
    Verdict.NOT_ATTEMPTED: "dim",
}

_MAX_LISTED = 100
_MAX_MESSAGE = 300
"""Characters of a message in Markdown."""


def as_line(outcome: Outcome, style: Style = PLAIN) -> str:
    """Return one outcome, with its message and remedy if it did not succeed."""
    done = outcome.verdict is Verdict.DONE
    word = _done_word(outcome) if done else outcome.verdict.value
    head = f"{style.paint(f'{word:13}', _COLOUR[outcome.verdict])} {safe(outcome.change.key)}"
    if done:
        duration = "" if outcome.change.is_only_recorded else f" in {outcome.seconds:.1f} s"
        steps = {type(step) for step in outcome.change.steps}
        checks = ((Probe, "credentials proven"), (Test, "database reached"))
        details = ", ".join([f"{safe(outcome.id)}{duration}", *(text for step, text in checks if step in steps)])
        return style.fold(f"{head}  {style.paint(details, 'dim')}")
    remedy = f"\n    {style.paint('remedy:', 'cyan')} {safe(outcome.remedy)}" if outcome.remedy else ""
    location = outcome.change.location
    head += style.paint(f"  {safe(location.file)}:{location.line}", "dim") if location else ""
    return style.fold(f"{head}\n    {safe(outcome.message)}{remedy}")


def _done_word(outcome: Outcome) -> str:
    return "recorded" if outcome.is_recorded else _VERB.get(outcome.change.action, "done")


def as_summary(applied: Applied) -> str:
    """Return the number of changes by outcome, and what to do about those that are not done."""
    left, advice = _left(applied), _advice(applied)
    if left and applied.is_without_effect:
        return " ".join([f"Nothing applied: {left}.", *advice])
    added, changed, destroyed = (applied.done(action) for action in (Action.CREATE, Action.UPDATE, Action.DELETE))
    word = "incomplete" if left or advice else "complete"
    sentences = [f"Apply {word}: {added} added, {changed} changed, {destroyed} destroyed."]
    sentences += [f"{applied.recorded:,} only recorded."] if applied.recorded else []
    sentences += [f"{number:,} {word}." for action, word in _COUNTED_APART.items() if (number := applied.done(action))]
    sentences += [f"{left.capitalize()}."] if left else []
    return " ".join([*sentences, *advice])


def _left(applied: Applied) -> str:
    """Return the number of changes that are not done, by outcome."""
    parts = [
        f"{applied.count(verdict):,} {verdict.value}"
        for verdict in (Verdict.FAILED, Verdict.STALE, Verdict.UNKNOWN, Verdict.UNTESTED, Verdict.NOT_ATTEMPTED)
        if applied.count(verdict)
    ]
    parts += [f"{len(applied.blocked):,} blocked"] if applied.blocked else []
    return ", ".join(parts)


def _advice(applied: Applied) -> list[str]:
    """Return the sentences on what is wrong with the run as a whole, and on what to do next."""
    sentences = []
    if applied.uncompacted:
        sentences.append(f"The state was not written: {applied.uncompacted}.")
    if applied.unchecked:
        sentences.append(f"New base connections were not checked: {applied.unchecked}. Run plan to check them.")
    if unknown := applied.count(Verdict.UNKNOWN):
        sentences.append(f"Run apply again to find out the outcome of {count(unknown, 'call')}.")
    elif applied.count(Verdict.NOT_ATTEMPTED):
        sentences.append("Run apply again.")
    return sentences


def as_markdown(applied: Applied) -> str:
    """Return the summary, the changes that are not done with remedies, and those that are; at most 100 of each."""
    not_done = [
        (outcome.change, outcome.verdict.value, outcome.message, outcome.remedy)
        for outcome in applied.outcomes
        if outcome.verdict is not Verdict.DONE
    ]
    not_done += [(change, "blocked", change.reason, change.remedy) for change in applied.blocked]
    lines = ["### Apply", "", f"**{markdown_text(as_summary(applied))}**", ""]
    for change, verdict, message, remedy in not_done[:_MAX_LISTED]:
        location = change.location
        at = f" at {code_span(f'{location.file}:{location.line}')}" if location else ""
        lines.append(f"- {verdict} {code_span(change.key)}{at}: {markdown_text(message[:_MAX_MESSAGE])}")
        lines += [f"  - Remedy: {markdown_text(remedy[:_MAX_MESSAGE])}"] if remedy else []
    lines += [f"- and {len(not_done) - _MAX_LISTED:,} more"] if len(not_done) > _MAX_LISTED else []
    done = [outcome for outcome in applied.outcomes if outcome.verdict is Verdict.DONE]
    for outcome in done[:_MAX_LISTED]:
        lines.append(f"- {_done_word(outcome)} {code_span(outcome.change.key)}: {code_span(outcome.id)}")
    lines += [f"- and {len(done) - _MAX_LISTED:,} more done"] if len(done) > _MAX_LISTED else []
    return "\n".join(lines) + "\n"


def plan_as_events(plan: Plan, now: datetime) -> Iterator[str]:
    """Yield the event for the plan, then one for each change that is pending or blocked."""
    document = plan_json.as_dict(plan)
    yield _event("plan", now, {name: document[name] for name in ("target", "digest", "not_in_digest", "summary")})
    keys = {change.key for change in (*plan.pending, *plan.blocked)}
    for change in document["resource_changes"]:
        if change["address"] in keys:
            yield _event("planned_change", now, {"change": change})


def outcome_as_event(outcome: Outcome, now: datetime, work: Work = apply_json.NO_WORK) -> str:
    """Return the event for one finished change."""
    return _event("outcome", now, {"outcome": apply_json.outcome_as_dict(outcome, work)})


def end_as_event(evidence: RunEvidence, now: datetime) -> str:
    """Return the last event: what the result as JSON says of the run as a whole, with the summary or the error."""
    message = evidence.message or as_summary(evidence.applied)
    return _event("summary", now, {**apply_json.head(evidence), "message": message})


def _event(kind: str, now: datetime, body: Json) -> str:
    return json_line({"time": now.isoformat(timespec="milliseconds"), "type": kind, **body})
