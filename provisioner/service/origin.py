"""Where a bearer token may be sent. Pure.

An ``Origin`` is made by ``check_origin`` alone, so whatever takes one needs no check of its own. The rule belongs to
this tool: a pull request that edits the project file must not be able to send a token elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from provisioner.errors import UsageError

ADOBE_DOMAINS = ("adobe.io", "adobelogin.com")
"""``platform.adobe.io`` and ``ims-na1.adobelogin.com`` live there. Documented."""

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
    """``https://host[:port]`` on ``*.adobe.io``, ``*.adobelogin.com``, loopback or one of ``allow_hosts``;
    ``http`` on loopback alone. Raises ``UsageError`` for everything else."""
    parts = _split(url)
    host = _host(url, parts)
    loopback = _is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise UsageError(f"{_shown(url)}: only https is allowed, except on loopback", f"Write https://{host}.")
    if not loopback and not _is_allowed(host, allow_hosts):
        raise UsageError(
            f"{_shown(url)}: {host} is not a host of Adobe; no token is sent there",
            f"If it is meant, set PROVISIONER_ALLOW_HOSTS={host} in the environment, not in the project.",
        )
    return Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme], loopback)


def _split(url: str) -> SplitResult:
    """An origin and nothing more: each extra part is one that two parsers could read differently."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise _malformed(url, "it holds characters that do not belong into a URL")
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
        raise _malformed(url, "its host or port is not one")
    return parts


def _host(url: str, parts: SplitResult) -> str:
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
    """By the literal alone: no name is resolved, and short forms such as ``127.1`` are plain names."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _is_allowed(host: str, allow_hosts: tuple[str, ...]) -> bool:
    named = {entry.strip().lower() for entry in allow_hosts}
    return host in named or any(host.endswith(f".{domain}") for domain in ADOBE_DOMAINS)


def _malformed(url: str, why: str) -> UsageError:
    return UsageError(f"{_shown(url)} is not an endpoint: {why}", "Write scheme and host: https://platform.adobe.io")


def _shown(url: str) -> str:
    """Never the part that could hold credentials, never a control character, never endless."""
    return ascii(url.partition("?")[0].rpartition("@")[2][:120])[1:-1]
