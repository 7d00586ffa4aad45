"""``plan``: what would change on a target. Looks, and never touches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from provisioner.definitions.check import Checked
from provisioner.definitions.desired import Desired, unset_variables
from provisioner.definitions.files import NO_DEFINITION
from provisioner.definitions.lint import exposed, exposing_fields
from provisioner.definitions.project import FILE_NAME, Project, Target
from provisioner.definitions.read import read
from provisioner.errors import (
    MissingUnclear,
    NotAuthenticated,
    NotFound,
    ProblemsFound,
    ServiceError,
    StateError,
    UsageError,
)
from provisioner.model import MYSQL_SPEC_ID, Cloud, Json, Key, TargetIdentity
from provisioner.planning.added_steps import is_probe, with_proofs, with_tests, with_waits
from provisioner.planning.approval import pinned
from provisioner.planning.guards import announce_drift, hold_back_mass_delete, hold_back_mass_recreate
from provisioner.planning.impact import affected, with_dependants, with_other_readers, without_dependants
from provisioner.planning.moves import moved, naming_moves, without_effect
from provisioner.planning.observed import Observation, observe
from provisioner.planning.plan import Action, Plan, PlanOptions
from provisioner.planning.planner import PlanInputs, make_plan
from provisioner.planning.refresh import refresh_plan
from provisioner.progress import SILENT, Progress, Waits
from provisioner.secrets import Sensitive
from provisioner.service.http import Deadlines
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import State
from provisioner.state.replay import replay

if TYPE_CHECKING:
    from provisioner.secret_scanner import SecretScanner
    from provisioner.service.client import FlowReader


@dataclass(frozen=True, slots=True)
class TargetContext:
    """A target with everything that turns definitions into desired base connections on it.

    ``environment`` holds the variables that may be read; ``client`` is our client id there; ``deadlines`` are those of
    its calls; ``loopback``: it is an emulator. ``scanner`` is told the sensitive values as
    soon as they are read. ``progress`` is told how far the reading has come, ``waits`` what calls wait for.
    """

    project: Project
    target: Target
    identity: TargetIdentity
    environment: Mapping[str, str] = field(repr=False)
    fingerprinter: Callable[[str], Fingerprinter]
    client: str
    deadlines: Deadlines
    loopback: bool
    scanner: SecretScanner
    progress: Progress = SILENT
    waits: Waits = field(default_factory=Waits)

    def is_sample(self, secret: Sensitive) -> bool:
        """Return whether a value is made of nothing but samples, which stand in the project file of an emulator."""
        samples = self.target.sample_env if self.target.emulator else {}
        return bool(secret.names) and all(
            name in samples and samples[name] == self.environment.get(name) for name in secret.names
        )


def read_desired(
    place: TargetContext, allow_none: bool = False, complete: Callable[[Key], bool] = lambda _: False
) -> tuple[Desired, ...]:
    """Return what the definitions ask for on the target. Raise ``ProblemsFound`` with all that is wrong with them.

    With ``allow_none``, no definition at all is no problem: where something is in the state, that is for the guards of
    deletes to judge. ``complete`` says of which keys every variable has to be set.
    """
    whole = read(place.project, (place.target,), place.environment, place.progress)
    (built,) = whole.built
    place.scanner.register((one for one in built.secrets if not place.is_sample(one)), built.private)
    texts, origins_in = {FILE_NAME: place.project.text, **whole.texts}, place.scanner.origins_in
    exposures = exposed(texts, built.desired, origins_in)
    unset = unset_variables((one for one in built.desired if complete(one.key)), place.environment)
    problems = {
        one
        for one in (*whole.problems, *built.problems, *unset)
        if not (allow_none and one.rule == NO_DEFINITION)
        # What would repeat a secret is a problem of a line that is among the exposures.
        and not (exposures and origins_in(f"{one.location} {one.message} {one.remedy}"))
    }
    if problems or exposures:
        found = Checked(whole.definitions, (place.target.name,), tuple(sorted({*problems, *exposures})), texts)
        raise ProblemsFound(found.problems, lambda at: "" if origins_in(line := found.source_line(at)) else line)
    return built.desired


def plan(
    place: TargetContext, desired: tuple[Desired, ...], state: State, service: FlowReader | None, asked: PlanOptions
) -> Plan:
    """The plan of a target. ``service`` is None for ``--offline``.

    What apply would find out first about an earlier run is found out here too, and not recorded.
    """
    if service is None:
        return planned(place, desired, PlanInputs(state, None, place.fingerprinter(state.lineage)), asked)
    from provisioner.planning.recovery import resolve

    observation = look(service, state)
    resolved = resolve(state, observation, place.client)
    context = PlanInputs(
        replay(state, resolved.entries),
        observation,
        place.fingerprinter(state.lineage),
        client=place.client,
        undecided=resolved.undecided,
    )
    return planned(place, desired, context, asked, service).noting(resolved.found)


def planned(
    place: TargetContext,
    desired: tuple[Desired, ...],
    context: PlanInputs,
    asked: PlanOptions,
    service: FlowReader | None = None,
    reviewed: bool = False,
) -> Plan:
    """The plan within what was asked for; ``service`` is asked for dependants. ``reviewed``: that was before, and some
    of it may be done."""
    _check_state(context.state, place.scanner)
    before = context.state
    state, moves = moved(before, desired)
    context = replace(
        context,
        state=state,
        adopt=asked.adopt,
        delete=asked.delete,
        protected_delete=asked.protected_delete,
        resend=asked.resend,
    )
    whole = (refresh_plan if asked.refresh else make_plan)(place.target.name, place.identity, desired, context)
    whole = naming_moves(whole, moves).noting(without_effect(before, desired))
    made = replace(selected(whole, asked, reviewed), asked=asked)
    made = made if asked.mass_delete else hold_back_mass_delete(made, whole)
    made = made if asked.mass_recreate else hold_back_mass_recreate(made, state, context.observation)
    made = made if asked.overwrite_drift or reviewed else announce_drift(made)
    made = with_other_readers(made, whole)
    if service is not None:
        made = _with_dependants(made, service)
    made = with_waits(made) if place.target.cloud is Cloud.AWS else made
    made = with_proofs(made) if asked.prove else made
    return pinned(with_tests(made) if asked.test else made, context.state, context.fingerprinter)


def _check_state(state: State, scanner: SecretScanner) -> None:
    """Raise ``StateError`` where the value of a secret stands in what the state holds in plain text."""
    for record in state.records:
        for path, origins in exposing_fields(record.texts, scanner.origins_in):
            message = f"the value of {', '.join(origins)} stands in the state in plain text: {record.key}, {path}"
            raise StateError(message, "change the secret; nothing was done")


def _with_dependants(made: Plan, service: FlowReader) -> Plan:
    ids = affected(made)
    if not ids:
        return made
    try:
        return with_dependants(made, service.flows_of(ids))
    except NotAuthenticated:
        raise
    except ServiceError as error:  # a technical account may see connections and no flows
        return without_dependants(made, error.message)


def selected(whole: Plan, asked: PlanOptions, reviewed: bool = False) -> Plan:
    """The part of a plan that was asked for. Raises ``UsageError`` for a glob that matches no key, unless ``reviewed``:
    what it matched then may be gone by now."""
    for glob in () if reviewed else asked.select:
        if not any(fnmatchcase(change.key, glob) for change in whole.changes):
            raise UsageError(f"--select {glob} matches no definition and no record", "keys are as `plan` lists them")
    return whole.only({one.key for one in whole.changes if asked.selects(one.key) or is_probe(one.key)})


_LOOKING = 8


def look(service: FlowReader, state: State) -> Observation:
    """Return what there is, each recorded id and that of each open call included."""
    return look_for(
        service, (*(record.id for record in state.records), *(intent.id for intent in state.intents if intent.id))
    )


def look_for(service: FlowReader, known: Iterable[str]) -> Observation:
    """Read one paged list, whatever the number of definitions, and look once more at each known id that is not in it.

    A list may lag behind creates (assumed): only "not found" for its id shows that an object is gone. To take it for
    gone because a list has not caught up would create it twice.
    """
    listed = service.list_connections(MYSQL_SPEC_ID)
    ids = {item["id"] for item in listed}
    unlisted = [ident for ident in dict.fromkeys(known) if ident not in ids]
    found = _looked_up(service, unlisted)
    unclear = {ident: one for ident, one in zip(unlisted, found, strict=True) if isinstance(one, str)}
    return observe((*listed, *(one for one in found if isinstance(one, Mapping))), unclear, frozenset(unlisted))


def _looked_up(service: FlowReader, ids: list[str]) -> list[Json | str | None]:
    """Return what is there under each id, None where it is gone, or the words that leave it open."""

    def get(identity: str) -> Json | str | None:
        try:
            return service.get(identity)
        except NotFound:
            return None
        except MissingUnclear as error:
            return error.message.partition(": ")[2] or error.message

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=_LOOKING) as pool:
        return list(pool.map(get, ids))


def exit_code(made: Plan, detailed: bool) -> int:
    """Blocked changes 1; otherwise, with ``--detailed-exitcode``, 2 where there is something to do; else 0."""
    if made.count(Action.BLOCKED):
        return 1
    return 2 if detailed and made.pending else 0
