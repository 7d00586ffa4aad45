"""A call with everything around it: token, headers, repetition, and the exception that tells how it ended."""

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
from provisioner.service.http import (
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
    Again,
    GiveUp,
    NoClearAnswer,
    Policy,
    conclude,
    decide,
    is_throttled,
    may_have_had_effect,
    retry_after,
    wait_before,
)

_BUSY = "the service is asked too much (429)"
_CHECK_ENDPOINT = "Run again; check the endpoint."
_AFTER_UNKNOWN = "Run the same command again: it first finds out what became of the call."


class TokenSource(Protocol):
    """Access tokens for any number of threads. Both raise ``NotAuthenticated`` or ``Unreachable``."""

    def token(self) -> str:
        """A token that is not known to be expired."""
        ...

    def renew(self, stale: str) -> str:
        """Another token than ``stale``, which the service did not accept; fetched once however many ask."""
        ...


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call ended after all repetitions. ``doubtful``: an earlier attempt may have had the effect already."""

    outcome: HttpOutcome
    verdict: GiveUp | NoClearAnswer | None = None
    doubtful: bool = False

    @property
    def answer(self) -> HttpResponse | None:
        """The answer of a success."""
        return self.outcome if self.verdict is None and isinstance(self.outcome, HttpResponse) else None


def repeat(
    method: str,
    send: Callable[[], HttpOutcome],
    policy: Policy,
    timing: Timing,
    hold: Callable[[float], None] = lambda _: None,
) -> CallResult:
    """Send until there is a success, ``decide`` has had enough, or the user. 429, waits and bounds all pass here.

    ``hold`` is told, in seconds, how long others who call the same service had better wait after a 429.
    """
    started = timing.monotonic()
    attempts: Counter[bool] = Counter()
    doubtful = False
    standing: CallResult | None = None
    while True:
        outcome = INTERRUPTED if timing.stopped() else _attempt(send, doubtful)
        if isinstance(outcome, HttpResponse) and outcome.success:
            return CallResult(outcome, doubtful=doubtful)
        if isinstance(outcome, HeldBack) and standing is not None:
            return standing
        throttled = is_throttled(outcome)
        attempts[throttled] += 1
        elapsed, jitter = timing.monotonic() - started, timing.random()
        if throttled:
            hold(wait_before(outcome, attempts[throttled], policy, jitter))
        decision = decide(method, outcome, attempts[throttled], elapsed, policy, jitter)
        if not isinstance(decision, Again):
            return CallResult(outcome, decision, doubtful)
        standing = CallResult(outcome, conclude(method, outcome), doubtful)
        doubtful = doubtful or (method != "GET" and may_have_had_effect(outcome))
        with timing.waiting(decision.after, _why(outcome), elapsed):
            timing.sleep(decision.after)


def _why(outcome: HttpOutcome) -> str:
    """Return why a call is sent again only after a while."""
    if isinstance(outcome, NoResponse):
        return outcome.reason
    if not is_throttled(outcome):
        return f"the service answered with status {outcome.status}"
    asked = retry_after(outcome)
    return _BUSY if asked is None else f"the service asked to wait {asked:.0f} s (429)"


def _attempt(send: Callable[[], HttpOutcome], doubtful: bool) -> HttpOutcome:
    """No token for a repetition leaves the earlier attempt as open as it was."""
    try:
        return send()
    except ServiceError as error:
        if doubtful:
            raise OutcomeUnknown(error.message, _AFTER_UNKNOWN, status=error.status, code=error.code) from error
        raise


TOO_LATE = HeldBack(
    False,
    "not sent, since the service asks for longer pauses than a call may wait",
    "Run again later, or with a smaller --parallelism.",
)


class RateGate:
    """Keeps all workers from sending for a while after a 429. For any number of threads."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._lock = Lock()
        self._opens = -inf

    def hold(self, seconds: float) -> None:
        """Let nobody send for so long. Of several holds the one that ends last counts: they do not add up."""
        with self._lock:
            self._opens = max(self._opens, self._timing.monotonic() + seconds)

    def wait(self, until: float) -> HeldBack | None:
        """Wait until sending is allowed. Return ``TOO_LATE``, at once, where that is after ``until`` (monotonic), and
        ``INTERRUPTED`` once the user wants an end."""
        while not self._timing.stopped():
            with self._lock:
                opens = self._opens
            now = self._timing.monotonic()
            if max(opens, now) > until:
                return TOO_LATE
            if opens <= now:
                return None
            with self._timing.waiting(opens - now, _BUSY, 0.0):
                self._timing.sleep(opens - now)
        return INTERRUPTED


class Clock:
    """The service's time: its last ``Date`` (whole seconds) and what has passed here since; this machine's before."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._lock = Lock()
        self._seen: tuple[datetime, float] | None = None

    def learn(self, outcome: HttpOutcome) -> None:
        if isinstance(outcome, HttpResponse) and outcome.date is not None:
            with self._lock:
                self._seen = (outcome.date, self._timing.monotonic())

    def now(self) -> datetime:
        with self._lock:
            seen = self._seen
        if seen is None:
            return self._timing.now()
        return seen[0] + timedelta(seconds=self._timing.monotonic() - seen[1])


class ServiceCaller:
    """Sends calls of one organization and sandbox. The five documented headers, and nothing beside them."""

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

    def send(self, call: HttpRequest) -> CallResult:
        """Repeats as ``decide`` says, and once more with a fresh token where the token was not accepted."""
        call = replace(call, headers={**self._headers, **call.headers})
        attempt = _Attempt(self, call, self._timing.monotonic() + self._policy.total)
        return repeat(call.method, attempt, self._policy, self._timing, self._gate.hold)

    def send_once(self, call: HttpRequest, token: str, until: float) -> HttpOutcome:
        """Send once the gate is open. ``until`` is the monotonic time after which it is not worth sending."""
        held_back = self._gate.wait(until)
        if held_back is not None:
            return held_back
        outcome = self._transport.send(replace(call, bearer=token))
        self.clock.learn(outcome)
        return outcome

    @property
    def tokens(self) -> TokenSource:
        return self._tokens


class _Attempt:
    """Sending one call, with the one renewal of the token that it is granted over all its repetitions."""

    def __init__(self, caller: ServiceCaller, call: HttpRequest, until: float) -> None:
        self._caller = caller
        self._call = call
        self._until = until
        self._renewed = False

    def __call__(self) -> HttpOutcome:
        token = self._caller.tokens.token()
        outcome = self._caller.send_once(self._call, token, self._until)
        if self._renewed or not isinstance(outcome, HttpResponse) or may_have_had_effect(outcome):
            return outcome
        if not read_fault(outcome).is_stale_token:
            return outcome
        self._renewed = True
        return self._caller.send_once(self._call, self._renew(token, outcome), self._until)

    def _renew(self, token: str, answer: HttpResponse) -> str:
        try:
            return self._caller.tokens.renew(token)
        except NotAuthenticated as error:
            fault = read_fault(answer)
            foreign = bool(fault.foreign)  # then nobody knows whether it is the token
            remedy = explain(fault).remedy if foreign or not error.remedy else error.remedy
            message = sentence(fault) if foreign else f"{error.message}: {sentence(fault)}"
            raise NotAuthenticated(
                message, remedy, status=error.status or fault.status, code=fault.code, request_id=answer.request_id
            ) from error


def failure(what: str, settled: CallResult, ident: str = "") -> ServiceError:
    """Return the exception for a call that did not succeed. ``what`` names it, such as ``creating a base connection``;
    ``ident`` is the id of the one existing object that it was about, which "not found" can mean."""
    unknown = isinstance(settled.verdict, NoClearAnswer) or settled.doubtful
    outcome = settled.outcome
    if isinstance(outcome, NoResponse):
        if unknown:
            return OutcomeUnknown(f"{what}: {outcome.reason}", _AFTER_UNKNOWN)
        return Unreachable(f"{what}: {outcome.reason}", outcome.remedy or "Check the network, then run again.")
    fault = read_fault(outcome)
    if 200 <= outcome.status <= 299:
        why, remedy = (sentence(fault), explain(fault).remedy) if fault.foreign else (outcome.defect, _CHECK_ENDPOINT)
        return unusable(what, outcome, why, effect=unknown, remedy=remedy)
    if unknown:
        return unusable(what, outcome, _likely(outcome, sentence(fault)), effect=True, code=fault.code)
    kind = _kind(outcome, ident)
    return kind(
        f"{what}: {sentence(fault)}",
        explain(fault).remedy,
        status=fault.status,
        code=fault.code,
        request_id=outcome.request_id,
    )


def _likely(answer: HttpResponse, words: str) -> str:
    """What refuses in other words than the service's may have come after the effect."""
    return f"refused, but perhaps after it was done: {words}" if 400 <= answer.status <= 499 else words


def unusable(
    what: str, answer: HttpResponse, why: str, *, effect: bool, code: str = "", remedy: str = _CHECK_ENDPOINT
) -> ServiceError:
    """For an answer that settles nothing. ``effect``: the call may have changed something; then ``remedy`` is ours."""
    kind, remedy = (OutcomeUnknown, _AFTER_UNKNOWN) if effect else (ServiceError, remedy)
    return kind(f"{what}: {why}", remedy, status=answer.status, code=code, request_id=answer.request_id)


def _kind(answer: HttpResponse, ident: str) -> type[Refused]:
    if ident and says_gone(answer, ident):
        return NotFound
    if read_fault(answer).is_unauthenticated:
        return NotAuthenticated
    return PreconditionFailed if answer.status == 412 else Refused
