"""What each form of a report makes of a text that stands in it: the escapes of all of them, in one list."""

from __future__ import annotations

import html
import json
from collections.abc import Callable

from provisioner.definitions import connection_string
from provisioner.report.markdown import plain
from provisioner.report.style import command_property, command_text, json_line, safe

WRITERS: tuple[Callable[[str], str], ...] = (
    safe,
    lambda text: json_line(text)[1:-1],
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: html.escape(safe(text)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    lambda text: html.escape(safe(text), quote=False),
    lambda text: html.escape(safe(text), quote=False).replace('"', "&quot;"),
    plain,
    command_text,
    command_property,
    connection_string.quote,
)
"""Text on terminals; JSON of reports, of the journal and of schemas; HTML as Jinja escapes it; XML, texts and
attributes; Markdown; annotations of GitHub; connection strings."""
