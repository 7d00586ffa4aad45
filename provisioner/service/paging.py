"""Following ``_links.next.href`` without being led elsewhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from provisioner.errors import ServiceError
from provisioner.model import Json
from provisioner.service.origin import Origin

_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._:-]{1,128}")
_FURTHER = re.compile(r"next|continu|cursor|token|more|scroll", re.IGNORECASE)
"""In the name of a field: it may lead to another page."""

_REPORT = "Report it to Adobe's support."


def is_id(value: str) -> bool:
    """Return whether an id can stand in a path, a log and the output of a pipeline and changes none of them. Dots alone
    would climb out of the path. Documented ids are UUIDs; that no other character is needed is assumed."""
    return _ID.fullmatch(value) is not None


def items_of(what: str, body: Any) -> tuple[Json, ...]:
    """The objects of a page, each with an id. Raises ``ServiceError``: an object left out could be made twice."""
    items = body.get("items") if isinstance(body, Mapping) else None
    if not isinstance(items, list):
        raise ServiceError(f"{what}: the answer holds no list of items", "Check the endpoint.")
    for index, item in enumerate(items):
        ident = item.get("id") if isinstance(item, dict) else None
        if not isinstance(ident, str) or not ident:
            raise ServiceError(f"{what}: the answer holds an item without an id: items[{index}]", _REPORT)
        if not is_id(ident):
            raise ServiceError(f"{what}: items[{index}].id of the answer holds characters that no id has", _REPORT)
    return tuple(items)


def incomplete(what: str, why: str) -> ServiceError:
    """The error for a page that may not be the last: what is not listed could be made twice."""
    return ServiceError(f"{what}: the list may be incomplete: {why}", _REPORT)


def next_query(what: str, body: Any, origin: Origin, base: str, path: str) -> str | None:
    """Return the query of the next page of ``base + path``, or None on the last one.

    Documented: ``_links.next.href``, relative to the service root, and nothing else in ``_links``; that the last page
    has no ``next``, or no ``_links``, is inferred. An absolute path and an absolute URL are taken as well, as is a bare
    query (assumed). Raise ``ServiceError`` where it leaves the origin or this list, and for every other form: what is
    not understood may be a next page.
    """
    following = _next(what, body)
    if following is None:
        return None
    href = following.get("href")
    parts = _split(href) if href else None
    if parts is None:
        raise incomplete(what, "the link to the next page is in a form that is not understood")
    if not _same_origin(parts, origin) or not _same_path(parts, base, path) or not parts.query:
        raise ServiceError(
            f"the list at {origin}{base}{path} continues somewhere else, which is not followed",
            "Check the endpoint, and report it to Adobe's support.",
        )
    return parts.query


def _next(what: str, body: Any) -> Mapping[str, Any] | None:
    whole: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    links = whole.get("_links")
    if links is not None and not isinstance(links, Mapping):
        raise incomplete(what, "`_links` is in a form that is not understood")
    links = links or {}
    unknown = [name for name in links if name != "next"]
    following = links.get("next")
    if unknown or not (following is None or isinstance(following, Mapping)):
        raise incomplete(what, "`_links` holds something else than `next.href`")
    if following is None and _leads_on(whole):
        raise incomplete(what, "it names a next page in a form that is not understood")
    return following


def _leads_on(whole: Mapping[str, Any]) -> bool:
    """Return whether a field beside items and links, or one within it, is named like a further page and not empty."""
    fields = [(name, value) for name, value in whole.items() if name not in ("items", "_links")]
    within = [pair for _, value in fields if isinstance(value, Mapping) for pair in value.items()]
    return any(value and _FURTHER.search(str(name)) for name, value in (*fields, *within))


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
