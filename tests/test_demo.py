"""`make demo` tells its story to the end, shows what it promises, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

from tests.story import ROOT, told_by


def files() -> set[Path]:
    return {*ROOT.glob("[!.]*"), *ROOT.glob("connections/**/*"), *ROOT.glob("schemas/*")}


def test_the_demo(tmp_path: Path) -> None:
    before = files()
    told = told_by("tests.demo", tmp_path)
    for line in (
        "Plan: 3 to add, 0 to change, 0 to destroy.",
        "Apply complete: 3 added, 0 changed, 0 destroyed.",
        "Plan: 0 to add, 0 to change, 0 to destroy. 3 unchanged.",
        "Plan: 0 to add, 2 to change, 0 to destroy. 1 unchanged.",
        "reason: secret changed: env(MYSQL_ORDERS_PASSWORD)",
        "Apply complete: 0 added, 2 changed, 0 destroyed.",
        "connections/orders.yaml:12:15:",
        "did you mean `REQUIRED`?",
    ):
        assert line in told, line
    assert "sample-secret" not in told
    assert files() == before
    assert list(tmp_path.iterdir()) == []
