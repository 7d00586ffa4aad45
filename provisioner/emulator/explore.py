"""Handlers of ``/connections/{id}/test`` and ``/connections/{id}/explore``, which query the database."""

from collections.abc import Mapping

from provisioner.emulator.app import AdmittedRequest, App
from provisioner.emulator.connections import find_connection
from provisioner.emulator.databases import database_for, root_body, table_body
from provisioner.emulator.errors import ErrorReply, coded, unreachable
from provisioner.emulator.messages import Json, PendingReply, Reply


def test_connection(app: App, call: AdmittedRequest) -> PendingReply:
    """``GET /connections/{id}/test`` -> the result, 200 even when it is false (OAS)."""
    params, seconds = _params(app, call), app.timeouts.explore

    def can_log_in() -> bool:
        try:
            database_for(app.behaviour, params, seconds).check_login()
        except ErrorReply:
            if app.behaviour.test_failure == "error":
                raise
            return False
        return True

    return PendingReply(can_log_in, lambda result: Reply(200, {"result": result}), seconds)


def explore_connection(app: App, call: AdmittedRequest) -> PendingReply:
    """``GET /connections/{id}/explore`` -> the tables, or the columns of one table (tabular.md).

    Documented (SRCERR): 1330, 1337 and 1358; inferred: that 1330, "no columns", is what an unknown table gets.
    """
    params, seconds = _params(app, call), app.timeouts.explore
    kind = (call.request.values("objectType") or ("root",))[-1].lower()
    path = (call.request.values("object") or ("",))[-1]
    preview = call.request.values("preview")[-1:] == ("true",)
    if kind not in ("root", "table"):
        raise coded("1358-400")
    if kind == "table" and not path:
        raise coded("1337-400", param="object", kind=kind)

    def body() -> Json:
        database = database_for(app.behaviour, params, seconds)
        return root_body(database.tables()) if kind == "root" else table_body(database.table(path, preview))

    return PendingReply(body, lambda body: Reply(200, body), seconds)


def _params(app: App, call: AdmittedRequest) -> Mapping[str, Json]:
    """Return all parameters of the connection, with its credentials where a real database needs them."""
    stored = find_connection(app, call)
    credentials = app.credentials.get(stored)
    if app.behaviour.databases == "real" and set(stored.declared.hidden) - set(credentials):
        raise unreachable("this emulator no longer holds the credentials, which are only in memory; send them again.")
    return {**stored.declared.params, **credentials}
