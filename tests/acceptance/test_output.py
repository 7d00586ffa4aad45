"""Ids of managed base connections, for the next step of a pipeline."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.support import Project, basic


@pytest.fixture
def applied(project: Project) -> Project:
    project.define("orders", basic("Orders"))
    project.define("shop/stock-1", basic("Stock"))
    assert project.run("apply", "--yes").code == 0
    return project


def test_all_as_json(applied: Project) -> None:
    found = applied.run("output").json
    assert found == {
        "orders": {"id": applied.id("orders"), "name": "Orders"},
        "shop/stock-1": {"id": applied.id("shop/stock-1"), "name": "Stock"},
    }


def test_one_alone_is_nothing_but_its_id(applied: Project) -> None:
    assert applied.run("output", "orders").out == f"{applied.id('orders')}\n"
    missing = applied.run("output", "none")
    assert (missing.code, "nothing is recorded under none" in missing.err) == (64, True)


def test_as_lines_of_an_environment(applied: Project) -> None:
    assert applied.run("output", "--format", "env").out.splitlines() == [
        f"BASE_CONNECTION_ORDERS={applied.id('orders')}",
        f"BASE_CONNECTION_SHOP_STOCK_1={applied.id('shop/stock-1')}",
    ]


def test_as_outputs_of_a_step(applied: Project) -> None:
    file = applied.folder / "outputs"
    file.write_text("earlier=1\n", "utf-8")
    done = applied.run("output", "--format", "github", environ={"GITHUB_OUTPUT": str(file)})
    assert (done.code, done.out) == (0, "")
    earlier, orders, stock, every = file.read_text("utf-8").splitlines()
    assert (earlier, orders) == ("earlier=1", f"orders={applied.id('orders')}")
    assert stock == f"shop-stock-1={applied.id('shop/stock-1')}"
    assert json.loads(every.removeprefix("base-connections=")) == {
        key: applied.id(key) for key in ("orders", "shop/stock-1")
    }
    assert applied.run("output", "--format", "github").out.splitlines() == [orders, stock, every]


def test_two_keys_of_one_name_are_refused(applied: Project) -> None:
    applied.define("shop/stock.1", basic("Other"))
    assert applied.run("apply", "--yes").code == 0
    refused = applied.run("output", "--format", "env")
    assert (refused.code, "would both be named BASE_CONNECTION_SHOP_STOCK_1" in refused.err) == (64, True)


def test_where_nothing_is_recorded_it_is_empty(project: Project) -> None:
    assert project.run("output").json == {}
