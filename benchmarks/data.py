"""The data of every benchmark: a project of so many definitions of about 25 lines, each with a variable of its own."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from provisioner.cli.context import load_definitions
from provisioner.definitions.project import read_project
from provisioner.model import TargetIdentity
from provisioner.planning.diff import record_of
from provisioner.planning.target_context import TargetContext
from provisioner.secret_scanner import SecretScanner
from provisioner.state.codec import state_to_bytes
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import State

ORG = "5C1328435BF324E90A49402A@AdobeOrg"
KEY = "benchmark-key-benchmark-key-benchmark"
TARGET = "prod"

_DEFINITION = """\
# yaml-language-server: $schema=../../schemas/connection.schema.json
# The read replica of shop {number}. Ask team {team} before you change anything here: dashboards of three
# departments read from it every quarter of an hour.
name: Shop {number:05}
description: Orders of shop {number:05}, read replica

# Where it is and who signs in. The password comes from the vault of the team, through the
# environment of the pipeline; it is rotated every 90 days.
auth:
  specName: Basic Authentication
  params:
    server: "db{host}.{{{{ var('domain') }}}}"
    port: "3306"
    database: shop_{number:05}
    username: svc_aep_{team:02}
    password: "{{{{ env('{variable}') }}}}"
    sslMode: REQUIRED

# MySQL, in the only version that there is.
connectionSpec:
  id: 26d738e0-8963-47ea-aadf-c60de735468a
  version: "1.0"

targets: [prod]
"""


@dataclass(frozen=True)
class Project:
    """A folder, and the environment for commands in it."""

    folder: Path
    environ: Mapping[str, str]


def make(folder: Path, number: int, url: str = "https://platform.adobe.io", recorded: bool = True) -> Project:
    """A project of so many definitions; ``recorded``: with the state that an apply of them has left."""
    variables = {}
    for each in range(number):
        variable = f"MYSQL_SHOP_{each:05}_PASSWORD"
        variables[variable] = hashlib.sha256(variable.encode()).hexdigest()[:24]
        file = folder / f"connections/team-{each % 50:02}/shop-{each:05}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = _DEFINITION.format(number=each, team=each % 50, host=each % 200, variable=variable)
        file.write_text(text, "utf-8")
    target = {"org_id": ORG, "sandbox": "prod", "endpoint": url, "vars": {"domain": "example.com"}}
    project = {"version": 1, "default_target": TARGET, "targets": {TARGET: target}}
    (folder / "provisioner.yaml").write_text(json.dumps(project), "utf-8")
    if recorded:
        _record(folder, url, variables)
    own = {"PROVISIONER_FINGERPRINT_KEY": KEY, "AEP_API_KEY": "bench", "AEP_CLIENT_SECRET": "bench-secret-bench"}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return Project(folder, {**kept, **own, **variables})


def _record(folder: Path, url: str, variables: Mapping[str, str]) -> None:
    project = read_project(folder)
    target = project.target(TARGET)
    identity = TargetIdentity(url, ORG, "prod")
    fingerprinter = Fingerprinter("benchmark", KEY.encode())
    scanner = SecretScanner()
    target_context = TargetContext(
        project, target, identity, variables, lambda _: fingerprinter, "", timedelta(0), True, scanner
    )
    records = tuple(
        record_of(one, str(uuid.uuid5(uuid.NAMESPACE_URL, one.key)), '"etag"', f"{number:032x}", fingerprinter)
        for number, one in enumerate(load_definitions(target_context))
    )
    state = replace(State.empty("benchmark", identity), records=records, serial=1)
    path = folder / target.state
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(state_to_bytes(state))
