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
    """One HTTP response. A body is sent as JSON, bytes as they are, and None as no body at all."""

    status: int
    body: Json | bytes = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Garbling:
    """What is done to an answer on its way: one of ``faults.GARBLINGS``, with what belongs to it."""

    kind: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the client gets: a reply, perhaps garbled; None is a connection reset."""

    reply: Reply | None
    garblings: tuple[Garbling, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """A reply that waits for a database. ``question`` is asked in a thread of its own, and has ``seconds`` in all;
    ``reply`` makes the reply of its answer, as a handler. Both may raise ``Refused``."""

    question: Callable[[], Any]
    reply: Callable[[Any], Reply]
    seconds: float
