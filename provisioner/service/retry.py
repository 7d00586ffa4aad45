"""Whether a call is sent again. Pure: one function of method, outcome and attempt.

The Flow Service has no idempotency key and lets two base connections carry one name, so what matters here is which
outcomes certainly had no effect. That 429 and 401 have none is assumed (they come from the gateway in front); any other
4xx has to say so itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from provisioner.service.error_responses import refuses
from provisioner.service.http import HeldBack, HttpOutcome, HttpResponse, http_date

IDEMPOTENT = frozenset({"GET", "DELETE"})
"""May be repeated although an earlier attempt could have had its effect. A token call is asked as a GET."""

_THROTTLED = 429
_TRANSIENT = frozenset({408, _THROTTLED})
_NEVER_DONE = frozenset({401, _THROTTLED})


@dataclass(frozen=True, slots=True)
class Policy:
    """Two bounds, attempts and total seconds, and the shape of the waits. All times in seconds.

    A 429 has waits of its own, and a larger bound on attempts: it certainly had no effect and says that the service is
    well, only busy. No ``Retry-After`` is documented; where there is one it counts, up to ``longest_retry_after``.
    """

    attempts: int = 6
    total: float = 180.0
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_retry_after: float = 60.0
    throttled_attempts: int = 20
    first_throttled_wait: float = 1.0
    longest_throttled_wait: float = 30.0


@dataclass(frozen=True, slots=True)
class Again:
    """Send the same call again after so many seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The outcome stands and is certain: the call had no effect."""


@dataclass(frozen=True, slots=True)
class NoClearAnswer:
    """No clear answer, and no repetition: the call may or may not have had an effect."""


RetryDecision: TypeAlias = Again | GiveUp | NoClearAnswer


def decide(
    method: str, outcome: HttpOutcome, attempt: int, elapsed: float, policy: Policy, jitter: float
) -> RetryDecision:
    """What follows from an outcome that is no success.

    ``attempt`` counts from 1, and counts 429s apart from everything else; ``elapsed`` is seconds since the call was
    asked for, ``jitter`` lies in [0, 1). A 401 is not repeated here: the caller renews the token once and sends again,
    since a 401 had no effect.
    """
    verdict = conclude(method, outcome)
    if _is_transient(outcome) and (method in IDEMPOTENT or isinstance(verdict, GiveUp)):
        most = policy.throttled_attempts if is_throttled(outcome) else policy.attempts
        wait = wait_before(outcome, attempt, policy, jitter)
        if attempt < most and elapsed + wait <= policy.total:
            return Again(wait)
    return verdict


def conclude(method: str, outcome: HttpOutcome) -> GiveUp | NoClearAnswer:
    """What an outcome that is no success means where nothing follows it."""
    return NoClearAnswer() if method != "GET" and may_have_had_effect(outcome) else GiveUp()


def is_throttled(outcome: HttpOutcome) -> bool:
    """The service has no time for this call now."""
    return isinstance(outcome, HttpResponse) and outcome.status == _THROTTLED


def may_have_had_effect(outcome: HttpOutcome) -> bool:
    """Return True for everything but a clear no."""
    if not isinstance(outcome, HttpResponse):
        return outcome.sent
    return outcome.status not in _NEVER_DONE and not refuses(outcome)


def wait_before(outcome: HttpOutcome, attempt: int, policy: Policy, jitter: float) -> float:
    """Return seconds: what the service asks for, capped, and a little more; otherwise a time that doubles with each
    attempt, all of it after a 429 and between half and all of it after anything else."""
    asked = retry_after(outcome) if isinstance(outcome, HttpResponse) else None
    if asked is not None:
        return min(asked, policy.longest_retry_after) + jitter * policy.first_wait
    doubled = 2.0 ** min(attempt - 1, 60)
    if is_throttled(outcome):
        wait = min(policy.longest_throttled_wait, policy.first_throttled_wait * doubled)
        return wait + jitter * policy.first_wait
    return min(policy.longest_wait, policy.first_wait * doubled) * (0.5 + jitter / 2)


def retry_after(answer: HttpResponse) -> float | None:
    """``Retry-After`` in both its forms, as seconds; a date counts from the answer's own ``Date``, so that clocks
    need not agree. None where absent, unreadable or without that ``Date``."""
    raw = answer.headers.get("retry-after", "").strip()
    if raw.isascii() and raw.isdigit():
        return float(raw[:9])
    until = http_date(raw)
    return max(0.0, (until - answer.date).total_seconds()) if until and answer.date else None


def _is_transient(outcome: HttpOutcome) -> bool:
    """A connection that failed or broke, a server that is busy or down, a 2xx that cannot be read."""
    if not isinstance(outcome, HttpResponse):
        return not isinstance(outcome, HeldBack)
    return outcome.status in _TRANSIENT or outcome.status >= 500 or 200 <= outcome.status <= 299
