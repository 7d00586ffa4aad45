"""Desired x record x observed -> which fields were changed outside. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from provisioner.definitions.desired import Desired
from provisioner.model import Location
from provisioner.planning.diff import FieldChange
from provisioner.planning.observed import Observed, differing, shown_otherwise
from provisioner.state.records import Record


def with_drift(
    fields: Iterable[FieldChange], desired: Desired, record: Record, observed: Observed | None
) -> tuple[FieldChange, ...]:
    """The changes of fields, with what was edited outside shown observed -> desired and marked as drift.

    A field that the definition changes as well is drift too: the reviewer sees what would be overwritten. One that it
    changes alike is there already.
    """
    if observed is None:
        return tuple(fields)
    secret = record.secrets_as_dict
    shown = {path: value for path, value in differing(desired, observed) if path not in secret}
    there = {"description": "", **observed.as_dict}
    known = [_marked(field, shown, there) for field in fields]
    return (*known, *_drifted(desired, shown, {field.path for field in known}))


def _marked(field: FieldChange, shown: dict[str, str], there: dict[str, str]) -> FieldChange:
    if not field.sensitive and there.get(field.path) == (field.after or ""):
        return replace(field, before=field.after)
    if field.sensitive or field.path not in shown or shown[field.path] == (field.before or ""):
        return field
    return replace(field, before=shown[field.path] or None, drifted=True)


def _drifted(desired: Desired, shown: dict[str, str], known: set[str]) -> Iterator[FieldChange]:
    for path, value in shown.items():
        if path not in known:
            after = str(desired.value(path)) or None
            where = desired.location_of(path) if path in desired.places else desired.location
            yield FieldChange(path, value or None, after, where, drifted=True)


def drift_of(record: Record, observed: Observed, locations: dict[str, Location]) -> tuple[FieldChange, ...]:
    """What was changed outside of what is recorded, shown record -> observed. What the service added is none.

    ``locations`` are those of the declared fields.
    """
    recorded = record.texts
    return tuple(
        FieldChange(path, recorded.get(path) or None, value or None, locations.get(path), drifted=True)
        for path, value in shown_otherwise(recorded, observed)
    )


def touched(record: Record, observed: Observed) -> bool:
    """Whether it was written to outside although all that is visible is as recorded."""
    moved = bool(observed.etag and record.etag and observed.etag != record.etag)
    return moved and not shown_otherwise(record.texts, observed)
