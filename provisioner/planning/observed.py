"""Base connections as the service shows them, and their differences from definitions and records. Pure.

The answers of the service are parsed here into ``Observed`` values; an ``Observation`` is all of them at one time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from provisioner.definitions.desired import Desired
from provisioner.definitions.yaml_loader import as_text
from provisioner.errors import ServiceError
from provisioner.model import Json, text_or_empty
from provisioner.text import fold_name


@dataclass(frozen=True, slots=True)
class Observed:
    """A base connection as the service shows it.

    ``fields`` are the visible ones, under the paths that definitions use. The service may leave out or mask any
    parameter (documented: "a partial view of the credentials"), so an absent one means nothing. One that is shown and
    is no secret has its real value (inferred: plain-params).
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
        """Return whether the service says that it can be used, or says nothing."""
        return self.state in ("", "enabled")

    @property
    def invisible_edit(self) -> str:
        """Return a description of an edit after which all visible fields are the same."""
        return "nothing visible differs" if self.is_enabled else f"its state is {self.state}, and nothing else differs"

    def last_edit(self, own_client: str = "") -> str:
        """Return who changed it last, and when, as far as the service says. ``own_client`` is "" if unknown."""
        text = self.updated_by or "somebody"
        if self.updated_client:
            text += f" with client {self.updated_client}"
            if own_client and self.updated_client == own_client:
                text += " (your own client: another run of yours)"
        if self.updated_at:
            text += f" on {datetime.fromtimestamp(self.updated_at / 1000, UTC):%Y-%m-%d %H:%M UTC}"
        return text


@dataclass(frozen=True, slots=True)
class Observation:
    """All MySQL base connections of a sandbox at one time.

    ``by_name`` is keyed by the folded name. ``unclear`` maps recorded ids whose existence is unknown to the answer of
    the service; every other recorded id that is not in ``by_id`` is gone. ``unlisted`` are known ids that are missing
    in the list of the service, which may lag behind.
    """

    by_id: Mapping[str, Observed]
    by_name: Mapping[str, tuple[Observed, ...]]
    unclear: Mapping[str, str]
    unlisted: frozenset[str] = frozenset()

    def named(self, name: str) -> tuple[Observed, ...]:
        """Return the base connections whose folded name is that of ``name``."""
        return self.by_name.get(fold_name(name), ())

    def unrecorded(self, name: str, recorded: Collection[str], own: str = "") -> list[str]:
        """Return the ids of the base connections of this name, without the ``recorded`` ones and ``own``."""
        return [namesake.id for namesake in self.named(name) if namesake.id not in recorded and namesake.id != own]

    def is_gone(self, ident: str) -> bool:
        """Return whether the service says that a recorded id does not exist."""
        return ident not in self.by_id and ident not in self.unclear


def observe(
    items: Iterable[Json], unclear: Mapping[str, str] | None = None, unlisted: frozenset[str] = frozenset()
) -> Observation:
    """Return the observation of a listing. Raise ``ServiceError`` for an item without an id."""
    by_id = {observed.id: observed for observed in map(parse_observed, items)}
    by_name: dict[str, list[Observed]] = {}
    for observed in by_id.values():
        by_name.setdefault(fold_name(observed.name), []).append(observed)
    return Observation(by_id, {name: tuple(group) for name, group in by_name.items()}, unclear or {}, unlisted)


def parse_observed(item: Json) -> Observed:
    """Return one item of a listing. Raise ``ServiceError`` if it has no id; everything else may be absent."""
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]:
        raise ServiceError(
            "the service lists a base connection without an id", "report this to Adobe; nothing was done"
        )
    return Observed(
        id=item["id"],
        etag=text_or_empty(item.get("etag")) or text_or_empty(item.get("version")) or None,
        state=text_or_empty(item.get("state")),
        fields=tuple(_visible_fields(item)),
        created_at=_milliseconds(item.get("createdAt")),
        updated_at=_milliseconds(item.get("updatedAt")),
        updated_by=text_or_empty(item.get("updatedBy")),
        created_client=text_or_empty(item.get("createdClient")),
        updated_client=text_or_empty(item.get("updatedClient")),
    )


def _visible_fields(item: Json) -> Iterable[tuple[str, str]]:
    auth = _mapping(item.get("auth"))
    spec = _mapping(item.get("connectionSpec"))
    by_path = {
        "name": item.get("name"),
        "description": item.get("description"),
        "auth.specName": auth.get("specName"),
        "connectionSpec.id": spec.get("id"),
        "connectionSpec.version": spec.get("version"),
        **{f"auth.params.{name}": value for name, value in _mapping(auth.get("params")).items()},
    }
    # It is not documented that the service returns numbers or booleans for texts that were sent; they would be equal.
    return ((path, as_text(value)) for path, value in by_path.items() if isinstance(value, str | int))


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _milliseconds(value: Any) -> int:
    # The upper limit is the year 9999, the last one that datetime accepts.
    return value if isinstance(value, int) and 0 <= value < 253_402_300_800_000 else 0


def differing(desired: Desired, observed: Observed) -> tuple[tuple[str, str], ...]:
    """Return the declared visible fields that the service shows with another value: path and shown value."""
    return shown_otherwise(desired.visible, observed)


def shown_otherwise(fields: Mapping[str, str], observed: Observed) -> tuple[tuple[str, str], ...]:
    """Return those of the visible ``fields`` that the service shows with another value: path and shown value.

    A field that the service does not show does not differ, except for the description: an absent one is empty
    (inferred: absent-description).
    """
    shown = {"description": "", **observed.as_dict}
    expected = {"description": "", **fields}
    return tuple((path, shown[path]) for path, value in expected.items() if path in shown and shown[path] != value)
