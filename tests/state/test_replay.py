"""Replay of journal entries: their effects, and that replaying them twice changes nothing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.errors import StateError
from provisioner.state.records import Header, Intent, JournalEntry, PriorIds, Record, Recorded, Removed, State
from provisioner.state.replay import replay

from .examples import create, delete, done, failed, happenings, opened_on, patch, record, states

EMPTY = State.empty("l")
KNOWN = replace(EMPTY, records=(record(),))


@pytest.mark.parametrize(
    ("state", "entries", "records", "pending"),
    [
        (EMPTY, [create()], [], ["i1"]),
        (EMPTY, [create(), done("i1", "id-9", '"e9"')], [record(ident="id-9", etag='"e9"')], []),
        (EMPTY, [create(), done("i1", "id-9", None)], [record(ident="id-9", etag=None)], []),
        (EMPTY, [create(), done("i1", None, None)], [], ["i1"]),
        (EMPTY, [create(), failed("i1")], [], []),
        (EMPTY, [replace(create(), record=None), done("i1", "probe")], [], []),
        (EMPTY, [done("i1", "id-9")], [], []),
        (EMPTY, [create(), create("sales", "i7"), done("i7", "id-7")], [record("sales", "id-7", None)], ["i1"]),
        (KNOWN, [patch(record()), done("i2", None, '"e2"')], [record(etag='"e2"', server="db2")], []),
        (KNOWN, [patch(record()), done("i2", "id-X", '"e2"')], [record(etag='"e2"', server="db2")], []),
        (KNOWN, [patch(record()), failed("i2")], [record()], []),
        (KNOWN, [patch(record())], [record()], ["i2"]),
        (KNOWN, [delete(record()), done("i3")], [], []),
        (KNOWN, [delete(record()), failed("i3")], [record()], []),
        (KNOWN, [delete(record(ident="id-old")), done("i3")], [record()], []),
        (EMPTY, [delete(record()), done("i3")], [], []),
        (EMPTY, [Recorded(record())], [record()], []),
        (KNOWN, [Recorded(record(ident="id-2"))], [record(ident="id-2")], []),
        (KNOWN, [Recorded(record("moved"))], [record("moved")], []),
        (KNOWN, [Removed("orders")], [], []),
        (KNOWN, [Removed("nobody")], [record()], []),
        (KNOWN, [Removed("orders"), Recorded(record("moved"))], [record("moved")], []),
    ],
)
def test_effects_of_entries(
    state: State, entries: list[JournalEntry], records: list[Record], pending: list[str]
) -> None:
    replayed = replay(state, entries)
    assert list(replayed.records) == records
    assert [intent.intent_id for intent in replayed.intents] == pending
    changed = records != list(state.records) or bool(pending)
    assert replayed.serial == state.serial + changed
    assert (replayed is state) is not changed


def test_prior_ids_apply_to_each_following_intent() -> None:
    own = replace(create("sales", "i7"), seen=("own",))
    entries = [
        opened_on(EMPTY),
        PriorIds(("a",)),
        replace(create(), seen=()),
        own,
        PriorIds(("a", "b")),
        replace(create("late", "i8"), seen=()),
    ]
    replayed = replay(EMPTY, entries)
    assert {one.intent_id: one.seen for one in replayed.intents} == {"i1": ("a",), "i7": ("own",), "i8": ("a", "b")}


def test_an_intent_is_pending_across_replays_until_it_is_settled() -> None:
    waiting = replay(EMPTY, [opened_on(EMPTY, "j1"), create()])
    settled = replay(waiting, [opened_on(waiting, "j2"), done("i1", "id-9", '"e"')])
    assert settled.records == (record(ident="id-9", etag='"e"'),)
    assert (settled.serial, settled.journal, settled.intents) == (2, "j2", ())


@given(states(), st.lists(happenings, max_size=8))
def test_replaying_a_journal_again_does_nothing(state: State, entries: list[JournalEntry]) -> None:
    journal = [opened_on(state, "j-new"), *entries]
    once = replay(state, journal)
    assert replay(once, journal) == once
    assert once.serial - state.serial == (once != state)


@given(states(), st.lists(happenings, max_size=8), st.randoms(use_true_random=False))
def test_one_replay_equals_several(state: State, entries: list[JournalEntry], rnd: random.Random) -> None:
    cut = rnd.randint(0, len(entries))
    parts = replay(replay(state, entries[:cut]), entries[cut:])
    whole = replay(state, entries)
    assert (parts.records, parts.intents) == (whole.records, whole.intents)


@given(states(), st.lists(happenings, max_size=8))
def test_every_record_has_an_id_of_its_own(state: State, entries: list[JournalEntry]) -> None:
    ids = [one.id for one in replay(state, entries).records]
    assert len(set(ids)) == len(ids)
    assert all(ids)


@given(st.lists(happenings, max_size=8))
def test_only_a_failure_or_an_effect_ends_an_intent(entries: list[JournalEntry]) -> None:
    begun = {one.intent_id for one in entries if isinstance(one, Intent)}
    named = {one.intent_id for one in entries if not isinstance(one, (Intent, Recorded, Removed, Header))}
    assert {one.intent_id for one in replay(EMPTY, entries).intents} >= begun - named


@pytest.mark.parametrize("opened", [Header("j", "other", 0, None), Header("j", "l", 1, None)])
def test_a_journal_of_another_state_is_refused(opened: Header) -> None:
    with pytest.raises(StateError, match="the journal continues serial"):
        replay(EMPTY, [opened, create()])


def test_ten_thousand_records_are_replayed_fast() -> None:
    many = tuple(record(f"k{number}", f"id-{number}") for number in range(10_000))
    state = replay(EMPTY, [Recorded(one) for one in many])
    assert replay(state, [Recorded(one) for one in many]) is state
