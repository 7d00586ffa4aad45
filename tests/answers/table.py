"""Answers to writes, and what each means: a table to read.

``done``: the service says that it did it. ``refused``: it says in its own words that it did not, or it is a 401 or 429
(assumed to have no effect). ``unknown``: everything else, whatever its status says.
"""

from __future__ import annotations

from tests.answers.replies import (
    CLOSED,
    CREATED,
    HONEST,
    HTML,
    HUNG,
    MISSING,
    NO_ROUTE,
    RESET,
    SPRING,
    Reply,
    as_json,
    combined,
    gateway,
    interim,
    legacy,
    problem,
)

FIRST_LINE = Reply(raw=b"HTTP/1.1 201 Created\r\n", end="close")


def to(place: str) -> tuple[tuple[str, str], ...]:
    return (("Location", place),)


UNKNOWN_ANYWHERE: dict[str, Reply] = {
    # Nothing, or not all of it
    "closed without an answer": CLOSED,
    "reset": RESET,
    "only a status line": FIRST_LINE,
    "no HTTP": Reply(raw=b"\x15\x03\x01\x00\x02\x02\x28", end="close"),
    "cut in the headers": Reply(raw=b"HTTP/1.1 500 Answer\r\nContent-Le", end="close"),
    "never an answer": HUNG,
    # Redirects
    **{f"{status} elsewhere": Reply(status, b"", to("/elsewhere")) for status in (300, 301, 302, 303, 304, 307, 308)},
    "307 to nowhere": Reply(307, b"", to("http://[::1")),
    "302 to no port": Reply(302, HTML, to("http://x:99999999/")),
    "302 to unreadable": Reply(302, b"", to("http://\u2100/\u00e9")),
    "308 to another host": Reply(308, b"", to("http://127.0.0.1:1/data")),
    # Refusals in the words of others
    **{f"{status} in HTML": Reply(status, HTML) for status in (400, 403, 404, 405, 406, 409, 413, 422, 451, 499)},
    **{f"{status} empty": Reply(status, b"") for status in (400, 403, 404, 408, 409, 410, 418, 425, 460, 499)},
    **{f"{status} of a gateway": Reply(status, NO_ROUTE) for status in (400, 403, 404, 422)},
    "404 of Spring": Reply(404, SPRING),
    "400 with an empty object": Reply(400, b"{}"),
    "400 with a list": Reply(400, b"[]"),
    "403 with half of the older words": Reply(403, as_json({"errorMessage": "no"})),
    "408 in the service's own words": Reply(408, combined("FLOW-1006-408")),
    # Codes that do not belong to their status
    "400 with 1101-500": Reply(400, problem("FLOW-1101-500")),
    "403 with 1101-404": Reply(403, problem("FLOW-1101-404")),
    "404 with 1439-400": Reply(404, problem("FLOW-1439-400")),
    "400 with six digits of 403": Reply(400, gateway("403010")),
    # Trouble
    "500 with 1101-500": Reply(500, combined("FLOW-1101-500")),
    "500 with a bare 1101": Reply(500, as_json({"errorCode": "1101"})),
    "500 with 1439-404": Reply(500, combined("FLOW-1439-404")),
    "500 with 1400-500": Reply(500, problem("FLOW-1400-500")),
    "500 with the older words": Reply(500, legacy(MISSING)),
    "500 with 1403-400": Reply(500, combined("FLOW-1403-400")),
    "503 with 1439-503": Reply(503, problem("FLOW-1439-503")),
    "502 of a gateway": Reply(502, HTML),
    "504 with 1104-504": Reply(504, combined("FLOW-1104-504")),
    "500 with 429050": Reply(500, gateway(429050)),
    "a status of 599": Reply(599, b""),
    "a status of 999": Reply(999, b""),
}

UNKNOWN_SUCCESS: dict[str, Reply] = {
    # A success that is odd in any way is none
    "two lengths": Reply(headers=(("Content-Length", "7"),), end="close"),
    "cut in the body": Reply(cut=-5),
    "cut to no body": Reply(cut=-38),
    "longer than it is": Reply(stretch=20),
    "a drip": Reply(drip=0.02),
    "101 switching": Reply(101, b"", stretch=None, end="close"),
    "101 and left open": Reply(101, b"", stretch=None, end="hang"),
    "HTML": Reply(200, HTML),
    "not JSON": Reply(200, b'{"id": "@ID@", '),
    "a list": Reply(200, as_json(["@ID@"])),
    "an id that is a number": Reply(200, as_json({"id": 4711, "etag": "x"})),
    "no id": Reply(200, as_json({"etag": "@ETAG@"})),
    "an empty id": Reply(200, as_json({"id": "", "etag": "x"})),
    "an id that climbs": Reply(200, as_json({"id": "..", "etag": "x"})),
    "an id of two lines": Reply(200, as_json({"id": "a\nb", "etag": "x"})),
    "the id of another object": Reply(201, as_json({"id": "@OTHER@", "etag": "x"})),
    "an id that nothing has": Reply(201, as_json({"id": "nothing", "etag": "x"})),
    "the id of somebody else's": Reply(201, as_json({"id": "@FOREIGN@", "etag": "x"})),
}

UNKNOWN_CREATE: dict[str, Reply] = {
    "204": Reply(204),
    "202 without a body": Reply(202, b""),
    "207": Reply(207, as_json({"items": []})),
    "226 and no id": Reply(226, as_json({"status": "accepted"})),
    "the honest 201 as an error in 200": Reply(200, combined("FLOW-1101-500")),
}

FEW = (
    "closed without an answer",
    "reset",
    "cut in the headers",
    "never an answer",
    "302 elsewhere",
    "307 to nowhere",
    "308 to another host",
    "400 in HTML",
    "403 empty",
    "404 empty",
    "404 of a gateway",
    "404 of Spring",
    "404 with 1439-400",
    "403 with 1101-404",
    "408 in the service's own words",
    "413 in HTML",
    "500 with 1101-500",
    "503 with 1439-503",
    "a status of 999",
)
"""One of each kind, for what differs less: changes, deletes, and what is lost twice."""

UNKNOWN_FEW = {name: UNKNOWN_ANYWHERE[name] for name in FEW}

INTERIM: dict[str, Reply] = {
    "103 before it": Reply(first=interim(103)),
    "102 before it": Reply(first=interim(102)),
    "two of 103 before it": Reply(first=interim(103) * 2),
    "199 before it": Reply(first=interim(199)),
    "103 and nothing": Reply(raw=interim(103), end="close"),
}
"""What follows may be read or not, but never as the answer to another request."""

REFUSED: dict[str, Reply] = {
    "400 with 1415-400": Reply(400, combined("FLOW-1415-400")),
    "400 in problem JSON": Reply(400, problem("FLOW-1413-400")),
    "400 with the bare code": Reply(400, as_json({"code": "1304-400", "message": "a field is missing"})),
    "400 in the older words": Reply(400, legacy()),
    "400 of the gateway": Reply(400, gateway("400003", "Missing header")),
    "403 of the gateway, as a number": Reply(403, gateway(403025, "Profile is not valid")),
    "403 with 2120-403": Reply(403, combined("FLOW-2120-403")),
    "404 with 2100-404": Reply(404, problem("FLOW-2100-404", "Sandbox not found")),
    "404 with 1602-404": Reply(404, problem("FLOW-1602-404")),
    "422 in the older words": Reply(422, legacy("connectionSpec.version is required")),
}

DONE_CREATE: dict[str, Reply] = {
    "201": HONEST,
    "200": Reply(200, CREATED),
    "202 with an id": Reply(202, CREATED),
    "201 without an etag": Reply(201, as_json({"id": "@ID@"})),
    "201 and then closed": Reply(end="close"),
    # Clear or not, by the same apply it is known to be done
    "a length that is no number": Reply(headers=(("Content-Length", "many"),), stretch=None, end="close"),
    "a negative length": Reply(headers=(("Content-Length", "-5"),), stretch=None, end="close"),
}

DONE_DELETE: dict[str, Reply] = {"204": HONEST, "202": Reply(202, b""), "200 with words": Reply(200, b'{"ok": true}')}

GONE: dict[str, Reply] = {
    "404 with 1101-404": Reply(404, combined("FLOW-1101-404", MISSING)),
    "404 with 1439-404": Reply(404, combined("FLOW-1439-404", MISSING)),
    "404 in the older words": Reply(404, legacy(MISSING)),
}
