"""Whether and when a call is sent again. Pure: functions of method, outcome and attempt.

The Flow Service has no idempotency key and lets two base connections have one name, so it matters which outcomes
certainly had no effect. 429 and 401 come from the gateway in front, before the call (assumed: gateway-refuses); any
other 4xx has to say so itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from provisioner.service.error_responses import refuses
from provisioner.service.messages import HeldBack, HttpOutcome, HttpResponse, http_date

IDEMPOTENT = frozenset({"GET", "DELETE"})
"""Methods that may be repeated although an earlier attempt could have had its effect. A token request counts as GET."""

_TOO_MANY_REQUESTS = 429
_TRANSIENT = frozenset({408, _TOO_MANY_REQUESTS})
_NO_EFFECT = frozenset({401, _TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds on attempts and total time, and the lengths of the waits. All times in seconds.

    A 429 has its own waits and a larger bound on attempts: it certainly had no effect and says that the service works,
    only under load. No ``Retry-After`` is documented; if there is one, it is respected up to ``longest_retry_after``.
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
class Retry:
    """Send the same call again after ``after`` seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not send again. The outcome is certain: the call had no effect."""


@dataclass(frozen=True, slots=True)
class UnknownEffect:
    """Do not send again. The outcome is unknown: the call may or may not have had an effect."""


RetryDecision: TypeAlias = Retry | GiveUp | UnknownEffect


def decide(
    method: str, outcome: HttpOutcome, attempt: int, elapsed: float, policy: Policy, jitter: float
) -> RetryDecision:
    """Return what to do after an outcome that is no success.

    ``attempt`` counts from 1, and counts 429s apart from everything else; ``elapsed`` is seconds since the call was
    started, ``jitter`` lies in [0, 1). A 401 is not repeated here: the caller renews the token once and sends again,
    since a 401 had no effect.
    """
    final = final_decision(method, outcome)
    if isinstance(outcome, HttpResponse):
        # A server that is busy or down, or a 2xx that cannot be read.
        transient = outcome.status in _TRANSIENT or outcome.status >= 500 or 200 <= outcome.status <= 299
    else:
        transient = not isinstance(outcome, HeldBack)
    if transient and (method in IDEMPOTENT or isinstance(final, GiveUp)):
        max_attempts = policy.throttled_attempts if is_throttled(outcome) else policy.attempts
        wait = wait_before(outcome, attempt, policy, jitter)
        if attempt < max_attempts and elapsed + wait <= policy.total:
            return Retry(wait)
    return final


def final_decision(method: str, outcome: HttpOutcome) -> GiveUp | UnknownEffect:
    """Return the decision on an outcome that is no success, if the call is not sent again."""
    return UnknownEffect() if method != "GET" and may_have_had_effect(outcome) else GiveUp()


def is_throttled(outcome: HttpOutcome) -> bool:
    """Return whether the service answered that there are too many requests."""
    return isinstance(outcome, HttpResponse) and outcome.status == _TOO_MANY_REQUESTS


def may_have_had_effect(outcome: HttpOutcome) -> bool:
    """Return True for everything but a clear refusal."""
    if not isinstance(outcome, HttpResponse):
        return outcome.sent
    return outcome.status not in _NO_EFFECT and not refuses(outcome)


def wait_before(outcome: HttpOutcome, attempt: int, policy: Policy, jitter: float) -> float:
    """Return the seconds to wait before the next attempt.

    With ``Retry-After``: that time, capped, plus a little jitter. Otherwise a time that doubles with each attempt: all
    of it after a 429, and between half and all of it after anything else.
    """
    requested = retry_after(outcome) if isinstance(outcome, HttpResponse) else None
    if requested is not None:
        return min(requested, policy.longest_retry_after) + jitter * policy.first_wait
    factor = 2.0 ** min(attempt - 1, 60)
    if is_throttled(outcome):
        wait = min(policy.longest_throttled_wait, policy.first_throttled_wait * factor)
        return wait + jitter * policy.first_wait
    return min(policy.longest_wait, policy.first_wait * factor) * (0.5 + jitter / 2)


def retry_after(response: HttpResponse) -> float | None:
    """Return ``Retry-After`` in seconds; None if absent or unreadable.

    A date counts from the response's own ``Date``, so that clocks need not agree; None without one.
    """
    raw = response.headers.get("retry-after", "").strip()
    if raw.isascii() and raw.isdigit():
        return float(raw[:9])
    until = http_date(raw)
    return max(0.0, (until - response.date).total_seconds()) if until and response.date else None
