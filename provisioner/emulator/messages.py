"""What goes in and what comes out of the pure core."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
JsonObject = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are lower case, repeated headers joined by ", "; the path is percent-decoded."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The header's value without surrounding blanks; empty when absent."""
        return self.headers.get(name, "").strip()

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of a query parameter, in order."""
        return tuple(value for key, value in self.query if key == name)


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response; a body of None is sent as no body at all."""

    status: int
    body: Json = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the client gets: a reply, perhaps garbled in one of ``faults.GARBLINGS``; None is a connection reset."""

    reply: Reply | None
    garbling: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """A reply that waits for a database. ``question`` is asked in a thread of its own, and has ``seconds`` in all;
    ``reply`` makes the reply of its answer, as a handler. Both may raise ``Refused``."""

    question: Callable[[], Any]
    reply: Callable[[Any], Reply]
    seconds: float
