"""Following ``_links.next.href`` without being led elsewhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from provisioner.errors import ServiceError
from provisioner.model import Json
from provisioner.service.origin import Origin

_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]|:(?!:)){0,127}")
_FURTHER = re.compile(
    r"next|continu|cursor|token|more|scroll|after|truncat|partial|incomplete|\berrors?\b", re.IGNORECASE
)
"""In the name of a field: what is not empty may lead to another page, or says that something is left out."""

_LAST = re.compile(r"(is_?)?(last|complete)(_?page)?", re.IGNORECASE)
"""In the name of a field: false says that there is more."""

_TOTAL = re.compile(r"total|count|elements", re.IGNORECASE)
"""In the name of a number: of all items, or of pages where the name says so."""

_REPORT = "Report it to Adobe's support."


def is_id(value: str) -> bool:
    """Return whether an id can stand in a path, a log, a shell and the output of a pipeline and changes none of them:
    it is no option and no command to a runner, and dots alone would climb out of the path. Documented ids are UUIDs;
    that no other character is needed is assumed."""
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
class Page:
    """One answer to a request for a list: its ``headers`` by their lower-case names, and how many ``items`` and
    ``pages`` have been read with it."""

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    items: int = 0
    pages: int = 1


def next_query(what: str, page: Page, origin: Origin, base: str, path: str) -> str | None:
    """Return the query of the next page of ``base + path``, or None on the last one.

    Documented: ``_links.next.href``, relative to the service root, and nothing else in ``_links``; that the last page
    has no ``next``, or no ``_links``, is inferred. An absolute path and an absolute URL are taken as well, as is a bare
    query (assumed). Raise ``ServiceError`` where it leaves the origin or this list, for every other form, and for a
    last page that says in any way that there is more: what is not understood may be a next page.
    """
    following = _next(what, page)
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


def _next(what: str, page: Page) -> Mapping[str, Any] | None:
    whole: Mapping[str, Any] = page.body if isinstance(page.body, Mapping) else {}
    links = whole.get("_links")
    if links is not None and not isinstance(links, Mapping):
        raise incomplete(what, "`_links` is in a form that is not understood")
    links = links or {}
    unknown = [name for name in links if name != "next"]
    following = links.get("next")
    if unknown or not (following is None or isinstance(following, Mapping)):
        raise incomplete(what, "`_links` holds something else than `next.href`")
    if following is None:
        beside = {name: value for name, value in whole.items() if name not in ("items", "_links")}
        for name, value in (*_leaves(beside), *_in_headers(page.headers)):
            if _says_more(name, value, page):
                named = f"`{name}`" if is_id(name) else "a field"
                raise incomplete(what, f"{named} says that there is more, in a form that is not understood")
    return following


def _leaves(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every value that is no container, with the names on the way to it."""
    left: list[tuple[str, Any]] = [("", body)]
    while left:
        path, value = left.pop()
        if isinstance(value, Mapping):
            left += [(f"{path}.{name}" if path else str(name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            left += [(path, inner) for inner in value]
        else:
            yield path, value


def _in_headers(headers: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield what headers of other services say of pages (RFC 8288; ``X-Total-Count`` and ``Content-Range`` by use)."""
    if re.search(r"rel\s*=\s*\"?[^;,]*\bnext\b", headers.get("link", ""), re.IGNORECASE):
        yield "Link", "next"
    for name, number in (("X-Total-Count", r"(\d+)$"), ("Content-Range", r"/(\d+)$")):
        if found := re.search(number, headers.get(name.lower(), "").strip()):
            yield f"{name}.total", int(found[1][:18])


def _says_more(name: str, value: Any, page: Page) -> bool:
    """Return whether a field outside the items says that the list goes on."""
    last = name.rpartition(".")[2]
    if isinstance(value, bool):
        return bool(_FURTHER.search(name)) if value else bool(_LAST.fullmatch(last))
    if isinstance(value, int) and _TOTAL.search(last):
        return value > (page.pages if "page" in last.lower() else page.items)
    return bool(value) and (value == "next" or _FURTHER.search(name) is not None)


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
