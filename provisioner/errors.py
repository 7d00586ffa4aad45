"""The one exception tree. Reads as a table of contents of what can go wrong.

Each class carries the exit code that it means (``EXIT_CODES``) and a ``remedy``: what the user does next.
A message never holds a sensitive value.
"""

from __future__ import annotations

import errno
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provisioner.model import Location, Problem


EXIT_CODES = MappingProxyType(
    {
        0: "done, or nothing to do",
        1: "an expected failure with nothing done: bad input, blocked changes, refused by the service",
        2: "only `plan --detailed-exitcode`: the plan holds changes",
        3: "a bug; one line, and a report file without secrets. Also where output was about to hold a secret",
        4: "an outcome is unknown, or some changes were done and some were not: settle what is blocked, run again",
        5: "stale: something moved since the plan was made or approved",
        6: "locked by somebody else; nothing started",
        64: "wrong usage, or no target named in CI while the default is an emulator",
        130: "interrupted; everything finished so far is recorded",
    }
)
"""What a pipeline may rely on."""


class ProvisionerError(Exception):
    """An expected failure with nothing done. ``details`` are lines of their own, below the message."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = details


class Leak(Exception):
    """A bug: what was about to be written holds a sensitive value. ``origins`` are such as ``env(MYSQL_PASSWORD)``.

    Not a ``ProvisionerError``: nobody may take it for an expected failure and go on.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        super().__init__("the text holds a sensitive value")
        self.origins = tuple(origins)


class UsageError(ProvisionerError):
    """The command line or the environment asks for something that cannot be meant."""

    exit_code = 64


class ProblemsFound(ProvisionerError):
    """Definitions or the project file have problems; all of them, sorted. ``source_line`` shows where, for a frame;
    ``also`` is what else is in the way and stands in no file."""

    def __init__(
        self,
        problems: tuple[Problem, ...],
        source_line: Callable[[Location], str] | None = None,
        also: ProvisionerError | None = None,
    ) -> None:
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found")
        self.problems = problems
        self.source_line = source_line
        self.also = also


class Declined(ProvisionerError):
    """The plan was shown and not confirmed."""


class LockedError(ProvisionerError):
    """Somebody else is writing this state; nothing was started."""

    exit_code = 6


class StaleError(ProvisionerError):
    """What was planned against has moved since."""

    exit_code = 5


class PlanFileError(ProvisionerError):
    """The file of a saved plan cannot be read, or is none."""


class NotWritten(ProvisionerError):
    """A report, or a plan that is to be kept, could not be written."""


class StateError(ProvisionerError):
    """The state file or its journal cannot be read, belongs elsewhere, or cannot be written."""


class NotRecorded(StateError):
    """A call succeeded and its outcome could not be made durable; the message holds the id."""

    exit_code = 4


class ServiceError(ProvisionerError):
    """A call of the Flow Service or of IMS did not succeed.

    ``status`` is the HTTP status (0 without an answer), ``code`` the service's own error code or "".
    """

    def __init__(
        self, message: str, remedy: str = "", *, status: int = 0, code: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.code = code
        self.request_id = request_id


class Refused(ServiceError):
    """The service answered and said no: the call had no effect."""


class NotFound(Refused):
    """The answer to a request for one id, in the service's own words: no such object in this sandbox."""


class MissingUnclear(ServiceError):
    """The answer to a request for one id says "not found" in other words than the service's: whether that object is
    gone stays undecided."""


class PreconditionFailed(Refused):
    """412: the object moved since the etag that was sent."""

    exit_code = 5


class NotAuthenticated(Refused):
    """No token to be had, or the one sent is not accepted."""


class Unreachable(ServiceError):
    """The call certainly did not reach the service: the call had no effect."""


class OutcomeUnknown(ServiceError):
    """The call went out and no usable answer came back: it may or may not have had an effect."""

    exit_code = 4


_REMEDIES = {
    errno.ENOSPC: "free space, then run again",
    errno.EDQUOT: "free space, or have the quota raised, then run again",
    errno.EROFS: "run where the project may be written",
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.ENOENT: "name a file in a folder that exists",
    errno.ENOTDIR: "name a file in a folder that exists",
    errno.EMFILE: "close files, or raise the limit (ulimit -n)",
}


def remedy_of(error: OSError) -> str:
    """Return what to do about a file that cannot be used."""
    return _REMEDIES.get(error.errno or 0, "check whose it is, its permissions, and the folders above it")
