"""Make a plan of definitions, state and service, step by step. ``plan`` and ``apply`` use the same pipeline."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from provisioner.definitions.desired import Desired
from provisioner.definitions.variables import exposing_fields
from provisioner.errors import NotAuthenticated, ServiceError, StateError, UsageError
from provisioner.model import Cloud
from provisioner.planning.approval import pinned
from provisioner.planning.changes import PlanInputs, plan_all
from provisioner.planning.guards import (
    announce_drift,
    announce_limits,
    hold_back_mass_delete,
    hold_back_mass_recreate,
    hold_to_limits,
)
from provisioner.planning.impact import affected_ids, with_dataflows, with_other_readers, with_unknown_dataflows
from provisioner.planning.lookup import look
from provisioner.planning.moves import apply_moves, move_notes, with_moves
from provisioner.planning.plan import Plan, PlanOptions
from provisioner.planning.recovery import resolve
from provisioner.planning.refresh import refresh_plan
from provisioner.planning.target_context import TargetContext
from provisioner.planning.verification_steps import is_probe, with_proofs, with_tests, with_waits
from provisioner.state.records import State
from provisioner.state.replay import replay

if TYPE_CHECKING:
    from provisioner.secret_scanner import SecretScanner
    from provisioner.service.client import FlowReader


def plan(
    target: TargetContext,
    desired: tuple[Desired, ...],
    state: State,
    service: FlowReader | None,
    options: PlanOptions,
    from_saved_plan: bool = False,
) -> Plan:
    """Return the plan of a target. ``service`` is None for ``--offline``; for ``from_saved_plan`` see ``make_plan``.

    Calls of an earlier run whose outcome is unknown are settled as ``apply`` would settle them first, but not recorded.
    """
    if service is None:
        return make_plan(target, desired, PlanInputs(state, None, target.fingerprinter(state.lineage)), options)
    observation = look(service, state)
    resolved = resolve(state, observation, target.client)
    inputs = PlanInputs(
        replay(state, resolved.entries),
        observation,
        target.fingerprinter(state.lineage),
        client=target.client,
        undecided=resolved.undecided,
    )
    notes = {key: found.planned for key, found in resolved.found.items()}
    return make_plan(target, desired, inputs, options, service, from_saved_plan).with_notes(notes)


def make_plan(
    target: TargetContext,
    desired: tuple[Desired, ...],
    inputs: PlanInputs,
    options: PlanOptions,
    service: FlowReader | None = None,
    from_saved_plan: bool = False,
) -> Plan:
    """Return the plan that the options allow. ``service`` is asked which dataflows use what the plan changes.

    ``from_saved_plan``: the plan was saved and approved before, and parts of it may be done already. Raise
    ``StateError`` where the state holds a secret in plain text, ``UsageError`` for ``--select`` that selects nothing.
    """
    _refuse_exposed_secrets(inputs.state, target.scanner)
    recorded_state = inputs.state
    state, moves = apply_moves(recorded_state, desired)
    inputs = replace(inputs, state=state, options=options)
    whole = (refresh_plan if options.refresh_only else plan_all)(target.name, target.identity, desired, inputs)
    whole = with_moves(whole, moves).with_notes(move_notes(recorded_state, desired))
    plan = replace(_selected(whole, options, from_saved_plan), options=options, is_saved=from_saved_plan)
    if not options.allow_mass_delete:
        plan = hold_back_mass_delete(plan, whole)
    if not options.allow_mass_recreate:
        plan = hold_back_mass_recreate(plan, state, inputs.observation)
    plan = (announce_limits if options.exceed_limits else hold_to_limits)(plan, target.target.limits)
    if not (options.overwrite_drift or from_saved_plan):
        plan = announce_drift(plan)
    plan = with_other_readers(plan, whole)
    if service is not None:
        plan = _name_dataflows(plan, service)
    if target.target.cloud is Cloud.AWS:
        plan = with_waits(plan)
    if options.prove:
        plan = with_proofs(plan)
    if options.test:
        plan = with_tests(plan)
    return pinned(plan, inputs.state, inputs.fingerprinter)


def _refuse_exposed_secrets(state: State, scanner: SecretScanner) -> None:
    for record in state.records:
        for path, origins in exposing_fields(record.texts, scanner.origins_in):
            message = f"the value of {', '.join(origins)} stands in the state in plain text: {record.key}, {path}"
            raise StateError(message, "change the secret; nothing was sent")


def _selected(whole: Plan, options: PlanOptions, from_saved_plan: bool) -> Plan:
    # What a saved plan selected may be gone by now.
    for glob in () if from_saved_plan else options.select:
        if not any(fnmatchcase(change.key, glob) for change in whole.changes):
            is_variable = any(change.desired and glob in change.desired.variables for change in whole.changes)
            remedy = f"it is a variable: --variable {glob}" if is_variable else "run `provisioner plan` to see the keys"
            raise UsageError(f"{glob} matches no definition and no record", remedy)
    return whole.only({one.key for one in whole.changes if options.selects(one.key) or is_probe(one.key)})


def _name_dataflows(plan: Plan, service: FlowReader) -> Plan:
    ids = affected_ids(plan)
    if not ids:
        return plan
    try:
        return with_dataflows(plan, service.flows_of(ids))
    except NotAuthenticated:
        raise
    except ServiceError as error:  # a technical account may see connections and no flows
        return with_unknown_dataflows(plan, error.message)
