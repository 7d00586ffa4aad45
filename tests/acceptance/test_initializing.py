"""On AWS a new base connection is initializing for a while: it is waited for, and its last etag is what is recorded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from tests.acceptance.support import CREDENTIALS, PASSWORDS, Project, Service, basic

FLAGS = ["--allow-delete", "--allow-mass-delete"]


def on_aws(name: str, **more: str) -> str:
    return basic(name, **more).replace("sslMode: DISABLED", 'sslMode: "true"')


@pytest.fixture
def aws(bare: Project) -> Iterator[Service]:
    with Emulator(behaviour=Behaviour(cloud="aws", initializing_seconds=1.2)) as emulator:
        bare.target(emulator.url, cloud="aws")
        bare.environ |= CREDENTIALS | PASSWORDS
        yield Service(emulator.url)


def test_what_is_created_is_waited_for(bare: Project, aws: Service) -> None:
    bare.define("a", on_aws("A"))
    done = bare.run("apply", "--yes")
    assert (done.code, "a: waiting until " in done.err) == (0, True), done.err
    (made,) = aws.items()
    assert (made["state"], bare.state["records"]["a"]["etag"]) == ("enabled", made["etag"])
    plan = bare.run("plan", "--detailed-exitcode")
    assert (plan.code, "note" in plan.out) == (0, False)


@pytest.mark.parametrize("change", ["update", "delete"])
def test_what_is_initializing_is_waited_for_before_it_is_changed(bare: Project, aws: Service, change: str) -> None:
    made = aws.call(
        "POST",
        "",
        json={
            "name": "A",
            "description": "A",
            "auth": {
                "specName": "Basic Authentication",
                "params": {
                    "server": "db.example.com",
                    "port": "3306",
                    "database": "orders",
                    "username": "svc_aep",
                    "password": "x",
                    "sslMode": "true",
                },
            },
            "connectionSpec": {"id": "26d738e0-8963-47ea-aadf-c60de735468a", "version": "1.0"},
        },
    ).json()["id"]
    bare.define("a", on_aws("A"))
    bare.write(
        "state/here.json",
        STATE % {"url": aws.url, "id": made},
    )
    if change == "delete":
        (bare.folder / "connections/a.yaml").unlink()
    done = bare.run("apply", "--yes", *FLAGS)
    assert done.code == 0, done.out + done.err
    assert f"a: waiting until {made} is enabled" in done.err
    assert [one["id"] for one in aws.items()] == ([made] if change == "update" else [])
    assert bare.run("apply", "--yes", *FLAGS).code == 0


STATE = """{
  "format_version": 1, "lineage": "0123", "serial": 1, "journal": "",
  "target": {"endpoint": "%(url)s", "org_id": "5C1328435BF324E90A49402A@AdobeOrg", "sandbox": "prod"},
  "records": {"a": {"id": "%(id)s", "etag": null, "salt": "00", "fields": {"name": "A", "description": "A",
    "auth.specName": "Basic Authentication", "connectionSpec.id": "26d738e0-8963-47ea-aadf-c60de735468a",
    "connectionSpec.version": "1.0", "auth.params.server": "db.example.com", "auth.params.port": "3306",
    "auth.params.database": "orders", "auth.params.username": "svc_aep", "auth.params.sslMode": "true"},
    "secrets": {}}},
  "intents": {}
}
"""
