"""``plan``: what would change on a target. Looks, and never touches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from provisioner.applying.recovery import decide
from provisioner.commands.validate import Checked
from provisioner.definitions.definition import read_definitions
from provisioner.definitions.desired import Desired, build
from provisioner.definitions.project import Project, Target
from provisioner.errors import ProblemsFound
from provisioner.model import MYSQL_SPEC_ID, Key, TargetIdentity
from provisioner.planning.observed import Observation, observe
from provisioner.planning.plan import Action, Plan, Undecided
from provisioner.planning.planner import Context, make_plan
from provisioner.service.flow_service import Reader
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import State


class Remembering(Protocol):
    """What a plan needs of the store."""

    def load(self) -> State: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A target with everything that turns definitions into desired base connections on it.

    ``environment`` holds the variables that may be read; ``client`` is our client id there; ``settle`` how long the
    service's list may lag behind a create.
    """

    project: Project
    target: Target
    identity: TargetIdentity
    environment: Mapping[str, str]
    fingerprinter: Callable[[str], Fingerprinter]
    client: str
    settle: timedelta


def read_desired(place: Place) -> tuple[Desired, ...]:
    """What the definitions ask for on the target. Raises ``ProblemsFound`` with all that is wrong with them."""
    definitions, documents, problems = read_definitions(place.project)
    desired, more = build(definitions, place.project, place.target, place.environment)
    found = Checked(definitions, (place.target.name,), tuple(sorted({*problems, *more})), documents)
    if found.problems:
        raise ProblemsFound(found.problems, found.source_line)
    return desired


def plan(
    place: Place, desired: tuple[Desired, ...], store: Remembering, service: Reader | None, adopt: bool = False
) -> Plan:
    """The plan of a target. ``service`` is None for ``--offline``; ``adopt`` as for apply."""
    state = store.load()
    observation = look(service) if service else None
    undecided = _undecided(state, observation, service, place) if service and observation else {}
    context = Context(
        state, observation, place.fingerprinter(state.lineage), client=place.client, adopt=adopt, undecided=undecided
    )
    return make_plan(place.target.name, place.identity, desired, context)


def look(service: Reader) -> Observation:
    """One paged list, whatever the number of definitions."""
    return observe(service.list_connections(MYSQL_SPEC_ID))


def _undecided(state: State, observation: Observation, service: Reader, place: Place) -> Mapping[Key, Undecided]:
    """The creates of an earlier run that apply would leave to the user."""
    managed = frozenset(record.id for record in state.records)
    now = service.service_time()
    decisions = {
        intent.key: decide(intent, observation, managed, now, place.settle, place.client) for intent in state.intents
    }
    return {key: decision for key, decision in decisions.items() if isinstance(decision, Undecided)}


def exit_code(made: Plan, detailed: bool) -> int:
    """Blocked changes 1; otherwise, with ``--detailed-exitcode``, 2 where there is something to do; else 0."""
    if made.count(Action.BLOCKED):
        return 1
    return 2 if detailed and made.pending else 0
