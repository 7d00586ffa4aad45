"""Odd answers as data: what is written to a socket in the place of the honest answer.

In bodies and headers ``@ID@``, ``@ETAG@`` and ``@NAME@`` stand for those of the object that a request is about,
``@OTHER@`` for the id of another object of ours, and ``@FOREIGN@`` for that of somebody else's.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

End = Literal["keep", "close", "reset", "hang"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. ``status`` and ``body`` are the honest ones where None.

    ``first`` goes before the status line; ``stretch`` is added to the announced length, None announces none; ``cut`` is
    where the bytes end, as a slice has it; ``drip`` are the real seconds before each byte of what follows the first;
    ``end`` is what becomes of the connection afterwards, and "hang" leaves it open without another byte.
    """

    status: int | None = None
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    first: bytes = b""
    stretch: int | None = 0
    cut: int | None = None
    drip: float = 0.0
    end: End = "keep"
    raw: bytes | None = None

    def bytes(self, honest: tuple[int, bytes], names: dict[str, str], date: str) -> bytes:
        """Return what is written, apart from how."""
        status = honest[0] if self.status is None else self.status
        body = _filled(honest[1] if self.body is None else self.body, names)
        if self.raw is not None:
            return _filled(self.raw, names)[: self.cut]
        lines = [f"HTTP/1.1 {status} Answer"]
        if self.stretch is not None and status != 204:
            lines.append(f"Content-Length: {len(body) + self.stretch}")
        if date:
            lines.append(f"Date: {date}")
        if self.end == "close" and self.cut is None:
            lines.append("Connection: close")  # else the client could send its next request into the closing one
        lines += [f"{name}: {value}" for name, value in self.headers]
        head = _filled(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8"), names)
        return (self.first + head + (b"" if status == 204 else body))[: self.cut]

    @property
    def needs_deadline(self) -> bool:
        """Whether the client has to give up, since the answer does not end."""
        return self.end == "hang" or self.drip > 0 or (self.end == "keep" and (self.stretch or 0) > 0)

    @property
    def succeeds(self) -> bool:
        """Whether somebody who overlooks what is odd may take it for a success."""
        status = 200 if self.status is None else self.status
        return 200 <= status <= 299 or b" 20" in (self.raw or b"")[:12]

    @property
    def may_refuse(self) -> bool:
        """Whether it is a refusal, or would be one without what is odd about it: 401 and 429 (assumed), or a 4xx in
        the service's own words."""
        status = self.status or 0
        return status in (401, 429) or (400 <= status <= 499 and status != 408 and own_words(status, self.body or b""))


def _filled(data: bytes, names: dict[str, str]) -> bytes:
    return re.sub(rb"@([A-Z]+)@", lambda found: names.get(found[1].decode(), "").encode(), data)


def own_words(status: int, body: bytes) -> bool:
    """Return whether a body says itself that it is the Flow Service's or its gateway's answer of this status."""
    try:
        said = json.loads(body)
    except ValueError:
        return False
    if not isinstance(said, dict):
        return False
    if said.get("errorMessage") and said.get("errorDetails"):
        return True
    texts = [str(said.get(name, "")) for name in ("type", "code", "errorCode", "error_code", "title", "error")]
    gateway = re.fullmatch(rf"{status}\d{{3}}", texts[3])
    return bool(gateway) or any(re.search(rf"\d{{4}}-{status}$", text) for text in texts)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8")


def combined(code: str, words: str = "Something is wrong.", status: int | None = None) -> bytes:
    """Return the body that newer pages show: the code ends an https URL, the older texts stand beside it."""
    report = {"detailed-message": words, "id": code, "request-id": "9f1c", "type": "error"}
    number = int(code[-3:]) if status is None else status
    body = {"type": f"https://ns.adobe.com/aep/errors/{code}", "title": words, "status": number, "report": report}
    return as_json({**body, "errorMessage": words, "errorDetails": words})


def problem(code: str, words: str = "Something is wrong.") -> bytes:
    """Return problem JSON without the older texts: only the code says whose words these are."""
    kind = f"http://ns.adobe.com/aep/errors/{code}"
    return as_json({"type": kind, "title": words, "status": int(code[-3:]), "detail": words})


def legacy(words: str = "Something is wrong.") -> bytes:
    return as_json({"errorMessage": words, "errorDetails": words})


def gateway(code: int | str, words: str = "Something is wrong.") -> bytes:
    return as_json({"error_code": code, "message": words})


CREATED = as_json({"id": "@ID@", "etag": "@ETAG@"})
HTML = b"<html><head><title>Blocked</title></head><body>Request blocked.</body></html>"
NO_ROUTE = as_json({"message": "no Route matched with those values"})
SPRING = as_json({"timestamp": "2026-11-27T06:00:00Z", "status": 404, "error": "Not Found", "path": "/connections"})
MISSING = "connections not found with id = [@ID@]"

HONEST = Reply()
CLOSED = Reply(raw=b"", end="close")
RESET = Reply(raw=b"", end="reset")
HUNG = Reply(raw=b"", end="hang")


def interim(status: int) -> bytes:
    return f"HTTP/1.1 {status} Interim\r\nLink: </style.css>\r\n\r\n".encode()


def closing(reply: Reply) -> Reply:
    return replace(reply, end="close")
