"""What the emulator answers when the database behind a base connection is a real one."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.fault_config import Existing, FaultConfig
from provisioner.emulator.server import Emulator
from tests.acceptance.support import CONNECTIONS, ORG, SPEC, Service
from tests.acceptance.test_import import make
from tests.databases.conftest import PASSWORD, USER, Connecting, Database
from tests.leaks import holds

Servers = Callable[[bool], Database]

REFUSED = "Access denied for user 'svc_aep'"
NO_TLS = "SSL is required but the server doesn't support it"
UNTRUSTED = "certificate verify failed"


def asked(service: Service, path: str, method: str = "GET", **more: Any) -> requests.Response:
    """As somebody asks, whatever the answer is."""
    headers = {"Authorization": "Bearer x", "x-api-key": "x", "x-gw-ims-org-id": ORG, "x-sandbox-name": "prod"}
    headers |= more.pop("headers", {})
    return requests.request(method, f"{service.url}{CONNECTIONS}{path}", headers=headers, timeout=30, **more)


def explored(service: Service, identity: str, **query: str) -> requests.Response:
    return asked(service, f"/{identity}/explore", params=query or {"objectType": "root"})


def words(answer: requests.Response) -> str:
    """What the provider said, of an answer in the documented form."""
    assert answer.status_code == 400
    body = answer.json()
    assert body["title"] == "Invalid request"
    assert body["type"].endswith("-1100-400")
    return str(body["errorMessage"]).removeprefix("The request could not be processed. Error from flow provider: ")


@pytest.mark.parametrize(
    ("tls", "changed", "said"),
    [
        (False, {}, ""),
        (False, {"server": "localhost"}, ""),
        (False, {"password": "wrong"}, REFUSED),
        (False, {"username": "nobody"}, "Access denied for user 'nobody'"),
        (False, {"database": "no_such_database"}, "denied"),
        (False, {"server": "no-such-host.invalid"}, "Can't connect to MySQL server on 'no-such-host.invalid'"),
        (False, {"port": "1"}, "Connection refused"),
        (False, {"port": "mysql"}, "the port is not a number from 1 to 65535."),
        (False, {"sslMode": None}, ""),
        (False, {"sslMode": "PREFERRED"}, ""),
        (False, {"sslMode": "REQUIRED"}, NO_TLS),
        (False, {"sslMode": "VERIFY_CA"}, NO_TLS),
        (True, {"sslMode": "DISABLED"}, ""),
        (True, {"sslMode": "PREFERRED"}, ""),
        (True, {"sslMode": "REQUIRED"}, ""),
        (True, {"sslMode": "VERIFY_CA"}, UNTRUSTED),
        (True, {"sslMode": "VERIFY_IDENTITY", "server": "localhost"}, UNTRUSTED),
    ],
    ids=str,
)
def test_a_database_is_reached_or_the_answer_is_the_documented_one(
    servers: Servers, connecting: Connecting, tls: bool, changed: dict[str, str | None], said: str
) -> None:
    service = connecting()
    identity = make(service, "CRM", servers(tls).other(**changed))
    assert asked(service, f"/{identity}/test").json() == {"result": not said}
    answer = explored(service, identity)
    if said:
        assert said in words(answer)
    else:
        assert [one["path"] for one in answer.json()] == ["crm.customers", "crm.odd`one.out"]
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(
    ("mode", "server", "said"),
    [
        ("VERIFY_CA", "127.0.0.1", ""),
        ("VERIFY_IDENTITY", "localhost", ""),
        ("VERIFY_IDENTITY", "127.0.0.1", "IP address mismatch"),
    ],
)
def test_a_certificate_is_verified_as_the_mode_says(
    servers: Servers, connecting: Connecting, monkeypatch: pytest.MonkeyPatch, mode: str, server: str, said: str
) -> None:
    service, database = connecting(), servers(True)
    monkeypatch.setenv("SSL_CERT_FILE", str(database.server.authority))
    answer = explored(service, make(service, "CRM", database.other(sslMode=mode, server=server)))
    assert said in words(answer) if said else answer.status_code == 200


@pytest.mark.parametrize(
    ("cloud", "mode", "reached"),
    [
        ("aws", "false", False),
        ("aws", "true", True),
        ("aws", None, False),
        ("azure", "DISABLED", False),
        ("azure", "PREFERRED", True),
        ("azure", None, True),
    ],
)
def test_a_server_that_insists_on_tls(
    servers: Servers, connecting: Connecting, cloud: str, mode: str | None, reached: bool
) -> None:
    database = servers(True)
    database.server.run("SET GLOBAL require_secure_transport = ON")
    try:
        service = connecting(cloud=cloud)
        identity = make(service, "CRM", database.other(sslMode=mode))
        assert asked(service, f"/{identity}/test").json() == {"result": reached}
    finally:
        database.server.run("SET GLOBAL require_secure_transport = OFF")


@pytest.mark.parametrize(
    "form",
    [
        "Server={server};Port={port};Database={database};UID={username};PWD={password};SslMode=None",
        "host = {server} ; port={port};Initial Catalog={database};User Id={username};Password={password}",
        "DATA SOURCE={server};PORT={port};database={database};user={username};pwd={password};Pooling=false;",
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_connection_string_is_read_as_its_driver_does(
    database: Database, connecting: Connecting, form: str, known: bool
) -> None:
    secret = PASSWORD if known else "another"
    quoted = '"' + secret.replace('"', '""') + '"'
    service = connecting()
    identity = make(service, "CRM", {"connectionString": form.format(**{**database.params, "password": quoted})})
    assert asked(service, f"/{identity}/test").json() == {"result": known}


def test_words_about_a_server_repeat_no_piece_of_a_connection_string(connecting: Connecting) -> None:
    service = connecting()
    string = "Server=x,PWD=sekret-sekret.invalid;Database=d;UID=u;PWD=p"
    said = words(explored(service, make(service, "CRM", {"connectionString": string})))
    assert "'the server'" in said


def test_columns_and_rows_are_those_of_the_database(database: Database, connecting: Connecting) -> None:
    service = connecting()
    identity = make(service, "CRM", database.params)
    table = explored(service, identity, objectType="table", object="crm.customers").json()
    assert {one["name"]: (one["type"], one["xdm"].get("format")) for one in table["schema"]["columns"]} == {
        "id": ("integer", None),
        "name": ("string", None),
        "rate": ("number", None),
        "vip": ("boolean", None),
        "born": ("string", "date"),
        "seen": ("string", "date-time"),
        "spent": ("string", None),
        "photo": ("string", None),
        "notes": ("string", None),
    }
    assert [one["name"] for one in table["schema"]["columns"]][:3] == ["id", "name", "rate"], "as they stand there"
    assert "data" not in table
    rows = explored(service, identity, objectType="table", object="crm.customers", preview="true").json()["data"]
    assert len(rows) == 10
    assert rows[0] == {
        "id": 1,
        "name": "Zoë",
        "rate": 1.125,
        "vip": True,
        "born": "1990-05-17",
        "seen": "2026-11-01T08:30:00",
        "spent": "-36:00:01.250000",
        "photo": "AP8=",
        "notes": None,
    }
    view = explored(service, identity, objectType="table", object="crm.odd`one.out", preview="true").json()
    assert view["data"][0] == {"id": 1}
    for path in ("crm.nothing", "mysql.user", "customers", "crm.customers` -- "):
        answer = explored(service, identity, objectType="table", object=path)
        assert (answer.status_code, answer.json()["type"].endswith("-1330-400")) == (400, True)
        assert f"No columns were found for table {path}." in answer.json()["errorMessage"]


CHECKS = {"never": (201, 200), "create": (400, 200), "write": (400, 400)}


@pytest.mark.parametrize(("switch", "codes"), CHECKS.items())
def test_credentials_are_checked_where_that_is_switched_on(
    database: Database, connecting: Connecting, switch: str, codes: tuple[int, int]
) -> None:
    service = connecting(check_credentials=switch)
    wrong = database.other(password="wrong")
    auth = {"specName": "Basic Authentication", "params": wrong}
    created = asked(service, "", "POST", json={"name": "Wrong", "auth": auth, "connectionSpec": SPEC})
    identity = make(service, "CRM", database.params)
    (before,) = asked(service, f"/{identity}").json()["items"]
    headers = {"If-Match": before["etag"]}
    change = [{"op": "replace", "path": "/auth/params", "value": wrong}]
    patched = asked(service, f"/{identity}", "PATCH", json=change, headers=headers)
    assert (created.status_code, patched.status_code) == codes
    (after,) = asked(service, f"/{identity}").json()["items"]
    assert (after["etag"] == before["etag"]) == (patched.status_code == 400)
    assert len(service.items()) == 1 + (created.status_code == 201)
    assert asked(service, f"/{identity}/test").json() == {"result": patched.status_code == 400}
    renamed = [{"op": "replace", "path": "/name", "value": "Renamed"}]
    assert asked(service, f"/{identity}", "PATCH", json=renamed, headers={"If-Match": after["etag"]}).ok
    assert asked(service, f"/{identity}/test").json() == {"result": patched.status_code == 400}


def test_one_parameter_can_be_changed_without_the_secret(database: Database, connecting: Connecting) -> None:
    service = connecting()
    identity = make(service, "CRM", database.other(database="no_such_database"))
    service.edit(identity, "/auth/params/database", "crm")
    assert asked(service, f"/{identity}/test").json() == {"result": True}


def test_credentials_end_with_the_emulator_and_come_back_with_a_patch(database: Database, tmp_path: Path) -> None:
    data, behaviour = tmp_path / "data.sqlite", Behaviour(databases="real")
    with Emulator(data, behaviour=behaviour) as emulator:
        identity = make(Service(emulator.url), "CRM", database.params)
    for file in tmp_path.iterdir():
        assert not holds(file.read_bytes().decode("utf-8", "replace"), PASSWORD)
    with Emulator(data, behaviour=behaviour) as emulator:
        service = Service(emulator.url)
        for path in (f"/{identity}/test", f"/{identity}/explore"):
            assert "no longer holds the credentials" in words(asked(service, path))
        service.edit(identity, "/name", "Still without")
        assert "no longer holds the credentials" in words(asked(service, f"/{identity}/test"))
        service.edit(identity, "/auth/params", database.params)
        assert asked(service, f"/{identity}/test").json() == {"result": True}
        service.reset()
        assert asked(service, f"/{identity}/test").status_code == 404


def test_with_the_switch_a_failed_test_gives_its_reason(database: Database, connecting: Connecting) -> None:
    service = connecting(test_failure="error")
    assert REFUSED in words(asked(service, f"/{make(service, 'CRM', database.other(password='wrong'))}/test"))
    assert asked(service, f"/{make(service, 'CRM', database.params)}/test").json() == {"result": True}


def test_other_requests_are_answered_while_a_database_is_waited_for(connecting: Connecting) -> None:
    """A server that accepts and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        service = connecting(check_credentials="create")
        params = {"server": "127.0.0.1", "port": str(mute.getsockname()[1]), "database": "d", "username": "u"}
        auth = {"specName": "Basic Authentication", "params": {**params, "password": "p"}}
        body = {"name": "Mute", "auth": auth, "connectionSpec": SPEC}
        with pytest.raises(requests.Timeout):
            requests.post(
                f"{service.url}{CONNECTIONS}",
                json=body,
                headers={
                    "Authorization": "Bearer x",
                    "x-api-key": "x",
                    "x-gw-ims-org-id": ORG,
                    "x-sandbox-name": "prod",
                },
                timeout=0.5,
            )
        assert service.items() == []


@pytest.mark.parametrize(
    "said", [b"", b"\xff", b"\x0a", b"\x03\0\0\0abc", b"\x01\0\0\0\x0a", b"HTTP/1.1 400 Bad\r\n\r\n"]
)
def test_what_answers_need_not_be_a_database(connecting: Connecting, said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        service = connecting()
        params = {"server": "127.0.0.1", "port": str(other.getsockname()[1]), "database": "d", "username": "u"}
        identity = make(service, "Other", {**params, "password": "p"})

        def answer() -> None:
            link, _ = other.accept()
            with link:
                link.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        assert asked(service, f"/{identity}/test").json() == {"result": False}
        thread.join()


def test_a_change_that_came_in_between_is_412(database: Database, connecting: Connecting) -> None:
    """While credentials are checked, somebody else may write."""
    service = connecting(check_credentials="write")
    identity = make(service, "CRM", database.params)
    (before,) = asked(service, f"/{identity}").json()["items"]
    with socket.create_server(("127.0.0.1", 0)) as slow:
        slower = database.other(port=str(slow.getsockname()[1]))

        def through() -> None:
            link, _ = slow.accept()
            service.edit(identity, "/name", "Edited meanwhile")
            with link, socket.create_connection(("127.0.0.1", int(database.params["port"]))) as there:
                relay(link, there)

        thread = threading.Thread(target=through)
        thread.start()
        change = [{"op": "replace", "path": "/auth/params", "value": slower}]
        answer = asked(service, f"/{identity}", "PATCH", json=change, headers={"If-Match": before["etag"]})
        thread.join()
    assert answer.status_code == 412
    (after,) = asked(service, f"/{identity}").json()["items"]
    assert after["auth"] == before["auth"]
    assert asked(service, f"/{identity}/test").json() == {"result": True}, "with the credentials that it has"


def relay(one: socket.socket, other: socket.socket) -> None:
    """Until either of them has enough."""
    to = {one: other, other: one}
    while ready := select.select(list(to), [], [], 10)[0]:
        for link in ready:
            data = link.recv(65536)
            if not data:
                return
            to[link].sendall(data)


def test_what_another_emulator_has_changed_is_not_known(database: Database, tmp_path: Path) -> None:
    behaviour, data = Behaviour(databases="real"), tmp_path / "data.sqlite"
    with Emulator(data, behaviour=behaviour) as one, Emulator(data, behaviour=behaviour) as other:
        identity = make(Service(one.url), "CRM", database.params)
        assert asked(Service(one.url), f"/{identity}/test").json() == {"result": True}
        Service(other.url).edit(identity, "/auth/params", database.other(password="wrong"))
        assert "no longer holds the credentials" in words(asked(Service(one.url), f"/{identity}/test"))
        assert asked(Service(other.url), f"/{identity}/test").json() == {"result": False}


@pytest.mark.parametrize(("kind", "there"), [("foreign-edit", True), ("foreign-delete", False)])
def test_what_somebody_else_does_on_demand(database: Database, connecting: Connecting, kind: str, there: bool) -> None:
    service = connecting()
    identity = make(service, "CRM", database.params)
    service.faults({"kind": kind, "connection": "CRM", "method": "GET", "path": "*/flows"})
    service.call("GET", "", resource="flows")
    service.faults()
    answer = asked(service, f"/{identity}/test")
    assert answer.status_code == (200 if there else 404)
    assert answer.json() == {"result": True} if there else "result" not in answer.json()


def test_what_exists_from_the_start_has_its_credentials(database: Database) -> None:
    existing = Existing(name="CRM", org=ORG, params=database.params)
    with Emulator(behaviour=Behaviour(databases="real"), faults=FaultConfig(existing=(existing,))) as emulator:
        service = Service(emulator.url)
        (item,) = service.items()
        assert asked(service, f"/{item['id']}/test").json() == {"result": True}


def test_a_password_that_has_expired_is_no_way_in(database: Database, connecting: Connecting) -> None:
    database.server.run("ALTER USER %(user)s PASSWORD EXPIRE", user=USER)
    service = connecting()
    identity = make(service, "CRM", database.params)
    assert asked(service, f"/{identity}/test").json() == {"result": False}
    assert "SET PASSWORD" in words(explored(service, identity))


def test_a_view_that_is_broken_says_why(database: Database, connecting: Connecting) -> None:
    database.server.run(
        "CREATE TABLE crm.gone (id INT)", "CREATE VIEW crm.broken AS SELECT id FROM crm.gone", "DROP TABLE crm.gone"
    )
    try:
        service = connecting()
        identity = make(service, "CRM", database.params)
        for query in ({}, {"preview": "true"}):
            assert "crm.broken" in words(explored(service, identity, objectType="table", object="crm.broken", **query))
    finally:
        database.server.run("DROP VIEW crm.broken")
