"""Which variable names the proxy towards an address, and why what it says cannot be used. Pure.

``requests`` refuses such a value before it connects, in words that quote it; it may hold a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from provisioner.service.origin import Origin

_AUTHORITY = re.compile(r"(?:(?P<scheme>[^:/@]*)://)?(?:(?P<login>.*)@)?(?P<server>[^/?#]*)", re.DOTALL)
"""``SCHEME://LOGIN@SERVER``. The last ``@`` ends the login, so that what it holds unencoded is seen as a part of it."""

_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>.*))?", re.DOTALL)
_BREAKS_A_LOGIN = "#/?[]"


def variable(origin: Origin, environ: Mapping[str, str]) -> str:
    """Return the name of the variable whose proxy is used towards ``origin``; "" where there is none."""
    exempt = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").replace(" ", "").split(",")
    domains = tuple(f".{each.lstrip('.')}" for each in exempt if each)
    if origin.loopback or ".*" in domains or f".{origin.host}".endswith(domains):
        return ""
    names = (f"{origin.scheme}_proxy", f"{origin.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if environ.get(name)), "")


def objection(proxy: str) -> tuple[str, str]:
    """Return what is wrong with the URL of a proxy, and what to do; two empty texts where nothing is known to be."""
    if any(char.isspace() or not char.isprintable() for char in proxy):
        return "it holds a blank or a character that is not seen", "Remove it."
    parts = _AUTHORITY.match(proxy)
    scheme, login, server = (parts["scheme"], parts["login"] or "", parts["server"]) if parts else (None, "", "")
    if scheme and scheme.lower().startswith("socks"):
        return "SOCKS is not supported without PySocks", "Install `PySocks`, or name an HTTP proxy there."
    if scheme is not None and scheme.lower() not in ("http", "https"):
        return "its scheme is neither http nor https", "Write it as http://HOST:PORT."
    for char in _BREAKS_A_LOGIN:
        if char in login:
            return f"its user name or password holds `{char}`", f"Write %{ord(char):02X} for it."
    if not login.isascii():
        return "its user name or password holds letters that no header can carry", "Write them as %XX, of UTF-8."
    return _of_server(server)


def _of_server(server: str) -> tuple[str, str]:
    parts = _SERVER.fullmatch(server)
    port = parts["port"] if parts else None
    if port and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        return "its port is not a number from 0 to 65535", "Write it as http://HOST:PORT."
    if parts is None or not parts["host"] or "" in parts["host"].rstrip(".").split("."):
        return "it has no host, or one that cannot be a host's name", "Write it as http://HOST:PORT."
    return "", ""
