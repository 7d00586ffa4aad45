"""The handlers that look into the database behind a base connection: ``/test`` and ``/explore``."""

from collections.abc import Mapping

from provisioner.emulator import databases
from provisioner.emulator.app import AdmittedRequest, App
from provisioner.emulator.connections import find
from provisioner.emulator.databases import source
from provisioner.emulator.errors import ErrorReply, coded, unreachable
from provisioner.emulator.messages import Json, PendingReply, Reply


def tested(world: App, call: AdmittedRequest) -> PendingReply:
    """``GET /connections/{id}/test`` -> the result, 200 even when it is false (OAS)."""
    params, seconds = _params(world, call), world.patience.looking

    def reached() -> bool:
        try:
            source(world.behaviour, params, seconds).reach()
        except ErrorReply:
            if world.behaviour.test_failure == "error":
                raise
            return False
        return True

    return PendingReply(reached, lambda result: Reply(200, {"result": result}), seconds)


def explored(world: App, call: AdmittedRequest) -> PendingReply:
    """``GET /connections/{id}/explore`` -> the tables, or what one of them is like (tabular.md).

    Documented (SRCERR): 1330, 1337 and 1358; inferred: that 1330, "no columns", is what an unknown table gets.
    """
    params, seconds = _params(world, call), world.patience.looking
    kind = (call.request.values("objectType") or ("root",))[-1].lower()
    path = (call.request.values("object") or ("",))[-1]
    preview = call.request.values("preview")[-1:] == ("true",)
    if kind not in ("root", "table"):
        raise coded("1358-400")
    if kind == "table" and not path:
        raise coded("1337-400", param="object", kind=kind)

    def found() -> Json:
        database = source(world.behaviour, params, seconds)
        return (
            databases.root(database.tables()) if kind == "root" else databases.table(database.contents(path, preview))
        )

    return PendingReply(found, lambda body: Reply(200, body), seconds)


def _params(world: App, call: AdmittedRequest) -> Mapping[str, Json]:
    """All parameters of the connection that the call is about, sensitive ones where a database needs them."""
    stored = find(world, call)
    declared, held = stored.declared, world.credentials.of(stored)
    if world.behaviour.databases == "real" and set(declared.hidden) - set(held):
        raise unreachable("this emulator no longer holds the credentials, which are only in memory; send them again.")
    return {**declared.params, **held}
