"""Origins that may receive a bearer token. Pure.

An ``Origin`` is made only by ``check_origin``, so functions that take one need no check of their own. The rule belongs
to this tool: a pull request that edits the project file must not be able to send a token elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from provisioner.errors import UsageError

ADOBE_DOMAINS = ("adobe.io", "adobelogin.com")
"""Domains of ``platform.adobe.io`` and ``ims-na1.adobelogin.com``. Documented."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_AUTHORITY = re.compile(r"(?:\[[^\[\]]*\]|[^\[\]:]*)(?::[0-9]+)?")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (lower case, IPv6 in brackets) and port of a service that may receive a token."""

    scheme: str
    host: str
    port: int
    loopback: bool

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def check_origin(url: str, allow_hosts: tuple[str, ...] = ()) -> Origin:
    """Return the origin of ``https://host[:port]`` on ``*.adobe.io``, ``*.adobelogin.com``, loopback or one of
    ``allow_hosts``, or of ``http`` on loopback. Raise ``UsageError`` for everything else."""
    parts = _split(url)
    host = _normalize_host(url, parts)
    loopback = _is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise UsageError(f"{_printable(url)}: only https is allowed, except on loopback", f"write https://{host}")
    allowed = {entry.strip().lower() for entry in allow_hosts}
    if not loopback and host not in allowed and not any(host.endswith(f".{domain}") for domain in ADOBE_DOMAINS):
        raise UsageError(
            f"{_printable(url)}: {host} is not a host of Adobe; no token is sent there",
            f"if it is intended, set PROVISIONER_ALLOW_HOSTS={host} in the environment, not in the project",
        )
    return Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme], loopback)


def _split(url: str) -> SplitResult:
    """Split a URL that is an origin and nothing more: two parsers could read each extra part differently."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise _malformed(url, "it holds characters that are not allowed in a URL")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _malformed(url, "it is not a URL") from None
    if parts.scheme not in _PORTS:
        raise _malformed(url, "it does not start with https://")
    if "@" in parts.netloc:
        raise _malformed("https://...@...", "it holds a user name")
    if "?" in url or "#" in url or parts.path not in ("", "/"):
        raise _malformed(url, "it holds more than scheme, host and port")
    if port == 0 or not _AUTHORITY.fullmatch(parts.netloc):
        raise _malformed(url, "its host or port is not valid")
    return parts


def _normalize_host(url: str, parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if parts.netloc.startswith("["):
        try:
            address = IPv6Address(host)
        except ValueError:
            raise _malformed(url, "its host is not an IPv6 address") from None
        if address.scope_id is not None:
            raise _malformed(url, "its host has a zone")
        return f"[{address.compressed}]"
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise _malformed(url, "its host is not a host name")
    return host


def _is_loopback(host: str) -> bool:
    """Judge by the literal alone: no name is resolved, and short forms such as ``127.1`` are plain names."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _malformed(url: str, why: str) -> UsageError:
    return UsageError(
        f"{_printable(url)} is not an endpoint: {why}", "write scheme and host: https://platform.adobe.io"
    )


def _printable(url: str) -> str:
    """Return the URL for a message: without the part that could hold credentials, printable, of bounded length."""
    return ascii(url.partition("?")[0].rpartition("@")[2][:120])[1:-1]
