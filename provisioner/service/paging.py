"""Following ``_links.next.href`` without being led elsewhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from provisioner.errors import ServiceError
from provisioner.model import Json
from provisioner.service.origin import Origin

_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._:-]{1,128}")
_FURTHER = re.compile(r"next|continu|cursor|token|more|scroll|after|partial|truncated|incomplete|error", re.IGNORECASE)
"""In the name of a field: it may lead to another page, or say that there is one."""

_NUMBER = re.compile(r"total|count|elements", re.IGNORECASE)
_PAGES = re.compile(r"pages", re.IGNORECASE)
_LAST = re.compile(r"(is_?)?(last|complete)(_?page)?", re.IGNORECASE)

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


@dataclass(frozen=True, slots=True)
class Read:
    """How much of a list was read so far."""

    items: int = 0
    pages: int = 0


def next_query(what: str, body: Any, origin: Origin, base: str, path: str, read: Read) -> str | None:
    """Return the query of the next page of ``base + path``, or None on the last one. ``read`` includes this page.

    Documented: ``_links.next.href``, relative to the service root, and nothing else in ``_links``; that the last page
    has no ``next``, or no ``_links``, is inferred. An absolute path and an absolute URL are taken as well, as is a bare
    query (assumed). Raise ``ServiceError`` where it leaves the origin or this list, and for every other form: what is
    not understood may be a next page.
    """
    following = _next(what, body, read)
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


def _next(what: str, body: Any, read: Read) -> Mapping[str, Any] | None:
    whole: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    links = whole.get("_links")
    if links is not None and not isinstance(links, Mapping):
        raise incomplete(what, "`_links` is in a form that is not understood")
    links = links or {}
    unknown = [name for name in links if name != "next"]
    following = links.get("next")
    if unknown or not (following is None or isinstance(following, Mapping)):
        raise incomplete(what, "`_links` holds something else than `next.href`")
    if following is None and any(_leads_on(name, value, read) for name, value in _beside_items(whole)):
        raise incomplete(what, "it says in a form that is not understood that there is more")
    return following


def _leads_on(name: str, value: object, read: Read) -> bool:
    """Return whether a field says that there is more than was read."""
    if isinstance(value, int) and not isinstance(value, bool):
        more = read.pages if _PAGES.search(name) else read.items if _NUMBER.search(name) else None
        if more is not None:
            return value > more
    if value is False:
        return _LAST.fullmatch(name) is not None
    return bool(value) and (_FURTHER.search(name) is not None or (name, value) == ("rel", "next"))


def _beside_items(whole: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every field of a page at any depth, but for items and links."""
    left: list[Any] = [{name: value for name, value in whole.items() if name not in ("items", "_links")}]
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            yield from ((str(name), inner) for name, inner in value.items())
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


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
