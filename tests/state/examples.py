"""Values for the tests of the state: a few by name, and hypothesis strategies for all types."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from hypothesis import strategies as st

from provisioner.model import TargetIdentity
from provisioner.state.fingerprint import Fingerprint
from provisioner.state.lock import Holder
from provisioner.state.records import (
    Completed,
    Header,
    Intent,
    JournalEntry,
    PriorIds,
    Record,
    Recorded,
    Removed,
    SecretRecord,
    State,
)

TARGET = TargetIdentity("https://platform.adobe.io", "ABC@AdobeOrg", "prod")
OTHER_TARGET = replace(TARGET, sandbox="dev")
HOLDER = Holder("ana", "runner-7", 4711, "apply", "2025-01-02T03:04:05Z", "https://ci.example/run/9")
SALT = "00112233445566778899aabbccddeeff"


def record(key: str = "orders", ident: str = "id-1", etag: str | None = '"e1"', server: str = "db1") -> Record:
    shown = {"name": "Orders", "auth.params.server": server}
    password = SecretRecord(
        "auth.params.password", "env(MYSQL_ORDERS_PASSWORD)", Fingerprint("hmac-sha256", "0a1b2c3d", SALT, "ff" * 32)
    )
    return Record(key, ident, etag, shown, (password,), SALT)


def create(key: str = "orders", intent_id: str = "i1") -> Intent:
    wanted = record(key, "", None)
    return Intent(intent_id, key, "create", "Orders", "spec", None, None, "2025-01-02T03:04:05Z", ("seen-1",), wanted)


def patch(before: Record, intent_id: str = "i2") -> Intent:
    wanted = replace(record(before.key, before.id, before.etag, "db2"))
    return Intent(
        intent_id, before.key, "patch", "Orders", "spec", before.id, before.etag, "2025-01-02T03:04:05Z", (), wanted
    )


def delete(before: Record, intent_id: str = "i3") -> Intent:
    return Intent(
        intent_id, before.key, "delete", "Orders", "spec", before.id, before.etag, "2025-01-02T03:04:05Z", (), None
    )


def done(intent_id: str, ident: str | None = None, etag: str | None = None) -> Completed:
    return Completed(intent_id, "done", ident, etag)


def failed(intent_id: str) -> Completed:
    return Completed(intent_id, "failed", None, None)


def opened_on(state: State, journal: str = "j1") -> Header:
    return Header(journal, state.lineage, state.serial, state.target)


texts = st.text(max_size=6) | st.sampled_from(["Aufträge", '"e\\1"', "\x00\n\u2028", "\ud800"])
names = st.sampled_from(["orders", "sales/eu", "k1", "Aufträge", "\ud800"])
ids = st.sampled_from(["id-1", "id-2", "id-3"])
intent_ids = st.sampled_from(["i1", "i2", "i3"])
optional_texts = st.none() | texts
targets = st.none() | st.builds(TargetIdentity, texts, texts, texts)
fingerprints = st.builds(Fingerprint, texts, texts, texts, texts)


@st.composite
def records(draw: st.DrawFn, key: str | None = None, ident: st.SearchStrategy[str] = ids) -> Record:
    salt = draw(texts)
    paths = draw(st.lists(texts, unique=True, max_size=4))
    cut = draw(st.integers(0, len(paths)))
    secrets = tuple(SecretRecord(path, draw(texts), replace(draw(fingerprints), salt=salt)) for path in paths[cut:])
    shown = {path: draw(texts) for path in paths[:cut]}
    etag, times = draw(optional_texts), (draw(texts), draw(texts))
    return Record(key or draw(names), draw(ident), etag, shown, secrets, salt, draw(st.booleans()), *times)


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    key = draw(names)
    return Intent(
        draw(intent_ids),
        key,
        draw(st.sampled_from(["create", "patch", "delete"])),
        draw(texts),
        draw(texts),
        draw(st.none() | ids),
        draw(optional_texts),
        draw(texts),
        tuple(draw(st.lists(texts, max_size=3))),
        draw(st.none() | records(key, ids | st.just(""))),
    )


settleds = st.builds(Completed, intent_ids, st.sampled_from(["done", "failed"]), st.none() | ids, optional_texts)
happenings: st.SearchStrategy[JournalEntry] = st.one_of(
    intents(), settleds, st.builds(Recorded, records()), st.builds(Removed, names)
)
prior_ids = st.builds(PriorIds, st.lists(texts, max_size=3).map(tuple))
openeds = st.builds(Header, st.text(min_size=1), st.text(min_size=1), st.integers(0, 2**63 - 1), targets)


@st.composite
def states(draw: st.DrawFn) -> State:
    found = draw(st.lists(records(), max_size=3, unique_by=(lambda one: one.key, lambda one: one.id)))
    standing = draw(st.lists(intents(), max_size=2, unique_by=lambda one: one.intent_id))
    serial = draw(st.integers(0, 9))
    return State(1, draw(st.text(min_size=1)), serial, draw(targets), tuple(found), tuple(standing), draw(texts))


@st.composite
def mutated(draw: st.DrawFn, value: object) -> object:
    """JSON like ``value`` with one place replaced or taken away."""
    junk: object = draw(
        st.none() | st.booleans() | st.integers(-1, 2) | st.floats() | st.just("x") | st.just([]) | st.just({})
    )
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        name = draw(st.sampled_from(sorted(value)))
        inner = draw(mutated(value[name]))
        return {
            **{other: kept for other, kept in value.items() if other != name},
            **({name: inner} if inner != [] else {}),
        }
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        return [draw(mutated(value[0])), *value[1:]]
    with suppress(TypeError):
        return draw(st.sampled_from([junk, [value], {"x": value}]))
    return junk
