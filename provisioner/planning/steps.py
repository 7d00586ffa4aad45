"""What a PATCH says: operations as data, and their body. Pure.

``add`` and ``replace`` on ``/auth/params`` overwrite the whole object (documented, destinations API), so any change of
a parameter sends all of them, secrets included. Changing ``specName`` by patch is assumed to work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from provisioner.definitions.desired import PREVENT_DESTROY, Desired, params
from provisioner.model import Json
from provisioner.planning.diff import FieldChange
from provisioner.state.records import Record

PARAMS = "/auth/params"
SPEC_NAME = "/auth/specName"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a JSON Patch, without its value: ``op`` is add, replace or remove, in lower case."""

    op: str
    path: str


@dataclass(frozen=True, slots=True)
class Create:
    """The step of a POST."""


@dataclass(frozen=True, slots=True)
class Patch:
    """The step of a PATCH: sent with the etag that the plan saw. None: it has none yet, and is waited for."""

    id: str
    etag: str | None
    operations: tuple[Operation, ...]

    @property
    def signs_in_anew(self) -> bool:
        """Whether it sends credentials."""
        return any(one.path.startswith("/auth") for one in self.operations)


@dataclass(frozen=True, slots=True)
class Delete:
    """The step of a DELETE: carried out only while the object has the etag that the plan saw (None: it saw none)."""

    id: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class Accept:
    """The step that sends nothing and makes this the record."""

    record: Record


@dataclass(frozen=True, slots=True)
class Forget:
    """The step that sends nothing and gives the record up."""


@dataclass(frozen=True, slots=True)
class Test:
    """The step that has the service test whether it reaches the database, after whatever came before it."""


@dataclass(frozen=True, slots=True)
class Await:
    """The step that waits until the object is enabled, and takes up the etag that it has then."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The step that makes a throwaway base connection with the new credentials, tests it, and deletes it again. What
    follows it is not done where the test does not pass."""


CallStep: TypeAlias = Create | Patch | Delete
Step: TypeAlias = CallStep | Accept | Forget | Await | Probe | Test


def operations(fields: Iterable[FieldChange]) -> tuple[Operation, ...]:
    """The operations that carry out changes of fields, each path once."""
    wanted: dict[str, Operation] = {}
    for change in fields:
        for operation in _for_field(change):
            wanted[operation.path] = operation
    # The spec name first: what the parameters mean depends on it.
    return tuple(sorted(wanted.values(), key=lambda operation: (operation.path == PARAMS, operation.path)))


def _for_field(change: FieldChange) -> tuple[Operation, ...]:
    if change.path == "name":
        return (Operation("replace", "/name"),)
    if change.path == "description":
        # `add` sets it whether it is there or not, which somebody may have changed since; whether `remove` takes effect
        # without a value is unknown, and an empty text is the same to us.
        return (Operation("add", "/description"),)
    if change.path == PREVENT_DESTROY:
        return ()  # for us alone
    if change.path == "auth.specName":
        return (Operation("replace", SPEC_NAME), Operation("replace", PARAMS))
    return (Operation("replace", PARAMS),)


def body(operations: Iterable[Operation], desired: Desired) -> list[Json]:
    """The body of the request, secrets revealed."""
    return [{"op": one.op, "path": one.path, "value": _value(one.path, desired)} for one in operations]


def _value(path: str, desired: Desired) -> str | dict[str, str]:
    if path == PARAMS:
        return params(desired)
    return str(desired.value(path.strip("/").replace("/", ".")))
