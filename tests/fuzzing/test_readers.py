"""Readers keep their word whatever they are given: never a traceback, never without bounds of time and memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.definitions import connection_string
from provisioner.planning.saved_plan import load
from provisioner.state.codec import state_from_bytes, state_to_bytes
from provisioner.state.journal import Journal, JournalContents, parse, read_rescue_file
from provisioner.state.records import Completed, Header
from tests.fuzzing.targets import TARGETS
from tests.planning.examples import record, state
from tests.planning.test_approval import SAVED
from tests.state.examples import TARGET

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWER = {
    "items": [{"id": "x", "name": "Orders", "etag": '"e"', "auth": {"params": {}}}],
    "_links": {"next": {"href": "/x"}},
}
SAMPLES: dict[str, bytes] = {
    "yaml": b"name: Orders\nauth: {specName: &a \"x\", params: [*a, 007, no, ~, 'it''s']}\n# end\n",
    "template": b"a {{ env('MYSQL_A') | replace('a', \"b\") ~ var('x') }} b",
    "connection-string": b"Server=h;Port=3306;Database=\"a\"\"b\";UID='u';PWD={{ env('MYSQL_A') }};a==b= c ;",
    "state": state_to_bytes(state(record())),
    "saved-plan": SAVED.encode(),
    "rescue": b'{"kind": "settled", "intent_id": "i", "verdict": "done", "id": "x", "etag": null}\n',
    "answer": b"\0\x64Tue, 24 Nov 2026 06:00:00 GMT\n" + json.dumps(ANSWER).encode(),
}
TOKENS = [
    *(b"{", b"}", b"[", b"]", b'"', b"'", b":", b",", b";", b"=", b"\n", b"\\", b"\0", b"\xff", b"\xed\xa0\x80", b"{{"),
    *(
        b"}}",
        b"&a ",
        b"*a",
        b"null",
        b"true",
        b"NaN",
        b"1e999",
        b"-0",
        b"9" * 50,
        b"\\ud800",
        b"<<",
        b"!!x ",
        b"- ",
        b"%",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def _journal(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A journal is sealed, so that its sample has to be written by one."""
    path = tmp_path_factory.mktemp("journal") / "x.journal"
    written = Journal(path, Header("j", "0f" * 16, 3, TARGET), JournalContents())
    written.append([Completed("i", "done", "x", '"e"')])
    written.append([Completed("k", "failed", None, None)])
    written.close()
    SAMPLES["journal"] = path.read_bytes()


@st.composite
def damaged(draw: st.DrawFn, sample: bytes) -> bytes:
    """A sound sample with pieces cut out, repeated, put in, or put elsewhere."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(sample)))
        end = min(len(sample), start + draw(st.integers(0, 12)))
        other = draw(st.integers(0, len(sample)))
        piece = draw(st.sampled_from(TOKENS) | st.binary(max_size=3) | st.just(sample[other : other + 20]))
        sample = sample[:start] + piece + sample[end:]
    return sample


@pytest.mark.parametrize("reader", TARGETS)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_bytes(reader: str, data: st.DataObject) -> None:
    TARGETS[reader](data.draw(st.binary(max_size=120) | damaged(SAMPLES[reader])))


def test_the_samples_are_sound(tmp_path: Path) -> None:
    """Else damaging them would show little."""
    (tmp_path / "rescue").write_bytes(SAMPLES["rescue"])
    assert len(read_rescue_file(tmp_path / "rescue")) == 1
    assert len(state_from_bytes(SAMPLES["state"], "x").records) == 1
    assert len(parse(SAMPLES["journal"], "x").entries) == 3
    assert len(load(SAVED).plan.changes) == 1
    assert len(connection_string.split(SAMPLES["connection-string"].decode())) == 6


WORST: dict[str, tuple[str, str]] = {
    "a billion laughs": (
        "yaml",
        "b'a0: &a0 [x]\\n' + b''.join(b'a%d: &a%d [%b]\\n' % (n, n, b'*a%d, ' % (n - 1) * 10) for n in range(1, 60))",
    ),
    "deep YAML": ("yaml", "b'[' * 1_000_000"),
    "anchors": ("yaml", "b''.join(b'- &a%d x\\n' % n for n in range(90_000))"),
    "a template of braces": ("template", "b'{{' * 500_000"),
    "a template of brackets": ("template", "b'{{ ' + b'(' * 16_000 + b' }}'"),
    "a template of filters": ("template", "b\"{{ 'a'\" + b'|upper' * 2_600 + b' }}'"),
    "a string of quotes": ("connection-string", "b'a=' + b'\"' * 16_001"),
    "a string of templates": ("connection-string", "b\"a='\" + b'{{' * 8_000"),
    "a string of signs": ("connection-string", "b'=' * 16_000"),
    "deep JSON": ("state", "b'[' * 5_000_000"),
    "deep objects": ("state", "b'{\"a\":' * 1_000_000"),
    "a long number": ("state", "b'{\"format_version\": ' + b'9' * 5_000_000 + b'}'"),
    "a deep plan": ("saved-plan", "b'[' * 5_000_000"),
    "a plan with a long number": (
        "saved-plan",
        "b'{\"kind\": \"provisioner-plan\", \"format_version\": ' + b'9' * 5_000_000 + b'}'",
    ),
    "a plan with many changes": (
        "saved-plan",
        'b\'{"kind": "provisioner-plan", "format_version": 3, "changes": [\' + b\'{},\' * 1_000_000 + b\'{}]}\'',
    ),
    "no plan, of many lines": ("saved-plan", "b'auth\\n' * 1_000_000"),
    "a long journal": ("journal", 'b\'{"seal":"\\n\' * 1_000_000'),
    "a long line": ("journal", "b'{\"seal\":\"0123456789abcdef\",\"entries\":' + b'[' * 5_000_000 + b'}\\n'"),
    "a deep rescue file": ("rescue", "b'[' * 5_000_000 + b'\\n'"),
    "a deep answer": ("answer", "b'\\0\\x64\\n' + b'[' * 5_000_000"),
    "an answer with a long number": ("answer", "b'\\0\\x64\\n' + b'9' * 5_000_000"),
    "an answer with many items": ("answer", "b'\\0\\x64\\n{\"items\": [' + b'{},' * 1_000_000 + b'{}]}'"),
    "an answer with a long date": ("answer", "b'\\0\\x64' + b'(' * 1_000_000 + b'\\n{}'"),
}
SECONDS, BYTES = 60, 2 * 1024**3
"""Generous: a reader that grows with the square or worse takes hours here, and one that expands a bomb all memory."""


@pytest.mark.parametrize("shape", WORST)
def test_the_worst_shapes(shape: str) -> None:
    reader, made = WORST[shape]
    code = f"from tests.fuzzing.targets import TARGETS; TARGETS[{reader!r}]({made})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        timeout=SECONDS,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES)),
    )
    assert (done.returncode, done.stderr[-600:]) == (0, "")


INSTEAD = [None, True, -1, 10**20, "\ud800", "\u202e::error::x", "delete", [], {}, [{}]]


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in items:
        yield (*path, name)
        yield from paths_in(part, (*path, name))


@pytest.mark.parametrize("instead", INSTEAD, ids=ascii)
def test_a_saved_plan_with_something_else_in_any_place(instead: Any) -> None:
    """With a checksum that is right: whatever is accepted can be shown."""
    for path in paths_in(json.loads(SAVED)):
        document = json.loads(SAVED)
        part = document
        for name in path[:-1]:
            part = part[name]
        part[path[-1]] = instead
        TARGETS["saved-plan"](json.dumps(document).encode())
