"""The secret scanner: every spelling of a secret that the program writes is detected; all other texts pass."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus
from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markupsafe import escape

from provisioner.definitions import connection_string
from provisioner.errors import Leak
from provisioner.report import escaping
from provisioner.report.escaping import ENCODERS
from provisioner.report.terminal import command_property, command_text, json_text, safe
from provisioner.secret_scanner import _SAME_EVERYWHERE, SecretScanner
from provisioner.secrets import Sensitive, cannot_detect
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
    "JSON of reports": json_text,
    "HTML": lambda text: str(escape(safe(text))),
    "XML text": lambda text: tostring(element(text=text), "unicode"),
    "XML attribute": lambda text: tostring(element(attribute=text), "unicode"),
    "terminal": safe,
    "Markdown": escaping.markdown_text,
    "Markdown code": escaping.code_span,
    "annotation": command_text,
    "property of an annotation": command_property,
    "connection string": connection_string.quote,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 in something longer": lambda text: base64.b64encode(f"user:{text}:end".encode()).decode(),
    "base64, shifted by one": lambda text: base64.b64encode(f"x{text}x".encode()).decode(),
    "base64, shifted by two": lambda text: base64.b64encode(f"xx{text}xx".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


def secret(content: str, name: str = "MYSQL_P") -> Sensitive:
    return Sensitive(content, f"env({name})", (name,))


def element(text: str = "", attribute: str = "") -> Element:
    """As the JUnit report writes texts."""
    made = Element("a", {"message": safe(attribute)})
    made.text = safe(text)
    return made


def scanner_of(*contents: str) -> SecretScanner:
    scanner = SecretScanner()
    scanner.register(secret(content) for content in contents)
    return scanner


@pytest.mark.parametrize("way", ENCODED)
@pytest.mark.parametrize(
    "content",
    [
        NASTY,
        "hunter2hunter3",
        "  with spaces around  ",
        "007007007",
        "1e9aT\n2nd-line",
        "00000000000\u0131",
        "Kx93_vQw71zTT0",
        "Kx93.vQw71zTT0",
        "0000000000~",
    ],
)
def test_a_secret_is_detected(way: str, content: str) -> None:
    text = f"before {ENCODED[way](content)} after"
    with pytest.raises(Leak) as caught:
        scanner_of(content).check(text)
    assert caught.value.origins == ("env(MYSQL_P)",)
    assert content not in repr(caught.value)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=12)


@given(TEXTS, st.sampled_from([*ENCODED]))
def test_any_secret_is_detected(content: str, way: str) -> None:
    assume(not cannot_detect(content))
    with pytest.raises(Leak):
        scanner_of(content).check(f"<{ENCODED[way](content)}>")


@pytest.mark.parametrize("write", ENCODERS, ids=range(len(ENCODERS)))
def test_what_is_taken_to_be_the_same_everywhere_is(write: Callable[[str], str]) -> None:
    """One spelling is looked for where no writer changes any of the characters, at any place."""
    same = [char for char in map(chr, range(0x250)) if _SAME_EVERYWHERE.match(char)]
    assert len(same) == 26 + 26 + 10 + 1
    for char in same:
        for text in (f"{char}Xx", f"Xx{char}", f"Xx{char}Xx", char * 9):
            assert text in write(text)


@pytest.mark.parametrize("way", [way for way in ENCODED if not way.startswith(("upper", "Markdown", "annot", "prop"))])
def test_contains_detects_it_too(way: str) -> None:
    assert holds(f"<{ENCODED[way](NASTY)}>", NASTY)
    assert not holds(f"<{ENCODED[way]('somebody else')}>", NASTY)


def test_a_line_of_a_secret_is_detected() -> None:
    with pytest.raises(Leak):
        scanner_of("-----BEGIN\nMIIEvQIBADAN\n").check("it begins with MIIEvQIBADAN")


def test_private_values_are_detected_by_contains_only() -> None:
    scanner = SecretScanner()
    scanner.register([], [Sensitive("db7.internal.example.com", "env(MYSQL_HOST)"), Sensitive("localhost", "env(B)")])
    scanner.check("db7.internal.example.com")
    assert scanner.contains("cannot reach DB7.internal.example.com:3306")
    assert scanner.contains("cannot reach localhost")
    assert not scanner.contains("cannot reach it")


@pytest.mark.parametrize("text", ["before \ud800 after", "\udcff", "before \ud800Kx93hvQw71zTT0 after"])
def test_lone_surrogates_are_accepted(text: str) -> None:
    scanner = SecretScanner()
    scanner.register([Sensitive("\ud800Kx93hvQw71zTT0", "env(MYSQL_KEY)")])
    if "Kx93" in text:
        with pytest.raises(Leak):
            scanner.check(text)
    else:
        scanner.check(text)


def test_everything_else_passes() -> None:
    scanner_of(NASTY, "hunter2hunter3").check("hunter2 hunter3, and p;'s \u2026")


def test_all_origins_are_named() -> None:
    scanner = SecretScanner()
    scanner.register([secret("hunter2hunter3", "MYSQL_B"), secret("tr0ub4dor&3xx", "MYSQL_A")])
    with pytest.raises(Leak) as caught:
        scanner.check("tr0ub4dor&3xx hunter2hunter3 tr0ub4dor&3xx")
    assert caught.value.origins == ("env(MYSQL_A)", "env(MYSQL_B)")


def test_a_value_registered_later_is_detected_from_then_on() -> None:
    scanner = scanner_of("hunter2hunter3")
    scanner.check("fresh-token-4711")
    scanner.register([Sensitive("fresh-token-4711", "access token")])
    with pytest.raises(Leak):
        scanner.check("fresh-token-4711")
    with pytest.raises(Leak):
        scanner.check("hunter2hunter3")


# a secret; whether it cannot be looked for
CANNOT_DETECT = [
    ("xJ2kq9Lm4Tz8wQ", False),
    ("xJ2kq9L", True),
    ("  xJ2kq9L  ", True),
    ("xJ2kq9Lm", False),
    ("database", True),
    ("abcdefghijklmno", True),
    ("abcdefghijklmnop", False),
    ("ABCDEFGH", False),
    ("orders-db", False),
    ("", True),
]


@pytest.mark.parametrize(("content", "expected"), CANNOT_DETECT)
def test_short_values_and_words_pass(content: str, expected: bool) -> None:
    assert cannot_detect(content) is expected
    assert scanner_of(content).origins_in(f"the word {content} is said") == (() if expected else ("env(MYSQL_P)",))


REPEATS = [
    ("hunter2hunter3", "cannot use HUNTER2HUNTER3", True),
    ("hunter2hunter3", "cannot use hunter2", False),
    ("abcd", "cannot use 'abcd'", True),
    ("abcd", "cannot use xabcdx", False),
    ("abc", "cannot use abc", False),
    ("unmanaged", "it is unmanaged here", True),
    ("hunter2 and; hunter3", r"cannot use \"hunter2\x20and\x3b\x20hunter3\"", False),
    ("it's hunter2hunter3", r"cannot use 'it\'s hunter2hunter3'", True),
    ("p\\ss;Kx93hvQw71z", r"cannot use 'p\\\\ss;Kx93hvQw71z'", True),
    ("Server=h;Database=d;PWD=Kx93hvQw71z", "there is no database here", False),
]


@pytest.mark.parametrize(("content", "text", "expected"), REPEATS)
def test_contains_is_stricter_than_check(content: str, text: str, expected: bool) -> None:
    """It is withheld, which costs little; short ones count if they stand alone."""
    assert scanner_of(content).contains(text) is expected


def test_without_secrets_nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.secret_scanner._Search", None)
    scanner = SecretScanner()
    scanner.register([])
    scanner.check("anything")
    assert not scanner.contains("anything")


def test_one_of_ten_thousand_is_detected() -> None:
    contents = [f"pw;{number:05}'\"{number * 7919 % 10007}" for number in range(10_000)]
    scanner = scanner_of(*contents)
    scanner.check("nothing in here " * 10_000)
    with pytest.raises(Leak):
        scanner.check(f"... {contents[5000]} ...")
