"""What stands behind a base connection: a database that is only imagined, or a real one."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import coded, unreachable
from provisioner.emulator.login import login
from provisioner.emulator.messages import Json
from provisioner.emulator.tables import Contents

PREVIEWED = 10
"""Rows of a preview; assumed."""


class Source(Protocol):
    """A database. Every method raises ``Refused`` with the provider's words where it fails, or takes too long."""

    def reach(self) -> None:
        """Log in, and no more."""
        ...

    def tables(self) -> Sequence[str]:
        """The paths of its tables, ``database.table`` (assumed)."""
        ...

    def contents(self, path: str, preview: bool) -> Contents:
        """Of one table; rows by column, ``PREVIEWED`` at most, None without ``preview``."""
        ...


def source(behaviour: Behaviour, params: Mapping[str, Json], seconds: float) -> Source:
    """Return what is behind a base connection with these parameters, sensitive ones included.

    Each question to it has ``seconds`` in all. Raises ``Refused``.
    """
    if behaviour.databases == "imagined":
        return _Imagined(behaviour)
    from provisioner.emulator.mysql import Database

    return Database(login(params, behaviour.cloud), PREVIEWED, seconds)


def check_driver(behaviour: Behaviour) -> None:
    """Raises ``ImportError`` where real databases are to be contacted and nothing here can."""
    if behaviour.databases == "real":
        import provisioner.emulator.mysql  # noqa: F401


class _Imagined:
    """As the switches ``tables`` and ``test_result`` say."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._known, self._reachable = behaviour.tables or {}, behaviour.test_result

    def reach(self) -> None:
        if not self._reachable:
            raise unreachable("the database cannot be reached.")

    def tables(self) -> Sequence[str]:
        return tuple(self._known)

    def contents(self, path: str, preview: bool) -> Contents:
        if path not in self._known:
            raise coded("1330-400", table=path)
        return self._known[path], () if preview else None
