"""Responses about flows and databases, with absent and unusual fields."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.errors import ServiceError
from provisioner.model import Json
from provisioner.service.responses import flows_by_base, read_contents, read_flow, read_reachability, read_tables

FLOWS: dict[str, tuple[Json, str]] = {
    "all shown": (
        {"name": "N", "state": "enabled", "scheduleParams": {"frequency": "minute", "interval": "15"}},
        "N (enabled, every 15 minutes)",
    ),
    "each hour, as a number": ({"name": "N", "scheduleParams": {"frequency": "hour", "interval": 1}}, "N (every hour)"),
    "once": ({"name": "N", "state": "disabled", "scheduleParams": {"frequency": "once"}}, "N (disabled, once)"),
    "no schedule": ({"name": "N", "scheduleParams": None}, "N"),
    "no name": ({"id": "f1"}, "f1"),
}


@pytest.mark.parametrize(("item", "said"), FLOWS.values(), ids=FLOWS)
def test_a_flow_as_text(item: Json, said: str) -> None:
    assert str(read_flow(item)) == said


INHERITED: dict[str, Any] = {
    "nothing": None,
    "no list": {"sourceConnections": "s"},
    "no objects": {"sourceConnections": ["s"]},
    "no base": {"sourceConnections": [{"id": "s"}]},
}


@pytest.mark.parametrize("inherited", INHERITED.values(), ids=INHERITED)
def test_a_flow_without_a_base_connection_is_left_out(inherited: Any) -> None:
    flow = {"id": "f", "name": "F", "sourceConnectionIds": ["other"], "inheritedAttributes": inherited}
    assert flows_by_base([{"id": "s", "baseConnectionId": "b"}], [flow]) == {}


@pytest.mark.parametrize("body", [None, [], {}, {"result": "yes"}])
def test_a_response_without_a_result_is_an_error(body: Any) -> None:
    with pytest.raises(ServiceError, match="no result"):
        read_reachability("testing", body)


@pytest.mark.parametrize("body", [None, {}, {"items": "none"}])
def test_tables_that_are_no_list_are_an_error(body: Any) -> None:
    with pytest.raises(ServiceError, match="no list of tables"):
        read_tables("listing", body)


@pytest.mark.parametrize("body", [None, {}, {"schema": {}}, {"schema": {"columns": "id"}}])
def test_a_table_without_columns_is_an_error(body: Any) -> None:
    with pytest.raises(ServiceError, match="no columns"):
        read_contents("reading", body)
