"""Compare each definition with its record and the observed base connection: what is to change. Pure.

The action of a key follows from its definition and its record. The service can only block an action, turn the update of
a vanished object into a create, and add drift. Without the service (``--offline``) the plan notes what is unknown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from provisioner.definitions.desired import PREVENT_DESTROY, Desired
from provisioner.model import Key, TargetIdentity
from provisioner.planning.diff import (
    FieldChange,
    accepted,
    compare,
    created_fields,
    deleted_fields,
    outside_edit,
    touched,
    with_drift,
    with_resent_secrets,
)
from provisioner.planning.impact import with_new_servers
from provisioner.planning.observed import Observation, Observed, differing, shown_otherwise
from provisioner.planning.ownership import NO_OWNERS, Ownership, ownership
from provisioner.planning.plan import NO_OPTIONS, Action, Change, Plan, PlanOptions, Undecided
from provisioner.planning.steps import Accept, Create, Delete, Patch, Step, operations
from provisioner.planning.verification_steps import INITIALIZING, await_before, leftover_probes
from provisioner.state.fingerprint import KEY_VARIABLE, OLD_KEY_VARIABLE, Comparison, Fingerprinter
from provisioner.state.records import Record, State

LOOKED_FOR = "an earlier create has no known outcome; apply looks for its result first"


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """Everything that the changes of a plan are computed from, apart from the definitions.

    ``observation`` is None offline; ``client`` is our own client id. ``undecided`` are the keys that recovery had to
    leave to the user. ``owners`` is computed by ``plan_all``.
    """

    state: State
    observation: Observation | None
    fingerprinter: Fingerprinter
    client: str = ""
    options: PlanOptions = NO_OPTIONS
    undecided: Mapping[Key, Undecided] = dataclasses.field(default_factory=dict)
    owners: Ownership = NO_OWNERS

    def with_owners(self, desired: Iterable[Desired]) -> PlanInputs:
        return replace(self, owners=ownership(desired, self.state, self.observation))


def plan_all(target: str, identity: TargetIdentity, desired: Iterable[Desired], inputs: PlanInputs) -> Plan:
    """Return the plan of a target, before selection, guards and added steps."""
    definitions = tuple(desired)
    inputs = inputs.with_owners(definitions)
    declared = {definition.key for definition in definitions}
    moving = {inputs.owners.held_move(definition) for definition in definitions}
    changes = [
        *(_declared_change(definition, inputs) for definition in definitions),
        *_undeclared_changes(declared, moving, inputs),
        *_open_creates(declared, inputs),
        *leftover_probes(inputs.state.intents, inputs.observation),
    ]
    in_order = tuple(sorted(changes, key=lambda change: change.key))
    notes = tuple(inputs.owners.stray_notes(inputs.observation, inputs.client))
    return with_new_servers(Plan(target, identity, in_order, inputs.observation is None, notes=notes), inputs.state)


def _declared_change(desired: Desired, inputs: PlanInputs) -> Change:
    record = inputs.state.record(desired.key)
    if record is None:
        return _change_without_record(desired, inputs, "not in the state")
    doubt = inputs.owners.doubtful_identity(record, inputs.observation)
    if doubt := doubt or inputs.owners.name_conflict(desired, record, inputs.observation):
        return _blocked(desired, doubt.reason, doubt.remedy)
    if inputs.observation is None:
        return _change_with_record(desired, record, None, inputs)
    if inputs.observation.is_gone(record.id):
        return _change_without_record(desired, inputs, f"{record.id} was deleted outside provisioner")
    return _change_with_record(desired, record, inputs.observation.by_id[record.id], inputs)


# Definitions without a record


def _change_without_record(desired: Desired, inputs: PlanInputs, reason: str) -> Change:
    if undecided := inputs.undecided.get(desired.key):
        return _blocked(desired, undecided.reason, undecided.remedy)
    if any(intent.key == desired.key and intent.step != "probe" for intent in inputs.state.intents):
        return _create(desired, LOOKED_FOR)
    if old := inputs.owners.held_move(desired):
        reason = f"its record is at {old}, and the outcome of an earlier call is unknown"
        return _blocked(desired, reason, "run apply again: it determines the outcome first")
    if former := inputs.owners.former_owner(desired):
        # A create would make a second base connection of this name, or take away the one that dataflows use.
        return _blocked(desired, former.reason, former.remedy)
    if inputs.options.resend:
        # Nothing can use what was never applied.
        known = inputs.state.record(desired.key) is not None
        new_id = "; it gets a new id, to which any existing dataflows must be pointed" if known else ""
        remedy = f"run `provisioner apply` first to create it{new_id}"
        return _blocked(desired, f"{reason}: there is nothing to send its credentials to", remedy)
    existing = inputs.observation.named(desired.name) if inputs.observation else ()
    candidates = [observed for observed in existing if observed.id not in inputs.owners.ids]
    if not candidates:
        doubt = inputs.owners.ambiguous_name(desired)
        return _blocked(desired, doubt.reason, doubt.remedy) if doubt else _create(desired, reason)
    if inputs.options.import_existing and len(candidates) == 1:
        return _adopt(desired, candidates[0], inputs)
    ids = ", ".join(observed.id for observed in candidates)
    if len(candidates) > 1:
        return _blocked(
            desired,
            f"{len(candidates)} base connections with this name already exist: {ids}",
            f"if one of them is meant: `import {desired.key} ID`; or give this definition another name",
        )
    return _blocked(
        desired,
        f"already exists: {ids}",
        "`apply --import-existing` adopts it if it matches and it was created with your AEP_API_KEY; "
        f"`import {desired.key} {ids}` adopts it in any case; or change the name",
    )


def _create(desired: Desired, reason: str) -> Change:
    return Change(
        key=desired.key,
        name=desired.name,
        action=Action.CREATE,
        reason=reason,
        location=desired.location,
        fields=created_fields(desired),
        steps=(Create(),),
        notes=_unset_notes(desired),
        desired=desired,
    )


def _adopt(desired: Desired, observed: Observed, inputs: PlanInputs) -> Change:
    if differences := differing(desired, observed):
        paths = ", ".join(path for path, _ in differences)
        reason = f"already exists: {observed.id}, and differs in {paths}"
        remedy = f"change the definition to match it, or adopt it as it is: `import {desired.key} {observed.id}`"
        return _blocked(desired, reason, remedy)
    # The client that created it is its API key (assumed: created-client).
    if not inputs.client or observed.created_client != inputs.client:
        reason = f"already exists: {observed.id}, created by {observed.created_client or 'an unknown client'}"
        remedy = (
            "--import-existing adopts only what was created with your AEP_API_KEY; if it is yours: "
            f"`import {desired.key} {observed.id}`"
        )
        return _blocked(desired, reason, remedy)
    secrets = (field for field in created_fields(desired) if field.sensitive)
    fields = tuple(replace(field, comparison=Comparison.UNKNOWN) for field in secrets)
    if observed.etag is None and observed.state != INITIALIZING:
        return _not_enabled(desired, observed, fields)
    return Change(
        key=desired.key,
        name=desired.name,
        action=Action.UPDATE,
        reason=f"adopts the existing {observed.id}; its secret cannot be compared and is sent",
        location=desired.location,
        fields=fields,
        steps=await_before(observed, Patch(observed.id, observed.etag, operations(fields))),
        notes=_unset_notes(desired),
        desired=desired,
    )


def _unset_notes(desired: Desired) -> tuple[str, ...]:
    origins = dict.fromkeys(symbol.origin for _, symbol in desired.unset)
    return tuple(f"{origin} is not set: apply will need it" for origin in origins)


def _blocked(desired: Desired, reason: str, remedy: str, fields: tuple[FieldChange, ...] = ()) -> Change:
    return Change(
        key=desired.key,
        name=desired.name,
        action=Action.BLOCKED,
        reason=reason,
        location=desired.location,
        remedy=remedy,
        fields=fields,
        desired=desired,
    )


def _not_enabled(desired: Desired, observed: Observed, fields: tuple[FieldChange, ...]) -> Change:
    """Return a blocked change: an object cannot be changed before it is enabled and has an etag (inferred:
    initializing)."""
    return _blocked(desired, f"its state is {observed.state or 'unknown'}", "plan again once it is enabled", fields)


# Definitions with a record


def _change_with_record(desired: Desired, record: Record, observed: Observed | None, inputs: PlanInputs) -> Change:
    fields = compare(desired, record, inputs.fingerprinter)
    if any(field.path.startswith("connectionSpec.") for field in fields):
        return _blocked(
            desired,
            "the connection spec of a base connection cannot be changed (1414)",
            "give the definition a new key and a new name, so that a new base connection is created",
            fields,
        )
    if inputs.options.resend:
        fields = with_resent_secrets(desired, fields)
    fields = with_drift(fields, desired, record, observed)
    updated = [field for field in fields if field.needs_update]
    patch = operations(field for field in updated if field.is_sent)
    if patch and observed and observed.etag is None and observed.state != INITIALIZING:
        return _not_enabled(desired, observed, fields)
    reason = "as declared"
    steps: tuple[Step, ...] = ()
    if patch:
        reason = "; ".join(_update_reasons(fields, observed, inputs))
        steps = await_before(observed, Patch(record.id, observed.etag if observed else record.etag, patch))
    elif updated:
        reason = "; ".join((*_update_reasons(fields, observed, inputs), "only recorded, nothing is sent"))
        etag = observed.etag if observed and any(field.already_set for field in updated) else None
        steps = (Accept(accepted(record, updated, etag)),)
    return Change(
        key=desired.key,
        name=desired.name,
        action=Action.UPDATE if updated else Action.NO_OP,
        reason=reason,
        location=desired.location,
        fields=fields,
        steps=steps,
        notes=(*_secret_notes(fields, record, inputs), *_observed_notes(record, observed, inputs)),
        desired=desired,
        record=record,
        last_edit=outside_edit(record, observed, inputs.client) if observed else "",
    )


def _update_reasons(fields: Iterable[FieldChange], observed: Observed | None, inputs: PlanInputs) -> Iterator[str]:
    if any(field.added or not (field.sensitive or field.drifted) for field in fields):
        yield "definition differs from the state"
    for field in fields:
        if field.sensitive and field.after is None:
            yield f"secret removed: {field.before}"
        elif field.comparison is Comparison.CHANGED:
            yield f"secret changed: {field.after}"
        elif field.comparison is Comparison.UNKNOWN and field.has_value:
            yield f"secret cannot be compared and will be sent: {field.after}"
        elif field.comparison is Comparison.UNCHANGED and field.again:
            yield f"secret is sent again, as requested: {field.after}"
        elif field.origin_changed:
            same = "; its value is the same" if field.has_value else ""
            yield f"{field.path} now comes from {field.after} instead of {field.before}{same}"
    if observed and any(field.drifted for field in fields):
        yield f"drift: changed by {observed.last_edit(inputs.client)}"


def _secret_notes(fields: tuple[FieldChange, ...], record: Record, inputs: PlanInputs) -> Iterator[str]:
    paths = {field.path for field in fields}
    for secret in record.secrets:
        if secret.path in paths and not inputs.fingerprinter.knows_key_of(secret.fingerprint):
            variable = OLD_KEY_VARIABLE if inputs.fingerprinter.has_key else KEY_VARIABLE
            yield (
                f"{secret.path}: its fingerprint was made with fingerprint key {secret.fingerprint.key_id}; "
                f"if you set {variable} to that key, nothing needs to be sent"
            )
    needed = any(field.needs_update for field in fields)
    effect = ": apply will need it" if needed else ", so provisioner cannot tell whether it changed"
    yield from (f"{field.after} is not set{effect}" for field in fields if not field.has_value)


def _observed_notes(record: Record, observed: Observed | None, inputs: PlanInputs) -> Iterator[str]:
    if observed is None or inputs.observation is None:
        return
    if touched(record, observed):
        yield (
            f"touched outside provisioner by {observed.last_edit(inputs.client)}; {observed.invisible_edit}, and "
            f"secrets are not visible: `test` says whether it still signs in, `rotate {record.key}` sends them again"
        )
    elif not observed.is_enabled:
        yield f"its state is {observed.state}"
    yield from inputs.owners.namesake_notes(record, inputs.observation)


# Records and open creates without a definition


def _undeclared_changes(declared: set[Key], moving: set[Key], inputs: PlanInputs) -> Iterator[Change]:
    for record in inputs.state.records:
        if record.key not in declared:
            is_gone = inputs.observation is not None and inputs.observation.is_gone(record.id)
            if inputs.options.allow_delete and record.key not in moving:
                yield _delete(record, is_gone, inputs)
            else:
                rename = inputs.owners.suspected_rename(record, inputs.observation)
                yield _unmanaged(record, is_gone, rename.remedy if rename else "")


def _unmanaged(record: Record, is_gone: bool, rename_remedy: str = "") -> Change:
    if is_gone:
        fate = f"{record.id} was deleted outside provisioner, and its record is kept"
        remedy = "`--allow-delete` removes the record; with its definition restored, it is created anew"
    else:
        fate = "the base connection is left alone and its record kept"
        remedy = rename_remedy or (
            "restore the definition, or leave it; to delete the base connection, run `apply --allow-delete`"
        )
    return Change(
        key=record.key,
        name=record.texts.get("name", ""),
        action=Action.UNMANAGED,
        reason=f"no definition for this target; {fate}",
        remedy=remedy,
        record=record,
    )


_PROTECTED = Undecided(
    f"no definition for this target; its last applied one sets {PREVENT_DESTROY}, so it is not deleted",
    "restore the definition; or to delete it, use --allow-delete with --allow-protected-delete",
)


def _delete(record: Record, is_gone: bool, inputs: PlanInputs) -> Change:
    owners, observation = inputs.owners, inputs.observation
    doubt = owners.doubtful_identity(record, observation) or owners.suspected_rename(record, observation)
    if record.texts.get(PREVENT_DESTROY) and not inputs.options.allow_protected_delete:
        doubt = doubt or _PROTECTED
    if doubt:
        notes = (f"{record.id} does not exist any more",) if is_gone else ()
        change = _unmanaged(record, is_gone)
        return replace(change, action=Action.BLOCKED, reason=doubt.reason, remedy=doubt.remedy, notes=notes)
    observed = observation.by_id.get(record.id) if observation else None
    drift = dict(shown_otherwise(record.texts, observed)) if observed else {}
    fate = "was deleted outside provisioner, and its record will be removed" if is_gone else "will be deleted"
    reason = f"no definition for this target; {record.id} {fate}"
    if observed and drift:
        reason += f"; drift: changed by {observed.last_edit(inputs.client)}"
    return Change(
        key=record.key,
        name=record.texts.get("name", ""),
        action=Action.DELETE,
        reason=reason,
        fields=() if is_gone else deleted_fields(record, drift),
        steps=await_before(observed, Delete(record.id, observed.etag if observed else record.etag)),
        record=record,
        last_edit=outside_edit(record, observed, inputs.client) if observed else "",
    )


def _open_creates(declared: set[Key], inputs: PlanInputs) -> Iterator[Change]:
    """Yield a change for each create without a known outcome whose definition is gone as well."""
    for intent in inputs.state.intents:
        if intent.step == "probe" or intent.key in declared or inputs.state.record(intent.key) is not None:
            continue
        if undecided := inputs.undecided.get(intent.key):
            yield Change(intent.key, intent.name, Action.BLOCKED, undecided.reason, remedy=undecided.remedy)
        else:
            yield Change(intent.key, intent.name, Action.UNMANAGED, f"no definition; {LOOKED_FOR}")
