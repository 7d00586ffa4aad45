"""What each form of a report makes of a text that stands in it: the writers that it is made with, in one list."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.etree.ElementTree import Element, tostring

from provisioner.definitions import connection_string
from provisioner.report.markdown import plain
from provisioner.report.terminal import command_property, command_text, json_line, json_text, safe


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
