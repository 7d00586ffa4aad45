"""Creates as others make them: one call after another, with curl as on Adobe's page, or with Adobe's own library."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.data import ORG
from benchmarks.emulating import address_of, body, headers, token_of
from provisioner.service.flow_service import BASE


@dataclass(frozen=True)
class Tool:
    """``words`` are of a command that creates so many at a URL."""

    name: str
    is_here: Callable[[], bool]
    words: Callable[[str, int], tuple[str, ...]]


def _curl(url: str, number: int) -> tuple[str, ...]:
    flags = " ".join(f'-H "{name}: {value}"' for name, value in headers(token_of(address_of(url))).items())
    data = json.dumps(body("Loop $each")).replace('"', '\\"')
    call = f'curl --fail --silent --output /dev/null {flags} --data "{data}" {url}{BASE}/connections'
    return ("sh", "-c", f"for each in $(seq {number}); do {call} || exit 1; done")


_WITH_AEPP = """
import json, sys
import aepp
from aepp.flowservice import FlowService
url, number, body, config, header = sys.argv[1], int(sys.argv[2]), *map(json.loads, sys.argv[3:])
aepp.config.endpoints["global"] = url
service = FlowService(config=config, header=header)
for each in range(number):
    body["name"] = f"Loop {each}"
    assert "id" in service.createConnection(data=body)
"""


def _aepp(url: str, number: int) -> tuple[str, ...]:
    token = token_of(address_of(url))
    config = {
        "org_id": ORG,
        "client_id": "bench",
        "secret": "bench-secret-bench",
        "scopes": "",
        "sandbox": "prod",
        "environment": "prod",
        "token": token,
        "date_limit": 2**40,
        "connectionType": "oauthV2",
    }
    given = (json.dumps(one) for one in (body("Loop"), config, headers(token)))
    return (sys.executable, "-c", _WITH_AEPP, url, str(number), *given)


TOOLS = (
    Tool("curl", lambda: shutil.which("curl") is not None, _curl),
    Tool("aepp", lambda: importlib.util.find_spec("aepp") is not None, _aepp),
)
