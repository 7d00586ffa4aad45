"""Fakes of the ports: a clock that moves only when somebody sleeps, and a transport that follows a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

from provisioner.errors import NotAuthenticated
from provisioner.progress import SILENT, Progress
from provisioner.service.client import FlowService
from provisioner.service.messages import REMOTE, Deadlines, HttpOutcome, HttpRequest, HttpResponse, NoResponse, Timing
from provisioner.service.origin import Origin, check_origin

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HERE = check_origin("http://127.0.0.1:8765")
ADOBE = check_origin("https://platform.adobe.io")
REFUSED = NoResponse(False, "connection refused")
LOST = NoResponse(True, "no response came in time")
NEW_ID = "025d4158-4113-403b-b551-e81724d3880c"
ETAG = '"ae004437-0000-0200-0000-67ee107e0000"'
WRITTEN = HttpResponse(201, {}, {"id": NEW_ID, "etag": ETAG}, NOW)
NO_CONTENT = HttpResponse(204)
STALE_TOKEN = HttpResponse(401, {}, {"error_code": "401013", "message": "Oauth token is not valid"})
HTML = HttpResponse(502, {"content-type": "text/html"}, None, None, "<html>Bad gateway</html>", "the body is not JSON")


def coded(code: str, status: int = 0, **fields: Any) -> HttpResponse:
    """An error with a code of the service; ``status`` is that of the answer where it is another one."""
    body = {"type": f"https://ns.adobe.com/aep/errors/FLOW-{code}", **fields}
    return HttpResponse(status or int(code[-3:]), {}, body)


def legacy(text: str, status: int = 404) -> HttpResponse:
    return HttpResponse(status, {}, {"errorMessage": text, "errorDetails": text})


def missing(ident: str) -> HttpResponse:
    return legacy(f"connections not found with id = [{ident}]")


def status(number: int, **headers: str) -> HttpResponse:
    return HttpResponse(number, {name.replace("_", "-"): value for name, value in headers.items()})


class FakeTime:
    """Seconds since the test began; ``slept`` lists every wait. At ``stop_at`` the user interrupts: waits end there."""

    def __init__(self, stop_at: float = inf) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.stop_at = stop_at
        self.timing = Timing(
            lambda: self.seconds,
            lambda: NOW + timedelta(seconds=self.seconds),
            self.sleep,
            lambda: 0,
            lambda: self.seconds >= self.stop_at,
        )

    def sleep(self, seconds: float) -> None:
        seconds = min(seconds, max(0.0, self.stop_at - self.seconds))
        self.slept.append(seconds)
        self.seconds += seconds


class Script:
    """Answers calls in order, and remembers them. A callable is asked with the call."""

    def __init__(self, outcomes: Iterable[HttpOutcome | Callable[[HttpRequest], HttpOutcome]]) -> None:
        self.outcomes = list(outcomes)
        self.calls: list[HttpRequest] = []

    def send(self, call: HttpRequest) -> HttpOutcome:
        self.calls.append(call)
        outcome = self.outcomes.pop(0)
        return outcome(call) if callable(outcome) else outcome

    @property
    def sent(self) -> list[str]:
        return [call.method for call in self.calls]


class Tokens:
    """Gives ``t0``, and ``t1``, ``t2`` when renewed; refuses after ``renewals``."""

    def __init__(self, renewals: int = 9) -> None:
        self.renewals = renewals
        self.renewed: list[str] = []

    def token(self) -> str:
        return f"t{len(self.renewed)}"

    def renew(self, stale: str) -> str:
        if len(self.renewed) == self.renewals:
            raise NotAuthenticated("no other token", "Get one.")
        self.renewed.append(stale)
        return self.token()


class Bench:
    """A ``FlowService`` over a script. Afterwards nothing of the script may be left over."""

    def __init__(
        self,
        *outcomes: Any,
        origin: Origin = HERE,
        tokens: Tokens | None = None,
        stop_at: float = inf,
        progress: Progress = SILENT,
        deadlines: Deadlines = REMOTE,
    ) -> None:
        self.time = FakeTime(stop_at)
        self.script = Script(outcomes)
        self.tokens = tokens or Tokens()
        names = ("org@AdobeOrg", "prod", "key")
        self.service = FlowService(
            origin,
            *names,
            self.tokens,
            self.script,
            self.time.timing,
            page=2,
            progress=progress,
            deadlines=deadlines,
        )

    @property
    def calls(self) -> list[HttpRequest]:
        assert not self.script.outcomes, "calls were expected that did not come"
        return self.script.calls
