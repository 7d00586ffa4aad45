"""A call with everything around it: token, headers, retries, rate limit, and the exception that says how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from threading import Lock
from typing import Protocol

from provisioner.errors import (
    NotAuthenticated,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    Refused,
    ServiceError,
    Unreachable,
    UsageError,
)
from provisioner.service.error_responses import explain, read_fault, says_gone, sentence
from provisioner.service.messages import (
    INTERRUPTED,
    HeldBack,
    HttpOutcome,
    HttpRequest,
    HttpResponse,
    NoResponse,
    Timing,
    Transport,
)
from provisioner.service.retry import (
    GiveUp,
    Policy,
    Retry,
    UnknownEffect,
    decide,
    final_decision,
    is_throttled,
    may_have_had_effect,
    retry_after,
    wait_before,
)

TOO_LATE = HeldBack(
    False,
    "not sent: the service asks for longer pauses than a call may wait",
    "run again later, or with a smaller --parallelism",
)

_TOO_MANY_REQUESTS = "the service receives too many requests (429)"
_CHECK_ENDPOINT = "run again; check the endpoint"
_AFTER_UNKNOWN = "run the same command again: it first finds out what became of the call"


class TokenSource(Protocol):
    """Access tokens, for any number of threads. Both methods raise ``NotAuthenticated`` or ``Unreachable``."""

    def token(self) -> str:
        """Return a token that is not known to be expired."""
        ...

    def renew(self, stale: str) -> str:
        """Return a token other than ``stale``, which was not accepted; fetched once however many threads ask."""
        ...


class ServiceCaller:
    """Sends the calls of one organization and sandbox, with the five documented headers and those of every HTTP
    client."""

    def __init__(
        self,
        transport: Transport,
        tokens: TokenSource,
        headers: Mapping[str, str],
        policy: Policy,
        timing: Timing,
    ) -> None:
        for name, value in headers.items():
            if not value or not value.isascii() or not value.isprintable() or value != value.strip():
                raise UsageError(f"the value for {name} is empty or holds characters that no header can carry")
        self._transport = transport
        self._tokens = tokens
        self._headers = dict(headers)
        self._policy = policy
        self._timing = timing
        self._gate = RateGate(timing)
        self.clock = Clock(timing)

    def send(self, request: HttpRequest) -> CallResult:
        """Send with the retries that ``decide`` grants, and once more with a new token if the token was refused."""
        request = replace(request, headers={**self._headers, **request.headers})
        until = self._timing.monotonic() + self._policy.total
        renewed = False

        def attempt() -> HttpOutcome:
            nonlocal renewed
            token = self._tokens.token()
            outcome = self._send_once(request, token, until)
            if renewed or not isinstance(outcome, HttpResponse) or may_have_had_effect(outcome):
                return outcome
            if not read_fault(outcome).is_stale_token:
                return outcome
            renewed = True
            return self._send_once(request, self._renew(token, outcome), until)

        return send_with_retries(request.method, attempt, self._policy, self._timing, self._gate.hold)

    def _send_once(self, request: HttpRequest, token: str, until: float) -> HttpOutcome:
        held_back = self._gate.wait(until)
        if held_back is not None:
            return held_back
        outcome = self._transport.send(replace(request, bearer=token))
        self.clock.learn(outcome)
        return outcome

    def _renew(self, token: str, response: HttpResponse) -> str:
        try:
            return self._tokens.renew(token)
        except NotAuthenticated as error:
            fault = read_fault(response)
            foreign = bool(fault.foreign)  # the token may then have nothing to do with it
            remedy = explain(fault).remedy if foreign or not error.remedy else error.remedy
            message = sentence(fault) if foreign else f"{error.message}: {sentence(fault)}"
            raise NotAuthenticated(
                message, remedy, status=error.status or fault.status, code=fault.code, request_id=response.request_id
            ) from error


@dataclass(frozen=True, slots=True)
class CallResult:
    """The end of a call after all retries. ``doubtful``: an earlier attempt may already have had the effect."""

    outcome: HttpOutcome
    verdict: GiveUp | UnknownEffect | None = None
    doubtful: bool = False

    @property
    def response(self) -> HttpResponse | None:
        """The response of a successful call, else None."""
        return self.outcome if self.verdict is None and isinstance(self.outcome, HttpResponse) else None


def send_with_retries(
    method: str,
    send: Callable[[], HttpOutcome],
    policy: Policy,
    timing: Timing,
    hold: Callable[[float], None] = lambda _: None,
) -> CallResult:
    """Send until there is a success, ``decide`` gives up, or the user interrupts.

    After a 429 ``hold`` is called with the seconds that all callers of the service should wait. Raise ``ServiceError``
    if ``send`` does, for want of a token; as ``OutcomeUnknown`` if an earlier attempt may have had an effect.
    """
    started = timing.monotonic()
    attempts: Counter[bool] = Counter()
    doubtful = False
    previous: CallResult | None = None
    while True:
        try:
            outcome = INTERRUPTED if timing.stopped() else send()
        except ServiceError as error:
            if doubtful:
                raise OutcomeUnknown(
                    error.message, _AFTER_UNKNOWN, status=error.status, code=error.code, request_id=error.request_id
                ) from error
            raise
        if isinstance(outcome, HttpResponse) and outcome.success:
            return CallResult(outcome, doubtful=doubtful)
        if isinstance(outcome, HeldBack) and previous is not None:
            return previous
        throttled = is_throttled(outcome)
        attempts[throttled] += 1
        elapsed, jitter = timing.monotonic() - started, timing.random()
        if throttled:
            hold(wait_before(outcome, attempts[throttled], policy, jitter))
        decision = decide(method, outcome, attempts[throttled], elapsed, policy, jitter)
        if not isinstance(decision, Retry):
            return CallResult(outcome, decision, doubtful)
        previous = CallResult(outcome, final_decision(method, outcome), doubtful)
        doubtful = doubtful or (method != "GET" and may_have_had_effect(outcome))
        request_id = outcome.request_id if isinstance(outcome, HttpResponse) else ""
        with timing.waiting(decision.after, _reason_to_wait(outcome), elapsed, request_id):
            timing.sleep(decision.after)


def _reason_to_wait(outcome: HttpOutcome) -> str:
    if isinstance(outcome, NoResponse):
        return outcome.reason
    if not is_throttled(outcome):
        return f"the service answered with status {outcome.status}"
    seconds = retry_after(outcome)
    return _TOO_MANY_REQUESTS if seconds is None else f"the service asked to wait {seconds:.0f} s (429)"


class RateGate:
    """Keeps all workers from sending for a while after a 429. For any number of threads."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._lock = Lock()
        self._opens = -inf

    def hold(self, seconds: float) -> None:
        """Keep the gate closed for ``seconds``. Overlapping holds do not add up: the one that ends last counts."""
        with self._lock:
            self._opens = max(self._opens, self._timing.monotonic() + seconds)

    def wait(self, until: float) -> HeldBack | None:
        """Wait until sending is allowed.

        Return ``TOO_LATE``, at once, if that is after ``until`` (monotonic), and ``INTERRUPTED`` once the user
        interrupts the run.
        """
        while not self._timing.stopped():
            with self._lock:
                opens = self._opens
            now = self._timing.monotonic()
            if max(opens, now) > until:
                return TOO_LATE
            if opens <= now:
                return None
            with self._timing.waiting(opens - now, _TOO_MANY_REQUESTS, 0.0, ""):
                self._timing.sleep(opens - now)
        return INTERRUPTED


class Clock:
    """The service's time: its last ``Date`` (whole seconds) plus the time since then; before any, this machine's."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._lock = Lock()
        self._seen: tuple[datetime, float] | None = None

    def learn(self, outcome: HttpOutcome) -> None:
        """Take over the ``Date`` of a response."""
        if isinstance(outcome, HttpResponse) and outcome.date is not None:
            with self._lock:
                self._seen = (outcome.date, self._timing.monotonic())

    def now(self) -> datetime:
        with self._lock:
            seen = self._seen
        if seen is None:
            return self._timing.now()
        return seen[0] + timedelta(seconds=self._timing.monotonic() - seen[1])


def call_error(what: str, result: CallResult, ident: str = "") -> ServiceError:
    """Return the exception for a call that did not succeed.

    ``what`` describes the call, such as ``creating a base connection``; ``ident`` is the id of the one existing object
    that it was about, which "not found" can then mean.
    """
    unknown = isinstance(result.verdict, UnknownEffect) or result.doubtful
    outcome = result.outcome
    if isinstance(outcome, NoResponse):
        if unknown:
            return OutcomeUnknown(f"{what}: {outcome.reason}", _AFTER_UNKNOWN)
        return Unreachable(f"{what}: {outcome.reason}", outcome.remedy or "check the network, then run again")
    fault = read_fault(outcome)
    message, remedy = sentence(fault), explain(fault).remedy
    if 200 <= outcome.status <= 299:
        why, remedy = (message, remedy) if fault.foreign else (outcome.defect, _CHECK_ENDPOINT)
        return unusable_response(what, outcome, why, effect=unknown, remedy=remedy)
    if unknown:
        # A 4xx that is not the service's own may have been sent after the call had its effect.
        why = f"refused, but perhaps after it was done: {message}" if 400 <= outcome.status <= 499 else message
        return unusable_response(what, outcome, why, effect=True, code=fault.code)
    error_type: type[Refused] = Refused
    if ident and says_gone(outcome, ident):
        error_type = NotFound
    elif fault.is_unauthenticated:
        error_type = NotAuthenticated
    elif outcome.status == 412:
        error_type = PreconditionFailed
    return error_type(f"{what}: {message}", remedy, status=fault.status, code=fault.code, request_id=outcome.request_id)


def unusable_response(
    what: str, response: HttpResponse, why: str, *, effect: bool, code: str = "", remedy: str = _CHECK_ENDPOINT
) -> ServiceError:
    """Return the exception for a response that settles nothing.

    ``effect``: the call may have changed something; the outcome is then unknown, and ``remedy`` is replaced.
    """
    error_type, remedy = (OutcomeUnknown, _AFTER_UNKNOWN) if effect else (ServiceError, remedy)
    return error_type(f"{what}: {why}", remedy, status=response.status, code=code, request_id=response.request_id)
