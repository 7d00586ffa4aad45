"""The origin of a secret is part of the definition: a new origin is a change, whether or not variables are set."""

from __future__ import annotations

import pytest

from provisioner.definitions.desired import Desired
from provisioner.planning.plan import Action
from provisioner.planning.steps import Accept, Patch, Step
from provisioner.secrets import Sensitive, Symbolic, Value
from provisioner.state.records import Record

from .examples import desired, item, observation, only, planned, record, state

PASSWORD = "auth.params.password"
SERVER = "auth.params.server"
BEFORE = "env(MYSQL_PASSWORD)"
OTHER = "env(MYSQL_OTHER)"
BESIDE = f"template of {BEFORE} #0123456789abcdef"
LITERAL = "literal #0123456789abcdef"
IN_A_VARIABLE = desired(auth__params__server=Sensitive("db1", "env(MYSQL_HOST)", ("MYSQL_HOST",)))


def at(value: str | None, origin: str, name: str = "MYSQL_OTHER") -> Value:
    return Symbolic(origin, (name,)) if value is None else Sensitive(value, origin, (name,))


# what is declared; what was recorded; action, kind of the step, reason
ROWS: dict[str, tuple[Desired, Record, Action, type[Step] | None, str]] = {
    "another variable, not set": (
        desired(auth__params__password=at(None, OTHER)),
        record(),
        *(Action.UPDATE, Patch, f"{PASSWORD} now comes from {OTHER} instead of {BEFORE}"),
    ),
    "another variable, another value": (
        desired(auth__params__password=at("second", OTHER)),
        record(),
        *(Action.UPDATE, Patch, f"secret changed: {OTHER}"),
    ),
    "another variable, the same value": (
        desired(auth__params__password=at("first-secret", OTHER)),
        record(),
        *(Action.UPDATE, Accept, f"{PASSWORD} now comes from {OTHER} instead of {BEFORE}; its value is the same"),
    ),
    "text beside it, not set": (
        desired(auth__params__password=at(None, BESIDE)),
        record(),
        *(Action.UPDATE, Patch, f"{PASSWORD} now comes from {BESIDE} instead of {BEFORE}"),
    ),
    "from a literal to a variable, not set": (
        desired(auth__params__password=at(None, OTHER)),
        record(desired(auth__params__password=at("x", LITERAL))),
        *(Action.UPDATE, Patch, f"{PASSWORD} now comes from {OTHER} instead of {LITERAL}"),
    ),
    "from a variable to a literal of the same value": (
        desired(auth__params__password=at("first-secret", LITERAL)),
        record(),
        *(Action.UPDATE, Accept, f"{PASSWORD} now comes from {LITERAL} instead of {BEFORE}; its value is the same"),
    ),
    "a server from a variable, not set": (
        desired(auth__params__server=at(None, "env(MYSQL_HOST)", "MYSQL_HOST")),
        record(),
        *(Action.UPDATE, Patch, f"{SERVER} now comes from env(MYSQL_HOST) instead of db1"),
    ),
    "a server from another variable, not set": (
        desired(auth__params__server=at(None, "env(MYSQL_HOST_2)", "MYSQL_HOST_2")),
        record(IN_A_VARIABLE),
        *(Action.UPDATE, Patch, f"{SERVER} now comes from env(MYSQL_HOST_2) instead of env(MYSQL_HOST)"),
    ),
    "a secret that was not there before, not set": (
        desired(auth__params__certificatePassword=at(None, OTHER)),
        record(),
        *(Action.UPDATE, Patch, "definition differs from the state"),
    ),
    "a server from a variable, set": (
        desired(auth__params__server=at("db1", "env(MYSQL_HOST)", "MYSQL_HOST")),
        record(),
        *(Action.UPDATE, Patch, "secret cannot be compared and will be sent: env(MYSQL_HOST)"),
    ),
    "the same variable, not set": (
        desired(auth__params__password=at(None, BEFORE)),
        record(),
        *(Action.NO_OP, None, "as declared"),
    ),
    "the same variable and value": (desired(), record(), *(Action.NO_OP, None, "as declared")),
    "imported, so that no origin is recorded, and not set": (
        desired(auth__params__password=at(None, BEFORE)),
        Record("orders", "id-1", '"e1"', desired().texts, (), "ab" * 16),
        *(Action.NO_OP, None, "as declared"),
    ),
}


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize(("wanted", "prior", "action", "kind", "reason"), ROWS.values(), ids=ROWS)
def test_another_origin(
    wanted: Desired,
    prior: Record,
    action: Action,
    kind: type[Step] | None,
    reason: str,
    offline: bool,
) -> None:
    seen = None if offline else observation(item(prior_shown(prior)))
    change = only(planned([wanted], state(prior), seen))
    assert (change.action, [type(step) for step in change.steps]) == (action, [kind] if kind else [])
    assert change.reason.startswith(reason)
    assert ("only recorded" in change.reason) == (kind is Accept)
    unset = [value for _, value in wanted.unset]
    if unset and action is Action.UPDATE:
        assert f"{unset[0]} is not set: apply will need it" in change.notes


def prior_shown(prior: Record) -> Desired:
    return desired(auth__params__server=prior.texts.get(SERVER, "db1"))


def test_what_is_only_recorded_is_settled_by_that() -> None:
    wanted = desired(auth__params__password=at("first-secret", OTHER))
    (step,) = only(planned([wanted], state(record()), None)).steps
    assert isinstance(step, Accept)
    assert {one.path: one.origin for one in step.record.secrets} == {PASSWORD: OTHER}
    assert step.record.texts == record().texts
    assert only(planned([wanted], state(step.record), None)).action is Action.NO_OP


def test_what_is_to_be_resent_is_sent_from_elsewhere_too() -> None:
    wanted = desired(auth__params__password=at("first-secret", OTHER))
    change = only(planned([wanted], state(record()), None, resend=True))
    assert [type(step) for step in change.steps] == [Patch]
    assert f"secret is sent again, as requested: {OTHER}" in change.reason


def test_another_change_sends_it_along() -> None:
    wanted = desired(auth__params__password=at("first-secret", OTHER), auth__params__database="stock")
    change = only(planned([wanted], state(record()), None))
    assert [type(step) for step in change.steps] == [Patch]
