"""Desired x prior state x observed -> ``Plan``. Pure.

The action is a function of desired and prior state. What the service shows may only block a create, bring back an
object that vanished, and add drift; without it (``--offline``) the plan says what it could not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute

from provisioner.definitions.desired import PREVENT_DESTROY, Desired
from provisioner.model import Key, TargetIdentity
from provisioner.planning.added_steps import INITIALIZING, first_enabled, left_probes
from provisioner.planning.diff import FieldChange, accepted, compare, introduced, resent, touched, with_drift, withdrawn
from provisioner.planning.impact import with_new_servers
from provisioner.planning.observed import Observation, Observed, differing, shown_otherwise
from provisioner.planning.ownership import NOBODY, Ownership, ownership
from provisioner.planning.plan import Action, Change, Plan, Undecided
from provisioner.planning.steps import Accept, Create, Delete, Operation, Patch, Step, operations
from provisioner.state.fingerprint import KEY_VARIABLE, OLD_KEY_VARIABLE, Comparison, Fingerprinter
from provisioner.state.records import Record, State

LOOKED_FOR = "an earlier create has no known outcome; apply looks for its result first"


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What every change is judged by. ``observation`` is None offline; ``client`` is our own client id.

    ``adopt``: an object of the right name that is as declared may be taken over (``--import-existing``).
    ``delete``: what has no definition any more is deleted (``--allow-delete``), ``protected_delete``: also what its
    definition protected (``--allow-protected-delete``).
    ``resend``: the credentials of what exists are sent again, and nothing is created (``--resend``).
    ``undecided`` are the keys that recovery had to leave to the user. ``owners`` says whose names and ids are.
    """

    state: State
    observation: Observation | None
    fingerprinter: Fingerprinter
    client: str = ""
    adopt: bool = False
    delete: bool = False
    protected_delete: bool = False
    resend: bool = False
    undecided: Mapping[Key, Undecided] = attribute(default_factory=dict)
    owners: Ownership = NOBODY

    def owned(self, desired: Iterable[Desired]) -> PlanInputs:
        """Return the same with who owns what."""
        return replace(self, owners=ownership(desired, self.state, self.observation))


def make_plan(target: str, identity: TargetIdentity, desired: Iterable[Desired], context: PlanInputs) -> Plan:
    """Return the plan of a target."""
    wanted = tuple(desired)
    context = context.owned(wanted)
    declared = {one.key for one in wanted}
    changes = [_change(one, context) for one in wanted]
    changes += [
        *_unmanaged(declared, {context.owners.held_move(one) for one in wanted}, context),
        *_left_open(declared, context),
    ]
    changes += left_probes(context.state.intents, context.observation)
    in_order = tuple(sorted(changes, key=lambda change: change.key))
    notes = tuple(context.owners.strays(context.observation, context.client))
    return with_new_servers(Plan(target, identity, in_order, context.observation is None, notes=notes), context.state)


def _left_open(declared: set[Key], context: PlanInputs) -> Iterator[Change]:
    """Creates of which nobody knows what became, and whose definition is gone as well."""
    for intent in context.state.intents:
        if intent.step == "probe" or intent.key in declared or context.state.record(intent.key) is not None:
            continue
        undecided = context.undecided.get(intent.key)
        if undecided:
            yield Change(intent.key, intent.name, Action.BLOCKED, undecided.reason, remedy=undecided.remedy)
        else:
            yield Change(intent.key, intent.name, Action.UNMANAGED, f"no definition; {LOOKED_FOR}")


def _change(desired: Desired, context: PlanInputs) -> Change:
    record = context.state.record(desired.key)
    if record is None:
        return _without_record(desired, context, "not in the state")
    doubt = context.owners.doubt(record, context.observation)
    if doubt := doubt or context.owners.taken(desired, record, context.observation):
        return _blocked(desired, doubt.reason, doubt.remedy)
    if context.observation is None:
        return _with_record(desired, record, None, context)
    if context.observation.is_gone(record.id):
        return _without_record(desired, context, f"{record.id} was deleted outside")
    return _with_record(desired, record, context.observation.by_id[record.id], context)


def _without_record(desired: Desired, context: PlanInputs, reason: str) -> Change:
    existing = context.observation.named(desired.name) if context.observation else ()
    candidates = [one for one in existing if one.id not in context.owners.ids]
    if desired.key in context.undecided:
        undecided = context.undecided[desired.key]
        return _blocked(desired, undecided.reason, undecided.remedy)
    if any(intent.key == desired.key and intent.step != "probe" for intent in context.state.intents):
        return _create(desired, LOOKED_FOR)
    if old := context.owners.held_move(desired):
        return _blocked(
            desired, f"its record is at {old}, and a call is open", "run apply once more: it finds out first"
        )
    if former := context.owners.former_owner(desired):
        # Carried out, there would be two base connections of one name, or dataflows would lose the one that they use.
        return _blocked(desired, f"its name is that of {former[0]}: this looks like a rename", former[1])
    if context.resend:
        return _blocked(desired, f"{reason}: there is nothing to send its credentials to", _CREATE_IT)
    if not candidates:
        doubt = context.owners.name_doubt(desired)
        return _blocked(desired, doubt.reason, doubt.remedy) if doubt else _create(desired, reason)
    if context.adopt and len(candidates) == 1:
        return _adopt(desired, candidates[0], context)
    return _exists(desired, candidates)


_CREATE_IT = "`apply` without --resend creates it, with another id: dataflows have to be pointed there"


def _create(desired: Desired, reason: str) -> Change:
    return Change(
        key=desired.key,
        name=desired.name,
        action=Action.CREATE,
        reason=reason,
        location=desired.location,
        fields=introduced(desired),
        steps=(Create(),),
        notes=tuple(_unset_notes(desired)),
        desired=desired,
    )


def _unset_notes(desired: Desired) -> Iterator[str]:
    for origin in dict.fromkeys(symbol.origin for _, symbol in desired.unset):
        yield f"{origin} is not set: apply will need it"


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


def _exists(desired: Desired, candidates: list[Observed]) -> Change:
    ids = ", ".join(one.id for one in candidates)
    if len(candidates) > 1:
        return _blocked(
            desired,
            f"exists already, {len(candidates)} times: {ids}",
            f"if one of them is meant: `import {desired.key} ID`; or give this definition another name",
        )
    return _blocked(
        desired,
        f"exists already: {ids}",
        "`apply --import-existing` adopts it if it matches and our own client created it; "
        f"`import {desired.key} {ids}` adopts it in any case; or change the name",
    )


def _not_ready(desired: Desired, observed: Observed, fields: tuple[FieldChange, ...]) -> Change:
    """Documented for AWS: an object has no etag before it is enabled, and without one nothing can be changed."""
    return _blocked(desired, f"its state is {observed.state or 'unknown'}", "plan again once it is enabled", fields)


def _adopt(desired: Desired, observed: Observed, context: PlanInputs) -> Change:
    differences = differing(desired, observed)
    if differences:
        paths = ", ".join(path for path, _ in differences)
        reason = f"exists already: {observed.id}, and differs in {paths}"
        remedy = f"make the definition say what exists, or take it over as it is: `import {desired.key} {observed.id}`"
        return _blocked(desired, reason, remedy)
    if not context.client or observed.created_client != context.client:
        reason = f"exists already: {observed.id}, created by {observed.created_client or 'an unknown client'}"
        remedy = (
            f"only what our own client created is taken over so; if it is yours: `import {desired.key} {observed.id}`"
        )
        return _blocked(desired, reason, remedy)
    sent = tuple(replace(change, comparison=Comparison.UNKNOWN) for change in introduced(desired) if change.sensitive)
    if observed.etag is None and observed.state != INITIALIZING:
        return _not_ready(desired, observed, sent)
    return Change(
        key=desired.key,
        name=desired.name,
        action=Action.UPDATE,
        reason=f"takes over the existing {observed.id}; its secret cannot be compared and is sent",
        location=desired.location,
        fields=sent,
        steps=first_enabled(observed, Patch(observed.id, observed.etag, operations(sent))),
        notes=tuple(_unset_notes(desired)),
        desired=desired,
    )


def _with_record(desired: Desired, record: Record, observed: Observed | None, context: PlanInputs) -> Change:
    fields = compare(desired, record, context.fingerprinter)
    if any(field.path.startswith("connectionSpec.") for field in fields):
        return _blocked(
            desired,
            "the connection spec of a base connection cannot be changed (1414)",
            "give the definition a new key and a new name, so that a new base connection is created",
            fields,
        )
    fields = with_drift(resent(desired, fields) if context.resend else fields, desired, record, observed)
    counting = [field for field in fields if field.counts]
    sent = operations(field for field in counting if field.is_sent)
    reasons = (*_reasons(fields, observed, context), *(() if sent else ("only recorded, nothing is sent",)))
    if sent and observed and observed.etag is None and observed.state != INITIALIZING:
        return _not_ready(desired, observed, fields)
    return Change(
        key=desired.key,
        name=desired.name,
        action=Action.UPDATE if counting else Action.NO_OP,
        reason="; ".join(reasons) if counting else "as declared",
        location=desired.location,
        fields=fields,
        steps=_steps(record, observed, counting, sent) if counting else (),
        notes=(*_secret_notes(fields, record, context), *_notes(fields, record, observed, context)),
        desired=desired,
        record=record,
    )


def _steps(
    record: Record, observed: Observed | None, fields: Iterable[FieldChange], sent: tuple[Operation, ...]
) -> tuple[Step, ...]:
    """What carries out these differences; with nothing to send, they are only recorded."""
    if not sent:
        declared = observed.etag if observed and any(field.is_there for field in fields) else None
        return (Accept(accepted(record, fields, declared)),)
    return first_enabled(observed, Patch(record.id, observed.etag if observed else record.etag, sent))


def _reasons(fields: Iterable[FieldChange], observed: Observed | None, context: PlanInputs) -> Iterator[str]:
    if any(field.added or not (field.sensitive or field.drifted) for field in fields):
        yield "definition changed"
    for field in fields:
        if field.sensitive and field.after is None:
            yield f"secret removed: {field.before}"
        elif field.comparison is Comparison.CHANGED:
            yield f"secret changed: {field.after}"
        elif field.comparison is Comparison.UNKNOWN and field.at_hand:
            yield f"secret cannot be compared, will be sent: {field.after}"
        elif field.comparison is Comparison.UNCHANGED and field.again:
            yield f"secret is sent again, as asked: {field.after}"
        elif field.comes_from_elsewhere:
            same = "; its value is the same" if field.at_hand else ""
            yield f"{field.path} comes from {field.after}, before from {field.before}{same}"
    if observed and any(field.drifted for field in fields):
        yield f"drift: changed by {observed.last_edit(context.client)}"


def _secret_notes(fields: Iterable[FieldChange], record: Record, context: PlanInputs) -> Iterator[str]:
    differing = {field.path for field in fields}
    for secret in record.secrets:
        if secret.path in differing and not context.fingerprinter.knows_key_of(secret.fingerprint):
            yield _other_key(secret.path, secret.fingerprint.key_id, context.fingerprinter.has_key)


def _other_key(path: str, key_id: str, has_key: bool) -> str:
    where = f"as {OLD_KEY_VARIABLE}" if has_key else f"in {KEY_VARIABLE}, which is not set"
    return f"{path} was recorded with key {key_id}: with that one {where}, nothing needs to be sent"


def _notes(
    fields: Iterable[FieldChange], record: Record, observed: Observed | None, context: PlanInputs
) -> Iterator[str]:
    needed = "apply will need it" if any(field.counts for field in fields) else "cannot tell whether it changed"
    yield from (f"{field.after} is not set: {needed}" for field in fields if not field.at_hand)
    if observed is None:
        return
    if touched(record, observed):
        yield (
            f"touched outside by {observed.last_edit(context.client)}; {observed.unlike_before}, and secrets are not "
            f"visible: `test` says whether it still signs in, `rotate {record.key}` sends them again"
        )
    elif not observed.is_enabled:
        yield f"its state is {observed.state}"
    if context.observation is not None:
        yield from context.owners.twins(record, context.observation)


def _unmanaged(declared: set[Key], moving: set[Key], context: PlanInputs) -> Iterator[Change]:
    for record in context.state.records:
        if record.key not in declared:
            deletes = context.delete and record.key not in moving
            yield _deleted(record, context) if deletes else _left_alone(record, context)


def _is_gone(record: Record, context: PlanInputs) -> bool:
    return context.observation is not None and context.observation.is_gone(record.id)


def _left_alone(record: Record, context: PlanInputs) -> Change:
    fate = "the base connection is left alone and its record kept"
    remedy = "put the definition back, or leave it so; `--allow-delete` deletes it"
    if _is_gone(record, context):
        fate = f"{record.id} was deleted outside, and its record is kept"
        remedy = "`--allow-delete` removes the record; with its definition back, it is created anew"
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
    "put the definition back; or if it is to go: --allow-delete with --allow-protected-delete",
)


def _deleted(record: Record, context: PlanInputs) -> Change:
    observed = context.observation.by_id.get(record.id) if context.observation else None
    shown = dict(shown_otherwise(record.texts, observed)) if observed else {}
    is_gone = _is_gone(record, context)
    fate = "was deleted outside, and its record will go" if is_gone else "will be deleted"
    reason = f"no definition for this target; {record.id} {fate}"
    held = context.owners.doubt(record, context.observation) or context.owners.renamed(record, context.observation)
    if record.texts.get(PREVENT_DESTROY) and not context.protected_delete:
        held = held or _PROTECTED
    if held:
        notes = (f"{record.id} does not exist any more",) if is_gone else ()
        return replace(
            _left_alone(record, context), action=Action.BLOCKED, reason=held.reason, remedy=held.remedy, notes=notes
        )
    return Change(
        key=record.key,
        name=record.texts.get("name", ""),
        action=Action.DELETE,
        reason=f"{reason}; drift: changed by {observed.last_edit(context.client)}" if observed and shown else reason,
        fields=() if is_gone else withdrawn(record, shown),
        steps=first_enabled(observed, Delete(record.id, observed.etag if observed else record.etag)),
        record=record,
    )
