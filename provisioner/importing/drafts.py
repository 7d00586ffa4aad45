"""Observed -> a definition that says the same. Pure.

The service shows "a partial view of the credentials" (documented), and how it shows secrets is unknown: whatever stands
in a sensitive place is not taken over, and what it does not show becomes a variable to set.

Plain data -> the text of a definition, and text -> a leaf that gives just that text. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from provisioner.definitions.fields import is_sensitive
from provisioner.definitions.templates import is_template
from provisioner.model import MYSQL_SPEC_VERSION, Json, Key
from provisioner.planning.observed import Observed

BASIC, BY_STRING = "Basic Authentication", "Connection String Based Authentication"

_PARAMS = ("server", "port", "database", "username", "password", "sslMode")


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition to be reviewed: its data, the variables that it reads, which have to be set, and what it cannot say
    although the object may have it."""

    data: Json
    variables: tuple[str, ...]
    unsaid: tuple[str, ...]


def make_draft(observed: Observed, variable: Callable[[str], str], target: str | None) -> Draft | None:
    """The definition of what is there; None for an authentication that definitions do not know.

    ``variable`` proposes a name for what a parameter needs; ``target`` is the only one that it is for, None for all.
    """
    shown = observed.as_dict
    spec_name = shown.get("auth.specName", "")
    variables: list[str] = []

    def placeholder(what: str) -> str:
        variables.append(variable(what))
        return f"{{{{ env('{variables[-1]}') }}}}"

    if spec_name == BASIC:
        params = dict(_params(shown, placeholder))
    elif spec_name == BY_STRING:
        params = {"connectionString": placeholder("connection_string")}
    else:
        return None
    return Draft(dict(_data(shown, params, target)), tuple(variables), tuple(_unsaid(shown, params)))


def _unsaid(shown: dict[str, str], params: dict[str, str]) -> Iterator[str]:
    if "connectionString" not in params and "sslMode" not in params:
        yield "sslMode is not shown: add it if there is one"
    for path in shown:
        name = path.removeprefix(_PREFIX)
        if path.startswith(_PREFIX) and name not in (*_PARAMS, "connectionString"):
            yield f"{name} is not known to definitions: the first apply sends the parameters without it"


_PREFIX = "auth.params."


def _data(shown: dict[str, str], params: dict[str, str], target: str | None) -> Iterator[tuple[str, object]]:
    yield "name", leaf(shown.get("name", ""))
    if shown.get("description"):
        yield "description", leaf(shown["description"])
    if target:
        yield "targets", [target]
    yield "auth", {"specName": shown["auth.specName"], "params": params}
    version = shown.get("connectionSpec.version", MYSQL_SPEC_VERSION)
    if version != MYSQL_SPEC_VERSION:
        yield "connectionSpec", {"id": shown["connectionSpec.id"], "version": version}


def _params(shown: dict[str, str], placeholder: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for name in _PARAMS:
        path = f"auth.params.{name}"
        if path in shown and not is_sensitive(path):
            yield name, leaf(shown[path])
        elif name != "sslMode":  # of which the vocabulary is no secret, so that no variable may hold it
            yield name, placeholder(name)


def key_for(name: str, folder: str, taken: Collection[Key]) -> Key:
    """A key that nobody has, also where upper and lower case are one, as much like the name as a key may be: letters
    lose their accents. ``taken`` is in lower case."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    word = re.sub(r"[^a-z0-9._-]+", "-", plain.casefold()).strip("-._")[:100] or "connection"
    base = f"{folder}/{word}" if folder else word
    number, key = 1, base
    while key.casefold() in taken:
        number += 1
        key = f"{base}-{number}"
    return key


def variable_for(key: Key, what: str, prefix: str, taken: Collection[str]) -> str:
    """``MYSQL_ORDERS_PASSWORD``, or with a number where something else has that one."""
    base = prefix + re.sub(r"[^A-Z0-9]+", "_", f"{key}_{what}".upper())
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


def definition_text(data: Json, schema: str) -> str:
    """YAML that reads back as ``data``: every value in quotes, so that none can be taken for anything but text.

    ``schema`` is where editors find the schema, relative to the file.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Values in double quotes; names as they are."""

        def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
            node = super().represent_mapping(tag, mapping, flow_style)
            for _, value in node.value:
                if isinstance(value, yaml.ScalarNode):
                    value.style = '"'
            return node

    body = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return f"# yaml-language-server: $schema={schema}\n{body}"


def leaf(text: str) -> str:
    """A leaf that is rendered to ``text``."""
    if not is_template(text):
        return text
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("{%", "{' ~ '%")  # no statement, not even quoted
    return f"{{{{ '{quoted}' }}}}"
