"""Sentences on the page: code between backticks, and nothing of what stands in them becomes markup."""

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
def test_prose(text: str) -> None:
    assert str(_prose(text)) == SENTENCES[text]
