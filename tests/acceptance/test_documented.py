"""The requests of Adobe's page "Connect MySQL to Experience Platform", as definitions, arrive as documented."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator

from .support import CONNECTIONS, KEY, ORG, SPEC, Project, Service

HTTP_ITSELF = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length"}

CONNECTION_STRING = """\
name: MySQL Base Connection to Experience Platform
description: Via Connection String
auth:
  specName: Connection String Based Authentication
  params:
    connectionString: "Server=db1.example.com;Port=3306;Database=orders;UID=svc_aep;PWD={{ env('MYSQL_PASSWORD') }}"
connectionSpec:
  id: 26d738e0-8963-47ea-aadf-c60de735468a
  version: "1.0"
"""
BASIC = """\
name: MySQL Base Connection to Experience Platform
description: Via Basic Authentication
auth:
  specName: Basic Authentication
  params:
    server: localhost
    port: "443"
    database: mysql-acme
    username: acme
    password: "{{ env('MYSQL_PASSWORD') }}"
    sslMode: DISABLED
connectionSpec:
  id: 26d738e0-8963-47ea-aadf-c60de735468a
  version: "1.0"
"""
AWS = """\
name: MySQL on Experience Platform AWS
description: MySQL on Experience Platform AWS
auth:
  specName: Basic Authentication
  params:
    server: localhost
    port: "443"
    database: mysql-acme
    username: acme
    password: "{{ env('MYSQL_PASSWORD') }}"
    sslMode: "false"
"""
AWS_AS_PEOPLE_WRITE_IT = AWS.replace('port: "443"', "port: 443").replace('sslMode: "false"', "sslMode: false")


def basic(name: str, description: str, ssl_mode: str) -> Any:
    params = {"server": "localhost", "port": "443", "database": "mysql-acme", "username": "acme", "password": "xxxx"}
    auth = {"specName": "Basic Authentication", "params": {**params, "sslMode": ssl_mode}}
    return {"name": name, "description": description, "auth": auth, "connectionSpec": SPEC}


BASE = "MySQL Base Connection to Experience Platform"
STRING = "Server=db1.example.com;Port=3306;Database=orders;UID=svc_aep;PWD={PASSWORD}"
DOCUMENTED: dict[str, tuple[str, str, str, Any]] = {
    "connection string": (
        "azure",
        CONNECTION_STRING,
        "{PASSWORD}",
        {
            "name": BASE,
            "description": "Via Connection String",
            "auth": {"specName": "Connection String Based Authentication", "params": {"connectionString": STRING}},
            "connectionSpec": SPEC,
        },
    ),
    "basic": ("azure", BASIC, "xxxx", basic(BASE, "Via Basic Authentication", "DISABLED")),
    "aws": ("aws", AWS, "xxxx", basic("MySQL on Experience Platform AWS", "MySQL on Experience Platform AWS", "false")),
    "aws, number and boolean": (
        "aws",
        AWS_AS_PEOPLE_WRITE_IT,
        "xxxx",
        basic("MySQL on Experience Platform AWS", "MySQL on Experience Platform AWS", "false"),
    ),
}


@pytest.mark.parametrize("case", DOCUMENTED)
def test_a_documented_request_arrives_as_documented(project: Project, case: str) -> None:
    cloud, definition, password, documented = DOCUMENTED[case]
    with Emulator(behaviour=Behaviour(cloud=cloud)) as emulator:  # type: ignore[arg-type]
        project.target(emulator.url, cloud=cloud)
        project.define("mysql", definition)
        applied = project.run("apply", "--yes", environ={"MYSQL_PASSWORD": password})
        (post,) = Service(emulator.url).writes()
    assert applied.code == 0, applied.err
    assert (post["method"], post["path"], post["query"]) == ("POST", CONNECTIONS, {})
    assert post["body"] == documented
    headers = {name: value for name, value in post["headers"].items() if name not in HTTP_ITSELF}
    token = headers.pop("authorization")
    assert token.startswith("Bearer ")
    assert len(token) > len("Bearer ")
    assert headers == {
        "x-api-key": KEY,
        "x-gw-ims-org-id": ORG,
        "x-sandbox-name": "prod",
        "content-type": "application/json",
    }
