"""The parameters of a base connection -> where its database is and how to get in.

Documented: the names (SEED, MYOV) and the form ``Server=...;Port=...;Database=...;UID=...;PWD=...``. Inferred: that a
connection string is read as MySQL Connector/NET does, names in any case, values quoted with ' or ". Assumed: that
"false" on AWS means no TLS at all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provisioner.emulator.errors import unreachable
from provisioner.emulator.messages import Json

Tls = Literal["off", "preferred", "required", "verify-ca", "verify-identity"]

WITHOUT_MODE: Mapping[str, str] = {"azure": "PREFERRED", "aws": "false"}
"""What a missing ``sslMode`` means, by cloud: documented for AWS (SEED), on Azure inferred (Azure Data Factory)."""

_MODES: Mapping[str, Tls] = {
    "disabled": "off",
    "none": "off",
    "false": "off",
    "preferred": "preferred",
    "required": "required",
    "true": "required",
    "verifyca": "verify-ca",
    "verifyidentity": "verify-identity",
    "verifyfull": "verify-identity",
}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "server": ("server", "host", "datasource", "address", "addr", "networkaddress"),
    "port": ("port",),
    "database": ("database", "initialcatalog"),
    "username": ("username", "uid", "userid", "user"),
    "password": ("password", "pwd"),
    "sslMode": ("sslmode",),
}
_NAME_OF = {alias: name for name, aliases in _NAMES.items() for alias in aliases}
_PART = re.compile(r"""\s*([^=;]+?)\s*=\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[^;]*?)\s*(?:;|$)""")


@dataclass(frozen=True, slots=True)
class Login:
    """How to reach a database. The password is in no ``repr``."""

    server: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    tls: Tls


def login(params: Mapping[str, Json], cloud: str) -> Login:
    """Of the parameters of either auth spec. Raises ``Refused`` where something is missing or of no use."""
    string = params.get("connectionString")
    given = _parts(string) if isinstance(string, str) else {name: str(value) for name, value in params.items()}
    for name in ("server", "database", "username", "password"):
        if not given.get(name):
            raise unreachable(f"no {name} is given.")
    port, mode = given.get("port") or "3306", given.get("sslMode") or WITHOUT_MODE[cloud]
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise unreachable(f"'{port}' is not a port.")
    if _plain(mode) not in _MODES:
        raise unreachable(f"'{mode}' is not an SSL mode.")
    where = given["server"], int(port), given["database"]
    return Login(*where, given["username"], given["password"], _MODES[_plain(mode)])


def _parts(string: str) -> Mapping[str, str]:
    """By the names of Basic Authentication; names that mean nothing here are left out."""
    found: dict[str, str] = {}
    for name, value in _PART.findall(string):
        known = _NAME_OF.get(_plain(name))
        if known:
            found[known] = _unquoted(value)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _unquoted(value: str) -> str:
    quote = value[:1]
    if len(value) > 1 and quote in ("'", '"') and value.endswith(quote):
        return value[1:-1].replace(quote * 2, quote)
    return value
