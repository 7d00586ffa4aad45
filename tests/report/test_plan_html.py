"""Sentences on the HTML page: backticks become code, and markup in them is escaped."""

from __future__ import annotations

import pytest

from provisioner.report.plan_html import _prose

SENTENCES = {
    "": "",
    "as declared": "as declared",
    "say `movedFrom: a/b`": "say <code>movedFrom: a/b</code>",
    "`a` and `b`": "<code>a</code> and <code>b</code>",
    "one ` alone": "one ` alone",
    "`<b>`": "<code>&lt;b&gt;</code>",
    '<script>`"`': "&lt;script&gt;<code>&#34;</code>",
    "a\x1bb": "a\\u001bb",
}


@pytest.mark.parametrize("text", SENTENCES)
def test_backticks_become_code(text: str) -> None:
    assert str(_prose(text)) == SENTENCES[text]
