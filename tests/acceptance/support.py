"""A project on disk, the installed command run in it, and what arrived at the service."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

from provisioner import cli
from provisioner.cli.console import Console
from tests.leaks import holds

ORG = "5C1328435BF324E90A49402A@AdobeOrg"
KEY = "sample-api-key"
CLIENT_SECRET = "sample-client-secret-4711"
ORDERS = "orders-secret-0815"
STOCK = "stock-secret-2342"
ROTATED = "rotated-secret-1337"
SECRETS = (CLIENT_SECRET, ORDERS, STOCK, ROTATED)
CREDENTIALS = {"AEP_API_KEY": KEY, "AEP_CLIENT_SECRET": CLIENT_SECRET}
PASSWORDS = {"MYSQL_ORDERS_PASSWORD": ORDERS, "MYSQL_STOCK_PASSWORD": STOCK}
SPEC = {"id": "26d738e0-8963-47ea-aadf-c60de735468a", "version": "1.0"}
FLOW = "/data/foundation/flowservice"
CONNECTIONS = f"{FLOW}/connections"

COMMAND = (sys.executable, "-m", "provisioner")
COVERAGE = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


def basic(
    name: str, *, secret: str = "MYSQL_ORDERS_PASSWORD", server: str = "db.example.com", description: str | None = "A"
) -> str:
    """A definition with basic authentication."""
    return textwrap.dedent(
        f"""\
        name: {name}
        {f"description: {description}" if description is not None else "# no description"}
        auth:
          specName: Basic Authentication
          params:
            server: {server}
            port: "3306"
            database: orders
            username: svc_aep
            password: "{{{{ env('{secret}') }}}}"
            sslMode: DISABLED
        """
    )


def by_string(name: str, *, secret: str = "MYSQL_ORDERS_PASSWORD") -> str:
    """The same database by connection string."""
    string = f"Server=db.example.com;Port=3306;Database=orders;UID=svc_aep;PWD={{{{ env('{secret}') }}}}"
    return textwrap.dedent(
        f"""\
        name: {name}
        description: A
        auth:
          specName: Connection String Based Authentication
          params:
            connectionString: "{string}"
        """
    )


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def last(self) -> str:
        return self.out.rstrip("\n").rpartition("\n")[2]


@dataclass
class Project:
    """A folder with a project file and definitions. ``environ`` is all that a command sees of the environment."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def define(self, key: str, text: str) -> None:
        self.write(f"connections/{key}.yaml", text)

    def target(self, url: str, **more: Any) -> None:
        """Write the project file: one target, ``here``, at ``url``."""
        here = {"org_id": ORG, "sandbox": "prod", "endpoint": url, "ims_endpoint": url, **more}
        self.project_file({"here": {name: value for name, value in here.items() if value is not None}})

    def project_file(self, targets: Mapping[str, Any], default: str = "here") -> None:
        self.write("provisioner.yaml", json.dumps({"version": 1, "default_target": default, "targets": targets}))

    @property
    def state_file(self) -> Path:
        return self.folder / "state" / "here.json"

    @property
    def state(self) -> Any:
        return json.loads(self.state_file.read_text("utf-8"))

    def id(self, key: str) -> str:
        return str(self.state["records"][key]["id"])

    def run(self, *args: str, environ: Mapping[str, str | None] | None = None) -> Result:
        """Run the command without a terminal, in this process. ``environ`` adds variables, None removes one."""
        out, err = io.StringIO(), io.StringIO()
        with chdir(self.folder), patch.dict(os.environ, self.environment(environ), clear=True):
            code = cli.run(args, os.environ, None, Console(out, err))
        return self._keep(Result(code, out.getvalue(), err.getvalue()))

    def run_process(
        self, *args: str, environ: Mapping[str, str | None] | None = None, command: tuple[str, ...] = COMMAND
    ) -> Result:
        """Run a process without a terminal, where a process is the point: by default the command."""
        done = subprocess.run(
            [*command, *args],
            cwd=self.folder,
            env=self.environment(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )
        return self._keep(Result(done.returncode, done.stdout, done.stderr))

    def at_terminal(
        self,
        *args: str,
        answer: str = "",
        environ: Mapping[str, str | None] | None = None,
        command: tuple[str, ...] = COMMAND,
    ) -> Result:
        """Run the command on a terminal and type ``answer`` where it asks. ``out`` is all that the screen shows."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [*command, *args],
            cwd=self.folder,
            env=self.environment({"TERM": "xterm-256color", **(environ or {})}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            try:
                screen = _screen(ours, answer)
            finally:
                os.close(ours)
        return self._keep(Result(process.returncode, screen.replace("\r\n", "\n"), ""))

    def environment(self, more: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """All that a command sees of the environment."""
        bare = {"PATH": os.defpath, "HOME": os.environ["HOME"], "LANG": "C.UTF-8", **COVERAGE}
        return {name: value for name, value in {**bare, **self.environ, **(more or {})}.items() if value is not None}

    def _keep(self, result: Result) -> Result:
        self.results.append(result)
        assert "Traceback" not in result.err + result.out
        return result

    def leaks(self) -> list[str]:
        """Where a secret stands that should stand nowhere: on a screen, or in a file that a command wrote."""
        texts = {f"run {number}": result.out + result.err for number, result in enumerate(self.results)}
        written = [path for path in self.folder.rglob("*") if path.is_file() and not self._ours(path)]
        texts |= {str(path): path.read_bytes().decode("utf-8", "replace") for path in written}
        return [where for where, text in texts.items() if holds(text, *SECRETS)]

    def _ours(self, path: Path) -> bool:
        """Whether a test wrote it."""
        return path.name == "provisioner.yaml" or path.relative_to(self.folder).parts[0] == "connections"


def _screen(terminal: int, answer: str) -> str:
    shown = b""
    while select.select([terminal], [], [], 20)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not part:
            break
        shown += part
        if answer and shown.endswith(b"Only `yes` is accepted: "):
            os.write(terminal, answer.encode() + b"\n")
            answer = ""
    return shown.decode("utf-8")


@dataclass(frozen=True)
class Service:
    """The emulator as a bystander sees it, who can also edit what is there, in one sandbox."""

    url: str
    sandbox: str = "prod"

    def reset(self) -> None:
        requests.post(f"{self.url}/_emulator/reset", timeout=5)

    def seen(self, method: str = "", key: str = KEY) -> list[Any]:
        """The requests of our client that arrived at the Flow Service, in order."""
        log = requests.get(f"{self.url}/_emulator/requests", timeout=5).json()
        ours = [one for one in log if one["headers"].get("x-api-key") == key]
        return [one for one in ours if not method or one["method"] == method]

    def tokens(self) -> int:
        """How many times a token was asked for."""
        log = requests.get(f"{self.url}/_emulator/requests", timeout=5).json()
        return sum(one["path"] == "/ims/token/v3" for one in log)

    def writes(self) -> list[Any]:
        return [one for one in self.seen() if one["method"] != "GET"]

    def items(self) -> list[Any]:
        """The base connections that there are, oldest first."""
        items: list[Any] = self.call("GET", "?limit=100&orderby=createdAt").json()["items"]
        return items

    def faults(self, *faults: Mapping[str, Any]) -> None:
        """What is to go wrong from now on; nothing without any."""
        requests.put(f"{self.url}/_emulator/faults", json=list(faults), timeout=5).raise_for_status()

    def edit(self, identity: str, path: str, value: Any) -> None:
        """Somebody else changes a base connection."""
        (item,) = self.call("GET", f"/{identity}").json()["items"]
        change = [{"op": "replace", "path": path, "value": value}]
        self.call("PATCH", f"/{identity}", json=change, headers={"If-Match": item["etag"]})

    def delete(self, identity: str) -> None:
        (item,) = self.call("GET", f"/{identity}").json()["items"]
        self.call("DELETE", f"/{identity}", headers={"If-Match": item["etag"]})

    def create(self, name: str) -> None:
        """Somebody else's base connection."""
        params = {"server": "h", "port": "1", "database": "d", "username": "u", "password": "p", "sslMode": "DISABLED"}
        auth = {"specName": "Basic Authentication", "params": params}
        self.call("POST", "", json={"name": name, "auth": auth, "connectionSpec": SPEC})

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        resource: str = "connections",
        **more: Any,
    ) -> requests.Response:
        """Somebody else's call."""
        caller = {
            "Authorization": "Bearer somebody",
            "x-api-key": "somebody-else",
            "x-gw-ims-org-id": ORG,
            "x-sandbox-name": self.sandbox,
        }
        answer = requests.request(
            method, f"{self.url}{FLOW}/{resource}{path}", headers={**caller, **(headers or {})}, timeout=5, **more
        )
        answer.raise_for_status()
        return answer


LOST = "lost"
"""What a meddler returns so that a request takes effect and its answer is lost."""

Meddler = Callable[[str, str, Any], "tuple[int, Any] | str | None"]
"""Gets method, path and body of a request. None: it passes. (status, body): the answer in its place."""


@contextmanager
def between(service: Service, meddle: Meddler) -> Iterator[str]:
    """The URL of a proxy before the service that meddles."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            try:
                body = json.loads(raw)
            except ValueError:
                body = None
            verdict = meddle(self.command, self.path, body)
            if isinstance(verdict, tuple):
                return self.answer(verdict[0], json.dumps(verdict[1]).encode(), {"Content-Type": "application/json"})
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            passed = requests.request(self.command, service.url + self.path, headers=headers, data=raw, timeout=5)
            if verdict == LOST:
                self.close_connection = True
                return None
            kept = ("content-type", "date", "x-request-id", "etag")
            return self.answer(
                passed.status_code, passed.content, {k: v for k, v in passed.headers.items() if k.lower() in kept}
            )

        do_GET = do_POST = do_PATCH = do_DELETE = handle_request  # noqa: N815

        def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response_only(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
