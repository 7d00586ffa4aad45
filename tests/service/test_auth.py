"""Access tokens: fetched once, cached, renewed in time, never shown."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provisioner.errors import NotAuthenticated, Unreachable, UsageError
from provisioner.secrets import Sensitive
from provisioner.service.auth import DEFAULT_SCOPES, ClientCredentials, FixedToken, usable_for
from provisioner.service.messages import NOT_JSON, HttpOutcome, HttpRequest, HttpResponse

from .fakes import HERE, HTML, LOST, REFUSED, FakeTime, Script, status

SECRET = Sensitive("p8e-hunter22", "env(AEP_CLIENT_SECRET)")


def granted(token: Any = "tok-1", expires_in: Any = 86399) -> HttpResponse:
    return HttpResponse(200, {}, {"access_token": token, "token_type": "bearer", "expires_in": expires_in})


def credentials(*outcomes: HttpOutcome, scopes: str = DEFAULT_SCOPES) -> tuple[ClientCredentials, Script, FakeTime]:
    script, clock = Script(outcomes), FakeTime()
    return ClientCredentials(HERE, "client", SECRET, script, clock.timing, scopes=scopes), script, clock


@pytest.mark.parametrize("raw", ["tok", "tok\n", "  tok\r\n"])
def test_white_space_around_a_fixed_token_is_dropped(raw: str) -> None:
    assert FixedToken(raw).token() == "tok"


@pytest.mark.parametrize("raw", ["", " \n", "a b", "Bearer tok", "a\nb", "a\x00b", "tök", "a\x7f"])
def test_an_invalid_fixed_token_is_refused(raw: str) -> None:
    with pytest.raises(UsageError, match="AEP_ACCESS_TOKEN"):
        FixedToken(raw)


def test_a_fixed_token_cannot_be_renewed() -> None:
    with pytest.raises(NotAuthenticated) as caught:
        FixedToken("tok").renew("tok")
    assert "AEP_CLIENT_SECRET" in caught.value.remedy


def test_the_request() -> None:
    source, script, _ = credentials(granted())
    assert source.token() == "tok-1"
    assert script.calls == [
        HttpRequest(
            "POST",
            HERE,
            "/ims/token/v3",
            form={
                "client_id": "client",
                "client_secret": "p8e-hunter22",
                "grant_type": "client_credentials",
                "scope": "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext",
            },
        )
    ]


@pytest.mark.parametrize("scopes", ["a,b", " a, b ", "a b", "a,,b,"])
def test_scopes_are_a_list_with_commas(scopes: str) -> None:
    source, script, _ = credentials(granted(), scopes=scopes)
    source.token()
    assert script.calls[0].form is not None
    assert script.calls[0].form["scope"] == "a,b"


def test_a_token_is_kept_until_five_minutes_before_its_end() -> None:
    source, script, clock = credentials(granted("tok-1"), granted("tok-2"))
    assert source.token() == "tok-1"
    clock.seconds = 86399 - 301
    assert source.token() == "tok-1"
    clock.seconds = 86399 - 299
    assert source.token() == "tok-2"
    assert not script.outcomes


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        (86399, 86099),
        ("86399", 86099),
        (86399992, 86099.992),
        (900, 600),
        (60, 40),
        (0.3, 0.2),
        (0, 600),
        (-5, 600),
        (None, 600),
        ("soon", 600),
        (True, 600),
        ([], 600),
        (float("nan"), 600),
        (float("inf"), 600),
        (10**400, 600),
    ],
)
def test_how_long_a_token_is_used(expires_in: Any, seconds: float) -> None:
    assert usable_for(expires_in) == pytest.approx(seconds)


def test_a_stale_token_is_answered_with_the_cached_one() -> None:
    source, script, _ = credentials(granted("tok-1"), granted("tok-2"))
    source.token()
    assert source.renew("tok-1") == "tok-2"
    assert source.renew("tok-1") == "tok-2"
    assert source.token() == "tok-2"
    assert len(script.calls) == 2


class Slow:
    """Takes a while and counts: every call gets a token of its own."""

    def __init__(self) -> None:
        self.calls = 0
        self.lock = threading.Lock()

    def send(self, _: HttpRequest) -> HttpOutcome:
        time.sleep(0.02)
        with self.lock:
            self.calls += 1
            return granted(f"tok-{self.calls}")


def test_many_workers_cause_one_fetch_and_one_renewal() -> None:
    slow = Slow()
    source = ClientCredentials(HERE, "client", SECRET, slow, FakeTime().timing)
    with ThreadPoolExecutor(16) as pool:
        first = set(pool.map(lambda _: source.token(), range(64)))
        second = set(pool.map(lambda _: source.renew("tok-1"), range(64)))
    assert (first, second, slow.calls) == ({"tok-1"}, {"tok-2"}, 2)


@pytest.mark.parametrize("passing", [REFUSED, LOST, status(500), status(503), status(429), HTML])
def test_fetching_a_token_is_retried(passing: HttpOutcome) -> None:
    source, script, clock = credentials(passing, passing, granted())
    assert source.token() == "tok-1"
    assert len(clock.slept) == 2
    assert not script.outcomes


def test_no_response_means_unreachable() -> None:
    source, _, _ = credentials(*[LOST] * 5)
    with pytest.raises(Unreachable):
        source.token()


@pytest.mark.parametrize(
    ("answer", "code", "remedy"),
    [
        (
            HttpResponse(401, {}, {"error": "invalid_client", "error_description": "no match"}),
            "invalid_client",
            "AEP_API_KEY",
        ),
        (HttpResponse(400, {}, {"error": "invalid_scope"}), "invalid_scope", "AEP_SCOPES"),
        *((HttpResponse(number, text="<html>", defect=NOT_JSON), "", "check the proxy") for number in (401, 403, 404)),
        *((HttpResponse(number), "", "check the proxy") for number in (401, 403, 404)),
        (HttpResponse(401, {}, {"error": "new"}), "new", "AEP_CLIENT_SECRET"),
        (HttpResponse(403, {}, {"message": "no"}), "", "AEP_CLIENT_SECRET"),
        (HttpResponse(404, {}, {"message": "no"}), "", "ims_endpoint"),
    ],
)
def test_refusals_are_explained_and_not_repeated(answer: HttpResponse, code: str, remedy: str) -> None:
    source, _, _ = credentials(answer)
    with pytest.raises(NotAuthenticated) as caught:
        source.token()
    assert (caught.value.status, caught.value.code) == (answer.status, code)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("body", [None, [], {}, {"access_token": None}, {"access_token": ""}, {"access_token": "a\nb"}])
def test_an_answer_without_a_usable_token(body: Any) -> None:
    source, _, _ = credentials(HttpResponse(200, {}, body))
    with pytest.raises(NotAuthenticated, match="without an access token"):
        source.token()


def test_tokens_are_never_shown() -> None:
    source, script, _ = credentials(granted("tok-hunter22"))
    source.token()
    fixed = FixedToken("tok-hunter22")
    shown = (
        f"{source!r} {fixed!r} {script.calls} {source._cached} {HttpRequest('GET', HERE, '/', bearer='tok-hunter22')}"
    )
    assert "hunter22" not in shown


@pytest.mark.parametrize(("stop_at", "outcomes", "says"), [(0, [], "interrupted before"), (0.1, [LOST], "in time")])
def test_once_interrupted_no_token_is_fetched(stop_at: float, outcomes: list[HttpOutcome], says: str) -> None:
    source, script, clock = credentials(*outcomes)
    clock.stop_at = stop_at
    with pytest.raises(Unreachable, match=says):
        source.token()
    assert len(script.calls) == len(outcomes)
