"""Fingerprints: changed, unchanged, cannot tell; and no trace of the value or the key."""

from __future__ import annotations

import hashlib
import hmac
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.errors import ProvisionerError
from provisioner.state import fingerprint as module
from provisioner.state.fingerprint import Comparison, Fingerprint, Fingerprinter, key_id

from .examples import SALT

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
PATH = "auth.params.password"
CHANGED, UNCHANGED, UNKNOWN = Comparison.CHANGED, Comparison.UNCHANGED, Comparison.UNKNOWN


@pytest.mark.parametrize(
    ("made_with", "compared_with", "same", "different"),
    [
        (Fingerprinter("l", KEY), Fingerprinter("l", KEY), UNCHANGED, CHANGED),
        (Fingerprinter("l", KEY), Fingerprinter("other", KEY), UNCHANGED, CHANGED),
        (Fingerprinter("l", KEY), Fingerprinter("l", OTHER_KEY, KEY), UNCHANGED, CHANGED),
        (Fingerprinter("l", KEY), Fingerprinter("l", None, KEY), UNCHANGED, CHANGED),
        (Fingerprinter("l", KEY), Fingerprinter("l", OTHER_KEY), UNKNOWN, UNKNOWN),
        (Fingerprinter("l", KEY), Fingerprinter("l", None), UNKNOWN, UNKNOWN),
        (Fingerprinter("l", None), Fingerprinter("l", None), UNCHANGED, CHANGED),
        (Fingerprinter("l", None), Fingerprinter("l", KEY), UNCHANGED, CHANGED),
        (Fingerprinter("l", None), Fingerprinter("", KEY), UNKNOWN, UNKNOWN),
        (Fingerprinter("l", None), Fingerprinter("other", None), CHANGED, CHANGED),
    ],
)
def test_comparison(
    made_with: Fingerprinter, compared_with: Fingerprinter, same: Comparison, different: Comparison
) -> None:
    made = made_with.make(PATH, "hunter22", SALT)
    assert compared_with.compare(PATH, "hunter22", made) is same
    assert compared_with.compare(PATH, "hunter23", made) is different


def test_an_unknown_algorithm_cannot_be_compared() -> None:
    made = replace(Fingerprinter("l", KEY).make(PATH, "v", SALT), alg="argon9")
    assert Fingerprinter("l", KEY).compare(PATH, "v", made) is UNKNOWN


def test_an_invalid_mac_counts_as_changed() -> None:
    assert (
        Fingerprinter("l", KEY).compare(PATH, "v", Fingerprint("hmac-sha256", key_id(KEY), SALT, "é\ud800")) is CHANGED
    )


def test_the_mac_is_what_the_docstring_says() -> None:
    parts = (SALT.encode(), PATH.encode(), "pä".encode())
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    made = Fingerprinter("l", KEY).make(PATH, "pä", SALT)
    assert made == Fingerprint("hmac-sha256", key_id(KEY), SALT, hmac.new(KEY, message, hashlib.sha256).hexdigest())
    stretched = hashlib.scrypt("pä".encode(), salt=b"l", n=2**14, r=8, p=1, maxmem=2**26, dklen=32)
    without = Fingerprinter("l", None).make(PATH, "pä", SALT)
    assert without == Fingerprint("scrypt", "", SALT, hmac.new(stretched, message, hashlib.sha256).hexdigest())


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_no_two_places_or_values_share_a_mac(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    made = [Fingerprinter("l", KEY).make(path, value, salt).mac for salt, path, value in (one, other)]
    assert (made[0] == made[1]) == (one == other)


@pytest.mark.parametrize(("one", "other"), [(("a", "bc"), ("ab", "c")), (("", "abc"), ("abc", ""))])
def test_parts_are_framed(one: tuple[str, str], other: tuple[str, str]) -> None:
    maker = Fingerprinter("l", KEY)
    assert maker.make(*one, SALT).mac != maker.make(*other, SALT).mac


def test_a_variable_that_is_not_utf8_can_be_fingerprinted() -> None:
    value = b"p\xff".decode("utf-8", "surrogateescape")
    maker = Fingerprinter("l", None, KEY)
    assert maker.compare(PATH, value, maker.make(PATH, value, SALT)) is UNCHANGED


@pytest.mark.parametrize(
    ("key", "old_key", "named"),
    [(b"k" * 31, None, "PROVISIONER_FINGERPRINT_KEY is 31"), (KEY, b"", "PROVISIONER_FINGERPRINT_KEY_OLD is 0")],
)
def test_a_short_key_is_refused_by_name(key: bytes, old_key: bytes | None, named: str) -> None:
    with pytest.raises(ProvisionerError, match=named) as caught:
        Fingerprinter("l", key, old_key)
    assert "kkk" not in str(caught.value)


def test_scrypt_runs_once_per_distinct_value(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def quick(value: str, _: str) -> bytes:
        ran.append(value)
        return b"k" * 32

    monkeypatch.setattr(module, "_scrypt", quick)
    maker = Fingerprinter("l", None)
    for path in ("a", "b"):
        for value in ("v", "w"):
            maker.compare(path, value, maker.make(path, value, SALT))
    assert ran == ["v", "w"]


def test_without_scrypt_the_remedy_is_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(hashlib, "scrypt")
    with pytest.raises(ProvisionerError) as caught:
        Fingerprinter("l", None).make(PATH, "v", SALT)
    assert "PROVISIONER_FINGERPRINT_KEY" in caught.value.remedy


def test_making_a_fingerprint_needs_a_key_or_a_lineage() -> None:
    with pytest.raises(ValueError, match="lineage"):
        Fingerprinter("", None).make(PATH, "v", SALT)


def test_a_fingerprinter_is_neither_printed_nor_pickled() -> None:
    maker = Fingerprinter("l", None, KEY)
    maker.make(PATH, "hunter22", SALT)
    assert repr(maker) == str(maker) == "<Fingerprinter>"
    with pytest.raises(TypeError):
        pickle.dumps(maker)
