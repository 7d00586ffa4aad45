"""Drafts of definitions for base connections that exist: their data, text, keys and names of variables. Pure.

The service shows "a partial view of the credentials" (documented), and how it shows secrets is unknown: the value of a
sensitive field is never taken over, and each parameter that is not shown becomes a variable to set.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.definitions.fields import is_sensitive
from provisioner.definitions.templates import is_template
from provisioner.model import MYSQL_SPEC_VERSION, Json, Key
from provisioner.planning.observed import Observed

BASIC, BY_STRING = "Basic Authentication", "Connection String Based Authentication"

_PREFIX = "auth.params."
_PARAMS = ("server", "port", "database", "username", "password", "sslMode")


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition to be reviewed.

    ``data`` is its content, ``variables`` have to be set for it, ``unsaid`` are notes on what it may lack.
    """

    data: Json
    variables: tuple[str, ...]
    unsaid: tuple[str, ...]


def make_draft(observed: Observed, variable: Callable[[str], str], target: str | None) -> Draft | None:
    """Return the definition of a base connection; None if definitions do not support its authentication.

    ``variable`` returns the name of a variable for a parameter; ``target`` is the only target of the definition, None
    for all targets.
    """
    shown = observed.as_dict
    spec_name = shown.get("auth.specName", "")
    variables: list[str] = []

    def placeholder(parameter: str) -> str:
        variables.append(variable(parameter))
        return f"{{{{ env('{variables[-1]}') }}}}"

    if spec_name == BASIC:
        params = _basic_params(shown, placeholder)
    elif spec_name == BY_STRING:
        params = {"connectionString": placeholder("connection_string")}
    else:
        return None
    data: Json = {"name": literal(shown.get("name", ""))}
    if shown.get("description"):
        data["description"] = literal(shown["description"])
    if target:
        data["targets"] = [target]
    data["auth"] = {"specName": spec_name, "params": params}
    version = shown.get("connectionSpec.version", MYSQL_SPEC_VERSION)
    if version != MYSQL_SPEC_VERSION:
        data["connectionSpec"] = {"id": shown["connectionSpec.id"], "version": version}
    return Draft(data, tuple(variables), tuple(_unsaid(shown, params)))


def _basic_params(shown: Mapping[str, str], placeholder: Callable[[str], str]) -> dict[str, str]:
    params = {}
    for name in _PARAMS:
        path = f"{_PREFIX}{name}"
        if path in shown and not is_sensitive(path):
            params[name] = literal(shown[path])
        elif name != "sslMode":  # its values are a fixed vocabulary, which no variable may hold
            params[name] = placeholder(name)
    return params


def _unsaid(shown: Mapping[str, str], params: Mapping[str, str]) -> Iterator[str]:
    if "connectionString" not in params and "sslMode" not in params:
        yield "the service does not show sslMode: add it if the base connection has one"
    for path in shown:
        name = path.removeprefix(_PREFIX)
        if path.startswith(_PREFIX) and name not in (*_PARAMS, "connectionString"):
            yield f"{name} is not known to definitions: the first apply sends the parameters without it"


def literal(text: str) -> str:
    """Return the value in a definition that is rendered to ``text``."""
    if not is_template(text):
        return text
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("{%", "{' ~ '%")  # no statement, not even quoted
    return f"{{{{ '{quoted}' }}}}"


def definition_text(data: Json, schema: str) -> str:
    """Return a definition as YAML. Every value is in quotes, so that each is read as a text.

    ``schema`` is the path of the JSON Schema for editors, relative to the file.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes values in double quotes and names without."""

        def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
            node = super().represent_mapping(tag, mapping, flow_style)
            for _, value in node.value:
                if isinstance(value, yaml.ScalarNode):
                    value.style = '"'
            return node

    body = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return f"# yaml-language-server: $schema={schema}\n{body}"


def key_for(name: str, folder: str, taken: Collection[Key]) -> Key:
    """Return a free key that resembles the name.

    Letters lose their accents and upper case, and a number is appended if necessary. ``taken`` is in lower case: keys
    have to differ in file systems that ignore case, too.
    """
    plain = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    slug = re.sub(r"[^a-z0-9._-]+", "-", plain.casefold()).strip("-._")[:100] or "connection"
    base = f"{folder}/{slug}" if folder else slug
    number, key = 1, base
    while key.casefold() in taken:
        number += 1
        key = f"{base}-{number}"
    return key


def variable_for(key: Key, parameter: str, prefix: str, taken: Collection[str]) -> str:
    """Return a free name such as ``MYSQL_ORDERS_PASSWORD``, with a number appended if necessary."""
    base = prefix + re.sub(r"[^A-Z0-9]+", "_", f"{key}_{parameter}".upper())
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name
