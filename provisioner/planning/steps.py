"""The steps of a change as data, and the JSON Patch of an update. Pure.

A step is one call (create, patch, delete), one entry in the state without a call (accept, forget), or a check (await,
probe, test). ``Patch`` holds operations without their values, so that a plan holds no secret; ``patch_body`` adds the
values when the request is made.

``add`` and ``replace`` on ``/auth/params`` overwrite the whole object (documented, destinations API), so any change
of a parameter sends all of them, secrets included. ``specName`` can be patched together with them (assumed:
patch-spec-name). Either all operations of a PATCH take effect or none (inferred: patch-atomic).
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
    """A POST."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A PATCH, sent with the etag that the plan saw. None: the object has no etag yet, and an ``Await`` precedes."""

    id: str
    etag: str | None
    operations: tuple[Operation, ...]

    @property
    def sends_credentials(self) -> bool:
        return any(operation.path.startswith("/auth") for operation in self.operations)


@dataclass(frozen=True, slots=True)
class Delete:
    """A DELETE, carried out only while the object has the etag that the plan saw (None: the plan saw none)."""

    id: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class Accept:
    """Store this record; send nothing."""

    record: Record


@dataclass(frozen=True, slots=True)
class Forget:
    """Remove the record; send nothing."""


@dataclass(frozen=True, slots=True)
class Test:
    """Have the service test whether it reaches the database, after all other steps."""


@dataclass(frozen=True, slots=True)
class Await:
    """Wait until the object is enabled, and use the etag that it has then."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Create a throwaway base connection with the new credentials, test it, and delete it again.

    The steps after it are skipped if the test fails.
    """


CallStep: TypeAlias = Create | Patch | Delete
Step: TypeAlias = CallStep | Accept | Forget | Await | Probe | Test


def operations(fields: Iterable[FieldChange]) -> tuple[Operation, ...]:
    """Return the operations that carry out the changes of fields, one per path."""
    by_path = {operation.path: operation for field in fields for operation in _operations_for(field.path)}
    # The spec name first: the meaning of the parameters depends on it.
    return tuple(sorted(by_path.values(), key=lambda operation: (operation.path == PARAMS, operation.path)))


def _operations_for(path: str) -> tuple[Operation, ...]:
    match path:
        case "name":
            return (Operation("replace", "/name"),)
        case "description":
            # `add` works whether or not a description exists, and with an empty text (inferred: patch-description).
            # Somebody may have removed or added one meanwhile. Whether `remove` works without a value is unknown; an
            # empty description means the same to us.
            return (Operation("add", "/description"),)
        case "auth.specName":
            return (Operation("replace", SPEC_NAME), Operation("replace", PARAMS))
        case _ if path == PREVENT_DESTROY:
            return ()  # the service does not know this field
        case _:
            return (Operation("replace", PARAMS),)


def patch_body(operations: Iterable[Operation], desired: Desired) -> list[Json]:
    """Return the body of the PATCH, secrets revealed."""
    return [
        {
            "op": operation.op,
            "path": operation.path,
            "value": params(desired)
            if operation.path == PARAMS
            else str(desired.value(operation.path.strip("/").replace("/", "."))),
        }
        for operation in operations
    ]
