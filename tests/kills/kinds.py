"""What goes wrong on the way, as faults of the emulator: lost answers, refusals, other hands, and odd answers.

Within what is assumed: a refusal in the service's own words has no effect, and what says plainly that a change was made
is believed. What says so of a create or a delete is looked at.
"""

from __future__ import annotations

from typing import Any

from tests.answers import replies

Fault = dict[str, Any]

POST, PATCH, DELETE = ("POST", "*/connections"), ("PATCH", "*/connections/*"), ("DELETE", "*/connections/*")
WRITES = (POST, PATCH, DELETE)

PLAIN: tuple[Fault, ...] = (
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "status", "status": 503, "when": "before"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 502, "when": "after"},
    {"kind": "status", "status": 403, "when": "before"},
    {"kind": "truncate"},
    {"kind": "expire-tokens"},
)


def _own(code: str) -> Fault:
    """Return the body of an error in the service's own words."""
    words = "Something is wrong."
    kind = f"https://ns.adobe.com/aep/errors/FLOW-{code}"
    return {"type": kind, "title": words, "status": int(code[-3:]), "errorMessage": words, "errorDetails": words}


_ANSWERS: tuple[tuple[int, Any], ...] = (
    (200, "<h1>Welcome</h1>"),
    (403, replies.HTML.decode()),
    (404, {"message": "no Route matched with those values"}),
    (404, {"timestamp": "2026-11-27T06:00:00Z", "status": 404, "error": "Not Found"}),
    (404, ""),
    (408, _own("1006-408")),
    (500, _own("1101-500")),
    (500, _own("1439-404")),
    (503, _own("1439-503")),
)
"""Status and body of what leaves the outcome unknown."""

ODD: tuple[Fault, ...] = (
    {"kind": "two-lengths"},
    {"kind": "interim", "status": 103, "seconds": 0},
    {"kind": "interim", "status": 102, "seconds": 0.001},
    {"kind": "drip", "seconds": 0.0001},
    {"kind": "invalid-json"},
    {"kind": "wrong-content-type"},
    *(
        {"kind": "status", "status": status, "when": when, "headers": {"location": place}}
        for status, place in ((307, "http://[::1"), (302, "/elsewhere"))
        for when in ("before", "after")
    ),
    *(
        {"kind": "status", "status": status, "body": body, "when": when}
        for status, body in _ANSWERS
        for when in ("before", "after")
        if (status, when) != (200, "before")
    ),
)

REFUSED: tuple[Fault, ...] = tuple(
    {"kind": "status", "status": int(code[-3:]), "body": _own(code), "when": "before"}
    for code in ("1304-400", "1602-404", "2120-403")
)

LIES: tuple[tuple[Fault, tuple[str, str]], ...] = (
    ({"kind": "status", "status": 201, "body": {"id": "nothing", "etag": "x"}, "when": "before"}, POST),
    ({"kind": "status", "status": 201, "body": {"id": "nothing", "etag": "x"}, "when": "after"}, POST),
    ({"kind": "status", "status": 204, "when": "before"}, DELETE),
)
"""What says plainly that it is done, and is not, or has another id."""

FOREIGN: tuple[Fault, ...] = ({"kind": "foreign-edit"}, {"kind": "foreign-delete"})

READS: tuple[Fault, ...] = (
    {"kind": "status", "status": 404, "body": {"message": "no Route matched with those values"}},
    {"kind": "status", "status": 302, "headers": {"location": "/elsewhere"}},
    {"kind": "two-lengths"},
    {"kind": "interim", "status": 103, "seconds": 0},
)
"""Odd answers to what only looks."""


def at(fault: Fault, place: tuple[str, str], **which: Any) -> Fault:
    """Return a fault of requests of that method and path."""
    return {**fault, "method": place[0], "path": place[1], **which}


def named(fault: Fault) -> str:
    """Return what to call it when it is counted. The report of the emulator leaves out what is usual."""
    status = fault.get("status", 503 if fault["kind"] == "status" else "")
    when = fault["when"] if fault["kind"] in ("status", "reset") else ""
    return " ".join(str(part) for part in (fault["kind"], status, when) if part)
