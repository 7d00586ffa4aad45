"""Connection strings: splitting, refusing malformed ones, quoting values."""

from __future__ import annotations

import pytest

from provisioner.definitions.connection_string import (
    MAX_LENGTH,
    Malformed,
    Pair,
    join,
    missing,
    quote,
    split,
    split_template,
)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        (" ;; ", []),
        ("a=b", [("a", "b")]),
        ("a=b;", [("a", "b")]),
        (";; a = b ;; c=d ; ", [("a", "b"), ("c", "d")]),
        ("a=", [("a", "")]),
        ("a=;b=c", [("a", ""), ("b", "c")]),
        ("a b=c d", [("a b", "c d")]),
        ("a=b=c", [("a", "b=c")]),
        ("a==b=c", [("a=b", "c")]),
        ("a='b;c'", [("a", "b;c")]),
        ("a=' b '' c ' ;d=e", [("a", " b ' c "), ("d", "e")]),
        ('a="b""c"', [("a", 'b"c')]),
        ("a=b'c", [("a", "b'c")]),
        ("a={{ open;b=c", [("a", "{{ open"), ("b", "c")]),
    ],
)
def test_split(text: str, pairs: list[tuple[str, str]]) -> None:
    assert split(text) == tuple(Pair(*pair) for pair in pairs)
    assert split_template(text) == tuple(Pair(*pair) for pair in pairs)


@pytest.mark.parametrize(
    ("text", "declared", "rendered"),
    [
        ("a={{ X;Y= }};b=c", [("a", "{{ X;Y= }}"), ("b", "c")], [("a", "{{ X"), ("Y", "}}"), ("b", "c")]),
        ("a='{{ '' }}';b=c", [("a", "{{ '' }}"), ("b", "c")], [("a", "{{ ' }}"), ("b", "c")]),
        ("a='x''{{ '' }}'", [("a", "x'{{ '' }}")], [("a", "x'{{ ' }}")]),
        ("a=b{{;c=}}d", [("a", "b{{;c=}}d")], [("a", "b{{"), ("c", "}}d")]),
    ],
)
def test_braces_are_opaque_only_in_templates(
    text: str, declared: list[tuple[str, str]], rendered: list[tuple[str, str]]
) -> None:
    assert split_template(text) == tuple(Pair(*pair) for pair in declared)
    assert split(text) == tuple(Pair(*pair) for pair in rendered)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hunter2", "pair 1 is not `Keyword=value`"),
        ("a=b;hunter2", "pair 2 is not `Keyword=value`"),
        ("=hunter2", "pair 1 is not `Keyword=value`"),
        ("  =hunter2", "pair 1 is not `Keyword=value`"),
        ("a='hunter2", "the quote that opens the value of pair 1 is not closed at its end"),
        ("a='b'hunter2;c=d", "the quote that opens the value of pair 1 is not closed at its end"),
        ("a=1;A=hunter2", "pair 2 repeats an earlier keyword or its synonym"),
        ("Server=1;x=y;Data Source=hunter2", "pair 3 repeats an earlier keyword or its synonym"),
        ("SslMode=1;SSL Mode=hunter2", "pair 2 repeats an earlier keyword or its synonym"),
        ("PWD=1;Password=hunter2", "pair 2 repeats an earlier keyword or its synonym"),
        ("a=" + "h" * MAX_LENGTH, "it is longer than 16,384 characters"),
    ],
)
def test_malformed(text: str, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        split(text)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("keyword", "part"),
    [
        ("SERVER", "server"),
        ("Data Source", "server"),
        ("Initial Catalog", "database"),
        ("User Id", "username"),
        ("uid", "username"),
        ("Pwd", "password"),
        ("Port", "port"),
        ("SslMode", "options.SslMode"),
    ],
)
def test_part_of_a_keyword(keyword: str, part: str) -> None:
    assert Pair(keyword, "").part == part


def test_missing_parts_have_their_documented_names() -> None:
    assert missing(split("Host=a;User=b")) == ("Database", "PWD")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain-1.2_/!{}", "plain-1.2_/!{}"),
        ("", ""),
        ("a b", '"a b"'),
        ("a;b", '"a;b"'),
        ("a=b", '"a=b"'),
        ("it's", '"it\'s"'),
        ('say "hi"', "'say \"hi\"'"),
        ("'\"", '"\'"""'),
        ("\n", '"\n"'),
        ("\x00", '"\x00"'),
    ],
)
def test_quote(value: str, written: str) -> None:
    assert quote(value) == written


def test_join() -> None:
    assert join([Pair("Server", "a;b"), Pair("x=y", "c")]) == 'Server="a;b";x==y=c'
