"""The exceptions of the program as one tree, and its exit codes.

Each class sets the exit code of a run that it ends; each exception carries a ``remedy``, the user's next step. No
message ever holds a sensitive value.
"""

from __future__ import annotations

import errno
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Self

from provisioner.text import mentions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provisioner.model import Location, Problem


class ExitCode(IntEnum):
    """The exit codes of all commands, each with its ``meaning``. Pipelines rely on them."""

    DONE = 0, "done, or nothing to do"
    FAILED = 1, "failed; nothing was changed: bad input, blocked changes, refused by the service"
    CHANGES = 2, "only `plan --detailed-exitcode`: the plan holds changes"
    BUG = (
        3,
        "a bug: one line on screen and a report file without secrets; also if output was about to contain a secret",
    )
    INCOMPLETE = (
        4,
        "an outcome is unknown, or some changes were done and some were not: resolve what is blocked, run again",
    )
    STALE = 5, "stale: something changed since the plan was made or approved"
    LOCKED = 6, "locked by somebody else; nothing started"
    USAGE = 64, "wrong usage, or no target named in CI while the default is an emulator"
    INTERRUPTED = 130, "interrupted; everything finished so far is recorded"

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    @property
    def word(self) -> str:
        """Return the name that reports and result files have for it."""
        return self.name.lower()


class ProvisionerError(Exception):
    """An expected failure with nothing done. ``details`` are further lines, shown below the message."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, remedy: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = details


class Leak(Exception):
    """A bug: a text about to be written holds a sensitive value. ``origins`` are such as ``env(MYSQL_PASSWORD)``.

    Not a ``ProvisionerError``, so that no handler takes it for an expected failure and goes on.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        super().__init__("the text holds a sensitive value")
        self.origins = tuple(origins)


class UsageError(ProvisionerError):
    """The command line or the environment is wrong."""

    exit_code = ExitCode.USAGE


class ProblemsFound(ProvisionerError):
    """All problems of definitions and the project file, sorted.

    ``source_line`` returns the line at a location, for a code frame; ``also`` is a further error that belongs to no
    file.
    """

    def __init__(
        self,
        problems: tuple[Problem, ...],
        source_line: Callable[[Location], str] | None = None,
        also: ProvisionerError | None = None,
    ) -> None:
        message = f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found"
        super().__init__(message, also.remedy if also else "", (also.message,) if also else ())
        self.problems = problems
        self.source_line = source_line
        self.also = also


class Declined(ProvisionerError):
    """The user did not confirm the plan."""


class Interrupted(ProvisionerError):
    """The user interrupted the run before anything was sent."""

    exit_code = ExitCode.INTERRUPTED


class LockedError(ProvisionerError):
    """Another process holds the lock of the state; nothing was started."""

    exit_code = ExitCode.LOCKED


class StaleError(ProvisionerError):
    """The state or the service changed since the plan was made."""

    exit_code = ExitCode.STALE


class PlanFileError(ProvisionerError):
    """The file of a saved plan cannot be read, or is not a saved plan."""


class NotWritten(ProvisionerError):
    """A report or a saved plan could not be written."""


class StateError(ProvisionerError):
    """The state file or its journal cannot be read or written, or belongs to another target."""


class NotRecorded(StateError):
    """A call succeeded but its outcome could not be made durable; the message holds the id."""

    exit_code = ExitCode.INCOMPLETE


class ServiceError(ProvisionerError):
    """A failed call of the Flow Service or of IMS.

    ``status`` is the HTTP status (0 without a response), ``code`` the service's own error code or "". The message
    names the request id if there is one: Adobe's support asks for it.
    """

    def __init__(
        self, message: str, remedy: str = "", *, status: int = 0, code: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.code = code
        self.request_id = ""
        self.name_request(request_id)

    def name_request(self, request_id: str) -> None:
        """Name the request whose response this error is about, unless the message does already."""
        self.request_id = self.request_id or request_id
        if request_id and not mentions(self.message, request_id):
            self.message = f"{self.message} (request {request_id})"


class Refused(ServiceError):
    """The service refused the call, which had no effect."""


class NotFound(Refused):
    """The service says, in a documented form, that the requested id does not exist in this sandbox."""


class NotFoundUnclear(ServiceError):
    """The response to a request for one id is "not found", but not in a documented form: the object may be gone or
    not."""


class PreconditionFailed(Refused):
    """412: the object has changed since the etag that was sent."""

    exit_code = ExitCode.STALE


class NotAuthenticated(Refused):
    """No token could be fetched, or the token is not accepted."""


class Unreachable(ServiceError):
    """The call certainly did not reach the service and had no effect."""


class OutcomeUnknown(ServiceError):
    """The call was sent without a usable response: it may or may not have had an effect."""

    exit_code = ExitCode.INCOMPLETE


_REMEDIES = {
    errno.ENOSPC: "free space, then run again",
    errno.EDQUOT: "free space, or have the quota raised, then run again",
    errno.EROFS: "run on a file system that is not read-only",
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.ENOENT: "name a file in a folder that exists",
    errno.ENOTDIR: "name a file in a folder that exists",
    errno.EISDIR: "name a file, not a folder",
    errno.EMFILE: "close files, or raise the limit (ulimit -n)",
}


def remedy_for(error: OSError) -> str:
    """Return the remedy for a file that cannot be used."""
    return _REMEDIES.get(error.errno or 0, "check its owner, its permissions, and the folders above it")
