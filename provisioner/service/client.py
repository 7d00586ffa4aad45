"""Base connections in the Flow Service. The only module that knows URLs.

All shapes as in Adobe's Flow Service documentation unless a docstring says inferred or assumed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from provisioner.errors import MissingUnclear, NotFound, OutcomeUnknown, Refused, ServiceError
from provisioner.model import Json
from provisioner.progress import SILENT, Progress
from provisioner.service.calls import CallResult, ServiceCaller, TokenSource, failure, unusable
from provisioner.service.http import LOOKING, REAL, Deadlines, HttpRequest, HttpResponse, Timing, Transport
from provisioner.service.origin import Origin
from provisioner.service.paging import Page, incomplete, is_id, items_of, next_query
from provisioner.service.responses import (
    PROVIDER_REJECTED,
    Dataflow,
    Reachability,
    Table,
    TableContents,
    by_base,
    read_contents,
    read_result,
    read_tables,
)
from provisioner.service.retry import Policy

BASE = "/data/foundation/flowservice"

_CONNECTIONS = "/connections"
LARGEST_PAGE = 100
"""Documented for destinations, which are the same service."""

_COMPLETE = 200
_MISSING = 404
_PAGES = 1000
_FEW = 3
"""So many objects are asked for one by one."""


@dataclass(frozen=True, slots=True)
class Written:
    """What create and patch return. ``etag`` keeps its quotes and is None where the service sent none;
    ``sent_at`` is the ``Date`` of the answer, whole seconds."""

    id: str
    etag: str | None
    sent_at: datetime | None


_LOOKS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each look after a delete: it may be asynchronous (inferred from its states)."""

_UNCLEAR = "if it is gone: `state rm KEY`"


class FlowReader:
    """The reading half of the Flow Service, all that ``plan`` gets: no method writes, and only GET is sent."""

    def __init__(
        self, origin: Origin, caller: ServiceCaller, page: int, progress: Progress, deadlines: Deadlines
    ) -> None:
        self._origin = origin
        self._caller = caller
        self._page = page
        self._progress = progress
        self._deadlines = deadlines

    def list_connections(self, spec_id: str) -> tuple[Json, ...]:
        """All base connections of a connection spec, over all pages, each id once, as the service orders them."""
        return self._list("listing base connections", spec_id, f"connectionSpec.id=={spec_id}")

    def get(self, connection_id: str) -> Json:
        """Return one base connection: ``items[0]``, or the bare object (inferred from sibling resources).

        Raise ``NotFound`` where the service says in its own words that this id is gone, and ``MissingUnclear`` for
        any other 404 and for an empty list: a lost sandbox, or something else that answers, must not pass for that.
        """
        what = f"reading base connection {connection_id}"
        settled = self._caller.send(self._call(_path(connection_id)))
        if settled.answer is None:
            raise _missing(what, settled, connection_id)
        answer = settled.answer
        body = answer.body
        bare = isinstance(body, dict) and "items" not in body and isinstance(body.get("id"), str)
        items = (body,) if bare else items_of(what, body)
        if not items:
            words = f"{what}: answers with an empty list, which are not the service's words for an object that is gone"
            raise MissingUnclear(words, _UNCLEAR, status=answer.status, request_id=answer.request_id)
        if len(items) != 1 or items[0]["id"] != connection_id:
            raise unusable(what, answer, "the service answered with another object", effect=False)
        return items[0]

    def test(self, connection_id: str) -> Reachability:
        """Whether the service reaches the database with it. What the provider rejects is a "no" with its words."""
        what = f"testing base connection {connection_id}"
        try:
            return read_result(what, self._get(what, f"{_path(connection_id)}/test", LOOKING).body)
        except Refused as error:
            if error.code != PROVIDER_REJECTED:
                raise
            return Reachability(False, error.message.partition(": ")[2])

    def tables(self, connection_id: str) -> tuple[Table, ...]:
        """What there is to pick from."""
        what = f"listing the tables of {connection_id}"
        return read_tables(what, self._get(what, f"{_path(connection_id)}/explore?objectType=root", LOOKING).body)

    def contents(self, connection_id: str, table: str, preview: bool = False) -> TableContents:
        """The columns of a table, by the path that ``tables`` gives; with ``preview`` some rows, where offered."""
        what = f"reading table {table}"
        query = urlencode(
            {"objectType": "table", "object": table, **({"preview": "true"} if preview else {})}, quote_via=quote
        )
        try:
            return read_contents(what, self._get(what, f"{_path(connection_id)}/explore?{query}", LOOKING).body)
        except Refused as error:
            error.remedy = f"Look whether `explore KEY` lists this table. If that fails too: {error.remedy}"
            raise

    def flows_of(self, connection_ids: Collection[str]) -> Mapping[str, tuple[Dataflow, ...]]:
        """The dataflows that read from these base connections, by id; those without any are left out.

        A few are asked for one by one; of many the list is read whole.
        """
        sources = self._few("sourceConnections", "baseConnectionId", connection_ids)
        flows = self._few("flows", "sourceConnectionIds[]", [str(item["id"]) for item in sources])
        return {base: flows for base, flows in by_base(sources, flows).items() if base in connection_ids}

    def _few(self, resource: str, field: str, ids: Collection[str]) -> list[Json]:
        """What has one of these ids in the field; or all there is, where that is fewer calls."""
        if len(ids) > _FEW:
            return self._items(resource)
        return [item for ident in ids for item in self._items(resource, f"{field}=={ident}")]

    def _items(self, resource: str, *properties: str) -> list[Json]:
        query = urlencode([*(("property", one) for one in properties), ("limit", str(self._page))], quote_via=quote)
        return [item for page in self._pages(f"listing {resource}", query, f"/{resource}") for item in page]

    def service_time(self) -> datetime:
        """What the service's clock shows now, from the ``Date`` of its last answer; this machine's before any."""
        return self._caller.clock.now()

    def _call(self, path: str, method: str = "GET", **fields: Any) -> HttpRequest:
        return HttpRequest(method, self._origin, BASE + path, **{"within": self._deadlines.attempt, **fields})

    def _get(self, what: str, path: str, within: float | None = None) -> HttpResponse:
        settled = self._caller.send(self._call(path, within=within or self._deadlines.attempt))
        if settled.answer is None:
            raise failure(what, settled)
        return settled.answer

    def _list(self, what: str, spec_id: str, *properties: str) -> tuple[Json, ...]:
        """Filtered once more here: whether a ``next`` link keeps the filter is not documented."""
        query = urlencode([*(("property", p) for p in properties), ("limit", str(self._page))], quote_via=quote)
        found = {item["id"]: item for page in self._pages(what, query) for item in page}
        return tuple(item for item in found.values() if _spec_of(item) in (None, spec_id))

    def _pages(self, what: str, query: str | None, path: str = _CONNECTIONS) -> Iterator[tuple[Json, ...]]:
        seen: set[str] = set()
        number = 0
        listed = self._progress.of(what)
        listed(0)
        while query is not None:
            if query in seen or len(seen) >= _PAGES:
                raise ServiceError(f"{what}: the pages of the list do not end", "Report it to Adobe's support.")
            seen.add(query)
            answer = self._get(what, f"{path}?{query}")
            if answer.status != _COMPLETE:
                raise incomplete(what, f"the status is {answer.status}")
            items = items_of(what, answer.body)
            number += len(items)
            listed(len(items))
            yield items
            page = Page(answer.body, answer.headers, number, len(seen))
            query = next_query(what, page, self._origin, BASE, path)
        listed.end()


class FlowService(FlowReader):
    """Reads and writes the base connections of one organization and sandbox. For any number of threads.

    Writing raises, beside ``NotAuthenticated`` and ``Unreachable``: ``Refused`` where nothing was done,
    ``OutcomeUnknown`` where that is not certain.
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
        deadlines: Deadlines = REAL,
    ) -> None:
        headers = {"x-api-key": api_key, "x-gw-ims-org-id": org_id, "x-sandbox-name": sandbox}
        self._timing = timing
        caller = ServiceCaller(transport, tokens, headers, policy or Policy(), timing)
        super().__init__(origin, caller, page, progress, deadlines)

    def reading(self) -> FlowReader:
        """The same service as something that can only look."""
        return FlowReader(self._origin, self._caller, self._page, self._progress, self._deadlines)

    def create(self, body: Json) -> Written:
        """POST. Sent again only where it certainly had no effect; a 2xx without a usable id is an unknown outcome."""
        what = "creating a base connection"
        answer = self._write(what, self._call(_CONNECTIONS, "POST", json=body))
        created = _field(answer, "id")
        if created is None or not is_id(created):
            raise unusable(what, answer, "the service answered without a usable id", effect=True)
        return Written(created, _field(answer, "etag"), answer.date)

    def patch(self, connection_id: str, etag: str, operations: Sequence[Json]) -> Written:
        """PATCH with ``If-Match``, quotes included. Raises ``PreconditionFailed`` where the object moved."""
        what = f"changing base connection {connection_id}"
        if not etag or not etag.isascii() or not etag.isprintable() or etag != etag.strip():
            raise Refused(f"{what}: the recorded etag is not one that can be sent", "Run `provisioner plan` again.")
        call = self._call(_path(connection_id), "PATCH", headers={"If-Match": etag}, json=list(operations))
        answer = self._write(what, call, connection_id)
        if answer.status != 204 and _field(answer, "id") != connection_id:
            raise unusable(what, answer, "the service answered without the id of that object", effect=True)
        return Written(connection_id, _field(answer, "etag"), answer.date)

    def delete(self, connection_id: str) -> None:
        """DELETE. Any 2xx is accepted (204 and 202 are both documented). Raise ``NotFound`` where the service says
        that it was gone before, and ``OutcomeUnknown`` where an earlier attempt may have done it: looking tells."""
        self._write(
            f"deleting base connection {connection_id}", self._call(_path(connection_id), "DELETE"), connection_id
        )

    def confirm_gone(self, connection_id: str) -> None:
        """After a delete: a GET answers that the object is gone (documented). Raise ``OutcomeUnknown`` where it does
        not after a while, or in other words than the service's."""
        what = f"deleting base connection {connection_id}"
        for pause in _LOOKS:
            self._timing.sleep(pause)
            try:
                self.get(connection_id)
            except NotFound:
                return
            except ServiceError as error:
                words = f"{what}: whether it is gone cannot be read: {error.message}"
                raise OutcomeUnknown(words, "Run apply again: it looks.") from error
        raise OutcomeUnknown(f"{what}: it is still there", "Run apply again: it looks, and deletes what is left.")

    def _write(self, what: str, call: HttpRequest, ident: str = "") -> HttpResponse:
        settled = self._caller.send(call)
        if settled.answer is None:
            raise failure(what, settled, ident)
        return settled.answer


def _path(connection_id: str) -> str:
    if not is_id(connection_id):
        shown = ascii(connection_id[:120])
        raise Refused(f"{shown} is not an id of a base connection", "Run `provisioner state list`.")
    return f"{_CONNECTIONS}/{quote(connection_id, safe='')}"


def _missing(what: str, settled: CallResult, ident: str) -> ServiceError:
    """A GET by id that did not succeed."""
    error = failure(what, settled, ident)
    if error.status != _MISSING or isinstance(error, NotFound):
        return error
    words = f"{what}: answers 404, but not in the service's words: {error.message.removeprefix(f'{what}: ')}"
    return MissingUnclear(words, _UNCLEAR, status=error.status, code=error.code, request_id=error.request_id)


def _field(answer: HttpResponse, name: str) -> str | None:
    value: Any = answer.body.get(name) if isinstance(answer.body, dict) else None
    return value if isinstance(value, str) and value else None


def _spec_of(item: Json) -> str | None:
    spec = item.get("connectionSpec")
    found = spec.get("id") if isinstance(spec, dict) else None
    return found if isinstance(found, str) else None
