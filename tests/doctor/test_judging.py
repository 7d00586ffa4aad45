"""What ``doctor`` makes of what it saw: tables of facts and findings, without a service."""

from __future__ import annotations

import base64
import errno
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Any

import pytest

from provisioner.doctor import existing, local, signed_in, spec, way
from provisioner.doctor.findings import Finding, Line, Status, examine, failed, not_tried, passed, warned
from provisioner.doctor.site import Answer, Resolution, StateFiles, Token
from provisioner.errors import NotAuthenticated, Refused, ServiceError, UsageError
from provisioner.model import Cloud, TargetIdentity
from provisioner.report.doctor import line_as_text
from provisioner.report.terminal import PLAIN, Style, columns
from provisioner.service.messages import Certificate, HttpOutcome, HttpResponse, NoResponse
from provisioner.service.origin import check_origin
from provisioner.service.transport import NOT_VERIFIED
from provisioner.state.records import Record, State

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ADOBE, HERE = check_origin("https://platform.adobe.io"), check_origin("http://127.0.0.1:8080")
TARGET = TargetIdentity("https://platform.adobe.io", "org", "prod")
CREATED = int(NOW.timestamp() * 1000)
SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext"


def jwt(**claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.signature"


def token(text: str = "opaque", lifetime: float = 0.0, source: str = "AEP_CLIENT_SECRET") -> Finding:
    return signed_in.judge_token(Token(text, 0.2, lifetime, NOW), source, "me")


def fixed(**claims: Any) -> Finding:
    return token(jwt(**claims), source="AEP_ACCESS_TOKEN")


def answer(outcome: HttpOutcome, origin: Any = ADOBE) -> Answer:
    return Answer(origin, outcome, 0.25, NOW)


def response(status: int = 403, **fields: Any) -> HttpResponse:
    return HttpResponse(status, body={"error_code": "403010", "message": "No"}, **fields)


def ahead(seconds: float) -> Finding:
    return way.judge_clock(answer(response(date=NOW - timedelta(seconds=seconds))))


def sandbox(**fields: Any) -> dict[str, Any]:
    return {"name": "prod", "state": "active", "type": "production", **fields}


def cloud(cloud: Cloud, **fields: Any) -> Finding:
    return signed_in.judge_cloud((sandbox(**fields),), "prod", cloud)


def record(ident: str) -> Record:
    return Record("orders", ident, None, {}, (), "00")


def created(*clients: Any) -> Finding:
    items = [{"id": str(number), "createdClient": client} for number, client in enumerate(clients)]
    return existing.judge_created_client(items, {item["id"]: record(item["id"]) for item in items}, "me")


def refused(code: str, kind: type[ServiceError] = Refused) -> Finding:
    return signed_in.judge_organization(kind("refused", "do this", status=403, code=code), "org")


FINDINGS: Mapping[str, tuple[Callable[[], Finding], Status, str]] = {
    "a token that says nothing": (token, Status.PASSED, "fetched with AEP_CLIENT_SECRET in 0.20 s"),
    "a token with a lifetime": (lambda: token(lifetime=86399), Status.PASSED, "lives 24 h"),
    "a token that says everything": (
        lambda: fixed(created_at=str(CREATED), expires_in="86400000", client_id="me", scope=SCOPES),
        Status.PASSED,
        "from AEP_ACCESS_TOKEN; lives 24 h; client me; scopes openid, AdobeID",
    ),
    "a token with a standard claim": (lambda: fixed(exp=NOW.timestamp() + 5400), Status.PASSED, "lives 90 min"),
    "a token that has expired": (lambda: fixed(exp=NOW.timestamp() - 1), Status.FAILED, "it has expired"),
    "a fresh token that has expired": (
        lambda: token(jwt(exp=NOW.timestamp() - 1)),
        Status.FAILED,
        "check this machine's clock",
    ),
    "a token that ends soon": (lambda: fixed(exp=NOW.timestamp() + 40), Status.WARNED, "lives 40 s: not long enough"),
    "a fetched token that ends soon": (lambda: token(lifetime=600), Status.PASSED, "lives 10 min"),
    "a token of another client": (lambda: fixed(client_id="they"), Status.WARNED, "AEP_API_KEY is another client"),
    "a token without a scope": (lambda: fixed(scope="openid,AdobeID"), Status.WARNED, "without read_organizations"),
    "a token with nonsense in it": (lambda: fixed(exp="x", created_at=[], expires_in=1e300), Status.PASSED, "from"),
    "a token that is no JSON": (lambda: token("a.!!!.c"), Status.PASSED, "fetched"),
    "a token that is a list": (lambda: token("a.W10.c"), Status.PASSED, "fetched"),
    "the token of an emulator": (lambda: token(source=""), Status.PASSED, "an emulator takes any"),
    "a clock that agrees": (lambda: ahead(60), Status.PASSED, "agrees"),
    "a clock that is ahead": (lambda: ahead(61), Status.WARNED, "61 s ahead of that of the service"),
    "a clock that is behind": (lambda: ahead(-3600), Status.WARNED, "3,600 s behind that of the service"),
    "no date": (lambda: way.judge_clock(answer(response())), Status.WARNED, "no date"),
    "an answer": (lambda: way.judge_reach(answer(response()), True), Status.PASSED, "answers in 0.25 s"),
    "an answer by a page": (
        lambda: way.judge_reach(answer(HttpResponse(200, text="<html>", defect="x")), True),
        Status.FAILED,
        "something between here and Adobe answered with a page",
    ),
    "a redirect": (lambda: way.judge_reach(answer(HttpResponse(302)), True), Status.FAILED, "redirect"),
    "a page of the identity service": (
        lambda: way.judge_reach(answer(HttpResponse(405, text="<html>", defect="x")), False),
        Status.PASSED,
        "answers",
    ),
    "an overloaded service": (
        lambda: way.judge_reach(answer(HttpResponse(503, text="<html>", defect="x")), True),
        Status.WARNED,
        "answers with status 503",
    ),
    "nobody there": (lambda: way.judge_reach(answer(NoResponse(False, "gone")), True), Status.FAILED, "gone"),
    "nobody whom one may trust": (
        lambda: way.judge_reach(answer(NoResponse(False, NOT_VERIFIED)), True),
        Status.NOT_TRIED,
        "see the line on TLS",
    ),
    "a certificate": (
        lambda: way.judge_tls(answer(response(certificate=Certificate("Works, CA", "TLSv1.3"))), {}),
        Status.PASSED,
        "TLSv1.3, issued by Works, CA; trusted: the certificates that come with Python's certifi",
    ),
    "a certificate that names nobody": (
        lambda: way.judge_tls(answer(response(certificate=Certificate("", "TLSv1.2"))), {"CURL_CA_BUNDLE": "x"}),
        Status.PASSED,
        "issued by nobody named; trusted: CURL_CA_BUNDLE",
    ),
    "no certificate": (lambda: way.judge_tls(answer(response()), {}), Status.WARNED, "does not show its certificate"),
    "plain HTTP": (lambda: way.judge_tls(answer(response(), HERE), {}), Status.PASSED, "plain HTTP"),
    "a name": (
        lambda: way.judge_name(ADOBE, Resolution(("1.2.3.4", "1.2.3.5"), 0.1)),
        Status.PASSED,
        "platform.adobe.io: 1.2.3.4 and 1 more",
    ),
    "a name behind a proxy": (
        lambda: way.judge_name(ADOBE, Resolution(proxy="HTTPS_PROXY")),
        Status.PASSED,
        "the proxy of HTTPS_PROXY resolves it",
    ),
    "no proxy": (lambda: way.judge_proxy((ADOBE,), {}), Status.PASSED, "none: no variable names one"),
    "a proxy": (
        lambda: way.judge_proxy((ADOBE,), {"https_proxy": "http://anna:pw@proxy"}),
        Status.PASSED,
        "platform.adobe.io: https_proxy",
    ),
    "an exemption": (
        lambda: way.judge_proxy((ADOBE,), {"https_proxy": "http://p", "no_proxy": "adobe.io"}),
        Status.PASSED,
        "none",
    ),
    "another organization": (lambda: refused("403025"), Status.FAILED, "refused"),
    "a token that is not accepted": (lambda: refused("401013", NotAuthenticated), Status.FAILED, "refused"),
    "an organization that nobody knows of": (lambda: refused("2118-403"), Status.WARNED, "not known: refused"),
    "a sandbox without a state": (
        lambda: signed_in.judge_sandbox(({"name": "prod"},), "prod"),
        Status.FAILED,
        "it shows no state",
    ),
    "no sandbox at all": (lambda: signed_in.judge_sandbox((), "prod"), Status.FAILED, "there are: none"),
    "many sandboxes": (
        lambda: signed_in.judge_sandbox([sandbox(name=f"s{number}") for number in range(9)], "prod"),
        Status.FAILED,
        "s7, ...",
    ),
    "aws": (lambda: cloud(Cloud.AWS, region="VA6"), Status.PASSED, "aws, as region VA6 is"),
    "not aws": (lambda: cloud(Cloud.AWS, region="NLD2"), Status.FAILED, "region NLD2 is on azure"),
    "a new region": (lambda: cloud(Cloud.AZURE, region="MARS1"), Status.WARNED, "MARS1 is not known"),
    "no region": (lambda: cloud(Cloud.AZURE), Status.NOT_TRIED, "shows no region"),
    "no library that is too old": (
        lambda: local.judge_versions({"requests": ("2.33.0", "2.32.4"), "urllib3": ("2.0", "")}),
        Status.PASSED,
        "requests 2.33.0, urllib3 2.0",
    ),
    "a library that is missing": (
        lambda: local.judge_versions({"requests": ("", "2.32.4")}),
        Status.FAILED,
        "provisioner",
    ),
    "a schema that cannot be read": (lambda: local.judge_schemas({"project": None}), Status.WARNED, "is not that of"),
    "two schemas of another version": (
        lambda: local.judge_schemas({"project": False, "connection": False}),
        Status.WARNED,
        "are not those of",
    ),
    "a journal that a run left": (
        lambda: local.judge_journal(State.empty("l", TARGET), StateFiles(True, True, "")),
        Status.WARNED,
        "so a run did not end",
    ),
    "a state that does not exist yet": (
        lambda: local.judge_state(State.empty("l", TARGET), StateFiles(False, False, "")),
        Status.PASSED,
        "none yet",
    ),
    "a lock that somebody holds": (
        lambda: local.judge_lock(StateFiles(True, True, "anna on laptop")),
        Status.WARNED,
        "held by anna on laptop",
    ),
    "no definitions": (lambda: local.judge_definitions(()), Status.WARNED, "no definition applies"),
    "no variables": (lambda: local.judge_variables((), {}), Status.PASSED, "the definitions read none"),
    "a token instead of a secret": (
        lambda: local.judge_credentials({"AEP_API_KEY": "x", "AEP_ACCESS_TOKEN": "y"}, False),
        Status.PASSED,
        "set: AEP_API_KEY, AEP_ACCESS_TOKEN",
    ),
    "nothing but blanks": (
        lambda: local.judge_credentials({"AEP_API_KEY": " ", "AEP_CLIENT_SECRET": "\n"}, False),
        Status.FAILED,
        "AEP_API_KEY is not set; neither",
    ),
    "ours": (lambda: created("me", "me"), Status.PASSED, "this client created 2 of 2"),
    "another's": (lambda: created("me", "they"), Status.WARNED, "1 of 2 that are recorded"),
    "nobody's": (lambda: created(None, 7), Status.WARNED, "does not show who created"),
    "nothing recorded": (created, Status.NOT_TRIED, "nothing that is recorded is listed"),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_finding(name: str) -> None:
    judge, status, text = FINDINGS[name]
    finding = judge()
    assert (finding.status, text in f"{finding.seen} {finding.remedy}") == (status, True), finding
    json.dumps(dict(finding.facts))


def test_a_login_of_a_proxy_is_not_told() -> None:
    for proxy in ("http://anna:pw@proxy.example.com", "socks5://anna:pw@proxy.example.com"):
        finding = way.judge_proxy((ADOBE,), {"https_proxy": proxy})
        assert not {"anna", "pw", "proxy.example.com"} & set(
            str(finding).replace("'", "/").replace("@", "/").split("/")
        )


def test_a_checkout_that_is_not_installed_has_versions_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    assert local.installed_versions().keys() >= {"requests", "urllib3", "filelock", "jsonschema-rs"}
    assert all(version for version, _ in local.installed_versions().values())
    monkeypatch.setattr(metadata, "requires", missing)
    monkeypatch.setattr(metadata, "version", missing)
    assert local.installed_versions() == {"urllib3": ("", "")}
    assert local.judge_versions(local.installed_versions()).status is Status.PASSED


# The connection spec


def of_service(**basic: Any) -> spec.ConnectionSpec:
    """Return a spec as the service would show it, with changes to the schema of Basic Authentication."""
    names = ("server", "port", "database", "username", "password", "sslMode")
    schema = {"properties": {name: {"type": "string"} for name in names}, "required": ["server", "database"], **basic}
    return spec.read_spec({"version": "1.0", "authSpec": [{"name": spec.BASIC, "spec": schema}]})


OURS = spec.spec_of_definitions(Cloud.AZURE)


def test_our_own_schema_is_read_in_the_same_form() -> None:
    basic = OURS.auth[spec.BASIC]
    assert set(OURS.auth) == {spec.BASIC, "Connection String Based Authentication"}
    assert basic.required == {"server", "database", "username", "password"}
    assert basic.parameters["sslMode"].values == ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
    assert basic.parameters["port"].default == "3306"
    aws = spec.spec_of_definitions(Cloud.AWS)
    assert set(aws.auth) == {spec.BASIC}
    assert aws.auth[spec.BASIC].parameters["sslMode"].values == ("true", "false")
    assert aws.auth[spec.BASIC].parameters["sslMode"].default == "false"


def details(finding: Finding) -> str:
    return "; ".join((finding.seen, *finding.details))


def test_differences_are_told_from_both_sides() -> None:
    there = of_service(
        properties={"server": {"pattern": "^a"}, "port": {"type": "integer", "default": 443}, "host": {}},
        required=["host", 7],
        additionalProperties=False,
    )
    assert details(spec.judge_required(OURS, there)) == (
        "not the same parameters; Basic Authentication: required there and not here: host; "
        "Basic Authentication: required here and not there: database, password, server, username"
    )
    finding = spec.judge_parameters(OURS, there)
    assert "there and not here: host" in details(finding)
    assert "here and not there: database, password, sslMode, username" in details(finding)
    assert "port is of type integer there" in details(finding)
    assert "server has a pattern there, which is not checked here: ^a" in details(finding)
    assert finding.facts["auth"][spec.BASIC]["admits_others"] is False
    assert "port is 443 there if left out, 3306 here" in details(spec.judge_defaults(OURS, there))
    assert spec.judge_ssl_mode(OURS, there, ()).status is Status.NOT_TRIED


def test_a_spec_of_the_other_cloud_is_recognized() -> None:
    aws = spec.spec_of_definitions(Cloud.AWS)
    finding = spec.judge_ssl_mode(OURS, aws, ())
    assert (finding.status, finding.seen) == (Status.FAILED, "not the same: these are those of aws: true, false")
    assert finding.remedy == "write `cloud: aws` into the target"
    for judge in (spec.judge_auth_specs, spec.judge_ssl_mode):
        assert judge(aws, aws, ()).status is Status.PASSED


def test_values_that_are_not_listed_are_no_difference() -> None:
    finding = spec.judge_ssl_mode(OURS, of_service(), ())
    assert (finding.status, finding.seen) == (Status.WARNED, "the service does not list the values")


@pytest.mark.parametrize("entries", [None, "x", [1], {"name": "x"}])
def test_a_spec_in_another_form_is_refused(entries: Any) -> None:
    with pytest.raises(ServiceError):
        spec.read_spec({"authSpec": entries})


@pytest.mark.parametrize("schema", [None, [], {"properties": [1]}, {"properties": {"port": 7}, "required": "all"}])
def test_a_schema_in_another_form_holds_nothing(schema: Any) -> None:
    there = spec.read_spec({"authSpec": [{"name": spec.BASIC, "spec": schema}]})
    for judge in (spec.judge_required, spec.judge_parameters, spec.judge_defaults):
        assert judge(OURS, there).status in (Status.WARNED, Status.PASSED)


@pytest.mark.parametrize("value", [True, False, None])
def test_draft_mode_is_a_fact(value: bool | None) -> None:
    there = spec.read_spec({"authSpec": [], "attributes": {"isDraftModeSupported": value}})
    assert spec.judge_draft_mode(there).facts == {"supported": value}


# The table


def raising(error: Exception) -> Callable[[Any], Finding]:
    def find(_: Any) -> Finding:
        raise error

    return find


def table(*lines: tuple[str, tuple[str, ...], Callable[[Any], Finding]]) -> dict[str, Finding]:
    made: list[Line[Any]] = [Line("section", name, name, after, find) for name, after, find in lines]
    return {line.id: finding for line, finding in examine(made, None)}


def test_what_follows_names_the_first_cause() -> None:
    found = table(
        ("a", (), lambda _: failed("no")),
        ("b", ("a",), lambda _: passed("never asked")),
        ("c", ("b",), lambda _: passed("never asked")),
        ("d", (), lambda _: not_tried("nothing there")),
        ("e", ("d",), lambda _: warned("asked")),
        ("f", ("e",), lambda _: passed("asked")),
    )
    assert {name: (finding.status.value, finding.cause) for name, finding in found.items()} == {
        "a": ("failed", ""),
        "b": ("not tried", "a"),
        "c": ("not tried", "a"),
        "d": ("not tried", ""),
        "e": ("warned", ""),
        "f": ("passed", ""),
    }


def test_a_look_that_fails_is_a_line_that_failed() -> None:
    found = table(
        ("a", (), raising(Refused("no", "do this", status=403, code="2120-403"))),
        ("b", (), raising(UsageError("wrong", "right"))),
        ("c", (), raising(PermissionError(errno.EACCES, "x", "state/here.json"))),
    )
    assert (found["c"].seen, found["c"].facts) == ("state/here.json: Permission denied", {"error": "PermissionError"})
    assert found["c"].remedy
    assert found["a"] == failed("no", "do this", error="Refused", http_status=403, code="2120-403")
    assert found["b"] == failed("wrong", "right", error="UsageError")


LINE: Line[Any] = Line("section", "spec.ssl-mode", "title", (), lambda _: passed(""))
FINDING = warned("words " * 12 + "end", "do this " * 8, ("a detail " * 8,))


@pytest.mark.parametrize("width", [0, 20, 40, 60, 80, 120])
@pytest.mark.parametrize("colour", [True, False])
def test_a_line_fits_its_terminal(width: int, colour: bool) -> None:
    text = line_as_text(LINE, FINDING, 15, Style(colour, width))
    assert all(not width or columns(line) <= width for line in text.split("\n")), text
    assert {"words", "remedy:", "detail"} <= set(text.replace("\x1b[36m", "").replace("\x1b[0m", "").split())


def test_a_text_from_outside_is_made_safe() -> None:
    assert "\x1b" not in line_as_text(LINE, failed("\x1b[31m", "\x1b[31m", ("\x1b[31m",)), 15, PLAIN)
