"""Base connections in the Flow Service. The only module that knows URLs.

All shapes as in Adobe's Flow Service documentation unless a docstring says inferred or assumed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from provisioner.errors import NotFound, OutcomeUnknown, Refused, ServiceError
from provisioner.model import Json
from provisioner.progress import SILENT, Progress
from provisioner.service.calls import Caller, TokenSource, failure, unusable
from provisioner.service.dependants import Flow, by_base
from provisioner.service.exchange import Answer, Call, Timing, Transport
from provisioner.service.explain import read_fault
from provisioner.service.origin import Origin
from provisioner.service.paging import items_of, next_query
from provisioner.service.probing import (
    PROVIDER_REJECTED,
    Contents,
    Reached,
    Table,
    read_contents,
    read_result,
    read_tables,
)
from provisioner.service.retry import Policy

BASE = "/data/foundation/flowservice"

_CONNECTIONS = "/connections"
LARGEST_PAGE = 100
"""Documented for destinations, which are the same service."""

_PAGES = 1000
_FEW = 3
"""So many objects are asked for one by one."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+(?: [A-Za-z0-9_.-]+)*")
"""Names that a filter can carry whatever the service's quoting rules are, which are not documented."""


@dataclass(frozen=True, slots=True)
class Written:
    """What create and patch return. ``etag`` keeps its quotes and is None where the service sent none;
    ``sent_at`` is the ``Date`` of the answer, whole seconds."""

    id: str
    etag: str | None
    sent_at: datetime | None


_LOOKS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each look after a delete: it may be asynchronous (inferred from its states)."""

_GONE = "Run `provisioner plan`: the base connection was deleted, or lies in another sandbox."


class Reader(Protocol):
    """What ``plan`` may do: look. There is no method here that writes."""

    def list_connections(self, spec_id: str) -> tuple[Json, ...]: ...
    def find_by_name(self, name: str, spec_id: str) -> tuple[Json, ...]: ...
    def get(self, connection_id: str) -> Json: ...
    def test(self, connection_id: str) -> Reached: ...
    def tables(self, connection_id: str) -> tuple[Table, ...]: ...
    def contents(self, connection_id: str, table: str, preview: bool = False) -> Contents: ...
    def flows_of(self, connection_ids: Collection[str]) -> Mapping[str, tuple[Flow, ...]]: ...
    def service_time(self) -> datetime: ...


class FlowReader:
    """``Reader`` over HTTP: it has no writing method and sends nothing but GET."""

    def __init__(self, origin: Origin, caller: Caller, page: int, progress: Progress) -> None:
        self._origin = origin
        self._caller = caller
        self._page = page
        self._progress = progress

    def list_connections(self, spec_id: str) -> tuple[Json, ...]:
        """All base connections of a connection spec, over all pages, each id once, as the service orders them."""
        return self._list("listing base connections", spec_id, f"connectionSpec.id=={spec_id}")

    def find_by_name(self, name: str, spec_id: str) -> tuple[Json, ...]:
        """Those with exactly this name. A name that a filter might not carry is looked for in the whole list."""
        what = "looking for a base connection by name"
        if _PLAIN_NAME.fullmatch(name):
            found = self._list(what, spec_id, f"connectionSpec.id=={spec_id}", f'name=="{name}"')
        else:
            found = self._list(what, spec_id, f"connectionSpec.id=={spec_id}")
        return tuple(item for item in found if item.get("name") == name)

    def get(self, connection_id: str) -> Json:
        """One base connection: ``items[0]``, or the bare object (inferred from sibling resources).
        Raises ``NotFound`` where the service says so or has no items."""
        what = f"reading base connection {connection_id}"
        answer = self._get(what, _path(connection_id))
        body = answer.body
        bare = isinstance(body, dict) and "items" not in body and isinstance(body.get("id"), str)
        items = (body,) if bare else items_of(what, body)
        if not items:
            raise NotFound(f"{what}: there is no such object", _GONE, status=404, request_id=answer.request_id)
        if len(items) != 1 or items[0]["id"] != connection_id:
            raise unusable(what, answer, "the service answered with another object", effect=False)
        return items[0]

    def test(self, connection_id: str) -> Reached:
        """Whether the service reaches the database with it. What the provider rejects is a "no" with its words."""
        what = f"testing base connection {connection_id}"
        try:
            return read_result(what, self._get(what, f"{_path(connection_id)}/test").body)
        except Refused as error:
            if error.code.partition("-")[0] != PROVIDER_REJECTED:
                raise
            return Reached(False, error.message.partition(": ")[2])

    def tables(self, connection_id: str) -> tuple[Table, ...]:
        """What there is to pick from."""
        what = f"listing the tables of {connection_id}"
        return read_tables(what, self._get(what, f"{_path(connection_id)}/explore?objectType=root").body)

    def contents(self, connection_id: str, table: str, preview: bool = False) -> Contents:
        """The columns of a table, by the path that ``tables`` gives; with ``preview`` some rows, where offered."""
        what = f"reading table {table}"
        query = urlencode(
            {"objectType": "table", "object": table, **({"preview": "true"} if preview else {})}, quote_via=quote
        )
        try:
            return read_contents(what, self._get(what, f"{_path(connection_id)}/explore?{query}").body)
        except Refused as error:
            error.remedy = f"Look whether `explore KEY` lists this table. If that fails too: {error.remedy}"
            raise

    def flows_of(self, connection_ids: Collection[str]) -> Mapping[str, tuple[Flow, ...]]:
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

    def _get(self, what: str, path: str) -> Answer:
        settled = self._caller.send(Call("GET", self._origin, BASE + path))
        if settled.answer is None:
            raise failure(what, settled, one="?" not in path or "/explore?" in path)
        return settled.answer

    def _list(self, what: str, spec_id: str, *properties: str) -> tuple[Json, ...]:
        """Filtered once more here: whether a ``next`` link keeps the filter is not documented."""
        query = urlencode([*(("property", p) for p in properties), ("limit", str(self._page))], quote_via=quote)
        found = {item["id"]: item for page in self._pages(what, query) for item in page}
        return tuple(item for item in found.values() if _spec_of(item) in (None, spec_id))

    def _pages(self, what: str, query: str | None, path: str = _CONNECTIONS) -> Iterator[tuple[Json, ...]]:
        seen: set[str] = set()
        listed = self._progress.of(what)
        listed(0)
        while query is not None:
            if query in seen or len(seen) >= _PAGES:
                raise ServiceError(f"{what}: the pages of the list do not end", "Report it to Adobe's support.")
            seen.add(query)
            body = self._get(what, f"{path}?{query}").body
            items = items_of(what, body)
            listed(len(items))
            yield items
            query = next_query(body, self._origin, BASE, path)
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
    ) -> None:
        headers = {"x-api-key": api_key, "x-gw-ims-org-id": org_id, "x-sandbox-name": sandbox}
        self._timing = timing
        super().__init__(origin, Caller(transport, tokens, headers, policy or Policy(), timing), page, progress)

    def reading(self) -> FlowReader:
        """The same service as something that can only look."""
        return FlowReader(self._origin, self._caller, self._page, self._progress)

    def create(self, body: Json) -> Written:
        """POST. Sent again only where it certainly had no effect; a 2xx without a usable id is an unknown outcome."""
        what = "creating a base connection"
        answer = self._write(what, Call("POST", self._origin, BASE + _CONNECTIONS, json=body))
        created = _field(answer, "id")
        if created is None or not _usable_id(created):
            raise unusable(what, answer, "the service answered without a usable id", effect=True)
        return Written(created, _field(answer, "etag"), answer.date)

    def patch(self, connection_id: str, etag: str, operations: Sequence[Json]) -> Written:
        """PATCH with ``If-Match``, quotes included. Raises ``PreconditionFailed`` where the object moved."""
        what = f"changing base connection {connection_id}"
        if not etag or not etag.isascii() or not etag.isprintable() or etag != etag.strip():
            raise Refused(f"{what}: the recorded etag is not one that can be sent", "Run `provisioner plan` again.")
        path = BASE + _path(connection_id)
        call = Call("PATCH", self._origin, path, {"If-Match": etag}, json=list(operations))
        answer = self._write(what, call)
        if answer.status != 204 and _field(answer, "id") != connection_id:
            raise unusable(what, answer, "the service answered without the id of that object", effect=True)
        return Written(connection_id, _field(answer, "etag"), answer.date)

    def delete(self, connection_id: str) -> None:
        """DELETE. Any 2xx is accepted (204 and 202 are both documented). "Not found" means deleted where an earlier
        attempt of this call may have had its effect, and raises ``NotFound`` otherwise."""
        settled = self._caller.send(Call("DELETE", self._origin, BASE + _path(connection_id)))
        if settled.answer is not None:
            return
        gone = isinstance(settled.outcome, Answer) and read_fault(settled.outcome).is_missing_object
        if not (settled.doubtful and gone):
            raise failure(f"deleting base connection {connection_id}", settled, one=True)

    def confirm_gone(self, connection_id: str) -> None:
        """After a delete that was accepted: a GET finds nothing (documented). Raises ``OutcomeUnknown`` where it still
        does after a while."""
        what = f"deleting base connection {connection_id}"
        for pause in _LOOKS:
            self._timing.sleep(pause)
            try:
                self.get(connection_id)
            except NotFound:
                return
            except ServiceError as error:
                raise OutcomeUnknown(f"{what}: accepted, and {error.message}", "Run apply again: it looks.") from error
        raise OutcomeUnknown(
            f"{what}: accepted, and still shown", "Run apply again: it looks, and deletes what is left."
        )

    def _write(self, what: str, call: Call) -> Answer:
        settled = self._caller.send(call)
        if settled.answer is None:
            raise failure(what, settled, one=call.method != "POST")
        return settled.answer


def _path(connection_id: str) -> str:
    if not _usable_id(connection_id):
        raise Refused(f"{connection_id!a} is not an id of a base connection", "Run `provisioner state list`.")
    return f"{_CONNECTIONS}/{quote(connection_id, safe='')}"


def _usable_id(value: str) -> bool:
    """Dots alone would climb out of the path, encoded or not."""
    return 0 < len(value) <= 256 and value.isprintable() and value == value.strip() and value.strip(".") != ""


def _field(answer: Answer, name: str) -> str | None:
    value: Any = answer.body.get(name) if isinstance(answer.body, dict) else None
    return value if isinstance(value, str) and value else None


def _spec_of(item: Json) -> str | None:
    spec = item.get("connectionSpec")
    found = spec.get("id") if isinstance(spec, dict) else None
    return found if isinstance(found, str) else None
