"""The parameters of a base connection -> where its database is and how to get in.

Documented: the names (SEED, MYOV) and the form ``Server=...;Port=...;Database=...;UID=...;PWD=...``. Inferred: that a
connection string is read as MySQL Connector/NET does, names in any case, values quoted with ' or ". Assumed: that
"false" on AWS means no TLS at all, and that an empty user, password or database leads nowhere.
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
_PAIR = re.compile(
    r"""[;\s]*+ (?P<name>[^=]*+) =?+ \s*+
    (?: (?P<quote>['"]) (?P<quoted>(?:(?!(?P=quote)).|(?P=quote){2})*+) (?P=quote) \s*+ | (?!['"]) (?P<bare>[^;]*+) )
    (?:;|\Z)""",
    re.VERBOSE | re.DOTALL,
)
"""One keyword of a connection string and its value. No quantifier gives back: a long string takes linear time."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to reach a database. The password is in no ``repr``. ``server`` may hold a piece of a secret where it comes
    from a connection string: ``quotable`` says that it does not."""

    server: str = field(repr=False)
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    tls: Tls
    quotable: bool = True


def login(params: Mapping[str, Json], cloud: str) -> Login:
    """Of the parameters of either auth spec. Raises ``Refused`` where something is missing or of no use; its words
    repeat no value: in a connection string any piece may be a secret."""
    string = params.get("connectionString")
    whole = isinstance(string, str)
    given = _parts(string) if isinstance(string, str) else {name: str(value) for name, value in params.items()}
    for name in ("server", "database", "username", "password"):
        if not given.get(name):
            raise unreachable(f"no {name} is given.")
    port, mode = given.get("port") or "3306", _plain(given.get("sslMode") or WITHOUT_MODE[cloud])
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise unreachable("the port is not a number from 1 to 65535.")
    if mode not in _MODES:
        raise unreachable("the SSL mode is not known.")
    where = given["server"], int(port), given["database"]
    return Login(*where, given["username"], given["password"], _MODES[mode], quotable=not whole)


def _parts(string: str) -> Mapping[str, str]:
    """By the names of Basic Authentication; names that mean nothing here are left out."""
    found: dict[str, str] = {}
    position = 0
    while position < len(string):
        pair = _PAIR.match(string, position)
        if pair is None:
            raise unreachable("the connection string has a quote that is not closed, or something behind it.")
        position = pair.end()
        name = _NAME_OF.get(_plain(pair["name"]))
        if name:
            quote = pair["quote"]
            found[name] = pair["quoted"].replace(quote * 2, quote) if quote else pair["bare"].strip()
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
