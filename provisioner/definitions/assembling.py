"""A document x the texts of its leaves -> the data that the schema judges. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.definitions import connection_string
from provisioner.definitions.closest import closest
from provisioner.definitions.fields import STRING_PATH, Leaf
from provisioner.definitions.loader import Document, Path
from provisioner.model import Json

STAND_IN = "{{ }}"
"""What every rule of the schema takes for a template, in the place of a leaf with a problem of its own."""


def with_values(document: Document, values: Iterable[tuple[Leaf, str]]) -> Json:
    """Return the document with the texts of leaves that are to be judged.

    A connection string becomes the mapping of its parts, so that the same rules hold for them in every form.
    """
    copies: dict[Path, Any] = {(): dict(document.data)}
    for leaf, text in values:
        if leaf.is_whole_string and text != leaf.text:
            _copied(copies, STRING_PATH[:-1])[STRING_PATH[-1]] = _mapping(text)
        elif leaf.keyword or text != leaf.text:
            *above, last = leaf.rule_path
            holder = _copied(copies, tuple(above))
            if isinstance(holder.get(last, ""), str):
                holder[last] = text
    data: Json = copies[()]
    return data


def _mapping(text: str) -> Json | str:
    """Return the parts of a connection string as the mapping form has them; the text where it is none."""
    try:
        pairs = connection_string.split(text)
    except connection_string.Malformed:
        return text
    parts: Json = {pair.part: pair.value for pair in pairs if not pair.part.startswith("options.")}
    options = {pair.keyword: pair.value for pair in pairs if pair.part.startswith("options.")}
    return {**parts, "options": options} if options else parts


def _copied(copies: dict[Path, Any], path: Path) -> Any:
    """Return the mapping at a path, as a copy that is in the copy of what holds it: what nobody writes to is not
    copied. Of a connection string in text form, a part that is missing is said elsewhere."""
    if path not in copies:
        outer = _copied(copies, path[:-1])
        inner = outer.get(path[-1])
        missing = dict.fromkeys(connection_string.REQUIRED, STAND_IN) if path == STRING_PATH else {}
        copies[path] = outer[path[-1]] = dict(inner) if isinstance(inner, dict) else missing
    return copies[path]


_SPECS = ("Basic Authentication", "Connection String Based Authentication")


def with_likely_spec(data: Json) -> Json:
    """Return the data with the authentication specification that is meant, where it is missing or unknown, so that its
    parameters are judged too; the data itself where it is said, or nothing tells."""
    auth = data.get("auth")
    if not isinstance(auth, dict) or auth.get("specName") in _SPECS or not isinstance(auth.get("params"), dict):
        return data
    written = auth.get("specName")
    close = closest(written, _SPECS) if isinstance(written, str) else ""
    return {**data, "auth": {**auth, "specName": close or _SPECS["connectionString" in auth["params"]]}}
