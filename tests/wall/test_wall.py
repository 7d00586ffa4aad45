"""The wall: whatever holds a secret of the run, in any spelling, does not pass; everything else does."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from provisioner.definitions import connection_string
from provisioner.errors import Leak
from provisioner.sensitive import Sensitive
from provisioner.wall.matcher import SHORTEST, Matcher
from provisioner.wall.wall import Wall
from tests.leaks import holds

NASTY = "pä;'s\"s w{ör}%d#: \\x/+&<>=?$`!"
ENCODED: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "upper case": str.upper,
    "URL": lambda text: quote(text, safe=""),
    "URL, lower case": lambda text: quote(text, safe="").lower(),
    "URL path": quote,
    "form": quote_plus,
    "JSON": json.dumps,
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON with slashes escaped": lambda text: json.dumps(text).replace("/", r"\/"),
    "HTML": html.escape,
    "HTML text": lambda text: html.escape(text, quote=False),
    "shell": shlex.quote,
    "connection string": connection_string.quote,
    "YAML": lambda text: "'" + text.replace("'", "''") + "'",
    "Python": repr,
    "Python, ASCII": ascii,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 in something longer": lambda text: base64.b64encode(f"user:{text}:end".encode()).decode(),
    "base64, shifted by one": lambda text: base64.b64encode(f"x{text}x".encode()).decode(),
    "base64, shifted by two": lambda text: base64.b64encode(f"xx{text}xx".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, upper case": lambda text: text.encode().hex().upper(),
}


def secret(content: str, name: str = "MYSQL_P") -> Sensitive:
    return Sensitive(content, f"env({name})", (name,))


def wall_of(*contents: str) -> Wall:
    wall = Wall()
    wall.watch(secret(content) for content in contents)
    return wall


@pytest.mark.parametrize("way", ENCODED)
@pytest.mark.parametrize("content", [NASTY, "hunter2hunter3", "  with spaces around  ", "007007007", "1e9aT\n2nd-line"])
def test_a_secret_does_not_pass(way: str, content: str) -> None:
    text = f"before {ENCODED[way](content)} after"
    with pytest.raises(Leak) as caught:
        wall_of(content).check(text)
    assert caught.value.origins == ("env(MYSQL_P)",)
    assert content not in repr(caught.value)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=12)


@given(TEXTS, st.sampled_from([*ENCODED]))
def test_no_secret_passes(content: str, way: str) -> None:
    wall = wall_of(content)
    assume(not wall.lets_pass(content))
    with pytest.raises(Leak):
        wall.check(f"<{ENCODED[way](content)}>")


@pytest.mark.parametrize("way", [way for way in ENCODED if way not in ("upper case",)])
def test_the_other_way_of_looking_finds_it_too(way: str) -> None:
    assert holds(f"<{ENCODED[way](NASTY)}>", NASTY)
    assert not holds(f"<{ENCODED[way]('somebody else')}>", NASTY)


def test_a_line_of_a_secret_does_not_pass() -> None:
    with pytest.raises(Leak):
        wall_of("-----BEGIN\nMIIEvQIBADAN\n").check("it begins with MIIEvQIBADAN")


def test_a_line_that_anybody_may_read_passes_alone() -> None:
    wall = Wall()
    secret = Sensitive("-----BEGIN KEY-----\nKx93hvQw71zTT0\n-----END KEY-----", "env(MYSQL_KEY)")
    wall.watch([secret], ["a text with -----BEGIN KEY----- in it"])
    wall.check("-----BEGIN KEY-----")
    assert not wall.lets_pass(secret.reveal())
    for leak in ("kx93hvqw71ztt0", secret.reveal(), json.dumps(secret.reveal())):
        with pytest.raises(Leak):
            wall.check(leak)


def test_what_is_private_passes_but_is_not_repeated() -> None:
    wall = Wall()
    wall.watch([], (), [Sensitive("db7.internal.example.com", "env(MYSQL_HOST)"), Sensitive("localhost", "env(B)")])
    wall.check("db7.internal.example.com")
    assert wall.repeats("cannot reach DB7.internal.example.com:3306")
    assert wall.repeats("cannot reach localhost")
    assert not wall.repeats("cannot reach it")


@pytest.mark.parametrize("text", ["before \ud800 after", "\udcff", "before \ud800Kx93hvQw71zTT0 after"])
def test_half_a_character_disturbs_nothing(text: str) -> None:
    wall = Wall()
    wall.watch([Sensitive("\ud800Kx93hvQw71zTT0", "env(MYSQL_KEY)")])
    if "Kx93" in text:
        with pytest.raises(Leak):
            wall.check(text)
    else:
        wall.check(text)


def test_everything_else_passes() -> None:
    wall_of(NASTY, "hunter2hunter3").check("hunter2 hunter3, and p;'s \u2026")


def test_several_at_once_are_all_named() -> None:
    wall = Wall()
    wall.watch([secret("hunter2hunter3", "MYSQL_B"), secret("tr0ub4dor&3xx", "MYSQL_A")])
    with pytest.raises(Leak) as caught:
        wall.check("tr0ub4dor&3xx hunter2hunter3 tr0ub4dor&3xx")
    assert caught.value.origins == ("env(MYSQL_A)", "env(MYSQL_B)")


def test_what_is_watched_later_is_guarded_from_then_on() -> None:
    wall = wall_of("hunter2hunter3")
    wall.check("fresh-token-4711")
    wall.watch([Sensitive("fresh-token-4711", "access token")])
    with pytest.raises(Leak):
        wall.check("fresh-token-4711")
    with pytest.raises(Leak):
        wall.check("hunter2hunter3")


LETS_PASS = [
    ("a random one", "xJ2kq9Lm4Tz8wQ", False),
    ("too short", "xJ2kq9L", True),
    ("a word of a definition", "orders-db", True),
    ("in another case", "ORDERS-DB", True),
    ("a word of our own messages", "unmanaged", True),
]


@pytest.mark.parametrize(("content", "expected"), [row[1:] for row in LETS_PASS], ids=[row[0] for row in LETS_PASS])
def test_what_cannot_be_told_from_a_word_passes(content: str, expected: bool) -> None:
    wall = Wall()
    wall.watch([secret(content)], ["name: orders-db\n"])
    assert wall.lets_pass(content) is expected
    if expected:
        wall.check(f"the word {content} is said")
    else:
        with pytest.raises(Leak):
            wall.check(f"the word {content} is said")


REPEATS = [
    ("hunter2hunter3", "cannot use HUNTER2HUNTER3", True),
    ("hunter2hunter3", "cannot use hunter2", False),
    ("abcd", "cannot use 'abcd'", True),
    ("abcd", "cannot use xabcdx", False),
    ("abc", "cannot use abc", False),
    ("unmanaged", "it is unmanaged here", True),
]


@pytest.mark.parametrize(("content", "text", "expected"), REPEATS)
def test_a_foreign_text_is_judged_more_strictly(content: str, text: str, expected: bool) -> None:
    """It is withheld, which costs little; short ones count if they stand alone."""
    assert wall_of(content).repeats(text) is expected


def test_without_secrets_nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.wall.wall.Matcher", None)
    wall = Wall()
    wall.watch([], ["plain"])
    wall.check("anything")
    assert not wall.repeats("anything")


@given(st.sets(st.text("ab", min_size=SHORTEST, max_size=12), min_size=1, max_size=40), st.text("ab", max_size=60))
def test_the_matcher_finds_what_a_simple_search_finds(strings: set[str], text: str) -> None:
    found = set(Matcher({string: string for string in strings}).find(text))
    assert found == {string for string in strings if string in text}


def test_one_of_ten_thousand_does_not_pass() -> None:
    contents = [f"pw;{number:05}'\"{number * 7919 % 10007}" for number in range(10_000)]
    wall = wall_of(*contents)
    wall.check("nothing in here " * 10_000)
    with pytest.raises(Leak):
        wall.check(f"... {contents[5000]} ...")
