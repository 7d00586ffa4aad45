"""Judging the base connections that there are, beside those that are recorded. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.doctor.findings import Finding, not_tried, passed, warned
from provisioner.model import Json, text_or_empty
from provisioner.state.records import Record

_MAX_KEYS = 5


def judge_connections(items: Sequence[Json], records: Mapping[str, Record], client: str) -> Finding:
    ids = {item["id"] for item in items}
    lost = sorted(record.key for ident, record in records.items() if ident not in ids)
    managed = len(ids & records.keys())
    states = Counter(text_or_empty(item.get("state")) or "none" for item in items)
    facts: dict[str, Any] = {
        "all": len(items),
        "managed": managed,
        "unmanaged": len(items) - managed,
        "of_this_client": sum(item.get("createdClient") == client for item in items),
        "recorded_but_not_listed": len(lost),
        "states": dict(sorted(states.items())),
    }
    seen = (
        f"{len(items):,} of MySQL: {managed:,} managed, {facts['unmanaged']:,} unmanaged, "
        f"{facts['of_this_client']:,} created by this client"
    )
    if lost:
        shown = ", ".join(lost[:_MAX_KEYS]) + (", ..." if len(lost) > _MAX_KEYS else "")
        remedy = "check organization and sandbox; if they were deleted, `provisioner plan` shows what is to be done"
        return warned(f"{seen}; recorded and not listed: {shown}", remedy, **facts)
    return passed(seen, **facts)


def judge_created_client(items: Sequence[Json], records: Mapping[str, Record], client: str) -> Finding:
    """Judge whether ``createdClient`` is our API key where we recorded the base connection.

    Recovery relies on it (assumed: created-client).
    """
    ours = [item for item in items if item["id"] in records]
    shown = [text_or_empty(item.get("createdClient")) for item in ours]
    facts: dict[str, Any] = {
        "recorded": len(ours),
        "shown": sum(map(bool, shown)),
        "ours": sum(one == client for one in shown),
    }
    if not ours:
        return not_tried("nothing that is recorded is listed", **facts)
    if not any(shown):
        return warned("the service does not show who created a base connection", _ASSUMED, **facts)
    if facts["ours"] < len(ours):
        seen = f"{len(ours) - facts['ours']:,} of {len(ours):,} that are recorded were created by another client"
        return warned(seen, f"expected of imported ones; else: {_ASSUMED}", **facts)
    return passed(f"this client created {len(ours):,} of {len(ours):,} that are recorded", **facts)


_ASSUMED = "`state rebuild` finds our own base connections by it: report it"
