"""``doctor``: each line does not pass once, what follows from it is not tried, and nothing is changed or told."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provisioner.cli import doctor
from provisioner.doctor import local, site
from provisioner.doctor.lines import LINE_IDS, LINES
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from provisioner.json_schema import load
from provisioner.model import TargetIdentity
from provisioner.service import messages
from provisioner.service.retry import Policy
from provisioner.state.lock import Holder
from provisioner.state.store import FileStore

from .support import CLIENT_SECRET, KEY, LOST, ORDERS, ORG, SPEC, Project, Result, Service, basic, between

GOLDEN = Path(__file__).parents[1] / "doctor" / "golden"
TEAM_KEY = "k" * 40
DEAD = "http://127.0.0.1:9"
_LINE = re.compile(r"[-+!x] (passed|warned|failed|not tried) +(\S+) +(.*)")


@dataclass
class Bench:
    """A project with one definition, whose target is an emulator, and what is to be undone afterwards."""

    project: Project
    service: Service
    monkeypatch: pytest.MonkeyPatch
    stack: ExitStack
    environ: dict[str, str | None] = field(default_factory=dict)

    def run(self, *args: str) -> Result:
        return self.project.run("doctor", *args, environ=self.environ)

    def enter(self, manager: AbstractContextManager[Any]) -> Any:
        return self.stack.enter_context(manager)

    def emulator(self, **options: Any) -> None:
        """Point the target to an emulator of its own."""
        self.project.target(self.enter(Emulator(**options)).url)

    def meddle(self, meddler: Any) -> None:
        self.project.target(self.enter(between(self.service, meddler)))

    def refuse(self, path: str, status: int, code: str) -> None:
        """Have the service refuse calls of a path."""
        body = {"type": f"https://ns.adobe.com/aep/errors/FLOW-{code}", "title": "No", "status": status}
        if "-" not in code:
            body = {"error_code": code, "message": "No"}
        self.service.faults({"kind": "status", "status": status, "body": body, "path": path, "when": "before"})

    def respond_spec(self, change: Callable[[Any], None]) -> None:
        """Have the service show another connection spec of MySQL."""
        item = self.service.call("GET", f"/{SPEC['id']}", resource="connectionSpecs").json()["items"][0]
        change(item)
        self.meddle(lambda _, path, __: (200, {"items": [item]}) if "/connectionSpecs/" in path else None)


@pytest.fixture
def bench(project: Project, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    project.define("orders", basic("Orders"))
    project.environ["PROVISIONER_FINGERPRINT_KEY"] = TEAM_KEY
    service.faults()
    with ExitStack() as stack:
        yield Bench(project, service, monkeypatch, stack)


def found(result: Result) -> dict[str, tuple[str, str]]:
    """Return status and text by the id of each line."""
    lines: dict[str, tuple[str, str]] = {}
    last = ""
    for text in result.out.splitlines():
        if match := _LINE.fullmatch(text):
            last = match[2]
            lines[last] = (match[1], match[3])
        elif text.startswith("    "):
            status, before = lines[last]
            lines[last] = (status, f"{before}\n{text.strip()}")
    return lines


def basic_spec(item: Any) -> Any:
    return item["authSpec"][1]["spec"]


def old_library(bench: Bench) -> None:
    bench.monkeypatch.setattr(local, "installed_versions", lambda: {"requests": ("2.31.0", "2.32.4")})


def unresolved(host: str) -> Callable[[Bench], None]:
    def prepare(bench: Bench) -> None:
        port = bench.service.url.rpartition(":")[2]
        bench.project.target(bench.service.url, ims_endpoint=f"http://localhost:{port}")
        resolve = socket.getaddrinfo

        def resolved(name: Any, *args: Any, **options: Any) -> Any:
            if name == host:
                raise socket.gaierror(-2, "Name or service not known")
            return resolve(name, *args, **options)

        bench.monkeypatch.setattr(socket, "getaddrinfo", resolved)

    return prepare


def by_socks(bench: Bench) -> None:
    bench.project.target("https://platform.adobe.io")
    bench.environ["HTTPS_PROXY"] = f"socks5://user:{ORDERS}@proxy.example.com"


def held(bench: Bench) -> None:
    store = FileStore(bench.project.state_file, TargetIdentity(bench.service.url, ORG, "prod"))
    bench.enter(store.hold(Holder("anna", "laptop", 4711, "provisioner apply", "2026-11-27T10:00:00+00:00")))


def applied(bench: Bench) -> None:
    assert bench.project.run("apply", "--yes").code == 0


def deleted_outside(bench: Bench) -> None:
    applied(bench)
    bench.service.delete(bench.project.id("orders"))


def with_another_key(bench: Bench) -> None:
    applied(bench)
    bench.environ["PROVISIONER_FINGERPRINT_KEY"] = "another-key-" + TEAM_KEY


def as_another_client(bench: Bench) -> None:
    applied(bench)
    bench.environ["AEP_API_KEY"] = "another-client"


def broken_state(bench: Bench) -> None:
    bench.project.write("state/here.json", "{ not a state")


def set_variable(name: str, value: str | None) -> Callable[[Bench], None]:
    return lambda bench: bench.environ.__setitem__(name, value)


def of_target(**more: Any) -> Callable[[Bench], None]:
    return lambda bench: bench.project.target(bench.service.url, **more)


class NoTls(socketserver.BaseRequestHandler):
    """Answers in plain HTTP before it was asked."""

    def handle(self) -> None:
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        self.request.recv(4096)


class Refusing(BaseHTTPRequestHandler):
    """Refuses every call as Adobe's gateway does, without a token."""

    def do_GET(self) -> None:
        body = b'{"error_code": "403010", "message": "Oauth token is missing."}'
        self.send_response(403)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


class Quiet(ThreadingHTTPServer):
    """Says nothing of clients that do not trust it."""

    def handle_error(self, *_: Any) -> None:
        """Write nothing."""


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[str]:
    """Serve until the end; yield the URL of HTTPS."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def secure(name: str) -> Callable[[Bench], None]:
    """HTTPS towards a server that does not speak it."""

    def prepare(bench: Bench) -> None:
        url = bench.enter(serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), NoTls)))
        bench.project.target(**{"url": bench.service.url, "ims_endpoint": bench.service.url, name: url})

    return prepare


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl to make a certificate with")
def test_who_issued_a_certificate_is_told_and_who_trusts_it(bench: Bench, tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out ca.pem"
    subject = ["-subj", "/O=Sample Works/CN=Sample CA", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *subject], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    server = Quiet(("127.0.0.1", 0), Refusing)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    bench.project.target(bench.enter(serving(server)), ims_endpoint=bench.service.url)
    untrusted = found(bench.run())["flow-service.tls"]
    assert untrusted[0] == "failed"
    assert "certificate cannot be verified" in untrusted[1]
    bench.environ["REQUESTS_CA_BUNDLE"] = str(tmp_path / "ca.pem")
    lines = found(bench.run())
    assert lines["flow-service.reach"][0] == "passed"
    assert lines["flow-service.tls"] == (
        "passed",
        "TLSv1.3, issued by Sample Works, Sample CA; trusted: REQUESTS_CA_BUNDLE",
    )


def without_basic(item: Any) -> None:
    del item["authSpec"][1]


def other_spellings(item: Any) -> None:
    basic_spec(item)["properties"]["sslMode"]["enum"] = ["PREFERRED", "REQUIRED", "Verify-Ca", "Verify Identity"]


def no_auth_spec(item: Any) -> None:
    item["authSpec"] = "none"


def spec(change: Callable[[Any], None]) -> Callable[[Bench], None]:
    return lambda bench: bench.respond_spec(change)


def refused(path: str, status: int, code: str) -> Callable[[Bench], None]:
    return lambda bench: bench.refuse(path, status, code)


def emulated(**options: Any) -> Callable[[Bench], None]:
    return lambda bench: bench.emulator(**options)


NETWORK = "because of flow-service.reach"

ROWS: Mapping[str, tuple[Callable[[Bench], None], str, str, str, Mapping[str, str]]] = {
    "an old library": (old_library, "versions", "failed", "requests 2.31.0: 2.32.4 or newer", {}),
    "a project file with a fault": (
        lambda bench: bench.project.write("provisioner.yaml", "version: 1\ntargts: {}\n"),
        "project",
        "failed",
        "run `provisioner validate`",
        dict.fromkeys(("target", "token", "spec.ssl-mode", "state", "created-client"), "because of project"),
    ),
    "a schema of another version": (
        lambda bench: bench.project.write("schemas/connection.schema.json", "{}"),
        "schemas",
        "warned",
        "provisioner schema connection > schemas/connection.schema.json",
        {},
    ),
    "a host of somebody else": (
        lambda bench: bench.project.target("https://example.com"),
        "target",
        "failed",
        "PROVISIONER_ALLOW_HOSTS=example.com",
        {"flow-service.name": "because of target"},
    ),
    "no organization": (
        of_target(org_id=None),
        "identity",
        "failed",
        "set AEP_ORG_ID",
        {"organization": "because of identity", "state": "because of identity"},
    ),
    "a wrong definition": (
        lambda bench: bench.project.define("orders", "name: Orders\n"),
        "definitions",
        "failed",
        "connections/orders.yaml:1:1: `auth` is missing",
        {"variables": "because of definitions"},
    ),
    "no credentials": (
        set_variable("AEP_CLIENT_SECRET", None),
        "credentials",
        "failed",
        "neither AEP_CLIENT_SECRET nor AEP_ACCESS_TOKEN is set",
        {"token": "because of credentials", "created-client": "because of credentials"},
    ),
    "no password": (
        set_variable("MYSQL_ORDERS_PASSWORD", None),
        "variables",
        "warned",
        "not set: MYSQL_ORDERS_PASSWORD",
        {},
    ),
    "a short key": (
        set_variable("PROVISIONER_FINGERPRINT_KEY", "short"),
        "fingerprint-key",
        "failed",
        "openssl rand",
        {"state.fingerprint-key": "because of fingerprint-key"},
    ),
    "no key": (
        set_variable("PROVISIONER_FINGERPRINT_KEY", None),
        "fingerprint-key",
        "warned",
        "openssl rand",
        {},
    ),
    "a proxy of another kind": (
        by_socks,
        "proxy",
        "failed",
        "SOCKS is not supported",
        {"flow-service.name": "because of proxy", "ims.tls": "because of proxy"},
    ),
    "a name that nobody knows": (
        unresolved("127.0.0.1"),
        "flow-service.name",
        "failed",
        "cannot be resolved",
        {"flow-service.reach": "because of flow-service.name", "clock": "because of flow-service.name"},
    ),
    "another name that nobody knows": (
        unresolved("localhost"),
        "ims.name",
        "failed",
        "cannot be resolved",
        {"ims.reach": "because of ims.name", "token": "because of ims.name"},
    ),
    "a dead port": (
        lambda bench: bench.project.target(DEAD, ims_endpoint=bench.service.url),
        "flow-service.reach",
        "failed",
        "is `provisioner emulator` running?",
        {"flow-service.tls": NETWORK, "token": NETWORK, "connections": NETWORK},
    ),
    "a proxy that is not there": (
        lambda bench: (
            bench.project.target("https://platform.adobe.io", ims_endpoint=bench.service.url),
            set_variable("HTTPS_PROXY", "http://127.0.0.1:9")(bench),
        )[0],
        "flow-service.reach",
        "failed",
        "check HTTPS_PROXY",
        {"token": NETWORK},
    ),
    "a page of somebody between": (
        lambda bench: bench.service.faults(
            {"kind": "status", "status": 403, "body": "<html>blocked</html>", "path": "*/connections"}
        ),
        "flow-service.reach",
        "failed",
        "something between here and Adobe answered with a page",
        {"token": NETWORK},
    ),
    "no TLS": (
        secure("url"),
        "flow-service.tls",
        "failed",
        "REQUESTS_CA_BUNDLE",
        {"token": "because of flow-service.tls", "clock": "because of flow-service.tls"},
    ),
    "a dead identity service": (
        lambda bench: bench.project.target(bench.service.url, ims_endpoint=DEAD),
        "ims.reach",
        "failed",
        "is `provisioner emulator` running?",
        {"ims.tls": "because of ims.reach", "token": "because of ims.reach"},
    ),
    "no TLS at the identity service": (
        secure("ims_endpoint"),
        "ims.tls",
        "failed",
        "REQUESTS_CA_BUNDLE",
        {"token": "because of ims.tls"},
    ),
    "a file of certificates that is not there": (
        lambda bench: (secure("url")(bench), set_variable("REQUESTS_CA_BUNDLE", "/nowhere.pem")(bench))[0],
        "flow-service.tls",
        "failed",
        "REQUESTS_CA_BUNDLE",
        {},
    ),
    "a clock that is off": (
        emulated(clock=lambda: time.time() - 4000),
        "clock",
        "warned",
        "ahead of that of the service",
        {},
    ),
    "a wrong secret": (
        emulated(behaviour=Behaviour(clients={KEY: "another"})),
        "token",
        "failed",
        "check AEP_API_KEY and AEP_CLIENT_SECRET",
        {"organization": "because of token", "spec.required": "because of token"},
    ),
    "a wrong organization": (
        refused("*/sandbox-management*", 403, "403025"),
        "organization",
        "failed",
        "org_id",
        {"sandbox": "because of organization", "permissions.flows": "because of organization"},
    ),
    "sandboxes that may not be listed": (
        refused("*/sandbox-management*", 403, "2118-403"),
        "organization",
        "warned",
        "2118-403",
        {"sandbox": "sandboxes cannot be listed: see organization"},
    ),
    "an unknown sandbox": (
        emulated(behaviour=Behaviour(sandboxes=frozenset({"dev", "stage"}))),
        "sandbox",
        "failed",
        "there are: dev, stage",
        {"cloud": "because of sandbox", "permissions.connections": "because of sandbox"},
    ),
    "a sandbox that is reset": (
        emulated(behaviour=Behaviour(sandbox_states={"prod": "resetting"})),
        "sandbox",
        "failed",
        "resetting",
        {"cloud": "because of sandbox"},
    ),
    "another cloud": (of_target(cloud="aws"), "cloud", "failed", "write `cloud: azure`", {}),
    "connections that may not be listed": (
        lambda bench: bench.meddle(
            lambda _, path, __: (
                (403, {"type": "x/FLOW-2120-403", "title": "No", "status": 403})
                if "property=connectionSpec" in path
                else None
            )
        ),
        "permissions.connections",
        "failed",
        "2120-403",
        {"connections": "because of permissions.connections", "created-client": "because of permissions.connections"},
    ),
    "specs that may not be read": (
        refused("*/connectionSpecs/*", 403, "2120-403"),
        "permissions.specs",
        "failed",
        "2120-403",
        {"spec.auth-specs": "because of permissions.specs", "spec.draft-mode": "because of permissions.specs"},
    ),
    "dataflows that may not be listed": (
        refused("*/flows", 403, "2120-403"),
        "permissions.flows",
        "failed",
        "Manage Sources",
        {},
    ),
    "an auth spec that is gone": (
        spec(without_basic),
        "spec.auth-specs",
        "failed",
        "here and not there: Basic Authentication",
        {"spec.ssl-mode": "the service has no `sslMode`: see spec.parameters"},
    ),
    "an auth spec that is new": (
        spec(lambda item: item["authSpec"].append({"name": "Vault", "spec": {"properties": {}}})),
        "spec.auth-specs",
        "warned",
        "there and not here: Vault",
        {},
    ),
    "more that is required": (
        spec(lambda item: basic_spec(item)["required"].append("sslMode")),
        "spec.required",
        "warned",
        "required there and not here: sslMode",
        {},
    ),
    "a port that is required, which is always sent": (
        spec(lambda item: basic_spec(item)["required"].append("port")),
        "spec.required",
        "passed",
        "the same parameters",
        {},
    ),
    "a number": (
        spec(lambda item: basic_spec(item)["properties"].__setitem__("port", {"type": "integer"})),
        "spec.parameters",
        "warned",
        "port is of type integer there",
        {},
    ),
    "other spellings": (
        spec(other_spellings),
        "spec.ssl-mode",
        "failed",
        "there and not here: Verify-Ca, Verify Identity",
        {},
    ),
    "a default": (
        spec(lambda item: basic_spec(item)["properties"]["sslMode"].__setitem__("default", "PREFERRED")),
        "spec.defaults",
        "warned",
        "sslMode is PREFERRED there if left out, nothing here",
        {},
    ),
    "a spec in another form": (spec(no_auth_spec), "spec.draft-mode", "failed", "holds no list `authSpec`", {}),
    "a broken state": (
        broken_state,
        "state",
        "failed",
        "state/here.json",
        {"state.journal": "because of state", "connections": "because of state"},
    ),
    "somebody who writes": (held, "state.lock", "warned", "anna on laptop", {}),
    "another key": (with_another_key, "state.fingerprint-key", "warned", "made with another key", {}),
    "one that was deleted outside": (deleted_outside, "connections", "warned", "recorded and not listed: orders", {}),
    "another client": (as_another_client, "created-client", "warned", "created by another client", {}),
}
"""By what is wrong: how it is made, the line that tells, its status and a part of its text; and lines that follow."""


@pytest.mark.parametrize("name", ROWS)
def test_what_is_wrong_is_told_and_the_rest_goes_on(bench: Bench, name: str) -> None:
    prepare, line, status, text, untried = ROWS[name]
    prepare(bench)
    result = bench.run()
    lines = found(result)
    assert tuple(lines) == LINE_IDS
    assert (lines[line][0], text in lines[line][1]) == (status, True), lines[line]
    assert status == "passed" or "remedy: " in lines[line][1]
    assert {other: lines[other] for other in untried} == {other: ("not tried", why) for other, why in untried.items()}
    assert result.code == (1 if "failed" in {status for status, _ in lines.values()} else 0)
    assert result.err == ""


def test_every_line_does_not_pass_once() -> None:
    told = {line for _, line, status, _, _ in ROWS.values() if status != "passed"}
    assert told | {"state.journal"} == set(LINE_IDS)  # an open call has a test of its own


def test_an_open_call_is_named(bench: Bench) -> None:
    with between(
        bench.service, lambda method, path, _: LOST if "connections" in path and method == "POST" else None
    ) as url:
        bench.project.target(url)
        assert bench.project.run("apply", "--yes", "--no-wait").code == 4
        lines = found(bench.run())
    assert lines["state.journal"][0] == "warned"
    assert "create of orders, sent at" in lines["state.journal"][1]
    assert "run `provisioner apply`" in lines["state.journal"][1]


def test_where_all_is_well_every_line_passes(bench: Bench) -> None:
    applied(bench)
    result = bench.run()
    assert {status for status, _ in found(result).values()} == {"passed"}
    assert (result.code, result.last) == (0, f"Doctor: {len(LINES)} passed, 0 warned, 0 failed, 0 not tried.")


def test_it_only_looks(bench: Bench) -> None:
    applied(bench)
    before = {path: path.read_bytes() for path in bench.project.folder.rglob("*") if path.is_file()}
    writes = bench.service.writes()
    assert bench.run().code == 0
    assert {path: path.read_bytes() for path in bench.project.folder.rglob("*") if path.is_file()} == before
    assert bench.service.writes() == writes


def test_an_emulator_that_never_ran_leaves_nothing(bare: Project) -> None:
    bare.project_file({"local": {"emulator": True, "env": {"MYSQL_ORDERS_PASSWORD": "sample-secret"}}}, "local")
    bare.define("orders", basic("Orders"))
    assert bare.run("doctor").code == 0
    assert sorted(path.name for path in bare.folder.iterdir()) == ["connections", "provisioner.yaml"]


def test_a_resolver_that_hangs_does_not_hold_up_the_rest(bench: Bench) -> None:
    answered = threading.Event()
    bench.stack.callback(answered.set)
    bench.project.target("https://platform.adobe.io", ims_endpoint=bench.service.url)
    resolve = socket.getaddrinfo

    def resolved(name: Any, *args: Any, **options: Any) -> Any:
        return resolve(name, *args, **options) if name == "127.0.0.1" else answered.wait() and []

    bench.monkeypatch.setattr(socket, "getaddrinfo", resolved)
    bench.monkeypatch.setattr(site, "_RESOLVING", 0.1)
    lines = found(bench.run())
    assert lines["flow-service.name"][0] == "failed"
    assert "the resolver does not answer" in lines["flow-service.name"][1]
    assert lines["ims.reach"][0] == "passed"


def test_the_data_of_an_emulator_stay_as_they_are(sample: Project) -> None:
    before = {path: path.read_bytes() for path in sample.folder.rglob("*") if path.is_file()}
    assert sample.run("doctor").code == 0
    assert {path: path.read_bytes() for path in sample.folder.rglob("*") if path.is_file()} == before


def test_targets_are_completed(bench: Bench) -> None:
    completed = bench.project.run(
        environ={
            "_PROVISIONER_COMPLETE": "bash_complete",
            "COMP_WORDS": "provisioner doctor --target ",
            "COMP_CWORD": "3",
        }
    )
    assert "here" in completed.out


def test_a_call_that_hangs_ends_in_its_deadline_and_the_others_go_on(bench: Bench) -> None:
    bench.monkeypatch.setattr(messages, "LOOPBACK", messages.Deadlines(attempt=2.0, lag=2.0))
    bench.monkeypatch.setattr(doctor, "_ONCE_MORE", Policy(attempts=1))
    bench.service.faults({"kind": "delay", "seconds": 30, "path": "*/flows"})
    lines = found(bench.run())
    assert lines["permissions.flows"][0] == "failed"
    assert "no response came in time" in lines["permissions.flows"][1]
    assert {lines[line][0] for line in ("spec.ssl-mode", "connections", "state")} == {"passed"}


VARYING = (
    (r"\d+\.\d\d s", "0.00 s"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"(Python|requests|urllib3|OpenSSL|lineage|provisioner) [0-9a-f][0-9a-z.]*", r"\1 N"),
    (r"20\d\d-\d\d-\d\d(T[0-9:]+\+00:00| \d\d:\d\d UTC)", "TIME"),
    (r'"(seconds|seconds_off)": -?[0-9.]+', r'"\1": 0'),
)


def agrees(name: str, text: str) -> None:
    """Compare with the golden file; ``GOLDEN=write`` writes it, for a reviewer to read the difference."""
    for pattern, instead in VARYING:
        text = re.sub(pattern, instead, text)
    file = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text, "utf-8")
    assert file.read_text("utf-8") == text


@pytest.fixture
def sample(bare: Project) -> Project:
    """A project on the embedded emulator, as ``init`` makes it, after its first apply."""
    bare.project_file({"local": {"emulator": True, "env": {"MYSQL_ORDERS_PASSWORD": "sample-secret"}}}, "local")
    bare.define("orders", basic("Orders"))
    assert bare.run("apply", "--yes").code == 0
    return bare


def test_the_screen_agrees_with_the_golden_file(sample: Project) -> None:
    agrees("emulator.txt", sample.run("doctor").out)


def test_the_facts_agree_with_the_golden_file(sample: Project) -> None:
    facts = sample.run("doctor", "--format", "json").json
    facts["provisioner"], facts["lines"][0]["facts"] = "N", {}  # versions
    agrees("emulator.json", json.dumps(facts, indent=2) + "\n")


@pytest.mark.parametrize("name", ROWS)
def test_facts_are_as_their_schema_says_and_tell_nothing(bench: Bench, name: str) -> None:
    """No secret, and no value of a variable, no name of a user, of a host of the user's, or of a folder."""
    bench.project.environ |= {"AEP_API_KEY": KEY, "USER": "anna"}
    ROWS[name][0](bench)
    bench.run("--out", "facts.json")
    text = (bench.project.folder / "facts.json").read_text("utf-8")
    jsonschema.Draft202012Validator(load("doctor")).validate(json.loads(text))
    told = (KEY, "another-client", CLIENT_SECRET, ORG, "db.example.com", "svc_aep", "proxy.example.com", "anna")
    private = (*told, "laptop", getpass.getuser() + "@", str(bench.project.folder), "127.0.0.1", "/nowhere.pem")
    assert [value for value in private if value in text] == []
    assert (bench.project.folder / "facts.json").stat().st_mode & 0o777 == 0o600


def quoting(_: str, path: str, __: Any) -> Any:
    """Quote a password wherever a service can."""
    if "/sandbox-management" in path:
        return 200, {"sandboxes": [{"name": "prod", "state": "active", "type": ORDERS, "region": ORDERS}]}
    if "/connectionSpecs/" in path:
        parameters = {"sslMode": {"type": ORDERS, "enum": [ORDERS], "default": ORDERS, "pattern": ORDERS}}
        entry = {"name": "Basic Authentication", "spec": {"properties": parameters, "required": [ORDERS]}}
        return 200, {"items": [{"id": SPEC["id"], "version": ORDERS, "authSpec": [entry]}]}
    if "property=" in path:
        return 200, {"items": [{"id": "one", "state": ORDERS, "createdClient": ORDERS}]}
    return (403, {"type": "x/FLOW-2120-403", "title": ORDERS, "detail": ORDERS}) if "/flows" in path else None


@pytest.mark.parametrize("args", [(), ("--format", "json"), ("--out", "facts.json", "-v")])
def test_a_service_that_quotes_a_secret_is_not_repeated(bench: Bench, args: tuple[str, ...]) -> None:
    bench.meddle(quoting)
    result = bench.run(*args)
    assert result.code == 1
    assert bench.project.leaks() == []
    if not args:
        assert found(result)["spec.ssl-mode"][1] == "withheld: it repeats a sensitive value"


def test_the_ids_are_stable_and_in_order() -> None:
    assert len(set(LINE_IDS)) == len(LINE_IDS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)?", name) for name in LINE_IDS)
    for number, line in enumerate(LINES):
        assert set(line.after) <= set(LINE_IDS[:number])
