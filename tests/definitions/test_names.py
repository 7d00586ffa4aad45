"""Names that the service may return changed, and names that are equal only when folded."""

from __future__ import annotations

import unicodedata

import pytest

from provisioner.definitions.check import name_warnings
from provisioner.definitions.desired import Desired
from provisioner.model import Location
from provisioner.secrets import Sensitive, Symbolic
from provisioner.text import MAX_LENGTH, fold_name, instability, lookalikes, stabilize

ENDS = "begins or ends with white space"
INSIDE = "holds white space other than single plain spaces"
UNSEEN = "holds invisible characters"
FORM = "is not in Unicode normalization form C"
LONG = "is longer than 200 characters"

STABLE = [
    "Orders",
    "Orders EU",
    "Bücher",
    "注文 データ",
    "a-b_c.d/e (f)",
    "ﬁ",
    "İ",
    "🐬",
    "N" * MAX_LENGTH,
    "R&D; 100 %",
]
UNSTABLE = [
    (" Orders", ENDS, "Orders"),
    ("Orders\u00a0", ENDS, "Orders"),
    ("Orders\n", ENDS, "Orders"),
    (" ", ENDS, ""),
    ("Orders  EU", INSIDE, "Orders EU"),
    ("Orders\tEU", INSIDE, "Orders EU"),
    ("Orders\u00a0EU", INSIDE, "Orders EU"),
    ("Orders\u3000EU", INSIDE, "Orders EU"),
    ("Orders\u2028EU", INSIDE, "Orders EU"),
    ("Or\u200dders", UNSEEN, "Orders"),
    ("Or\u200cders", UNSEEN, "Orders"),
    ("Or\u00adders", UNSEEN, "Orders"),
    ("Orders\ufe0f", UNSEEN, "Orders"),
    ("Orders \u200b EU", UNSEEN, "Orders EU"),
    ("\u200b Orders", UNSEEN, "Orders"),
    ("Orders\u2800", UNSEEN, "Orders"),
    ("Orders\u3164", UNSEEN, "Orders"),
    ("Orders\x00", UNSEEN, "Orders"),
    ("Orders\U000e0041", UNSEEN, "Orders"),
    ("Bu\u0308cher", FORM, "Bücher"),
    ("\u212b", FORM, "Å"),
    ("u\u200d\u0308", UNSEEN, "ü"),
    ("N" * (MAX_LENGTH + 1), LONG, ""),
    ("u\u0308" * (MAX_LENGTH // 2 + 1), FORM, "ü" * (MAX_LENGTH // 2 + 1)),
    ("\u200b", UNSEEN, ""),
]


@pytest.mark.parametrize("name", STABLE)
def test_a_stable_name(name: str) -> None:
    assert instability(name) == ""


@pytest.mark.parametrize(("name", "reason", "written"), UNSTABLE)
def test_an_unstable_name(name: str, reason: str, written: str) -> None:
    assert (instability(name), stabilize(name)) == (reason, written)
    assert instability(written) == ""


def test_characters_that_folding_drops_are_unstable_except_single_spaces() -> None:
    """No character that makes two names one is taken for stable: swept over all of Unicode."""
    dropped = {char for char in map(chr, range(0x110000)) if fold_name(f"a{char}b") == "ab" and char != " "}
    assert dropped
    assert not {hex(ord(char)) for char in dropped if not instability(f"a{char}b")}
    assert instability("a b") == ""
    assert all(unicodedata.is_normalized("NFC", name) for name in STABLE)


def test_confidential_names_are_not_checked() -> None:
    hidden = Sensitive("Orders ", "env(MYSQL_NAME)", ("MYSQL_NAME",))
    shown = Desired("a", Location("a.yaml"), {"name": "Orders"}, {}, {"name": (1, 7)})
    secret = Desired("b", Location("b.yaml"), {}, {"name": hidden}, {"name": (1, 7)})
    unknown = Desired("c", Location("c.yaml"), {}, {"name": Symbolic("env(MYSQL_LONG  NAME)")}, {"name": (1, 7)})
    assert list(name_warnings([shown, secret, unknown])) == []


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        ({}, {}),
        ({"a": "Orders", "b": "Invoices"}, {}),
        ({"a": "Orders", "b": "Orders"}, {}),
        ({"a": "Orders", "b": "orders "}, {"a": "b", "b": "a"}),
        ({"a": "Orders", "b": "orders", "c": "ORDERS"}, {"a": "b", "b": "a", "c": "a"}),
        ({"a": "Orders", "b": "Orders", "c": "orders"}, {"a": "c", "b": "c", "c": "a"}),
        ({"a": "Straße", "b": "STRASSE", "c": "x"}, {"a": "b", "b": "a"}),
        ({"a": "ﬁle", "b": "file"}, {"a": "b", "b": "a"}),
    ],
)
def test_lookalikes(names: dict[str, str], alike: dict[str, str]) -> None:
    assert lookalikes(names) == alike
