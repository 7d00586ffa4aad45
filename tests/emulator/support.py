"""A minimal client, which shares no code with the client under test."""

from collections.abc import Mapping
from typing import Any

import requests

from provisioner.emulator.connections import BASE
from provisioner.emulator.server import Emulator

ORG = "5C1328435BF324E90A49402A@AdobeOrg"
CALLER = {
    "Authorization": "Bearer a-ready-token",
    "x-api-key": "client-a",
    "x-gw-ims-org-id": ORG,
    "x-sandbox-name": "prod",
}
MYSQL = {"id": "26d738e0-8963-47ea-aadf-c60de735468a", "version": "1.0"}
BASIC = {
    "server": "localhost",
    "port": "443",
    "database": "mysql-acme",
    "username": "acme",
    "password": "not-to-be-seen",
    "sslMode": "DISABLED",
}
STRING = {"connectionString": "Server=h;Port=3306;Database=d;UID=u;PWD=not-to-be-seen"}


def body(name: str = "Orders", **changed: Any) -> dict[str, Any]:
    """A create that is accepted on Azure; ``changed`` replaces top-level keys, None removes one."""
    auth = {"specName": "Basic Authentication", "params": dict(BASIC)}
    whole = {"name": name, "description": "Orders database", "auth": auth, "connectionSpec": dict(MYSQL), **changed}
    return {key: value for key, value in whole.items() if value is not None}


class Api:
    """One caller of one emulator."""

    def __init__(self, emulator: Emulator, **headers: str | None) -> None:
        self.emulator = emulator
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(CALLER)
        self.session.headers.update({name.replace("_", "-"): value for name, value in headers.items()})

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """``path`` is relative to the Flow Service's root, or absolute for the others."""
        url = path if path.startswith("http") else self.emulator.url + BASE + path
        return self.session.request(method, url, timeout=10, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, json: Any = None, **options: Any) -> requests.Response:
        return self.call("POST", "/connections", json=json, **options)

    def patch(self, id: str, operations: Any, etag: str | None = None, **options: Any) -> requests.Response:  # noqa: A002
        headers: Mapping[str, str] = {} if etag is None else {"If-Match": etag}
        return self.call("PATCH", f"/connections/{id}", json=operations, headers=headers, **options)

    def made(self, name: str = "Orders", **changed: Any) -> tuple[str, str]:
        """Id and etag of a new base connection."""
        answer = self.post(body(name, **changed))
        assert answer.status_code == 201, answer.text
        return answer.json()["id"], answer.json()["etag"]

    def item(self, id: str) -> dict[str, Any]:  # noqa: A002
        """What a GET shows."""
        (only,) = self.get(f"/connections/{id}").json()["items"]
        return dict(only)

    def names(self, query: str = "") -> list[str]:
        """The names in a list, in order."""
        answer = self.get(f"/connections{query}")
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["items"]]


def code(answer: requests.Response) -> str:
    """Which documented error an answer is: the gateway's code, ours, or the first words of a legacy text."""
    found = answer.json()
    if "error_code" in found:
        return str(found["error_code"])
    if "type" in found:
        return str(found["type"]).rpartition("/")[2].partition("-")[2] or str(found["type"])
    return str(found.get("errorMessage", found.get("message")))[:24]
