"""Text from the service and from files in reports: it makes no link, no mention, and no command to a runner."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pytest

from provisioner.errors import StateError
from provisioner.report import ids
from provisioner.report.escaping import markdown_text
from provisioner.report.tables import aligned, contents_as_text, tables_as_text
from provisioner.report.terminal import PLAIN, safe
from provisioner.service.paging import is_id
from provisioner.service.responses import Column, Table, TableContents
from provisioner.state.records import Record

LINKS = [
    *(
        "http://evil.example",
        "https://evil.example/x?y=1",
        "ftp://evil.example",
        "www.evil.example",
        "WWW.EVIL.EXAMPLE",
    ),
    *("jane@example.com", "mailto:jane@example.com", "xmpp:jane@example.com", "@all", "@org/team", "@<6f1c>"),
    *("#12", "org/repo#12", "GH-12", "!12", "group/project!12", "~bug", '~"a label"', "%1.0", "%release", "$12", "&7"),
    *("^alert#3", "0123456789abcdef0123456789abcdef01234567", "c0ffee1", "org@c0ffee12", "ssh://git@host", "x:@you"),
]
BETWEEN = [
    "{}",
    "see {}, and go",
    "({})",
    "say {}.",
    "a {}",
    "{} b",
    "x:{}",
    '"{}"',
    "\u2014{}\u2014",
    "tick ` {} ` tick",
]


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("link", LINKS)
def test_markdown_makes_no_link_and_no_mention(link: str, between: str) -> None:
    outside = re.sub(r"(?<!\\)(`+)[^`]+?\1(?!`)", "", markdown_text(between.format(link)))
    assert link.split(" ")[0].strip('"') not in outside.replace("\\", "")
    assert "@" not in outside.replace("tick", "")
    assert "://" not in outside


NO_LINKS = [
    ("it is as declared", "it is as declared"),
    ("100 % of them, a != b & c", "100 % of them, a != b \\& c"),
    ("run `provisioner apply`.", "run `provisioner apply`."),
    ("db1.example.com:3306", "db1.example.com:3306"),
    ("defaced facade", "defaced facade"),
    ("a_b", "a\\_b"),
]


@pytest.mark.parametrize(("text", "written"), NO_LINKS)
def test_other_words_stay(text: str, written: str) -> None:
    assert markdown_text(text) == written


COMMANDS = [
    *("::error file=a.py::x", "::set-output name=a::b", "::stop-commands::token", "::add-mask::x", "  ::notice::x"),
    *("\t::group::x", "\u00a0::error::x", "##vso[task.setvariable variable=a]b", "##[error]x", "x ##[group]", "###[x]"),
    *("\x1b[0Ksection_start:1:x", "a\n::error::x", "a\r::error::x", "\u2028::error::x", "::", ":::error::x"),
    "##teamcity[message]",
]


def obeyed(line: str) -> bool:
    """Return whether a runner of GitHub or Azure DevOps, or a terminal, would obey the line."""
    return (
        line.lstrip().startswith("::") or "##[" in line or "##vso[" in line or "##teamcity[" in line or "\x1b" in line
    )


@pytest.mark.parametrize("text", COMMANDS)
def test_no_line_of_a_table_is_a_command(text: str) -> None:
    column = Column(text, text, text)
    tables = [
        safe(text),
        tables_as_text((Table(text, text, text, True),), PLAIN),
        contents_as_text(TableContents((column,), ({text: text},)), PLAIN, asked=True),
        aligned((text,), [(text,)], PLAIN),
    ]
    for table in tables:
        assert not any(map(obeyed, table.splitlines())), table


IDS = {
    "c07598f1-6e18-4f9c-a56c-0a60fb1f4d4b": True,
    "id_1.a:b-C": True,
    "A" * 128: True,
    "A" * 129: False,
    "": False,
    ".": False,
    "..": False,
    ".a": False,
    "-rf": False,
    "--target=x": False,
    ":a": False,
    "::stop-commands::x": False,
    "a::b": False,
    "a\nb": False,
    "a\n": False,
    "a b": False,
    "$(touch x)": False,
    "`x`": False,
    "x; y": False,
    "x&y": False,
    "x|y": False,
    "x<<EOF": False,
    "##vso[x]": False,
    "a/b": False,
    "a%2Fb": False,
    "a=b": False,
    "a'b": False,
    'a"b': False,
    "a\\b": False,
    "a\u200bb": False,
    "\u0661\u0662": False,
    "a\x1b[0m": False,
}


@pytest.mark.parametrize(("ident", "usable"), IDS.items())
def test_only_what_cannot_be_a_command_is_an_id(ident: str, usable: bool) -> None:
    assert is_id(ident) is usable


@pytest.mark.parametrize(
    "form", [ids.as_json, ids.as_env, ids.as_github, lambda records: ids.as_id(next(iter(records)))]
)
@pytest.mark.parametrize("ident", [ident for ident, usable in IDS.items() if not usable])
def test_another_one_is_not_handed_on(ident: str, form: Callable[[Iterable[Record]], str]) -> None:
    with pytest.raises(StateError, match="no usable id for orders"):
        form([Record("orders", ident, None, {"name": "Orders"}, (), "00")])
