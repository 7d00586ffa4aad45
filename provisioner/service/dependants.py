"""Which dataflows read from a base connection.

Documented (filters guide): source connections are found by ``baseConnectionId``, flows by ``sourceConnectionIds[]``; a
flow carries its ``state`` and ``scheduleParams``. Inferred: what a flow inherits names its base connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisioner.model import Json, text_in


@dataclass(frozen=True, slots=True)
class Flow:
    """A dataflow. ``schedule`` is as it is said, such as ``every 15 minutes``, "" where none is shown."""

    id: str
    name: str
    state: str
    schedule: str

    def __str__(self) -> str:
        known = ", ".join(filter(None, (self.state, self.schedule)))
        return f"{self.name or self.id}{f' ({known})' if known else ''}"


def read_flow(item: Json) -> Flow:
    """One item of the list of flows; whatever is absent is left out."""
    return Flow(str(item.get("id", "")), text_in(item.get("name")), text_in(item.get("state")), _schedule(item))


def by_base(sources: Iterable[Json], flows: Iterable[Json]) -> Mapping[str, tuple[Flow, ...]]:
    """The flows of each base connection, by its id, as source connections and flows lead there."""
    bases = {str(one.get("id")): text_in(one.get("baseConnectionId")) for one in sources}
    found: dict[str, dict[str, Flow]] = {}
    for item in flows:
        flow = read_flow(item)
        for base in {*_through(item, bases), *_inherited(item)} - {""}:
            found.setdefault(base, {})[flow.id] = flow
    return {base: tuple(sorted(flows.values(), key=lambda one: one.name)) for base, flows in found.items()}


def _through(item: Json, bases: Mapping[str, str]) -> Iterator[str]:
    ids = item.get("sourceConnectionIds")
    yield from (bases.get(str(one), "") for one in (ids if isinstance(ids, list) else []))


def _inherited(item: Json) -> Iterator[str]:
    inherited = item.get("inheritedAttributes")
    sources = inherited.get("sourceConnections") if isinstance(inherited, dict) else None
    for one in sources if isinstance(sources, list) else []:
        base = one.get("baseConnection") if isinstance(one, dict) else None
        yield text_in(base.get("id")) if isinstance(base, dict) else ""


_UNITS = ("minute", "hour", "day", "week", "month")


def _schedule(item: Json) -> str:
    params = item.get("scheduleParams")
    if not isinstance(params, dict):
        return ""
    frequency, interval = text_in(params.get("frequency")), str(params.get("interval", "")).strip()
    if frequency not in _UNITS or not interval:
        return frequency
    return f"every {frequency}" if interval == "1" else f"every {interval} {frequency}s"
