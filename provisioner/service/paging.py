"""Following ``_links.next.href`` without being led elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from provisioner.errors import ServiceError
from provisioner.model import Json
from provisioner.service.origin import Origin


def items_of(what: str, body: Any) -> tuple[Json, ...]:
    """The objects of a page, each with an id. Raises ``ServiceError``: an object left out could be made twice."""
    items = body.get("items") if isinstance(body, Mapping) else None
    if not isinstance(items, list):
        raise ServiceError(f"{what}: the answer holds no list of items", "Check the endpoint.")
    if not all(isinstance(item, dict) and isinstance(item.get("id"), str) and item["id"] for item in items):
        raise ServiceError(f"{what}: the answer holds an item without an id", "Report it to Adobe's support.")
    return tuple(items)


def next_query(body: Any, origin: Origin, base: str, path: str) -> str | None:
    """The query of the next page of ``base + path``, or None on the last one.

    ``href`` is relative to the service root (documented); an absolute path and an absolute URL are taken as well,
    as is a bare query (assumed). Raises ``ServiceError`` where it leaves the origin or this list.
    """
    links = body.get("_links") if isinstance(body, Mapping) else None
    following = links.get("next") if isinstance(links, Mapping) else None
    href = following.get("href") if isinstance(following, Mapping) else None
    if not href:
        return None
    parts = _split(href)
    if parts is None or not _same_origin(parts, origin) or not _same_path(parts, base, path) or not parts.query:
        raise ServiceError(
            f"the list at {origin}{base}{path} continues somewhere else, which is not followed",
            "Check the endpoint, and report it to Adobe's support.",
        )
    return parts.query


def _split(href: object) -> SplitResult | None:
    if not isinstance(href, str) or not href.isascii() or not href.isprintable() or " " in href or "\\" in href:
        return None
    try:
        parts = urlsplit(href)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _same_origin(parts: SplitResult, origin: Origin) -> bool:
    if not parts.scheme and not parts.netloc:
        return True
    default = 443 if origin.scheme == "https" else 80
    there = (parts.scheme, parts.hostname, parts.port or default)
    return "@" not in parts.netloc and there == (origin.scheme, origin.host.strip("[]"), origin.port)


def _same_path(parts: SplitResult, base: str, path: str) -> bool:
    whole = f"{base}{path}"
    relative = () if parts.netloc else ("", path, path.lstrip("/"))
    return parts.path.rstrip("/") in (whole, *relative)
