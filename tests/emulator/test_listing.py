"""Lists: pages, filters, order, count."""

import itertools
import time

import pytest

from .support import BASIC, body, code


def pages(api, query, between=lambda: None):
    """The names on each page, following ``_links.next.href`` from the service's root."""
    found, href = [], f"/connections{query}"
    while href:
        answer = api.get(href)
        assert answer.status_code == 200, answer.text
        found.append([each["name"] for each in answer.json()["items"]])
        href = answer.json()["_links"].get("next", {}).get("href")
        assert href is None or href.startswith("/connections?continuationToken=")
        between()
    return found


def test_newest_first_and_no_next_on_the_last_page(api):
    for name in "abcde":
        api.made(name)
    assert pages(api, "?limit=2") == [["e", "d"], ["c", "b"], ["a"]]
    assert pages(api, "?limit=5") == [list("edcba")]


def test_an_empty_list_has_one_empty_page(api):
    assert api.get("/connections").json() == {"items": [], "_links": {}}


def test_the_default_page_and_the_largest(start):
    caller = start(page_limit=3, page_limit_max=4)
    for name in "abcdef":
        caller.made(name)
    assert [len(page) for page in pages(caller, "")] == [3, 3]
    assert [len(page) for page in pages(caller, "?limit=4")] == [4, 2]
    assert code(caller.get("/connections?limit=5")) == "1452-400"


def test_the_token_carries_filter_order_and_limit(api):
    for name in "abcabc":
        api.made(name)
    assert pages(api, "?limit=3&orderby=-name&property=name==a,c") == [["c", "c", "a"], ["a"]]


def test_the_parameters_may_be_sent_again_with_the_token(api):
    for name in "abcde":
        api.made(name)
    query = "?limit=2&orderby=name"
    token = api.get(f"/connections{query}").json()["_links"]["next"]["href"].partition("=")[2]
    assert api.names(f"{query}&continuationToken={token}") == ["c", "d"]
    assert api.names(f"?limit=1&continuationToken={token}") == ["c"]


@pytest.mark.parametrize("order", ["", "&orderby=name", "&orderby=-name", "&orderby=createdAt"])
def test_pages_neither_repeat_nor_miss_what_was_there_all_the_time(api, order):
    """While somebody pages, others are created and deleted."""
    lasting = [f"lasting-{number}" for number in range(7)]
    fleeting = {api.made(f"m-{number}")[0]: api.made(name)[0] for number, name in enumerate(lasting)}
    doomed, fresh = iter(fleeting), itertools.count()

    def disturb():
        api.made(f"n-{next(fresh)}")
        api.call("DELETE", f"/connections/{next(doomed, 'nobody')}")

    seen = list(itertools.chain(*pages(api, f"?limit=3{order}", disturb)))
    assert len(seen) == len(set(seen))
    assert set(lasting) <= set(seen)


@pytest.mark.parametrize(
    ("orderby", "names"),
    [
        ("name", "abc"),
        ("%2Bname", "abc"),
        ("+name", "abc"),
        ("-name", "cba"),
        ("-createdAt", "acb"),
        ("updatedAt", "bca"),
    ],
)
def test_orderby(api, orderby, names):
    for name in "bca":
        api.made(name)
        time.sleep(0.003)  # times are milliseconds; equal ones have no order
    assert api.names(f"?orderby={orderby}") == list(names)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("property=name==Orders", ["Orders"]),
        ('property=name=="Orders"', ["Orders"]),
        ("property=name==%22Orders%22", ["Orders"]),
        ("property=name==Orders,Returns", ["Returns", "Orders"]),
        ('property=name=="a,b"', ["a,b"]),
        ('property=name=="with %5C%22 quote"', ['with " quote']),
        ("property=name==Order", []),
        ("property=name==orders", []),
        (
            "property=connectionSpec.id==26d738e0-8963-47ea-aadf-c60de735468a",
            ['with " quote', "a,b", "Returns", "Orders"],
        ),
        ("property=connectionSpec.id==other", []),
        ("property=description==plain&property=name==Orders,Returns", ["Returns"]),
        ("property=state==enabled&property=name==Orders", ["Orders"]),
        ("property=auth.specName==Basic%20Authentication&property=name==Orders", ["Orders"]),
        ("property=createdAt>1&property=name==Orders", ["Orders"]),
        ("property=createdAt>=1&property=createdAt<=1", []),
        ("property=createdAt<1", []),
    ],
)
def test_filters(api, query, names):
    for name in ("Orders", "Returns", "a,b", 'with " quote'):
        api.made(name, description="plain" if name == "Returns" else None)
    assert api.names(f"?{query}") == names


def test_filter_by_time_and_id_are_exact(api):
    ids = [api.made(name)[0] for name in "ab"]
    assert api.names(f"?property=id=={ids[0]}") == ["a"]
    assert api.names(f"?property=id=={ids[0]},{ids[1]}") == ["b", "a"]
    made = api.item(ids[0])["createdAt"]
    assert "a" in api.names(f"?property=createdAt=={made}")
    assert "a" not in api.names(f"?property=createdAt>{made}")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=0", "1452-400"),
        ("limit=-1", "1452-400"),
        ("limit=101", "1452-400"),
        ("limit=x", "1452-400"),
        ("limit=", "1452-400"),
        ("limit=%D9%A3", "1452-400"),
        (f"limit={'9' * 5000}", "1452-400"),
        ("limit=5&count=true", "1401-400"),
        ("count=maybe", "1452-400"),
        ("testParam=1", "1451-400"),
        ("orderby=nothing", "1433-400"),
        ("orderby=%23id", "1433-400"),
        ("orderby=*name", "1432-400"),
        ("property=name~a", "1440-400"),
        ("property=name!>a", "1450-400"),
        ("property=name!=a", "1450-400"),
        ("property=name=a", "1450-400"),
        ("property=id>=a", "1448-400"),
        ("property=connections==a", "1449-400"),
        ("property=auth.params.password==a", "1449-400"),
        ("property===a", "1449-400"),
        ("property=createdAt<=1,2", "1443-400"),
        ("property=createdAt==x", "1452-400"),
        (f"property=createdAt=={'9' * 5000}", "1452-400"),
        ("property=createdAt==", "1453-400"),
        ("property=name", "1453-400"),
        ("property=", "1453-400"),
        ('property=name=="a', "1454-400"),
        ('property=name=="a"b', "1454-400"),
        ("property=name==a,", "1454-400"),
        ("continuationToken=x", "1452-400"),
        ("continuationToken=", "1452-400"),
        ("continuationToken=bnVsbA", "1452-400"),
        ("continuationToken=%C3%A9", "1452-400"),
        ("continuationToken=W1tdLCIiLDEsMTAwMDAwMDAwMDAwMDAwMDAwMDAwMCxudWxsXQ", "1452-400"),
    ],
)
def test_queries_that_are_refused(api, query, expected):
    answer = api.get(f"/connections?{query}")
    assert (answer.status_code, code(answer)) == (400, expected)


def test_count_has_no_items_and_follows_the_filter(api):
    for name in "aab":
        api.made(name)
    assert api.get("/connections?count=true").json() == {"count": 3}
    assert api.get("/connections?count=TRUE&property=name==a").json() == {"count": 2}
    assert len(api.get("/connections?count=false&limit=2").json()["items"]) == 2


def test_a_list_shows_no_secrets(api):
    api.made()
    assert BASIC["password"] not in api.get("/connections").text


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/connectionSpecs", 1),
        ('/connectionSpecs?property=name=="mysql"', 1),
        ("/connectionSpecs?property=id==26d738e0-8963-47ea-aadf-c60de735468a", 1),
        ("/connectionSpecs?property=name==oracle", 0),
        ("/connectionSpecs/26d738e0-8963-47ea-aadf-c60de735468a", 1),
        ("/connectionSpecs/26d738e0-8963-47ea-aadf-c60de735468a/", 1),
    ],
)
def test_connection_specs(api, path, found):
    items = api.get(path).json()["items"]
    assert [each["name"] for each in items] == ["mysql"] * found


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/connectionSpecs?property=baseSpec==x", "1423-400"),
        ("/connectionSpecs?testParam=1", "1451-400"),
        ("/connectionSpecs/nonsense", "1413-400"),
    ],
)
def test_connection_specs_refused(api, path, expected):
    assert code(api.get(path)) == expected


@pytest.mark.parametrize(
    ("cloud", "specs", "ssl"),
    [
        ("azure", ["Connection String Based Authentication", "Basic Authentication"], "REQUIRED"),
        ("aws", ["Basic Authentication"], "true"),
    ],
)
def test_the_published_auth_specs_follow_the_cloud(start, cloud, specs, ssl):
    found = start(cloud=cloud).get("/connectionSpecs").json()["items"][0]["authSpec"]
    assert [each["name"] for each in found] == specs
    described = found[-1]["spec"]["properties"]
    assert ssl in described["sslMode"]["enum"]
    assert described["password"]["format"] == "password"


def test_a_created_connection_is_listed_at_once(api):
    assert api.post(body("New")).status_code == 201
    assert api.names() == ["New"]
