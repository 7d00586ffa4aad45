"""Base connections that are initializing at first, as on AWS."""

import time

import pytest

from .support import code

RENAME = [{"op": "replace", "path": "/name", "value": "x"}]


def wait_until_enabled(api, id_):
    deadline = time.monotonic() + 5
    while api.item(id_)["state"] != "enabled":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return api.item(id_)


def test_while_initializing_there_is_no_etag_and_no_change(start):
    caller = start(initializing_seconds=3600)
    id_, etag = caller.made()
    item = caller.item(id_)
    assert item["state"] == "initializing"
    assert not {"etag", "version"} & set(item)
    assert code(caller.patch(id_, RENAME)) == "1403-400"
    assert code(caller.patch(id_, RENAME, etag)) == "1417-400"
    assert code(caller.call("DELETE", f"/connections/{id_}")) == "1417-400"
    assert caller.names("?property=state==initializing") == ["Orders"]
    assert caller.names("?property=state==enabled") == []


def test_it_becomes_enabled_by_itself_with_a_new_etag(start):
    caller = start(initializing_seconds=0.1)
    id_, etag = caller.made()
    item = wait_until_enabled(caller, id_)
    assert item["etag"] != etag
    assert item["updatedAt"] == item["createdAt"] + 100
    assert (item["updatedClient"], item["createdClient"]) == ("flow-provider", "client-a")
    assert caller.item(id_) == item
    assert caller.patch(id_, RENAME, etag).status_code == 412
    assert caller.patch(id_, RENAME, item["etag"]).status_code == 200
    assert caller.item(id_)["updatedClient"] == "client-a"
    assert caller.call("DELETE", f"/connections/{id_}").status_code == 204


def test_writes_are_accepted_while_initializing_when_so_told(start):
    caller = start(initializing_seconds=3600, initializing_writes="allow")
    id_, etag = caller.made()
    assert caller.patch(id_, RENAME, etag).status_code == 200
    assert caller.call("DELETE", f"/connections/{id_}").status_code == 204


@pytest.mark.parametrize("state", ["enabled", "disabled"])
def test_enabled_and_disabled_can_be_changed_and_deleted(start, state):
    caller = start()
    id_, etag = caller.made()
    etag = caller.patch(id_, [{"op": "replace", "path": "/state", "value": state}], etag).json()["etag"]
    assert caller.patch(id_, RENAME, etag).status_code == 200
    assert caller.call("DELETE", f"/connections/{id_}").status_code == 204
