"""Escaping of text from outside in Markdown, and the list of all encodings that reports use.

Escaping for terminals, CI logs and JSON is in ``terminal``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from xml.etree.ElementTree import Element, tostring

from provisioner.definitions import connection_string
from provisioner.report.terminal import command_property, command_text, json_line, json_text, safe


def longest_backtick_run(text: str) -> int:
    """Return the length of the longest run of backticks; a fence around the text needs one more."""
    return max(map(len, re.findall("`+", text)), default=0)


def code_span(text: str) -> str:
    """Return text from outside as a code span, in which no markup, HTML or mention takes effect."""
    shown = safe(text)
    fence = "`" * (1 + longest_backtick_run(shown))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~@&])")
_WORD_END = re.compile(r"([.,;:?!)]*(?:\s+|`|\Z))")
_LINK = re.compile(
    r"""[@#!~%$&^](?=[\w"'<{\[])|://|www\.|mailto:|xmpp:|\bG[HL]-\d|\b(?=[a-f]*\d)[0-9a-f]{7,40}\b""", re.IGNORECASE
)
"""Everything that some platform turns into a link or a mention: people, teams, issues, pull requests, labels, commits,
addresses."""


def markdown_text(text: str) -> str:
    """Return a sentence that may quote text from outside, escaped for Markdown; code spans of our own are kept.

    Words that would become a link or a mention are put in code spans, since platforms look for these after they have
    processed markup and escapes.
    """
    parts = re.split(r"(`[^`]+`)", safe(text))
    return "".join(part if index % 2 else _escape_words(part) for index, part in enumerate(parts))


def _escape_words(text: str) -> str:
    words = _WORD_END.split(text)
    return "".join(code_span(word) if _LINK.search(word) else _MARKUP.sub(r"\\\1", word) for word in words)


def _html(text: str) -> str:
    from markupsafe import escape  # as Jinja does

    return str(escape(safe(text)))


def _xml_text(text: str) -> str:
    element = Element("a")
    element.text = safe(text)
    return tostring(element, "unicode")[len("<a>") : -len("</a>")]


def _xml_attribute(text: str) -> str:
    return tostring(Element("a", {"b": safe(text)}), "unicode")[len('<a b="') : -len('" />')]


ENCODERS: tuple[Callable[[str], str], ...] = (
    safe,
    lambda text: json_line(text)[1:-1],
    lambda text: json_text(text)[1:-1],
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    _html,
    lambda text: _html(text).replace(".", ".<wbr>"),
    _xml_text,
    _xml_attribute,
    markdown_text,
    command_text,
    command_property,
    connection_string.quote,
)
"""Every encoding that a text may have in the output: terminals; JSON of reports, of the journal and of schemas; HTML;
XML text and attributes; Markdown; GitHub annotations; connection strings."""
