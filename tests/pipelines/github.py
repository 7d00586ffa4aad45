"""As much of GitHub's API as the shipped pipeline calls, kept in memory."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "acme/databases"
BOT = "github-actions[bot]"


@dataclass
class GitHub:
    """The objects of one repository, statuses newest first. ``may_write``: the token of the step may. ``newest`` is the
    head of the default branch; every event happens a minute after the one before. ``environments`` have their
    protection rules, by name; every branch may use those in ``open_to_all``."""

    url: str = ""
    may_write: bool = True
    open: bool = True
    newest: str = ""
    minute: int = 0
    comments: list[Any] = field(default_factory=list)
    statuses: dict[str, list[Any]] = field(default_factory=dict)
    pulls: dict[str, list[Any]] = field(default_factory=dict)
    environments: dict[str, list[Any]] = field(default_factory=dict)
    open_to_all: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    def now(self) -> str:
        self.minute += 1
        return f"2026-11-24T12:{self.minute:02}:00Z"

    def merge(self, number: int, head: str, sha: str, base: str = "main") -> None:
        pull = {
            "number": number,
            "merged_at": self.now(),
            "merge_commit_sha": sha,
            "head": {"sha": head},
            "base": {"ref": base},
        }
        self.pulls.setdefault(sha, []).append(pull)
        self.newest = sha

    def status(self, sha: str, **changed: Any) -> None:
        """Somebody sets a status."""
        made = {"created_at": self.now(), "creator": {"login": BOT}}
        status = {"state": "success", "context": "provisioner/prod", **made, **changed}
        self.statuses.setdefault(sha, []).insert(0, status)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        if method != "GET" and not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}
        route = r"(GET|POST|PATCH) (issues/comments|issues|statuses|commits|pulls|environments)/([\w-]+)(?:/(\w+))?"
        found = re.fullmatch(route, f"{method} {path}")
        assert found, path
        if method == "GET":
            return self.read(*found.groups()[1:])
        match found.groups():
            case ("POST", "issues", number, "comments"):
                self.comments.append({"id": len(self.comments) + 1, "user": {"login": BOT}, "number": number, **body})
            case ("PATCH", "issues/comments", number, None):
                self.comments[int(number) - 1].update(body)
            case ("POST", "statuses", sha, None):
                self.status(sha, **body)
            case other:
                raise AssertionError(other)
        return 201, {}

    def read(self, kind: str, name: str, what: str | None) -> tuple[int, Any]:
        match kind, what:
            case "issues", "comments":
                return 200, self.comments
            case "pulls", None:
                return 200, {"state": "open" if self.open else "closed"}
            case "environments", None if name in self.environments:
                policy = None if name in self.open_to_all else {"protected_branches": True}
                rules = self.environments[name]
                return 200, {"name": name, "protection_rules": rules, "deployment_branch_policy": policy}
            case "environments", None:
                return 404, {"message": "Not Found"}
            case "commits", None:
                return 200, {"sha": self.newest}
            case "commits", "statuses":
                return 200, self.statuses.get(name, [])
            case "commits", "pulls":
                return 200, self.pulls.get(name, [])
            case other:
                raise AssertionError(other)


@contextmanager
def running_github() -> Iterator[GitHub]:
    github = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            parts = urlsplit(self.path)
            path = parts.path.removeprefix(f"/repos/{REPOSITORY}/")
            assert self.headers["Authorization"] == "Bearer job-token"
            status, answer = github.answer(self.command, path, json.loads(raw) if raw else None)
            if isinstance(answer, list):
                asked = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
                first = (asked["page"] - 1) * asked["per_page"]
                answer = answer[first : first + asked["per_page"]]
            data = json.dumps(answer).encode()
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = handle_request  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        github.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()
