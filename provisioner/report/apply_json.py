"""A run of apply as JSON: its outcomes, and the evidence of it. See ``schemas/apply.schema.json``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from provisioner import __version__
from provisioner.apply.evidence import RunEvidence, Work
from provisioner.apply.outcome import Outcome
from provisioner.model import Json
from provisioner.planning.approval import Approval, SavedPlan
from provisioner.planning.plan import Change
from provisioner.planning.steps import Delete, Patch
from provisioner.report import problems
from provisioner.report.terminal import json_text
from provisioner.service.messages import CallLog

NO_WORK = Work()


def as_json(evidence: RunEvidence) -> str:
    """Return the whole document."""
    return json_text(as_dict(evidence))


def as_dict(evidence: RunEvidence) -> Json:
    """Return the document of the JSON report."""
    applied = evidence.applied
    return {
        **head(evidence),
        "outcomes": [
            outcome_as_dict(outcome, evidence.work.get(outcome.change.key, NO_WORK)) for outcome in applied.outcomes
        ],
        "blocked": [
            {
                "address": change.key,
                "id": _known_id(change),
                "reason": change.reason,
                "remedy": change.remedy,
                **_file_and_line(change),
            }
            for change in applied.blocked
        ],
        "calls": _calls(evidence.calls),
    }


def head(evidence: RunEvidence) -> Json:
    """Return what the document says of the run as a whole."""
    identity, plan, runner = evidence.identity, evidence.plan, evidence.runner
    return {
        "format_version": "1.1",
        "provisioner_version": __version__,
        "result": evidence.result.word,
        "message": evidence.message,
        "details": list(evidence.details),
        "remedy": evidence.remedy,
        "interrupted": evidence.applied.interrupted,
        "state_not_written": evidence.applied.uncompacted,
        "not_checked": evidence.applied.unchecked,
        "started": _time(evidence.started),
        "ended": _time(evidence.ended),
        "runner": {
            "user": runner.user or None,
            "host": runner.host or None,
            "actor": runner.actor or None,
            "url": runner.url or None,
            "commit": runner.commit or None,
        },
        "target": {
            "name": evidence.target,
            "endpoint": identity.endpoint,
            "org_id": identity.org_id,
            "sandbox": identity.sandbox,
        }
        if identity
        else None,
        "asked": list(evidence.options.plan_options.flags),
        "approved": _approval(evidence.options.approved),
        "approved_by": evidence.approved_by,
        "plan": {"digest": plan.digest, "not_in_digest": list(plan.not_in_digest)} if plan else None,
        "problems": problems.as_dicts(evidence.problems),
    }


def _approval(approval: Approval | None) -> Json | None:
    """Return what tells the approved plan from all others. A digest alone does not say when its plan was made."""
    if approval is None:
        return None
    if not isinstance(approval, SavedPlan):
        names = ("checksum", "created_at", "provisioner_version", "commit")
        return {"digest": approval.digest, **dict.fromkeys(names)}
    made = approval.plan.provenance
    return {
        "digest": approval.plan.digest,
        "checksum": approval.checksum,
        "created_at": made.created_at.isoformat(timespec="seconds") if made.created_at else None,
        "provisioner_version": made.version,
        "commit": made.commit or None,
    }


def outcome_as_dict(outcome: Outcome, work: Work = NO_WORK) -> Json:
    """Return one outcome, with what was done for it."""
    return {
        "address": outcome.change.key,
        "action": outcome.change.action.value,
        "outcome": outcome.verdict.value,
        "id": outcome.id or _known_id(outcome.change),
        "message": outcome.message,
        "remedy": outcome.remedy,
        **_file_and_line(outcome.change),
        "etag_before": outcome.etag_before,
        "etag_after": outcome.etag_after,
        "proved": outcome.is_proved,
        "tested": outcome.tested,
        "started": _time(work.started) if work.started else None,
        "seconds": round(outcome.seconds, 3),
        "calls": _calls(work.calls),
    }


def _known_id(change: Change) -> str | None:
    """Return the id of the base connection that a change is about; None where there is none yet, or none any more."""
    ids = (step.id for step in change.steps if isinstance(step, Patch | Delete))  # adopted, or a probe
    return change.record.id if change.record else next(ids, None)


def _calls(calls: Iterable[CallLog]) -> list[Json]:
    return [
        {
            "time": _time(call.started),
            "method": call.method,
            "host": call.host,
            "path": call.path,
            "status": call.status or None,
            "request_id": call.request_id or None,
            "seconds": round(call.seconds, 3),
            "note": call.note,
        }
        for call in calls
    ]


def _time(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def _file_and_line(change: Change) -> Json:
    location = change.location
    return {"file": location.file if location else None, "line": location.line if location else None}
