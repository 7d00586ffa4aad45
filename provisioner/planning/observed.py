"""What the service says -> ``Observed`` values; what of it differs from what shall be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from provisioner.definitions.desired import Desired
from provisioner.definitions.loader import as_text
from provisioner.errors import MissingUnclear, NotFound, ServiceError
from provisioner.model import MYSQL_SPEC_ID, Json, text_in
from provisioner.text import fold

if TYPE_CHECKING:
    from provisioner.service.client import FlowReader
    from provisioner.state.records import State


@dataclass(frozen=True, slots=True)
class Observed:
    """A base connection as the service shows it.

    ``fields`` are the visible ones under the paths that definitions use. The service may leave out or disguise any
    parameter (documented: "a partial view of the credentials"), so an absent one means nothing.
    ``etag`` is None while the object is ``initializing`` on AWS. Times are epoch milliseconds, 0 where unknown.
    """

    id: str
    etag: str | None
    state: str
    fields: tuple[tuple[str, str], ...]
    created_at: int = 0
    updated_at: int = 0
    updated_by: str = ""
    created_client: str = ""
    updated_client: str = ""

    @property
    def as_dict(self) -> dict[str, str]:
        return dict(self.fields)

    @property
    def name(self) -> str:
        return self.as_dict.get("name", "")

    @property
    def is_enabled(self) -> bool:
        """Whether it can be used, as far as the service says."""
        return self.state in ("", "enabled")

    @property
    def unlike_before(self) -> str:
        """What differs where no field does."""
        return "nothing visible differs" if self.is_enabled else f"its state is {self.state}, and nothing else differs"

    def last_edit(self, ours: str = "") -> str:
        """Who changed it last, and when, as far as the service says. ``ours`` is our client id, "" where unknown."""
        who = self.updated_by or "somebody"
        via = f" through {self.updated_client}" if self.updated_client else ""
        if ours and self.updated_client == ours:
            via += " (our own client: another run of ours)"
        when = f" on {_date(self.updated_at)}" if self.updated_at else ""
        return f"{who}{via}{when}"


def _date(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


@dataclass(frozen=True, slots=True)
class Observation:
    """Every base connection of MySQL in a sandbox at one time.

    ``by_name`` has them by their folded name. ``unclear`` are ids that are recorded and of which nobody knows whether
    they are there, with what the service answered; all others that are recorded and not in ``by_id`` are gone.
    ``unlisted`` are known ids that the list does not show.
    """

    by_id: Mapping[str, Observed]
    by_name: Mapping[str, tuple[Observed, ...]]
    unclear: Mapping[str, str]
    unlisted: frozenset[str] = frozenset()

    def named(self, name: str) -> tuple[Observed, ...]:
        """Return those of this name, or of one that is the same when folded."""
        return self.by_name.get(fold(name), ())

    def unrecorded(self, name: str, recorded: Collection[str], own: str = "") -> list[str]:
        """Return the ids of those of this name that are neither among the ``recorded`` ones nor the ``own`` one."""
        return [one.id for one in self.named(name) if one.id not in recorded and one.id != own]

    def is_gone(self, ident: str) -> bool:
        """Return whether the service says of a recorded id that there is no such object."""
        return ident not in self.by_id and ident not in self.unclear


def observe(
    items: Iterable[Json], unclear: Mapping[str, str] | None = None, unlisted: frozenset[str] = frozenset()
) -> Observation:
    """Read a listing of the service. Raises ``ServiceError`` for one that cannot be understood."""
    by_id = {one.id: one for one in map(read, items)}
    by_name: dict[str, list[Observed]] = {}
    for one in by_id.values():
        by_name.setdefault(fold(one.name), []).append(one)
    return Observation(by_id, {name: tuple(those) for name, those in by_name.items()}, unclear or {}, unlisted)


def read(item: Json) -> Observed:
    """One object of a listing. Raises ``ServiceError`` when it has no id; everything else may be absent."""
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]:
        raise ServiceError(
            "the service lists a base connection without an id", "report this to Adobe; nothing was done"
        )
    return Observed(
        id=item["id"],
        etag=text_in(item.get("etag")) or text_in(item.get("version")) or None,
        state=text_in(item.get("state")),
        fields=tuple(_visible(item)),
        created_at=_milliseconds(item.get("createdAt")),
        updated_at=_milliseconds(item.get("updatedAt")),
        updated_by=text_in(item.get("updatedBy")),
        created_client=text_in(item.get("createdClient")),
        updated_client=text_in(item.get("updatedClient")),
    )


def _visible(item: Json) -> Iterable[tuple[str, str]]:
    auth = _mapping(item.get("auth"))
    spec = _mapping(item.get("connectionSpec"))
    flat = {
        "name": item.get("name"),
        "description": item.get("description"),
        "auth.specName": auth.get("specName"),
        "connectionSpec.id": spec.get("id"),
        "connectionSpec.version": spec.get("version"),
        **{f"auth.params.{name}": value for name, value in _mapping(auth.get("params")).items()},
    }
    # That numbers or booleans come back for the text that is sent is not documented, and would mean no more.
    return ((path, as_text(value)) for path, value in flat.items() if isinstance(value, str | int))


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _milliseconds(value: Any) -> int:
    # Beyond the year 9999 no date can be made of it.
    return value if isinstance(value, int) and 0 <= value < 253_402_300_800_000 else 0


def differing(desired: Desired, observed: Observed) -> tuple[tuple[str, str], ...]:
    """The declared visible fields that the service shows otherwise, with what it shows."""
    return shown_otherwise(desired.visible, observed)


def shown_otherwise(fields: Mapping[str, str], observed: Observed) -> tuple[tuple[str, str], ...]:
    """Those of the visible ``fields`` that the service shows otherwise, with what it shows.

    Only what the service shows can differ, but for the description: one that is absent is empty.
    """
    shown = {"description": "", **observed.as_dict}
    wanted = {"description": "", **fields}
    return tuple((path, shown[path]) for path, value in wanted.items() if path in shown and shown[path] != value)


_LOOKUPS_AT_A_TIME = 8


def look(service: FlowReader, state: State) -> Observation:
    """Return what the service shows, each recorded id and that of each open call included."""
    recorded = (record.id for record in state.records)
    return look_for(service, (*recorded, *(intent.id for intent in state.intents if intent.id)))


def look_for(service: FlowReader, known_ids: Iterable[str]) -> Observation:
    """Read one paged list, whatever the number of definitions, and look up each known id that is not in it.

    A list may lag behind creates (assumed): only "not found" for its id shows that an object is gone. To take it for
    gone because a list has not caught up would create it twice.
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
        except MissingUnclear as error:
            return error.message.partition(": ")[2] or error.message

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=_LOOKUPS_AT_A_TIME) as pool:
        return list(pool.map(get, ids))
