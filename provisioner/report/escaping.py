"""What each form of a report makes of a text that stands in it: the writers that it is made with, in one list.

Text from outside in Markdown, where nothing of it may work as markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from xml.etree.ElementTree import Element, tostring

from provisioner.definitions import connection_string
from provisioner.report.terminal import command_property, command_text, json_line, json_text, safe


def longest_ticks(text: str) -> int:
    """How many backticks stand in a row: a fence needs one more."""
    return max(map(len, re.findall("`+", text)), default=0)


def code(text: str) -> str:
    """Text from outside as a code span: no markup, no HTML and no mention of anybody works in it."""
    shown = safe(text)
    fence = "`" * (1 + longest_ticks(shown))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~@&])")
_WORDS = re.compile(r"([.,;:?!)]*(?:\s+|`|\Z))")
_LINK = re.compile(
    r"""[@#!~%$&^](?=[\w"'<{\[])|://|www\.|mailto:|xmpp:|\bG[HL]-\d|\b(?=[a-f]*\d)[0-9a-f]{7,40}\b""", re.IGNORECASE
)
"""Of which some platform makes a link or a mention: people, teams, issues, requests, labels, commits, addresses."""


def plain(text: str) -> str:
    """A sentence that may quote from outside, with nothing in it taken for markup; our own code spans stay. What would
    become a link or a mention stands in a code span, since platforms look for these after markup and escapes."""
    parts = re.split(r"(`[^`]+`)", safe(text))
    return "".join(part if index % 2 else _plain(part) for index, part in enumerate(parts))


def _plain(text: str) -> str:
    return "".join(code(word) if _LINK.search(word) else _escaped(word) for word in _WORDS.split(text))


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _html(text: str) -> str:
    from markupsafe import escape  # as Jinja escapes

    return str(escape(safe(text)))


def _xml_text(text: str) -> str:
    element = Element("a")
    element.text = safe(text)
    return tostring(element, "unicode")[len("<a>") : -len("</a>")]


def _xml_attribute(text: str) -> str:
    return tostring(Element("a", {"b": safe(text)}), "unicode")[len('<a b="') : -len('" />')]


WRITERS: tuple[Callable[[str], str], ...] = (
    safe,
    lambda text: json_line(text)[1:-1],
    lambda text: json_text(text)[1:-1],
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    _html,
    lambda text: _html(text).replace(".", ".<wbr>"),
    _xml_text,
    _xml_attribute,
    plain,
    command_text,
    command_property,
    connection_string.quote,
)
"""Text on terminals; JSON of reports, of the journal and of schemas; HTML; XML, texts and attributes; Markdown;
annotations of GitHub; connection strings."""
