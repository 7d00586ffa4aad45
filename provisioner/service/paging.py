"""Pages of lists: their items, and following ``_links.next.href`` without being led elsewhere. Pure."""

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
_MORE = re.compile(r"next|continu|cursor|token|more|scroll|after|truncat|partial|incomplete|\berrors?\b", re.IGNORECASE)
"""Names of fields whose value, if not empty, may lead to another page or say that something is left out."""

_LAST = re.compile(r"(is_?)?(last|complete)(_?page)?", re.IGNORECASE)
"""Names of fields whose ``false`` says that there is more."""

_TOTAL = re.compile(r"total|count|elements", re.IGNORECASE)
"""Names of numbers of all items, or of all pages where the name says so."""

_REPORT = "report it to Adobe's support"


@dataclass(frozen=True, slots=True)
class Page:
    """One response to a request for a list.

    ``headers`` are by lower-case names; ``items`` and ``pages`` count what was read so far, this page included.
    """

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    items: int = 0
    pages: int = 1


def is_id(value: str) -> bool:
    """Return whether an id is safe in a path, a log, a shell and the output of a pipeline: it is no option and no
    command to a CI runner, and does not climb out of the path. Documented ids are UUIDs; no other character is needed
    (assumed: ids)."""
    return _ID.fullmatch(value) is not None


def items_of(what: str, body: Any) -> tuple[Json, ...]:
    """Return the objects of a page, each with an id. Raise ``ServiceError`` for anything else: an object that was
    skipped could be created twice."""
    items = body.get("items") if isinstance(body, Mapping) else None
    if not isinstance(items, list):
        raise ServiceError(f"{what}: the response holds no list of items", "check the endpoint")
    for index, item in enumerate(items):
        ident = item.get("id") if isinstance(item, dict) else None
        if not isinstance(ident, str) or not ident:
            raise ServiceError(f"{what}: the response holds an item without an id: items[{index}]", _REPORT)
        if not is_id(ident):
            raise ServiceError(
                f"{what}: items[{index}].id of the response holds characters that are not allowed in an id", _REPORT
            )
    return tuple(items)


def incomplete(what: str, why: str) -> ServiceError:
    """Return the error for a page that may not be the last: an object that is not listed could be created twice."""
    return ServiceError(f"{what}: the list may be incomplete: {why}", _REPORT)


def next_query(what: str, page: Page, origin: Origin, base: str, path: str) -> str | None:
    """Return the query of the next page of ``base + path``, or None on the last one.

    Documented: ``_links.next.href``, relative to the service root, and nothing else in ``_links``. The last page has no
    ``next``, or no ``_links`` (inferred: last-page). An absolute path, an absolute URL and a bare query are accepted
    too. Raise ``ServiceError`` if the link leaves the origin or this list, for every other form, and for a last page
    that says in any way that there is more.
    """
    link = _next_link(what, page)
    if link is None:
        return None
    href = link.get("href")
    parts = _split(href) if href else None
    if parts is None:
        raise incomplete(what, "the link to the next page is in a form that is not understood")
    whole = f"{base}{path}"
    paths = (whole,) if parts.netloc else (whole, "", path, path.lstrip("/"))
    if not _is_same_origin(parts, origin) or parts.path.rstrip("/") not in paths or not parts.query:
        raise ServiceError(
            f"the list at {origin}{whole} continues at another address, which is not followed",
            "check the endpoint, and report it to Adobe's support",
        )
    return parts.query


def _next_link(what: str, page: Page) -> Mapping[str, Any] | None:
    body: Mapping[str, Any] = page.body if isinstance(page.body, Mapping) else {}
    links = body.get("_links")
    if links is not None and not isinstance(links, Mapping):
        raise incomplete(what, "`_links` is in a form that is not understood")
    links = links or {}
    link = links.get("next")
    if any(name != "next" for name in links) or not (link is None or isinstance(link, Mapping)):
        raise incomplete(what, "`_links` holds something else than `next.href`")
    if link is None:
        rest = {name: value for name, value in body.items() if name not in ("items", "_links")}
        for name, value in (*_leaves(rest), *_paging_headers(page.headers)):
            if _says_more(name, value, page):
                field_name = f"`{name}`" if is_id(name) else "a field"
                raise incomplete(what, f"{field_name} says that there is more, in a form that is not understood")
    return link


def _leaves(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the dotted path and the value of everything that is no container."""
    pending: list[tuple[str, Any]] = [("", body)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, Mapping):
            pending += [(f"{path}.{name}" if path else str(name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            pending += [(path, inner) for inner in value]
        else:
            yield path, value


def _paging_headers(headers: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield the headers with which other services describe pages (RFC 8288; ``X-Total-Count`` and ``Content-Range`` by
    common use)."""
    if re.search(r"rel\s*=\s*\"?[^;,]*\bnext\b", headers.get("link", ""), re.IGNORECASE):
        yield "Link", "next"
    for name, number in (("X-Total-Count", r"(\d+)$"), ("Content-Range", r"/(\d+)$")):
        if match := re.search(number, headers.get(name.lower(), "").strip()):
            yield f"{name}.total", int(match[1][:18])


def _says_more(name: str, value: Any, page: Page) -> bool:
    """Return whether a field outside the items says that the list goes on."""
    last = name.rpartition(".")[2]
    if isinstance(value, bool):
        return bool(_MORE.search(name)) if value else bool(_LAST.fullmatch(last))
    if isinstance(value, int) and _TOTAL.search(last):
        return value > (page.pages if "page" in last.lower() else page.items)
    return bool(value) and (value == "next" or _MORE.search(name) is not None)


def _split(href: object) -> SplitResult | None:
    if not isinstance(href, str) or not href.isascii() or not href.isprintable() or " " in href or "\\" in href:
        return None
    try:
        parts = urlsplit(href)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        return None
    return parts


def _is_same_origin(parts: SplitResult, origin: Origin) -> bool:
    if not parts.scheme and not parts.netloc:
        return True
    port = parts.port or (443 if origin.scheme == "https" else 80)
    same = (parts.scheme, parts.hostname, port) == (origin.scheme, origin.host.strip("[]"), origin.port)
    return same and "@" not in parts.netloc
