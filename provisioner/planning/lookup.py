"""Ask the service what there is: the list of base connections, and a look at each known id that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from provisioner.errors import NotFound, NotFoundUnclear
from provisioner.model import MYSQL_SPEC_ID, Json
from provisioner.planning.observed import Observation, observe

if TYPE_CHECKING:
    from provisioner.service.client import FlowReader
    from provisioner.state.records import State

_LOOKUPS_AT_A_TIME = 8


def look(service: FlowReader, state: State) -> Observation:
    """Return what the service shows, each recorded id and that of each open call included."""
    recorded = (record.id for record in state.records)
    return look_for(service, (*recorded, *(intent.id for intent in state.intents if intent.id)))


def look_for(service: FlowReader, known_ids: Iterable[str]) -> Observation:
    """Read one paged list, whatever the number of definitions, and look up each known id that is not in it.

    A list may lag behind creates (assumed: list-lag): only "not found" for its id shows that an object is gone. To take
    it for gone because a list has not caught up would create it twice.
    """
    listed = service.list_connections(MYSQL_SPEC_ID)
    ids = {item["id"] for item in listed}
    unlisted = [ident for ident in dict.fromkeys(known_ids) if ident not in ids]
    looked_up = _look_up(service, unlisted)
    unclear = {ident: reason for ident, reason in zip(unlisted, looked_up, strict=True) if isinstance(reason, str)}
    return observe((*listed, *(item for item in looked_up if isinstance(item, Mapping))), unclear, frozenset(unlisted))


def _look_up(service: FlowReader, ids: list[str]) -> list[Json | str | None]:
    """Return the object of each id, None where it is gone, or the reason why that is unclear."""

    def get(ident: str) -> Json | str | None:
        try:
            return service.get(ident)
        except NotFound:
            return None
        except NotFoundUnclear as error:
            return error.message.partition(": ")[2] or error.message

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=_LOOKUPS_AT_A_TIME) as pool:
        return list(pool.map(get, ids))
