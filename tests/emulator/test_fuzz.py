"""Nothing that a client sends makes the emulator answer 500, and every answer in JSON is JSON.

Requests are written to the socket byte by byte, since any HTTP library would tidy them up first.
"""

import json
import os
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator

from .support import BASIC, CALLER, MYSQL, STRING, Api, body

ROOT = b"/data/foundation/flowservice"

# Adobe's documented parameters, per path; {id} is replaced by ids that exist and ids that do not.
PATHS = {
    "/connections": ("property", "limit", "orderby", "continuationToken", "count"),
    "/connections/{id}": (),
    "/connections/{id}/": (),
    "/connections/{id}/test": (),
    "/connections/{id}/explore": ("objectType", "object", "FileType", "CompressionType"),
    "/connections/{id}/action": ("op", "subOp"),
    "/connections/{id}/configs": (),
    "/connections/search": ("continuationToken",),
    "/connectionSpecs": ("property",),
    "/connectionSpecs/{id}": (),
    "/connectionSpecs/{id}/explore": (),
}
VALUES = (
    "name==a",
    'name=="a\\',
    "createdAt>=" + "9" * 400,
    "createdAt<1,2",
    "id==,",
    "-name",
    "+",
    "\x00",
    "-1",
    "1",
    "1e9",
    "true",
    "ROOT",
    "W10",
    "WzEsMiwzLDQsNV0",
    "W1tdLCJuYW1lIiwxLDEse31d",
    "\u0663",
)
BEHAVIOURS = (
    Behaviour(),
    Behaviour(cloud="aws", auth_params="any", error_shape="problem", secrets_in_get="masked", missing_version="latest"),
    Behaviour(error_shape="legacy", missing_sandbox="prod", initializing_seconds=0.01, noop_patch="same-etag"),
)

text = st.text(max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | text | st.sampled_from(["\ud800", "\x00", 10**400])
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=12
)
params = st.sampled_from([BASIC, STRING]).flatmap(
    lambda some: st.dictionaries(st.sampled_from([*some, "other"]), anything).map(lambda changed: some | changed)
)
auths = st.fixed_dictionaries(
    {}, optional={"specName": st.sampled_from(["Basic Authentication"]) | anything, "params": params}
)
creates = st.fixed_dictionaries(
    {},
    optional={
        "name": text | anything,
        "description": text | anything,
        "auth": auths | anything,
        "connectionSpec": st.just(MYSQL) | anything,
        "state": text,
    },
)
operations = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "op": st.sampled_from(["add", "REPLACE", "remove", "move"]) | anything,
            "path": st.sampled_from(["/name", "/auth/params", "/auth/specName", "/state", "/", "//", "/auth/params/~2"])
            | text,
            "value": anything | params,
        },
    ),
    max_size=3,
)
bodies = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"null", b"[" * 20_000, b'{"a":' * 500, b"\xff\xfe", b"9" * 5000, b"-", b'"\\ud800"', b"1e999"]
    ),
    st.one_of(creates, operations, anything, st.just(body())).map(lambda value: json.dumps(value).encode()),
)
wire = st.one_of(
    text.map(lambda value: quote(value, errors="replace")),
    st.sampled_from(VALUES).map(quote),
    st.sampled_from(["%", "%zz", "%00", "%ff%fe", "%C0%80", "&&==", ";", "a=b=c", "%0d%0a", "+", "=", "=="]),
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)


def exchange(url: str, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of whatever comes back until the connection is closed."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, content = answer.partition(b"\r\n\r\n")
    found = re.match(rb"HTTP/1\.1 (\d{3})", head)
    assert found, answer[:200]
    lines = [line.decode("latin-1").partition(": ") for line in head.split(b"\r\n")[1:]]
    return int(found[1]), {name.lower(): value for name, _, value in lines}, content


def written(method: str, target: bytes, headers: dict[str, str], content: bytes) -> bytes:
    """A request on the wire."""
    fixed = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(content))}
    lines = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in (fixed | headers).items())
    return method.encode() + b" " + target + b" HTTP/1.1\r\n" + lines + b"\r\n" + content


def check(status: int, headers: dict[str, str], content: bytes) -> None:
    """No server error, and JSON that any parser reads."""
    assert status < 500, content[:200]
    if headers.get("content-type") == "application/json" and content:
        json.loads(content, parse_constant=pytest.fail)


class _Target:
    """A running emulator with one base connection to aim at."""

    def __init__(self, api: Api) -> None:
        self.api, self.url = api, api.emulator.url
        self.renew()

    def renew(self) -> None:
        """Make the connection anew where a request has deleted or changed it."""
        auth = {"specName": "Basic Authentication", "params": BASIC | {"sslMode": "true"}}
        answer = self.api.post(body(auth=auth))
        if answer.status_code != 201:
            answer = self.api.post(body())
        self.id, self.etag = answer.json()["id"], answer.json()["etag"]


@pytest.fixture(scope="module", params=BEHAVIOURS, ids=["default", "aws", "legacy"])
def target(request):
    with Emulator(behaviour=request.param) as emulator, Api(emulator) as api:
        yield _Target(api)


@given(data=st.data())
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_nothing_makes_it_fail(target: Any, data: st.DataObject):
    method = data.draw(st.sampled_from(["GET", "GET", "POST", "PATCH", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"]))
    path = data.draw(st.sampled_from([*PATHS, *["/connections", "/connections/{id}"] * 4]))
    ids = st.one_of(st.just(target.id), st.just(MYSQL["id"]), wire)
    parts = [f"{name}={data.draw(wire)}" for name in PATHS[path] if data.draw(st.booleans())]
    parts += data.draw(st.lists(wire, max_size=2)) if data.draw(st.booleans()) else []
    query = "&".join(parts)
    url = ROOT + path.replace("{id}", data.draw(ids)).encode() + (b"?" + query.encode() if query else b"")
    usual = CALLER | {"Content-Type": "application/json", "If-Match": target.etag}
    odd = data.draw(st.dictionaries(st.sampled_from([*usual, "x-sandbox-id", "Other"]), header_values, max_size=1))
    chosen = usual | odd if data.draw(st.integers(0, 9)) == 0 else usual
    check(*exchange(target.url, written(method, url, chosen, data.draw(bodies))))
    if method in ("PATCH", "DELETE"):
        target.renew()


@given(content=bodies, query=wire)
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_nothing_makes_the_token_service_fail(emulator: Any, content: bytes, query: str):
    check(*exchange(emulator.url, written("POST", b"/ims/token/v3?" + query.encode(), {}, content)))


@given(junk=st.binary(min_size=1, max_size=200))
@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_what_is_not_http_is_refused(emulator: Any, junk: bytes):
    status, _, _ = exchange(emulator.url, b"GET /\x00 HTTP/9\r\n" + junk + b"\r\n\r\n")
    assert status == 400


def test_the_log_can_always_be_read(target: Any):
    """Whatever has arrived, the list of it is valid JSON."""
    status, headers, content = exchange(target.url, written("GET", b"/_emulator/requests", {}, b""))
    check(status, headers, content)
    assert status == 200


OPENAPI = os.environ.get("FLOW_SERVICE_OPENAPI")


@pytest.mark.skipif(
    not OPENAPI, reason="FLOW_SERVICE_OPENAPI does not name Adobe's OpenAPI description: not driven from it"
)
def test_adobes_own_description_drives_it_without_a_server_error(start):
    import yaml

    described = yaml.safe_load(Path(str(OPENAPI)).read_text(encoding="utf-8"))
    caller = start()
    driven = 0
    for path, operations_of in described["paths"].items():
        if not path.startswith("/connection"):
            continue
        for method, operation in operations_of.items():
            id_, etag = caller.made()
            sent = _from_description(operation, described, id_)
            headers = {"If-Match": etag, "Content-Type": "application/json"}
            url = re.sub(r"\{[^}]*\}", id_, path)
            answer = caller.call(method.upper(), url, params=sent["query"], json=sent["body"], headers=headers)
            assert answer.status_code < 500, (method, path, answer.text)
            driven += 1
    assert driven >= 10


def _from_description(operation: dict[str, Any], described: dict[str, Any], id_: str) -> dict[str, Any]:
    parameters = [each for each in operation.get("parameters", []) if each.get("in") == "query"]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "query": {each["name"]: _sample(each.get("schema", {}), described, id_) for each in parameters},
        "body": content.get("example", _sample(content.get("schema", {}), described, id_)),
    }


def _sample(schema: dict[str, Any], described: dict[str, Any], id_: str) -> Any:
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "example" in schema or "enum" in schema:
        return schema.get("example", (schema.get("enum") or [None])[0])
    if schema.get("type") == "object":
        return {name: _sample(each, described, id_) for name, each in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_sample(schema.get("items", {}), described, id_)]
    return {"integer": 1, "boolean": True, "string": id_}.get(str(schema.get("type")), id_)
