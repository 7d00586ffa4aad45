"""The pure parts and the store, without a server."""

import itertools
import json

import pytest

from provisioner.emulator.app import App, Tokens
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.messages import MAX_DEPTH, Request, dump, parse
from provisioner.emulator.patch import apply_patch
from provisioner.emulator.routes import answer
from provisioner.emulator.store import SqliteStore

from .support import CALLER, body

ROOT = "/data/foundation/flowservice/connections"


@pytest.fixture
def app():
    """An emulator without a server, at a fixed time, with predictable names."""
    store, numbers = SqliteStore(None), itertools.count(1)
    yield App(Behaviour(), store, lambda: 1_600_000_000.5, lambda: f"{next(numbers):032x}")
    store.close()


def send(app, method, path, content=None, **headers):
    every = {name.lower(): value for name, value in CALLER.items()} | {"content-type": "application/json"} | headers
    return answer(app, Request(method, path, headers=every, body=b"" if content is None else dump(content)))


def test_clock_and_names_are_all_it_needs_from_outside(app):
    reply = send(app, "POST", ROOT, body())
    assert reply.body == {
        "id": "00000000-0000-0000-0000-000000000001",
        "etag": '"00000000-0000-0200-0000-5f5e10000000"',
    }
    (item,) = send(app, "GET", f"{ROOT}/{reply.body['id']}").body["items"]
    assert item["createdAt"] == 1_600_000_000_500


def test_a_write_with_an_outdated_etag_changes_nothing(app):
    """Also where somebody else wrote after the etag was compared."""
    id_ = send(app, "POST", ROOT, body()).body["id"]
    stored = app.store.find(CALLER["x-gw-ims-org-id"], "prod", id_)
    assert not app.store.replace(stored, '"outdated"')
    assert app.store.replace(stored, stored.etag)
    assert app.store.remove(stored)
    assert not app.store.replace(stored, stored.etag)
    assert not app.store.remove(stored)


def test_losing_a_race_is_412_or_404(app, monkeypatch):
    reply = send(app, "POST", ROOT, body())
    path, etag = f"{ROOT}/{reply.body['id']}", reply.body["etag"]
    monkeypatch.setattr(SqliteStore, "replace", lambda *_: False)
    monkeypatch.setattr(SqliteStore, "remove", lambda *_: False)
    change = [{"op": "replace", "path": "/name", "value": "x"}]
    assert send(app, "PATCH", path, change, **{"if-match": etag}).status == 412
    assert send(app, "DELETE", path).status == 404


def test_a_data_file_that_fails_is_503_and_not_a_fault_of_the_emulator(app):
    app.store._database.execute("DROP TABLE connections")
    reply = send(app, "GET", ROOT)
    assert (reply.status, reply.body["type"].rpartition("/")[2]) == (503, "FLOW-1103-503")


def test_a_patch_works_on_a_copy():
    before = {"name": "a", "auth": {"params": {"server": "h"}}}
    after = apply_patch(before, [{"op": "replace", "path": "/auth/params/server", "value": "x"}], Behaviour())
    assert (before["auth"], after["auth"]) == ({"params": {"server": "h"}}, {"params": {"server": "x"}})


def test_a_token_is_good_until_the_second_it_expires():
    tokens, behaviour = Tokens(), Behaviour()
    issued = tokens.issue("1", now=100, seconds=10)
    assert [tokens.is_valid(issued, now, behaviour) for now in (100, 109.9, 110)] == [True, True, False]


def test_expired_tokens_do_not_pile_up():
    tokens = Tokens()
    for number in range(10_010):
        tokens.issue(str(number), now=number, seconds=1)
    assert len(tokens._expiry) < 20


@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_json_is_read_to_a_bounded_depth(brackets):
    """What is read can be sent again, however deep the stack is at that moment."""

    def nested(depth):
        return (brackets[0] * depth + ("" if brackets[0] == "[" else "1") + brackets[1] * depth).encode()

    assert dump(parse(nested(MAX_DEPTH - 1)))
    with pytest.raises(ValueError, match="deep"):
        parse(nested(MAX_DEPTH + 1))
    assert parse(json.dumps("[" * 500).encode()) == "[" * 500
