"""Every reader of something that others write, as a function of bytes that raises where the reader breaks its word.

Driven by ``test_readers`` within the suite, and by ``by_hand`` under a coverage-guided fuzzer.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from provisioner.definitions import connection_string, files, templates, yaml_loader
from provisioner.definitions import templates as template_values
from provisioner.errors import PlanFileError, ProvisionerError, StateError
from provisioner.model import MYSQL_SPEC_ID
from provisioner.planning import saved_plan
from provisioner.planning.consistency import contradictions
from provisioner.planning.digest import checksum
from provisioner.report import formats
from provisioner.secrets import Sensitive
from provisioner.service.auth import ClientCredentials
from provisioner.service.client import FlowService
from provisioner.service.messages import HttpOutcome, HttpRequest, HttpResponse, Timing, clock_date
from provisioner.service.origin import check_origin
from provisioner.service.transport import parse_json
from provisioner.state import codec, journal

VARIABLES = {"MYSQL_A": "hunter2", "x": "hunter2"}


def read_yaml(data: bytes) -> None:
    """Text or a problem; then a document or problems, each inside the text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.yaml")
        path.write_bytes(data)
        text = files.read_text(path, "x.yaml", Path(folder))
    if isinstance(text, str):
        document = yaml_loader.parse("x.yaml", text)
        assert document.problems or document.data is not None or document.texts.get(()) is not None
        assert all(problem.location.line >= 1 and problem.remedy for problem in document.problems)


def read_template(data: bytes) -> None:
    """A value, or ``BadTemplate`` without the value in it."""
    text = data.decode("utf-8", "replace")
    try:
        template = templates.compile_template(text)
        if set(template.env_names) | set(template.var_names) <= set(VARIABLES):
            value = template_values.render(template, VARIABLES, VARIABLES)
            assert "hunter2" not in repr(value) or not template.env_names
    except template_values.BadTemplate as error:
        if "hunter2" not in text and "hunter2" in f"{error.message} {error.remedy}":
            raise AssertionError("the message repeats a value") from error


def read_connection_string(data: bytes) -> None:
    """Pairs that are written and read back unchanged, or ``Malformed``."""
    text = data.decode("utf-8", "replace")
    with suppress(connection_string.Malformed):
        connection_string.split_template(text)
        pairs = connection_string.split(text)
        if len(connection_string.join(pairs)) <= connection_string.MAX_LENGTH:
            assert connection_string.split(connection_string.join(pairs)) == pairs


def read_state(data: bytes) -> None:
    """A state that is written and read back unchanged, or ``StateError``."""
    with suppress(StateError):
        state = codec.state_from_bytes(data, "x.json")
        assert codec.state_from_bytes(codec.state_to_bytes(state), "x.json") == state


def read_journal(data: bytes) -> None:
    """What holds of it, or ``StateError``."""
    with suppress(StateError):
        found = journal.parse(data, "x.journal")
        assert found.length + found.torn == len(data)


def read_rescued(data: bytes) -> None:
    """Outcomes, or ``StateError``."""
    with tempfile.TemporaryDirectory() as folder, suppress(StateError):
        path = Path(folder, "x.rescue")
        path.write_bytes(data)
        journal.read_rescue_file(path)


def read_saved_plan(data: bytes) -> None:
    """A plan that is written again, and shown in every format, or ``PlanFileError``; also with a sound checksum."""
    text = data.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        document = json.loads(text)
        if isinstance(document, dict) and document.pop("checksum", None):
            text = json.dumps({**document, "checksum": checksum(document)})
    with suppress(PlanFileError):
        plan = saved_plan.load(text).plan
        assert saved_plan.load(saved_plan.dump(plan)).plan.pins == plan.pins
        assert all(isinstance(path, str) for path in contradictions(plan))
        assert all(isinstance(render(plan), str) for render in formats.PLAN.values())


class _Always:
    """A service, and a token, that gives the same answer to everything."""

    def __init__(self, answer: HttpResponse) -> None:
        self._answer = answer

    def send(self, _call: HttpRequest) -> HttpOutcome:
        return self._answer

    def token(self) -> str:
        return "t"

    def renew(self, stale: str) -> str:
        return stale


_HERE = check_origin("http://127.0.0.1:1", ())
_ID = "025d4158-4113-403b-b551-e81724d3880c"


def read_answer(data: bytes) -> None:
    """Whatever is answered: a result or a ``ProvisionerError``. The first bytes choose status and headers."""
    status = 100 + int.from_bytes(data[:2].ljust(2, b"\0"), "big") % 500
    head, _, raw = data[2:].partition(b"\n")
    headers = {"date": head.decode("latin-1"), "retry-after": head[-9:].decode("latin-1")}
    body, defect = parse_json(raw) if raw else (None, "")
    answer = HttpResponse(status, headers, body, clock_date(headers["date"]), "", defect)
    service = _Always(answer)
    ticks = iter(range(10**9))
    timing = Timing(lambda: float(next(ticks)), lambda: datetime.now(UTC), lambda _: None, lambda: 0.5)
    flow = FlowService(_HERE, "org", "prod", "key", service, service, timing)
    client = ClientCredentials(_HERE, "key", Sensitive("hunter2hunter3", "env(X)"), service, timing)
    uses: tuple[Callable[[], object], ...] = (
        lambda: flow.list_connections(MYSQL_SPEC_ID),
        lambda: flow.get(_ID),
        lambda: flow.create({"name": "Orders"}),
        lambda: flow.patch(_ID, '"e"', []),
        lambda: flow.delete(_ID),
        client.token,
    )
    for use in uses:
        with suppress(ProvisionerError):
            use()


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "yaml": read_yaml,
    "template": read_template,
    "connection-string": read_connection_string,
    "state": read_state,
    "journal": read_journal,
    "rescue": read_rescued,
    "saved-plan": read_saved_plan,
    "answer": read_answer,
}
