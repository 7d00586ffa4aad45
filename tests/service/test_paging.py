"""Whither a ``next`` link may lead."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.errors import ServiceError
from provisioner.service.paging import items_of, next_query

from .fakes import ADOBE, HERE

BASE = "/data/foundation/flowservice"


def follow(href: Any, origin: Any = ADOBE) -> str | None:
    return next_query({"_links": {"next": {"href": href}}}, origin, BASE, "/connections")


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


@pytest.mark.parametrize("body", [{}, {"_links": {}}, {"_links": None}, {"_links": {"next": {}}}, {"_links": []}, None])
def test_the_last_page(body: Any) -> None:
    assert next_query(body, ADOBE, BASE, "/connections") is None


@pytest.mark.parametrize("href", ["", None])
def test_no_href_is_the_last_page(href: Any) -> None:
    assert follow(href) is None


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
    "/connections?a=b\r\nx: y",
    "/connections?a b",
    "\\\\evil.com\\connections?a=b",
    "javascript:alert(1)",
    "https://[::1/connections?a=b",
    "https://platform.adobe.io:x/connections?a=b",
    "/connections?a=ü",
    5,
    ["/connections?a=b"],
]


@pytest.mark.parametrize("href", ELSEWHERE)
def test_elsewhere(href: Any) -> None:
    with pytest.raises(ServiceError, match="continues somewhere else"):
        follow(href)


@pytest.mark.parametrize("body", [None, [], {}, {"items": None}, {"items": {}}, "x"])
def test_not_a_list(body: Any) -> None:
    with pytest.raises(ServiceError, match="no list of items"):
        items_of("listing", body)


@pytest.mark.parametrize("item", [None, "x", {}, {"id": None}, {"id": 5}, {"id": ""}])
def test_an_item_without_id_is_not_passed_over(item: Any) -> None:
    with pytest.raises(ServiceError, match="without an id"):
        items_of("listing", {"items": [{"id": "a"}, item]})
