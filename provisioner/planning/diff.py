"""Desired x record -> what differs, field by field. Pure.

Desired x record x observed -> which fields were changed outside. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from provisioner.definitions.desired import PREVENT_DESTROY, Desired, Field, display_order
from provisioner.model import Location
from provisioner.planning.observed import Observed, differing, shown_otherwise
from provisioner.secrets import Sensitive, Symbolic
from provisioner.state.fingerprint import Comparison, Fingerprinter
from provisioner.state.records import Record, SecretRecord


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs, or a sensitive one of which that cannot be told.

    ``before`` and ``after`` are what a reader may see: text, the origin of a sensitive value, or None for absent.
    ``location`` is None where the definition is gone. ``comparison`` is set for sensitive fields; ``at_hand`` is False
    where the variable is unset, so that there is nothing to compare or to send. ``drifted``: it was changed outside.
    ``again``: it is sent although it is what was sent last. ``added``: the definition had no such secret before.
    """

    path: str
    before: str | None
    after: str | None
    location: Location | None
    comparison: Comparison | None = None
    at_hand: bool = True
    drifted: bool = False
    again: bool = False
    added: bool = False

    @property
    def sensitive(self) -> bool:
        return self.comparison is not None

    @property
    def is_there(self) -> bool:
        """Whether the service shows it already as it is declared, so that it is only recorded."""
        return self.before == self.after and not self.sensitive

    @property
    def undeclared(self) -> bool:
        """Whether only the service, or the value of a secret, tells that it differs."""
        rotated = self.at_hand and self.comparison in (Comparison.CHANGED, Comparison.UNKNOWN)
        return self.drifted or (rotated and self.before == self.after)

    @property
    def counts(self) -> bool:
        """Whether it is a reason to act. An unset variable is none by itself: nothing is known of its value."""
        return self.at_hand or self.added or self.comes_from_elsewhere

    @property
    def comes_from_elsewhere(self) -> bool:
        """Whether a secret has another origin than the one that is recorded."""
        return self.sensitive and None not in (self.before, self.after) and self.before != self.after

    @property
    def is_sent(self) -> bool:
        """Whether carrying it out takes a request: what is there already, or comes from elsewhere, is only recorded."""
        return self.again or not (self.is_there or self.comparison is Comparison.UNCHANGED)


def compare(desired: Desired, record: Record, fingerprinter: Fingerprinter) -> tuple[FieldChange, ...]:
    """The differences, in the order of the desired fields, removed ones last."""
    return () if is_as_recorded(desired, record, fingerprinter) else differences(desired, record, fingerprinter)


def differences(desired: Desired, record: Record, fingerprinter: Fingerprinter) -> tuple[FieldChange, ...]:
    """The same, field by field."""
    visible, secrets = record.texts, record.secrets_as_dict
    changes = [_compare(field, visible, secrets, fingerprinter) for field in desired.fields]
    gone = _removed(set(desired.positions), visible, secrets, desired.location)
    return (*(change for change in changes if change), *gone)


def is_as_recorded(desired: Desired, record: Record, fingerprinter: Fingerprinter) -> bool:
    """True only where nothing differs, as comparing mappings tells: no field is empty and every secret at hand, as
    nearly always. False says nothing."""
    symbols = desired.symbols
    return (
        desired.texts == record.texts
        and len(symbols) == len(record.secrets) == len(desired.positions) - len(desired.texts)
        and all(
            isinstance(value := symbols.get(one.path), Sensitive)
            and value.origin == one.origin
            and fingerprinter.compare(one.path, value.reveal(), one.fingerprint) is Comparison.UNCHANGED
            for one in record.secrets
        )
    )


def resent(desired: Desired, fields: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    """The differences, with every secret that is at hand among them, also where it is unchanged."""
    differing = {field.path for field in fields}
    again = (
        FieldChange(path, value.origin, value.origin, desired.location_of(path), Comparison.UNCHANGED, again=True)
        for path, value in desired.confidential
        if isinstance(value, Sensitive) and path not in differing
    )
    return (*(replace(field, again=field.sensitive and field.at_hand) for field in fields), *again)


def _compare(
    field: Field, visible: Mapping[str, str], secrets: dict[str, SecretRecord], fingerprinter: Fingerprinter
) -> FieldChange | None:
    if isinstance(field.value, Symbolic):
        return _compare_sensitive(field, field.value, visible, secrets, fingerprinter)
    before = visible.get(field.path)
    if before == field.value:
        return None
    if field.path in secrets:
        return FieldChange(field.path, secrets[field.path].origin, field.value, field.location)
    if field.path == "description" and not before and not field.value:
        return None
    return FieldChange(field.path, before, field.value, field.location)


def _compare_sensitive(
    field: Field,
    value: Symbolic,
    visible: Mapping[str, str],
    secrets: dict[str, SecretRecord],
    fingerprinter: Fingerprinter,
) -> FieldChange | None:
    remembered = secrets.get(field.path)
    before = remembered.origin if remembered else visible.get(field.path)
    if remembered is None or not isinstance(value, Sensitive):
        # Of what was imported no secret is recorded; nothing tells that one was added.
        added = before is None and bool(secrets)
        at_hand = isinstance(value, Sensitive)
        return FieldChange(field.path, before, value.origin, field.location, Comparison.UNKNOWN, at_hand, added=added)
    comparison = fingerprinter.compare(field.path, value.reveal(), remembered.fingerprint)
    if comparison is Comparison.UNCHANGED and before == value.origin:
        return None
    return FieldChange(field.path, before, value.origin, field.location, comparison)


def _removed(
    declared: set[str], visible: Mapping[str, str], secrets: dict[str, SecretRecord], where: Location
) -> Iterator[FieldChange]:
    for path, before in visible.items():
        if path not in declared and before:
            yield FieldChange(path, before, None, where)
    for path, secret in secrets.items():
        if path not in declared:
            yield FieldChange(path, secret.origin, None, where, Comparison.CHANGED)


def introduced(desired: Desired) -> tuple[FieldChange, ...]:
    """Every field of a base connection that is to be created."""
    return tuple(_introduced(field) for field in desired.fields if field.value)


def _introduced(field: Field) -> FieldChange:
    value = field.value
    if not isinstance(value, Symbolic):
        return FieldChange(field.path, None, value, field.location)
    if isinstance(value, Sensitive):
        return FieldChange(field.path, None, value.origin, field.location, Comparison.CHANGED)
    return FieldChange(field.path, None, value.origin, field.location, Comparison.UNKNOWN, at_hand=False)


def withdrawn(record: Record, shown: Mapping[str, str]) -> tuple[FieldChange, ...]:
    """Return every field of what is to be deleted, as it is there. ``shown`` is what was changed outside."""
    texts = {path: text for path, text in record.texts.items() if path != PREVENT_DESTROY}
    plain = (
        FieldChange(path, text or None, None, None, drifted=path in shown) for path, text in {**texts, **shown}.items()
    )
    secrets = (FieldChange(one.path, one.origin, None, None, Comparison.CHANGED) for one in record.secrets)
    return tuple(sorted((*plain, *secrets), key=lambda field: display_order(field.path)))


def accepted(record: Record, fields: Iterable[FieldChange], etag: str | None = None) -> Record:
    """Return the record once these changes are in it: of visible fields, and of where secrets come from."""
    listed = tuple(fields)
    changed = {field.path: field.after or "" for field in listed if not field.sensitive}
    origins = {field.path: field.after for field in listed if field.sensitive and field.after}
    kept = {path: text for path, text in {**record.texts, **changed}.items() if text}
    # A path that was sensitive, as far as the state says, is not any more.
    secrets = tuple(
        replace(secret, origin=origins.get(secret.path, secret.origin))
        for secret in record.secrets
        if secret.path not in changed
    )
    return replace(record, texts=kept, secrets=secrets, etag=etag or record.etag)


def record_of(desired: Desired, identity: str, etag: str | None, salt: str, fingerprinter: Fingerprinter) -> Record:
    """What is remembered of a base connection once it is as desired; ``identity`` is its id, "" before it has one."""
    secrets = [
        SecretRecord(path, value.origin, fingerprinter.make(path, value.reveal(), salt))
        for path, value in desired.sensitive
    ]
    return Record(desired.key, identity, etag, desired.texts, tuple(secrets), salt)


def visible_record_of(desired: Desired, identity: str, etag: str | None, salt: str) -> Record:
    """The same with nothing said about secrets: of an object that we did not send them to."""
    return Record(desired.key, identity, etag, desired.texts, (), salt)


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
            where = desired.location_of(path) if path in desired.positions else desired.location
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
