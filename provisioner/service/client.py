"""The client of the Flow Service: reading and writing base connections. The only module that knows its URLs.

All shapes are as in Adobe's Flow Service documentation, unless a mark in parentheses refers to a row of
docs/service.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from provisioner.errors import NotFound, NotFoundUnclear, OutcomeUnknown, Refused, ServiceError
from provisioner.model import Json
from provisioner.progress import SILENT, Progress
from provisioner.service.calls import ServiceCaller, TokenSource, call_error, unusable_response
from provisioner.service.messages import (
    DATABASE_TIMEOUT,
    REMOTE,
    Deadlines,
    HttpRequest,
    HttpResponse,
    Timing,
    Transport,
)
from provisioner.service.origin import Origin
from provisioner.service.paging import Page, incomplete, is_id, items_of, next_query
from provisioner.service.responses import (
    NO_COLUMNS,
    PROVIDER_REJECTED,
    Dataflow,
    Reachability,
    Table,
    TableContents,
    flows_by_base,
    read_contents,
    read_reachability,
    read_tables,
)
from provisioner.service.retry import Policy

Result = TypeVar("Result")

BASE_PATH = "/data/foundation/flowservice"
SANDBOXES_PATH = "/data/foundation/sandbox-management/"
LARGEST_PAGE = 100
"""Documented for destinations, which are the same service (inferred: page-limit)."""

_CONNECTIONS = "/connections"
_MAX_PAGES = 1000
_SANDBOXES_ON_A_PAGE = 50
"""Documented as the default; an organization has 75 sandboxes at most, unless more were bought (documented)."""

_MAX_SANDBOX_PAGES = 20
_MAX_SINGLE_REQUESTS = 3
"""Up to this number of ids is filtered by one request each; for more, the whole list is read."""

_PAUSES_AFTER_DELETE = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each check that a deleted object is gone: a delete may be asynchronous, as its states suggest
(inferred: delete-time)."""

_UNCLEAR = "if it is gone: `state rm KEY`"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The result of a create or patch. ``etag`` keeps its quotes and is None if the service sent none; ``sent_at`` is
    the ``Date`` of the response, in whole seconds."""

    id: str
    etag: str | None
    sent_at: datetime | None
    request_id: str = ""


class FlowReader:
    """The reading half of the Flow Service, which is all that ``plan`` gets: only GET is sent."""

    def __init__(
        self, origin: Origin, caller: ServiceCaller, page: int, progress: Progress, deadlines: Deadlines
    ) -> None:
        self._origin = origin
        self._caller = caller
        self._page = page
        self._progress = progress
        self._deadlines = deadlines

    def list_connections(self, spec_id: str) -> tuple[Json, ...]:
        """Return all base connections of a connection spec, each id once, in the order of the service.

        The pages omit none that exists throughout, whoever made it (assumed: list-complete), and show the fields that
        reading it alone shows (inferred: list-whole).
        """
        what = "listing base connections"
        items = {item["id"]: item for item in self._items(what, _CONNECTIONS, f"connectionSpec.id=={spec_id}")}
        # Filtered once more: whether a ``next`` link keeps the filter is not documented.
        return tuple(item for item in items.values() if _spec_of(item) in (None, spec_id))

    def get(self, connection_id: str) -> Json:
        """Return one base connection: ``items[0]``, or the bare object as sibling resources do (inferred: bare-object).

        Raise ``NotFound`` if the service says in a documented form that this id is gone. Raise ``NotFoundUnclear`` for
        any other 404 and for an empty list, which may come from a lost sandbox or from something in between; its
        message, after the first colon, is a predicate of the id, which plans quote.
        """
        what = f"reading base connection {connection_id}"
        result = self._caller.send(self._request(_path(connection_id)))
        response = result.response
        if response is None:
            error = call_error(what, result, connection_id)
            if error.status != 404 or isinstance(error, NotFound):
                raise error
            reason = error.message.removeprefix(f"{what}: ")
            message = f"{what}: answers 404, but not in a documented form: {reason}"
            raise NotFoundUnclear(message, _UNCLEAR, status=404, code=error.code, request_id=error.request_id)
        body = response.body
        bare = isinstance(body, dict) and "items" not in body and isinstance(body.get("id"), str)
        with _naming_request(response):
            items = (body,) if bare else items_of(what, body)
        if not items:
            message = f"{what}: answers with an empty list, which does not prove that the object is gone"
            raise NotFoundUnclear(message, _UNCLEAR, status=response.status, request_id=response.request_id)
        if len(items) != 1 or items[0]["id"] != connection_id:
            raise unusable_response(what, response, "the service answered with another object", effect=False)
        return items[0]

    def test(self, connection_id: str) -> Reachability:
        """Return whether the service reaches the database. A rejection by the provider counts as "no", with its
        reason."""
        what = f"testing base connection {connection_id}"
        try:
            return self._read(what, f"{_path(connection_id)}/test", read_reachability)
        except Refused as error:
            if error.code != PROVIDER_REJECTED:
                raise
            return Reachability(False, error.message.partition(": ")[2])

    def tables(self, connection_id: str) -> tuple[Table, ...]:
        """Return the tables of the database."""
        what = f"listing the tables of {connection_id}"
        return self._read(what, f"{_path(connection_id)}/explore?objectType=root", read_tables)

    def contents(self, connection_id: str, table: str, preview: bool = False) -> TableContents:
        """Return the columns of a table, by the path that ``tables`` gives; with ``preview`` some rows, if offered."""
        what = f"reading table {table}"
        query = urlencode(
            {"objectType": "table", "object": table, **({"preview": "true"} if preview else {})}, quote_via=quote
        )
        try:
            return self._read(what, f"{_path(connection_id)}/explore?{query}", read_contents)
        except Refused as error:
            # The remedy for 1330 says the same.
            otherwise = "" if error.code == NO_COLUMNS else f"; if that fails too: {error.remedy}"
            error.remedy = f"check that `explore KEY` lists this table{otherwise}"
            raise

    def flows_of(self, connection_ids: Collection[str]) -> Mapping[str, tuple[Dataflow, ...]]:
        """Return the dataflows that read from these base connections, by id; those without any are left out.

        A dataflow with an access label that the caller lacks is not listed (inferred: hidden-dataflows).
        """
        sources = self._related("sourceConnections", "baseConnectionId", connection_ids)
        flows = self._related("flows", "sourceConnectionIds[]", [str(item["id"]) for item in sources])
        return {base: flows for base, flows in flows_by_base(sources, flows).items() if base in connection_ids}

    def connection_spec(self, spec_id: str) -> Json:
        """Return a connection spec as the service has it: ``items[0]``, or the bare object
        (inferred: bare-object)."""
        what = f"reading connection spec {spec_id}"
        response = self._get(what, f"/connectionSpecs/{quote(spec_id, safe='')}")
        with _naming_request(response):
            body = response.body
            items = items_of(what, body if isinstance(body, dict) and "items" in body else {"items": [body]})
            if len(items) != 1 or items[0]["id"] != spec_id:
                raise ServiceError(f"{what}: the service answered with another object", "check the endpoint")
        return items[0]

    def check_listing(self, resource: str) -> None:
        """Raise ``ServiceError`` if the caller may not list a resource, such as ``flows``."""
        self._get(f"listing {resource}", f"/{resource}?limit=1")

    def sandboxes(self) -> tuple[Json, ...]:
        """Return the sandboxes that the caller may use, from sandbox management. Documented."""
        what, found = "listing sandboxes", list[Json]()
        for page in range(_MAX_SANDBOX_PAGES):
            query = f"?limit={_SANDBOXES_ON_A_PAGE}&offset={page * _SANDBOXES_ON_A_PAGE}"
            request = HttpRequest("GET", self._origin, SANDBOXES_PATH + query, within=self._deadlines.attempt)
            body = self._send(what, request).body
            items = body.get("sandboxes") if isinstance(body, dict) else None
            if not isinstance(items, list):
                raise ServiceError(f"{what}: the response holds no list of sandboxes", "check the endpoint")
            found += [item for item in items if isinstance(item, dict)]
            if len(items) < _SANDBOXES_ON_A_PAGE:
                break
        return tuple(found)

    def service_time(self) -> datetime:
        """Return the time of the service's clock, from the ``Date`` of its last response; before any, this
        machine's."""
        return self._caller.clock.now()

    def _related(self, resource: str, field: str, ids: Collection[str]) -> list[Json]:
        """Return the objects with one of these ids in ``field``; or all objects, if that takes fewer requests."""
        what, path = f"listing {resource}", f"/{resource}"
        if len(ids) > _MAX_SINGLE_REQUESTS:
            return list(self._items(what, path))
        return [item for ident in ids for item in self._items(what, path, f"{field}=={ident}")]

    def _items(self, what: str, path: str, *properties: str) -> Iterator[Json]:
        """Yield the objects of a list, over all pages."""
        parameters = [*(("property", condition) for condition in properties), ("limit", str(self._page))]
        query: str | None = urlencode(parameters, quote_via=quote)
        queries: set[str] = set()
        number = 0
        progress = self._progress.of(what)
        progress(0)
        while query is not None:
            queries.add(query)
            response = self._get(what, f"{path}?{query}")
            with _naming_request(response):
                if response.status != 200:
                    raise incomplete(what, f"the status is {response.status}")
                items = items_of(what, response.body)
                number += len(items)
                page = Page(response.body, response.headers, number, len(queries))
                query = next_query(what, page, self._origin, BASE_PATH, path)
                if query in queries or len(queries) >= _MAX_PAGES:
                    raise ServiceError(f"{what}: the pages of the list do not end", "report it to Adobe's support")
            progress(len(items))
            yield from items
        progress.end()

    def _request(self, path: str, method: str = "GET", **fields: Any) -> HttpRequest:
        return HttpRequest(method, self._origin, BASE_PATH + path, **{"within": self._deadlines.attempt, **fields})

    def _get(self, what: str, path: str, within: float | None = None) -> HttpResponse:
        return self._send(what, self._request(path, within=within or self._deadlines.attempt))

    def _read(self, what: str, path: str, read: Callable[[str, Any], Result]) -> Result:
        """Return what ``read`` makes of the response to a call that waits for a database."""
        response = self._get(what, path, DATABASE_TIMEOUT)
        with _naming_request(response):
            return read(what, response.body)

    def _send(self, what: str, request: HttpRequest, ident: str = "") -> HttpResponse:
        result = self._caller.send(request)
        if result.response is None:
            raise call_error(what, result, ident)
        return result.response


class FlowService(FlowReader):
    """Reads and writes the base connections of one organization and sandbox. For any number of threads.

    Besides ``NotAuthenticated`` and ``Unreachable``, writing raises ``Refused`` if nothing was done and
    ``OutcomeUnknown`` if that is not certain.
    """

    def __init__(
        self,
        origin: Origin,
        org_id: str,
        sandbox: str,
        api_key: str,
        tokens: TokenSource,
        transport: Transport,
        timing: Timing,
        *,
        policy: Policy | None = None,
        page: int = LARGEST_PAGE,
        progress: Progress = SILENT,
        deadlines: Deadlines = REMOTE,
    ) -> None:
        headers = {"x-api-key": api_key, "x-gw-ims-org-id": org_id, "x-sandbox-name": sandbox}
        self._timing = timing
        caller = ServiceCaller(transport, tokens, headers, policy or Policy(), timing)
        super().__init__(origin, caller, page, progress, deadlines)

    def reading(self) -> FlowReader:
        """Return the reading half of this service."""
        return FlowReader(self._origin, self._caller, self._page, self._progress, self._deadlines)

    def create(self, body: Json) -> WriteResult:
        """POST. Retried only if it certainly had no effect; a 2xx without a usable id is an unknown outcome."""
        what = "creating a base connection"
        response = self._send(what, self._request(_CONNECTIONS, "POST", json=body))
        created = _field(response, "id")
        if created is None or not is_id(created):
            raise unusable_response(what, response, "the service answered without a usable id", effect=True)
        return WriteResult(created, _field(response, "etag"), response.date, response.request_id)

    def patch(self, connection_id: str, etag: str, operations: Sequence[Json]) -> WriteResult:
        """PATCH with ``If-Match``, quotes included. Raise ``PreconditionFailed`` if the object has changed since."""
        what = f"changing base connection {connection_id}"
        if not etag or not etag.isascii() or not etag.isprintable() or etag != etag.strip():
            raise Refused(f"{what}: the recorded etag cannot be sent in a header", "run `provisioner plan` again")
        request = self._request(_path(connection_id), "PATCH", headers={"If-Match": etag}, json=list(operations))
        response = self._send(what, request, connection_id)
        if response.status != 204 and _field(response, "id") != connection_id:
            raise unusable_response(what, response, "the service answered without the id of that object", effect=True)
        return WriteResult(connection_id, _field(response, "etag"), response.date, response.request_id)

    def delete(self, connection_id: str) -> None:
        """DELETE. Any 2xx is accepted (204 and 202 are both documented).

        Raise ``NotFound`` if the object was gone before, and ``OutcomeUnknown`` if an earlier attempt may have deleted
        it; reading it tells.
        """
        what = f"deleting base connection {connection_id}"
        self._send(what, self._request(_path(connection_id), "DELETE"), connection_id)

    def confirm_gone(self, connection_id: str) -> None:
        """Wait until a GET answers that a deleted object is gone (documented). Raise ``OutcomeUnknown`` if it does not
        after a while, or not in a documented form."""
        what = f"deleting base connection {connection_id}"
        for pause in _PAUSES_AFTER_DELETE:
            self._timing.sleep(pause)
            try:
                self.get(connection_id)
            except NotFound:
                return
            except ServiceError as error:
                message = f"{what}: cannot find out whether it is gone: {error.message}"
                raise OutcomeUnknown(message, "run apply again: it checks") from error
        raise OutcomeUnknown(f"{what}: it is still there", "run apply again: it checks, and deletes what is left")


@contextmanager
def _naming_request(response: HttpResponse) -> Iterator[None]:
    """Name the request id in errors about the contents of a response, which are read by functions that get no more."""
    try:
        yield
    except ServiceError as error:
        error.name_request(response.request_id)
        raise


def _path(connection_id: str) -> str:
    if not is_id(connection_id):
        printable = ascii(connection_id[:120])
        raise Refused(f"{printable} is not an id of a base connection", "run `provisioner state list`")
    return f"{_CONNECTIONS}/{quote(connection_id, safe='')}"


def _field(response: HttpResponse, name: str) -> str | None:
    value: Any = response.body.get(name) if isinstance(response.body, dict) else None
    return value if isinstance(value, str) and value else None


def _spec_of(item: Json) -> str | None:
    spec = item.get("connectionSpec")
    ident = spec.get("id") if isinstance(spec, dict) else None
    return ident if isinstance(ident, str) else None
