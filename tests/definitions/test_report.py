"""Reports of problems: the line, the code frame, the remedy; and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from provisioner.model import Location, Problem, Severity
from provisioner.report.problems import as_json, as_text, as_warning
from provisioner.report.terminal import Style

PROBLEM = Problem(Location("a.yaml", 3, 7), "schema.value", "`name` must be text", "quote it", ("aws", "dev"))

WARNING = Problem(Location("a.yaml", 4), "name.unstable", "the name is odd", "write another", (), Severity.WARNING)


def test_text_and_json() -> None:
    assert as_text([PROBLEM]) == (
        "a.yaml:3:7: `name` must be text on targets aws, dev (schema.value)\n    remedy: quote it"
    )
    assert json.loads(as_json([PROBLEM], 2, ["aws", "dev"])) == {
        "format_version": "1.1",
        "valid": False,
        "definitions": 2,
        "targets": ["aws", "dev"],
        "problems": [
            {
                "file": "a.yaml",
                "line": 3,
                "column": 7,
                "severity": "error",
                "rule": "schema.value",
                "message": "`name` must be text",
                "remedy": "quote it",
                "targets": ["aws", "dev"],
            }
        ],
    }
    assert json.loads(as_json([], 2, []))["valid"] is True


def test_warnings_are_marked_as_such() -> None:
    assert as_text([PROBLEM, WARNING]).splitlines()[2:] == [
        "warning: a.yaml:4:1: the name is odd (name.unstable)",
        "    remedy: write another",
    ]
    assert (as_warning(WARNING), as_warning(replace(WARNING, severity=Severity.ERROR))) == (as_text([WARNING]),) * 2
    document = json.loads(as_json([WARNING], 2, []))
    assert (document["valid"], document["problems"][0]["severity"]) == (True, "warning")
    assert json.loads(as_json([PROBLEM, WARNING], 2, []))["valid"] is False


FRAMES = [
    ("name: Orders", 7, "name: Orders", "      ^"),
    ("    server: db1", 13, "    server: db1", "            ^"),
    ("- server: db1", 3, "- server: db1", "  ^"),
    ("\tname: x", 2, "\tname: x", "\t^"),
    ('name: "🐬" # x', 11, 'name: "🐬" # x', "           ^"),
    ("name: \x1b[31m", 7, "name: \\u001b[31m", "      ^"),
    ("name: \x07x", 8, "name: \\u0007x", "            ^"),
    # what may be a secret is starred, plain calls are not
    ("password: hunter2", 11, "password: ***", "          ^"),
    ("password: 'hunter2 x'", 11, "password: '*** ***'", "          ^"),
    ("password: \"a{{ env('A_1') }}\"", 11, "password: \"***{{ env('A_1') }}\"", "          ^"),
    ("password: \"{{ 'hunter2' }}\"", 11, "password: \"*** '***' ***\"", "          ^"),
    ("passwort: hunter2", 1, "passwort: ***", "^"),
    ("Server: PWD=hunter2", 9, "Server: ***", "        ^"),
    ("server: db;PWD=hunter2", 9, "server: db;PWD=***", "        ^"),
    ("params: {server: db, passwrd: hunter2}", 18, "params: {server: db, passwrd: ***", "                 ^"),
    ("name: x # the password: hunter2", 7, "name: x # the password: ***", "      ^"),
    # so is a name that may be a piece of a secret
    ("params: {server: db, hunter2: x}", 22, "params: {server: db, *** ***", "                     ^"),
    ("params: {server: db, hunter2}", 22, "params: {server: db, ***", "                     ^"),
    ('params: {"hunter2": x}', 10, 'params: {"***"*** ***', "         ^"),
    (
        'params: {server: "a, b", "hunter 2": x}',
        26,
        'params: {server: "a, b", "*** ***"*** ***',
        "                         ^",
    ),
    ('params: {server: db, port: 1, "pw":"hunter2"}', 1, 'params: {server: db, port: 1, "***"***"***"***', "^"),
    ('{"params":{"server":"db","sslMode":"x"}}', 1, '{"params":{"server":"db","sslMode":"x"}}', "^"),
    ("params: hunter2", 9, "params: ***", "        ^"),
    ("server: db hunter2: x", 9, "server: db *** ***", "        ^"),
    ("sslMdoe: hunter2", 1, "sslMdoe: ***", "^"),
    ("password: \"{{ env('HUNTER2') }}\"", 11, "password: \"*** ***'***'*** ***\"", "          ^"),
    ("port: \"{{ env('HUNTER2') }}\"", 7, "port: \"{{ env('***') }}\"", "      ^"),
    ("port: \"{{ env('MYSQL_PORT') }}\"", 7, "port: \"{{ env('MYSQL_PORT') }}\"", "      ^"),
    ("password: \"{{ var('my_host') }}\"", 11, "password: \"{{ var('my_host') }}\"", "          ^"),
    # the place is behind what was starred: no caret rather than a wrong one
    ("params: {pwd: hunter2hunter2, port: 0}", 37, "params: {pwd: *** *** ***", None),
    # what may be the middle of a longer value is not shown at all
    ("hunter2: x", 1, None, None),
    ("- {hunter2: x}", 4, None, None),
    ("  hunter2", 3, None, None),
    ("  hunter2 {{ env('A') }}", 3, None, None),
    ("", 1, None, None),
]


@pytest.mark.parametrize(("line", "column", "shown", "caret"), FRAMES)
def test_code_frame(line: str, column: int, shown: str | None, caret: str | None) -> None:
    problem = Problem(Location("f", 1, column), "rule", "message")
    frame = as_text([problem], source_line=lambda _: line).splitlines()[1:]
    wanted = [f"    1 | {shown}"] * (shown is not None) + [f"      | {caret}"] * (caret is not None)
    assert frame == wanted


def test_colour_and_control_characters() -> None:
    text = as_text([Problem(Location("a\x1b.yaml"), "r", "m\n\u202e", "n\x07")], Style(colour=True))
    assert "a\\u001b.yaml" in text
    assert "m\\u000a\\u202e" in text
    assert "n\\u0007" in text
