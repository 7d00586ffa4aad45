"""What the client relies on. Each test holds for the emulator in all its variants and is meant for the real service.

Whatever is asserted here and not documented is said to be assumed: a real run is what would settle it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from provisioner.errors import NotAuthenticated, NotFound, NotFoundUnclear, OutcomeUnknown, PreconditionFailed, Refused
from provisioner.model import MYSQL_SPEC_ID
from provisioner.service.auth import FixedToken

from .conftest import ENVIRON
from .subject import Subject, why_not_real

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
NAMES = [
    " Orders DB",
    "-a.b_c",
    " a,b",
    ' "quoted"',
    " back\\slash",
    " a==b",
    " a&b=c?d#e",
    " 100%25",
    " Bestände",
    " 名前 🐬",
    " it's [x] (y) {z}",
    " {{ x }}",
    " <b>&amp;</b>",
]


def test_the_real_service_keeps_it_too() -> None:
    """One line in every report until somebody has credentials."""
    if why := why_not_real(ENVIRON):
        pytest.skip(why)


# --- creating and reading


def test_what_was_created_can_be_read(subject: Subject) -> None:
    written = subject.create()
    found = subject.enabled(written.id)
    sent = subject.body()
    assert found["id"] == written.id
    assert found["name"] == sent["name"]
    assert found["description"] == sent["description"]
    assert found["connectionSpec"]["id"] == MYSQL_SPEC_ID
    assert found["auth"]["specName"] == "Basic Authentication"
    visible = {name: value for name, value in sent["auth"]["params"].items() if name != "password"}
    assert visible.items() <= found["auth"]["params"].items()


def test_without_a_description_there_is_none(subject: Subject) -> None:
    body = subject.body()
    del body["description"]
    written = subject.service.create(body)
    subject.made.append(written.id)
    assert not subject.service.get(written.id).get("description")


def test_an_etag_is_quoted_and_the_same_everywhere(subject: Subject) -> None:
    written = subject.create()
    found = subject.enabled(written.id)
    assert found["etag"].startswith('"')
    assert found["etag"].endswith('"')
    assert found["version"] == found["etag"]
    assert len(found["etag"]) > 2
    (listed,) = subject.named(subject.prefix)
    assert listed["etag"] == found["etag"]


def test_the_services_clock_dates_what_it_creates(subject: Subject) -> None:
    service = subject.service
    service.list_connections(MYSQL_SPEC_ID)
    before = service.service_time()
    written = subject.create()
    created = datetime.fromtimestamp(service.get(written.id)["createdAt"] / 1000, UTC)
    assert written.sent_at is not None
    assert -5 < (created - before).total_seconds() < 60
    assert abs((created - written.sent_at).total_seconds()) < 60


def test_two_may_have_one_name(subject: Subject) -> None:
    """Inferred: no code speaks of duplicates, and an official example shows two."""
    first, second = subject.create(), subject.create()
    assert first.id != second.id
    assert {item["id"] for item in subject.named(subject.prefix)} == {first.id, second.id}


def test_reading_what_is_not_there(subject: Subject) -> None:
    with pytest.raises(NotFound):
        subject.service.get(UNKNOWN_ID)


@pytest.mark.parametrize(
    "changes",
    [
        {"connectionSpec": {"id": UNKNOWN_ID, "version": "1.0"}},
        {"connectionSpec": {"id": "no id", "version": "1.0"}},
        {"auth": {"specName": "No Such Authentication", "params": {"server": "x"}}},
        {"auth": {"specName": "Basic Authentication", "params": {}}},
    ],
)
def test_what_cannot_be_created_is_refused(subject: Subject, changes: dict[str, object]) -> None:
    """The last one assumed. ``{"message"}``, documented for an unknown spec, does not say that nothing was done."""
    with pytest.raises((Refused, OutcomeUnknown)) as caught:
        subject.create(**changes)
    assert 400 <= caught.value.status <= 422
    assert caught.value.remedy
    assert subject.named(subject.prefix) == []


def test_many_at_once(subject: Subject) -> None:
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda n: subject.create(f" {n}"), range(16)))
    assert len({written.id for written in created}) == 16
    assert set(subject.mine(subject.service.list_connections(MYSQL_SPEC_ID))) == {written.id for written in created}


# --- finding


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_again(subject: Subject, name: str) -> None:
    wanted = subject.create(name)
    subject.create(" something else")
    found = subject.named(subject.prefix + name)
    assert [item["id"] for item in found] == [wanted.id]
    assert found[0]["name"] == subject.prefix + name


def test_all_pages_are_read(subject: Subject) -> None:
    created = [subject.create(f" {number}").id for number in range(5)]
    for page in (1, 2, 5, 100):
        if page < 5 and not subject.origin.loopback:
            continue  # a real sandbox may hold thousands
        found = subject.flow_service(page=page).list_connections(MYSQL_SPEC_ID)
        assert sorted(subject.mine(found)) == sorted(created)
        assert len({item["id"] for item in found}) == len(found)


def test_another_spec_has_none_of_these(subject: Subject) -> None:
    subject.create()
    assert subject.mine(subject.service.list_connections(UNKNOWN_ID)) == []


# --- changing


def test_a_change_moves_the_etag(subject: Subject) -> None:
    before = subject.ready()
    operations = [
        {"op": "replace", "path": "/name", "value": f"{subject.prefix} renamed"},
        {"op": "add", "path": "/description", "value": "changed"},
        {"op": "replace", "path": "/auth/params", "value": subject.all_params(database="other")},
    ]
    written = subject.service.patch(before["id"], before["etag"], operations)
    after = subject.service.get(before["id"])
    assert written.id == before["id"]
    assert written.etag == after["etag"] != before["etag"]
    assert (after["name"], after["description"]) == (f"{subject.prefix} renamed", "changed")
    assert after["auth"]["params"]["database"] == "other"
    assert after["createdAt"] == before["createdAt"]
    assert after["updatedAt"] >= before["updatedAt"]


def test_params_are_replaced_whole(subject: Subject) -> None:
    before = subject.ready()
    params = subject.all_params()
    del params["port"]
    operation = {"op": "replace", "path": "/auth/params", "value": params}
    subject.service.patch(before["id"], before["etag"], [operation])
    assert "port" not in subject.service.get(before["id"])["auth"]["params"]


@pytest.mark.parametrize("op", ["add", "replace"])
def test_a_description_comes_to_be(subject: Subject, op: str) -> None:
    """``replace`` of what is absent is assumed not to matter: the client sends ``add`` then."""
    before = subject.ready()
    subject.service.patch(before["id"], before["etag"], [{"op": op, "path": "/description", "value": "new"}])
    assert subject.service.get(before["id"])["description"] == "new"


def test_the_old_etag_is_refused_and_changes_nothing(subject: Subject) -> None:
    before = subject.ready()
    rename = [{"op": "replace", "path": "/name", "value": f"{subject.prefix} first"}]
    subject.service.patch(before["id"], before["etag"], rename)
    with pytest.raises(PreconditionFailed) as caught:
        subject.service.patch(before["id"], before["etag"], [{"op": "replace", "path": "/name", "value": "second"}])
    assert caught.value.status == 412
    assert caught.value.exit_code == 5
    assert subject.service.get(before["id"])["name"] == f"{subject.prefix} first"


def test_an_etag_without_its_quotes_is_refused(subject: Subject) -> None:
    before = subject.ready()
    with pytest.raises(PreconditionFailed):
        subject.service.patch(before["id"], before["etag"].strip('"'), [{"op": "remove", "path": "/description"}])


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/connectionSpec", "value": {"id": UNKNOWN_ID, "version": "1.0"}},
        {"op": "move", "from": "/name", "path": "/description"},
    ],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(subject: Subject, operation: dict[str, object]) -> None:
    before = subject.ready()
    with pytest.raises(Refused) as caught:
        subject.service.patch(before["id"], before["etag"], [operation])
    assert caught.value.status == 400
    assert subject.service.get(before["id"])["etag"] == before["etag"]


def test_changing_what_is_not_there(subject: Subject) -> None:
    before = subject.ready()
    with pytest.raises(NotFound):
        subject.service.patch(UNKNOWN_ID, before["etag"], [{"op": "replace", "path": "/name", "value": "x"}])


# --- deleting


def test_what_was_deleted_is_gone(subject: Subject) -> None:
    before = subject.ready()
    kept = subject.create(" kept")
    subject.service.delete(before["id"])
    with pytest.raises(NotFound):
        subject.service.get(before["id"])
    assert subject.mine(subject.service.list_connections(MYSQL_SPEC_ID)) == [kept.id]
    with pytest.raises(NotFound):
        subject.service.delete(before["id"])
    with pytest.raises(NotFound):
        subject.service.patch(before["id"], before["etag"], [{"op": "replace", "path": "/name", "value": "x"}])


# --- who may


class OneBadToken:
    """A token that is not valid, then those of another source."""

    def __init__(self, subject: Subject) -> None:
        self.source = subject.tokens
        self.renewed = 0

    def token(self) -> str:
        return self.source.token() if self.renewed else ""

    def renew(self, _: str) -> str:
        self.renewed += 1
        return self.source.token()


def test_a_token_is_fetched_once(subject: Subject) -> None:
    assert subject.tokens.token() == subject.tokens.token()


def test_a_missing_token_is_told_apart(subject: Subject) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        subject.flow_service(tokens=OneBadToken(subject)).list_connections(MYSQL_SPEC_ID)
    assert (caught.value.status, caught.value.code) == (403, "403010")


def test_another_sandbox_is_another_place(subject: Subject) -> None:
    if not subject.origin.loopback:
        pytest.skip("needs a second sandbox")
    written = subject.create()
    elsewhere = subject.flow_service(sandbox="other")
    assert elsewhere.list_connections(MYSQL_SPEC_ID) == ()
    with pytest.raises(NotFound):
        elsewhere.get(written.id)


def test_no_such_sandbox_is_not_taken_for_no_such_object(subject: Subject) -> None:
    service = subject.flow_service(sandbox="No.Such.Sandbox")
    with pytest.raises(Refused) as caught:
        service.list_connections(MYSQL_SPEC_ID)
    assert not isinstance(caught.value, NotFound)
    with pytest.raises(NotFoundUnclear):
        service.get(UNKNOWN_ID)


def test_a_ready_token_is_enough(subject: Subject) -> None:
    service = subject.flow_service(tokens=FixedToken(f"{subject.tokens.token()}\n"))
    assert subject.mine(service.list_connections(MYSQL_SPEC_ID)) == []
