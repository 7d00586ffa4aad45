"""Why the text of a property is refused, in words: what it holds that does not belong there. Pure.

The schema decides what is refused; here is only what to say of it. A text that came from the environment is not spoken
of: its author learns that it is refused, and nothing of what it holds.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from provisioner import json_schema


class Reason(NamedTuple):
    """``why`` follows "must be ..., but"."""

    why: str
    remedy: str


_ENDS = (r"^\s|\s$", Reason("begins or ends with white space", "remove it"))
_QUOTED = Reason("stands in quotes, which would be sent as a part of it", "remove them")
_PLACEHOLDER = Reason(
    "holds a placeholder", "write what is meant; what differs from target to target as \"{{ var('NAME') }}\""
)

_SERVER: tuple[tuple[str, Reason], ...] = (
    _ENDS,
    (r"^[\"'`‘’‚‛“”„‟«»‹›]|[\"'`‘’‚‛“”„‟«»‹›]$", _QUOTED),
    (r"[{}<>$#]|%.*%|@@.*@@|^__\w+__$|^\[[A-Za-z _-]*\]$", _PLACEHOLDER),
    (r"^(?:YOUR|[Yy]our)[-_ ]?(?:SERVER|HOST|[Ss]erver|[Hh]ost)", _PLACEHOLDER),
    (
        r"//|^jdbc:",
        Reason("is a URL", "write its host alone; port, database and user are properties of their own"),
    ),
    (
        r"[;=]",
        Reason("holds more than one part of a connection string", "write each part as a property of its own"),
    ),
    (
        r"^[/\\.~]|\.sock$",
        Reason("is the path of a socket or pipe", "write a host name: the database is reached by TCP"),
    ),
    (
        r"^(?:tcp|np|pipe|lpc|admin|mysql|mysqlx|socket|unix):",
        Reason("begins with a protocol", "write the host alone; the port is a property of its own"),
    ),
    (r"@", Reason("holds a user name", "move it to `username`")),
    (r"(?:^[^:]*|\]):[0-9]+$|[,\s]\s*[0-9]{1,5}$", Reason("holds a port", "move it to `port`")),
    (r",", Reason("holds more than one server", "name one")),
    (r"\s", Reason("holds white space", "remove it")),
    (r"/", Reason("holds a path", "write the host alone")),
    (r"^\[.*\]$", Reason("stands in brackets", "remove them: they belong into URLs")),
    (r"[^\x00-\x7f]", Reason("holds characters beyond ASCII", "write it in its form that begins with `xn--`")),
    (r"[\x00-\x1f\x7f]", Reason("holds control characters", "remove them")),
    (r":", Reason("holds a colon, and is no IPv6 address", "write a host name, or correct the address")),
    (r"^[0-9.]+$", Reason("is not a valid IP address", "correct it")),
)
_TEXT: tuple[tuple[str, Reason], ...] = (_ENDS, (r"[\x00-\x1f\x7f]", Reason("holds control characters", "remove them")))


def reason(name: str, text: str) -> Reason | None:
    """Return what is wrong with a text in the place of a property; None where what it must be says it all."""
    if not text.strip():
        return None
    if name == "server":
        return next((one for pattern, one in _SERVER if re.search(pattern, text)), None)
    for kind, one in (("placeholder", _PLACEHOLDER), ("quoted", _QUOTED)):
        if _pattern(kind).search(text):
            return one
    return next((one for pattern, one in _TEXT if re.search(pattern, text)), None)


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(json_schema.load("connection")["$defs"][kind]["pattern"])
