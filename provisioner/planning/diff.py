"""Field by field comparison: of a definition with its record, and of both with what the service shows. Pure.

``compare`` finds what a definition changes; ``with_drift`` and ``drift_of`` find what was changed outside. Records are
made from definitions here as well (``record_of``), because a comparison relies on their form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from provisioner.definitions.desired import PREVENT_DESTROY, Desired, Field, display_order
from provisioner.model import Location
from provisioner.planning.observed import Observed, differing, shown_otherwise
from provisioner.secrets import Sensitive, Symbolic
from provisioner.state.fingerprint import Comparison, Fingerprinter
from provisioner.state.records import Record, SecretRecord


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs, or a sensitive field that cannot be compared.

    ``before`` and ``after`` are fit to be shown: a text, the origin of a sensitive value, or None for absent.
    ``location`` is None if the definition is gone. ``comparison`` is set for sensitive fields; without ``has_value``
    the variable is not set, so that there is no value to compare or to send. ``drifted``: it was changed outside.
    ``again``: ``--resend`` sends it although it may be unchanged. ``added``: the record has no such secret, but
    others.
    """

    path: str
    before: str | None
    after: str | None
    location: Location | None
    comparison: Comparison | None = None
    has_value: bool = True
    drifted: bool = False
    again: bool = False
    added: bool = False

    @property
    def sensitive(self) -> bool:
        return self.comparison is not None

    @property
    def already_set(self) -> bool:
        """Return whether the service shows the declared value already, so that only the record has to change."""
        return self.before == self.after and not self.sensitive

    @property
    def undeclared(self) -> bool:
        """Return whether the difference follows from the service or from the value of a secret alone."""
        rotated = self.has_value and self.comparison in (Comparison.CHANGED, Comparison.UNKNOWN)
        return self.drifted or (rotated and self.before == self.after)

    @property
    def needs_update(self) -> bool:
        """Return whether the field is a reason to update. An unset variable alone is none: its value is unknown."""
        return self.has_value or self.added or self.origin_changed

    @property
    def origin_changed(self) -> bool:
        """Return whether the origin of a secret is not the recorded one."""
        return self.sensitive and None not in (self.before, self.after) and self.before != self.after

    @property
    def is_sent(self) -> bool:
        """Return whether the change takes a request. Otherwise only the record changes."""
        return self.again or not (self.already_set or self.comparison is Comparison.UNCHANGED)

    @property
    def changes_credentials(self) -> bool:
        """Return whether a test that passed before says nothing of the credentials, or the server, after the change."""
        return self.path.startswith("auth.") and (self.again or self.comparison is not Comparison.UNCHANGED)


def compare(desired: Desired, record: Record, fingerprinter: Fingerprinter) -> tuple[FieldChange, ...]:
    """Return the differences between a definition and its record.

    They are in the order of the fields of the definition, removed fields last.
    """
    return () if is_as_recorded(desired, record, fingerprinter) else differences(desired, record, fingerprinter)


def is_as_recorded(desired: Desired, record: Record, fingerprinter: Fingerprinter) -> bool:
    """Return True only if nothing differs; False if ``differences`` has to find out.

    This is the fast path for the common case: whole mappings are compared, no field is empty, every secret is at hand.
    """
    symbols = desired.symbols
    return (
        desired.texts == record.texts
        and len(symbols) == len(record.secrets) == len(desired.positions) - len(desired.texts)
        and all(
            isinstance(value := symbols.get(secret.path), Sensitive)
            and value.origin == secret.origin
            and fingerprinter.compare(secret.path, value.reveal(), secret.fingerprint) is Comparison.UNCHANGED
            for secret in record.secrets
        )
    )


def differences(desired: Desired, record: Record, fingerprinter: Fingerprinter) -> tuple[FieldChange, ...]:
    """Return the result of ``compare`` without its fast path."""
    texts, secrets, declared = record.texts, record.secrets_as_dict, desired.positions
    changes = []
    for field in desired.fields:
        if isinstance(field.value, Symbolic):
            change = _compare_secret(field, field.value, texts, secrets, fingerprinter)
        else:
            change = _compare_text(field, field.value, texts, secrets)
        if change:
            changes.append(change)
    for path, text in texts.items():
        if path not in declared and text:
            changes.append(FieldChange(path, text, None, desired.location))
    for path, secret in secrets.items():
        if path not in declared:
            changes.append(FieldChange(path, secret.origin, None, desired.location, Comparison.CHANGED))
    return tuple(changes)


def _compare_text(
    field: Field, value: str, texts: Mapping[str, str], secrets: Mapping[str, SecretRecord]
) -> FieldChange | None:
    before = texts.get(field.path)
    if before == value:
        return None
    if field.path in secrets:
        return FieldChange(field.path, secrets[field.path].origin, value, field.location)
    if field.path == "description" and not before and not value:
        return None
    return FieldChange(field.path, before, value, field.location)


def _compare_secret(
    field: Field,
    value: Symbolic,
    texts: Mapping[str, str],
    secrets: Mapping[str, SecretRecord],
    fingerprinter: Fingerprinter,
) -> FieldChange | None:
    recorded = secrets.get(field.path)
    before = recorded.origin if recorded else texts.get(field.path)
    if recorded is None or not isinstance(value, Sensitive):
        # An import records no secrets at all: then a missing one does not show that the definition has a new one.
        added = before is None and bool(secrets)
        at_hand = isinstance(value, Sensitive)
        return FieldChange(field.path, before, value.origin, field.location, Comparison.UNKNOWN, at_hand, added=added)
    comparison = fingerprinter.compare(field.path, value.reveal(), recorded.fingerprint)
    if comparison is Comparison.UNCHANGED and before == value.origin:
        return None
    return FieldChange(field.path, before, value.origin, field.location, comparison)


def with_resent_secrets(desired: Desired, fields: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    """Return the changes with every secret that is at hand marked to be sent, unchanged ones included."""
    changed = {field.path for field in fields}
    unchanged = (
        FieldChange(path, value.origin, value.origin, desired.location_of(path), Comparison.UNCHANGED, again=True)
        for path, value in desired.confidential
        if isinstance(value, Sensitive) and path not in changed
    )
    return (*(replace(field, again=field.sensitive and field.has_value) for field in fields), *unchanged)


def created_fields(desired: Desired) -> tuple[FieldChange, ...]:
    """Return every field of a base connection that is to be created, as added."""
    changes = []
    for field in desired.fields:
        value = field.value
        if isinstance(value, Symbolic):
            at_hand = isinstance(value, Sensitive)
            comparison = Comparison.CHANGED if at_hand else Comparison.UNKNOWN
            changes.append(FieldChange(field.path, None, value.origin, field.location, comparison, at_hand))
        elif value:
            changes.append(FieldChange(field.path, None, value, field.location))
    return tuple(changes)


def deleted_fields(record: Record, drift: Mapping[str, str]) -> tuple[FieldChange, ...]:
    """Return every field of a base connection that is to be deleted, as removed.

    ``drift`` has what the service shows, by path, for fields that were changed outside.
    """
    texts = {path: text for path, text in record.texts.items() if path != PREVENT_DESTROY}
    visible = (
        FieldChange(path, text or None, None, None, drifted=path in drift) for path, text in {**texts, **drift}.items()
    )
    secrets = (FieldChange(secret.path, secret.origin, None, None, Comparison.CHANGED) for secret in record.secrets)
    return tuple(sorted((*visible, *secrets), key=lambda field: display_order(field.path)))


def with_drift(
    fields: Iterable[FieldChange], desired: Desired, record: Record, observed: Observed | None
) -> tuple[FieldChange, ...]:
    """Return the changes with outside changes marked as drift and shown observed -> desired.

    A field that the definition changes as well is drift too, so that the reviewer sees what would be overwritten. If
    the service shows the declared value already, ``before`` becomes that value (see ``already_set``).
    """
    if observed is None:
        return tuple(fields)
    secrets, shown = record.secrets_as_dict, {"description": "", **observed.as_dict}
    drift = {path: value for path, value in differing(desired, observed) if path not in secrets}
    changes = []
    for field in fields:
        if not field.sensitive and shown.get(field.path) == (field.after or ""):
            field = replace(field, before=field.after)
        elif not field.sensitive and field.path in drift and drift[field.path] != (field.before or ""):
            field = replace(field, before=drift[field.path] or None, drifted=True)
        changes.append(field)
    changed = {field.path for field in changes}
    for path, value in drift.items():
        if path not in changed:
            after = str(desired.value(path)) or None
            location = desired.location_of(path) if path in desired.positions else desired.location
            changes.append(FieldChange(path, value or None, after, location, drifted=True))
    return tuple(changes)


def drift_of(record: Record, observed: Observed, locations: Mapping[str, Location]) -> tuple[FieldChange, ...]:
    """Return what was changed outside since it was recorded, shown record -> observed.

    A field that only the service shows is no drift. ``locations`` are those of the declared fields.
    """
    recorded = record.texts
    return tuple(
        FieldChange(path, recorded.get(path) or None, value or None, locations.get(path), drifted=True)
        for path, value in shown_otherwise(recorded, observed)
    )


def touched(record: Record, observed: Observed) -> bool:
    """Return whether the etag has changed although every visible field is as recorded.

    Something invisible was then changed, such as a secret (inferred: etag-moves).
    """
    return _has_other_etag(record, observed) and not shown_otherwise(record.texts, observed)


def outside_edit(record: Record, observed: Observed, own_client: str) -> str:
    """Return who changed it outside since it was recorded, and when; "" if nobody did.

    Its etag tells, and so does each visible field, whatever the other says. ``own_client`` is our client id.
    """
    edited = _has_other_etag(record, observed) or shown_otherwise(record.texts, observed)
    return observed.last_edit(own_client) if edited else ""


def _has_other_etag(record: Record, observed: Observed) -> bool:
    return bool(observed.etag and record.etag and observed.etag != record.etag)


def record_of(desired: Desired, identity: str, etag: str | None, salt: str, fingerprinter: Fingerprinter) -> Record:
    """Return the record of a base connection that is as declared. ``identity`` is its id, "" before it has one."""
    secrets = [
        SecretRecord(path, value.origin, fingerprinter.make(path, value.reveal(), salt))
        for path, value in desired.sensitive
    ]
    return Record(desired.key, identity, etag, desired.texts, tuple(secrets), salt)


def visible_record_of(desired: Desired, identity: str, etag: str | None, salt: str) -> Record:
    """Return the record without secrets, for a base connection whose secrets are unknown because others sent them."""
    return Record(desired.key, identity, etag, desired.texts, (), salt)


def accepted(record: Record, fields: Sequence[FieldChange], etag: str | None = None) -> Record:
    """Return the record with the changes of visible fields and of the origins of secrets applied."""
    texts, origins = {}, {}
    for field in fields:
        if not field.sensitive:
            texts[field.path] = field.after or ""
        elif field.after:
            origins[field.path] = field.after
    # A path that is visible now is no secret any more.
    secrets = tuple(
        replace(secret, origin=origins.get(secret.path, secret.origin))
        for secret in record.secrets
        if secret.path not in texts
    )
    visible = {path: text for path, text in {**record.texts, **texts}.items() if text}
    tested_at = "" if any(field.changes_credentials for field in fields) else record.tested_at
    return replace(record, texts=visible, secrets=secrets, etag=etag or record.etag, tested_at=tested_at)
