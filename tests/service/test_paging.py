"""Following ``next`` links: allowed targets, and lists that may be incomplete."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.errors import ServiceError
from provisioner.service.paging import Page, is_id, items_of, next_query

from .fakes import ADOBE, HERE

BASE = "/data/foundation/flowservice"


def following(body: Any, origin: Any = ADOBE, headers: dict[str, str] | None = None) -> str | None:
    """After two pages of three items each."""
    return next_query("listing", Page(body, headers or {}, items=6, pages=2), origin, BASE, "/connections")


def follow(href: Any, origin: Any = ADOBE) -> str | None:
    return following({"_links": {"next": {"href": href}}}, origin)


SAME = [
    "/connections?continuationToken=abc%3D",
    "/connections/?continuationToken=abc%3D",
    "connections?continuationToken=abc%3D",
    "?continuationToken=abc%3D",
    f"{BASE}/connections?continuationToken=abc%3D",
    f"https://platform.adobe.io{BASE}/connections?continuationToken=abc%3D",
    f"https://PLATFORM.adobe.io:443{BASE}/connections?continuationToken=abc%3D#x",
]


@pytest.mark.parametrize("href", SAME)
def test_the_same_list(href: str) -> None:
    assert follow(href) == "continuationToken=abc%3D"


@pytest.mark.parametrize("origin", [HERE])
def test_a_port_is_part_of_the_origin(origin: Any) -> None:
    assert follow(f"http://127.0.0.1:8765{BASE}/connections?a=b", origin) == "a=b"
    with pytest.raises(ServiceError):
        follow(f"http://127.0.0.1{BASE}/connections?a=b", origin)


LAST: list[Any] = [
    {},
    {"_links": {}},
    {"_links": None},
    {"_links": {"next": None}},
    {"count": 6},
    {"items": [{"next": "x"}]},
    {"_page": {"limit": 20, "count": 2}},
    {"_page": {"next": None}, "nextToken": ""},
    {"total": 6, "totalPages": 2, "last": True, "hasMore": False, "isTruncated": False, "errors": [], "size": 100},
    {"isIncomplete": False, "lastModified": False, "completed": 0},
    {"orgId": "x", "links": [{"rel": "self", "href": "/connections"}]},
]


@pytest.mark.parametrize("body", LAST)
def test_the_last_page(body: Any) -> None:
    assert following(body) is None


HREF = "/connections?continuationToken=2"
NESTED: Any = {"nextPage": 2}
for _ in range(5_000):
    NESTED = {"in": NESTED}
NOT_UNDERSTOOD: list[Any] = [
    {"_links": []},
    {"_links": [{"rel": "next", "href": HREF}]},
    {"_links": "x"},
    {"_links": {"next": HREF}},
    {"_links": {"next": [{"href": HREF}]}},
    {"_links": {"next": []}},
    {"_links": {"next": ""}},
    {"_links": {"next": {}}},
    {"_links": {"next": {"href": None}}},
    {"_links": {"next": {"href": ""}}},
    {"_links": {"next": {"href": 5}}},
    {"_links": {"next": {"href": [HREF]}}},
    {"_links": {"next": {"HREF": HREF}}},
    {"_links": {"Next": {"href": HREF}}},
    {"_links": {"page": {"href": HREF}}},
    {"_page": {"next": "abc"}},
    {"_page": {"next": "abc"}, "_links": {}},
    {"page": {"hasMore": True}},
    {"next": HREF},
    {"nextPage": 2},
    {"continuationToken": "abc"},
    {"paging": {"cursor": "abc"}},
    {"paging": {"after": "abc"}},
    {"meta": {"page": {"next": {"offset": 2}}}},
    {"links": [{"rel": "self", "href": "x"}, {"rel": "next", "href": HREF}]},
    {"total": 7},
    {"totalCount": 7},
    {"count": 7},
    {"page": {"totalElements": 7}},
    {"page": {"totalPages": 3, "number": 1}},
    {"last": False},
    {"isLastPage": False},
    {"isComplete": False},
    {"isTruncated": True},
    {"incomplete": True},
    {"meta": {"elements": 7}},
    {"partial": True},
    {"errors": [{"code": "x"}]},
    {"a\u202eb": {"next": 1}},
    NESTED,
    {"_links": {"next": {"href": "/connections?a=b\r\nx: y"}}},
    {"_links": {"next": {"href": "/connections?a b"}}},
    {"_links": {"next": {"href": "/connections?a=ü"}}},
    {"_links": {"next": {"href": "\\\\evil.com\\connections?a=b"}}},
    {"_links": {"next": {"href": "https://[::1/connections?a=b"}}},
    {"_links": {"next": {"href": "https://platform.adobe.io:x/connections?a=b"}}},
]


@pytest.mark.parametrize("body", NOT_UNDERSTOOD, ids=range(len(NOT_UNDERSTOOD)))
def test_an_unknown_continuation_is_no_last_page(body: Any) -> None:
    with pytest.raises(ServiceError, match="the list may be incomplete") as caught:
        following(body)
    assert caught.value.message.isprintable()


HEADERS = [
    ({"link": f'<{HREF}>; rel="next"'}, True),
    ({"link": f"<{HREF}>; rel=next"}, True),
    ({"link": f'</x>; rel="self", <{HREF}>; rel="prev next"'}, True),
    ({"link": '</next>; rel="self"'}, False),
    ({"x-total-count": "7"}, True),
    ({"x-total-count": "6"}, False),
    ({"x-total-count": "many"}, False),
    ({"content-range": "items 0-5/7"}, True),
    ({"content-range": "items 0-5/*"}, False),
]


@pytest.mark.parametrize(("headers", "more"), HEADERS, ids=[str(one) for one, _ in HEADERS])
def test_headers_that_announce_more_pages_are_an_error(headers: dict[str, str], more: bool) -> None:
    if not more:
        assert following({"items": []}, headers=headers) is None
        return
    with pytest.raises(ServiceError, match="the list may be incomplete"):
        following({"items": []}, headers=headers)


def test_a_valid_link_wins_over_other_fields() -> None:
    assert following({"_links": {"next": {"href": HREF}}, "_page": {"next": "2"}}) == "continuationToken=2"


ELSEWHERE = [
    f"https://evil.com{BASE}/connections?a=b",
    f"//evil.com{BASE}/connections?a=b",
    f"http://platform.adobe.io{BASE}/connections?a=b",
    f"https://platform.adobe.io:8443{BASE}/connections?a=b",
    f"https://platform.adobe.io.evil.com{BASE}/connections?a=b",
    f"https://platform.adobe.io@evil.com{BASE}/connections?a=b",
    f"https://user@platform.adobe.io{BASE}/connections?a=b",
    f"https://other.adobe.io{BASE}/connections?a=b",
    "/flows?a=b",
    "/connections/x?a=b",
    "/connections/../flows?a=b",
    "/../connections?a=b",
    "/%63onnections?a=b",
    "/data/foundation/other/connections?a=b",
    "https://platform.adobe.io/connections?a=b",
    "/connections",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("href", ELSEWHERE)
def test_a_link_to_another_address_is_refused(href: Any) -> None:
    with pytest.raises(ServiceError, match="continues at another address"):
        follow(href)


@pytest.mark.parametrize("body", [None, [], {}, {"items": None}, {"items": {}}, "x"])
def test_a_body_without_a_list_is_refused(body: Any) -> None:
    with pytest.raises(ServiceError, match="no list of items"):
        items_of("listing", body)


@pytest.mark.parametrize("item", [None, "x", {}, {"id": None}, {"id": 5}, {"id": ""}])
def test_an_item_without_an_id_is_an_error(item: Any) -> None:
    with pytest.raises(ServiceError, match="without an id"):
        items_of("listing", {"items": [{"id": "a"}, item]})


@pytest.mark.parametrize("ident", ["a b", "a\nb", "$(touch x)", "a/b", "..", "ü", "##vso[x]", "x<<EOF", "x" * 129])
def test_an_invalid_id_is_named_by_its_index(ident: str) -> None:
    assert not is_id(ident)
    with pytest.raises(ServiceError, match=r"items\[1\].id of the response") as caught:
        items_of("listing", {"items": [{"id": "a"}, {"id": ident}]})
    assert ident not in caught.value.message


@pytest.mark.parametrize("ident", ["a", "025d4158-4113-403b-b551-e81724d3880c", "A.b_c:d-1", "x" * 128])
def test_ids(ident: str) -> None:
    assert is_id(ident)
