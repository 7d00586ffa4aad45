"""Random secrets of all the nasty kinds, through every command, format, error path and fault: they reach the service
unchanged and stand nowhere else.

Commands run within this process, so that many can. What they write is looked at by ``tests.leaks``, not by the scanner;
and that the scanner never had to stop one shows that nothing relies on it.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from provisioner import cli
from provisioner.cli.console import Console
from provisioner.definitions import connection_string
from provisioner.emulator.server import Emulator
from provisioner.report import formats
from provisioner.secret_scanner import SecretScanner
from tests.acceptance.support import CREDENTIALS, Project, Service, basic, between, by_string
from tests.leaks import holds

NASTY = [
    *(";", "'", '"', "{}", "{{", "}}", "%", "%41", "#", ": ", "\n", "\r\n", "\t", "007", "no", "null", "~", "é"),
    *(
        "😀",
        " ",
        "$(x)",
        "${X}",
        "`",
        "\\",
        "\\n",
        "&amp;",
        "==",
        "=",
        "/",
        "+",
        "\u202e",
        "\u2028",
        "\x7f",
        "\x1b[31m",
    ),
    *("::add-mask::", "\ufeff", "e\u0301", "-- ", "!tag", "*x", "&x", ",", "[", "|", ">", "@", "?", "x" * 4096),
]
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CORES = st.text(LETTERS, min_size=12, max_size=16)
"""Stands in each secret, so that also a part of one is found."""


@st.composite
def a_secret(draw: st.DrawFn) -> tuple[str, str]:
    """A secret and its core."""
    core = draw(CORES)
    before, after = ("".join(draw(st.lists(st.sampled_from(NASTY), max_size=4))) for _ in range(2))
    return f"{before}{core}{after}", core


FAULTS: dict[str, list[dict[str, Any]]] = {
    "none": [],
    **{f"status {status}": [{"kind": "status", "status": status, "nth": 1}] for status in (400, 401, 422, 429, 500)},
    **{
        f"{kind} {when}": [{"kind": kind, "when": when, "method": "POST", "path": "*/connections", "nth": 1}]
        for kind in ("reset", "truncate", "invalid-json", "wrong-content-type", "status", "expire-tokens")
        for when in (("before", "after") if kind in ("reset", "status", "expire-tokens") else ("after",))
    },
    "everything refused": [{"kind": "status", "status": 403, "probability": 1}],
    "a stranger creates it": [{"kind": "foreign-create", "nth": 1}],
    "a stranger edits it": [{"kind": "foreign-edit", "nth": 1}],
    "a stranger deletes it": [{"kind": "foreign-delete", "nth": 1}],
}

PARTS = """\
name: parts
auth:
  specName: Connection String Based Authentication
  params:
    connectionString:
      server: db.example.com
      database: orders
      username: svc_aep
      password: "{{ env('MYSQL_PARTS') }}"
      options:
        CertificatePassword: "{{ env('MYSQL_OPTION') }}"
"""
WHOLE = """\
name: whole
auth:
  specName: Connection String Based Authentication
  params:
    connectionString: "{{ env('MYSQL_WHOLE') }}"
"""


def reports(formats: Iterable[str], name: str) -> list[str]:
    return [word for form in formats for word in ("--report", f"{form}={name}.{form}")]


COMMANDS = [
    ("validate", *reports(formats.PROBLEMS, "checked")),
    ("validate", "--format", "json"),
    ("plan", "--offline"),
    ("plan", "--offline", "--format", "json"),
    ("plan", "-v", "--detailed-exitcode"),
    ("plan", "--format", "json", "--import-existing"),
    ("plan", "--out", "saved.plan", *reports(formats.PLAN, "planned")),
    ("show", "saved.plan", *reports(formats.PLAN, "shown")),
    ("show", "saved.plan", "--format", "json"),
    ("show", "saved.plan", "--check"),
    ("plan", "--refresh-only", "--allow-delete"),
    ("plan", "--refresh-only", *reports(formats.PLAN, "refreshed")),
    ("apply",),
    ("apply", "saved.plan", *reports(formats.APPLIED, "applied")),
    ("apply", "--refresh-only", "--yes"),
    ("apply", "--yes", "--format", "events"),
    ("apply", "--yes", "-v"),
    ("apply", "--yes", "--format", "json"),
    ("state", "list"),
    ("state", "list", "--format", "json"),
    ("state", "show", "basic"),
    ("state", "show", "whole", "--format", "json"),
    ("state", "rebuild"),
    ("doctor", "--out", "facts.json"),
    ("doctor", "--format", "json", "-v"),
    ("schema",),
]


@dataclass
class Bench:
    """A project in which commands run within this process, and all that they wrote."""

    project: Project
    environ: dict[str, str]
    texts: list[str] = field(default_factory=list)

    def run(self, *args: str, more: Mapping[str, str] | None = None) -> int:
        out, err = io.StringIO(), io.StringIO()
        with chdir(self.project.folder):
            code = cli.run(args, {**CREDENTIALS, **self.environ, **(more or {})}, None, Console(out, err))
        self.texts += [f"{args} {out.getvalue()}", f"{args} {err.getvalue()}"]
        return code

    def written(self) -> Iterator[str]:
        """All that was printed, and every file that a command wrote."""
        yield from self.texts
        for path in self.project.folder.rglob("*"):
            if path.is_file() and not self.project._ours(path):
                yield f"{path.name} {path.read_bytes().decode('utf-8', 'backslashreplace')}"

    def found(self, cores: list[str]) -> list[tuple[str, list[str]]]:
        return [(text[:300], ways) for text in self.written() if (ways := holds(text, *cores))]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is not what is tested here."""
    monkeypatch.setattr("provisioner.cli.apply._sleep", lambda interruption, _: interruption.requested.wait(0.05))
    monkeypatch.setattr("provisioner.state.fingerprint._SCRYPT_N", 2)


def a_project(folder: str, url: str) -> Project:
    project = Project(Path(folder))
    project.target(url)
    project.define("basic", basic("basic", secret="MYSQL_BASIC"))
    project.define("text", by_string("text", secret="MYSQL_TEXT"))
    project.define("parts", PARTS)
    project.define("whole", WHOLE)
    return project


def whole(password: str) -> str:
    return f"Server=db.example.com;Database=orders;UID=svc_aep;PWD={connection_string.quote(password)}"


def variables(secrets: list[str]) -> dict[str, str]:
    first, second, third, fourth, fifth = secrets
    return {
        "MYSQL_BASIC": first,
        "MYSQL_TEXT": second,
        "MYSQL_PARTS": third,
        "MYSQL_OPTION": fourth,
        "MYSQL_WHOLE": whole(fifth),
    }


def received(service: Service) -> dict[str, Any]:
    """The parameters last sent for each name, by the emulator's log."""
    return {one["body"]["name"]: one["body"]["auth"]["params"] for one in service.seen("POST")}


MANY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIVE = st.lists(a_secret(), min_size=5, max_size=5, unique_by=lambda pair: pair[1])
KEYS = st.sampled_from([{"PROVISIONER_FINGERPRINT_KEY": "k" * 32 + "-team-key"}, {}])


@MANY
@given(pairs=FIVE, rotated=FIVE, fault=st.sampled_from([*FAULTS]), key=KEYS)
def test_whatever_is_run_and_whatever_goes_wrong(
    emulator: Emulator, pairs: Any, rotated: Any, fault: str, key: dict[str, str]
) -> None:
    service = Service(emulator.url)
    service.reset()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(a_project(folder, emulator.url), {**key, **variables([secret for secret, _ in pairs])})
        requests.put(f"{emulator.url}/_emulator/faults", json=FAULTS[fault], timeout=5).raise_for_status()
        codes = [bench.run(*command) for command in COMMANDS]
        bench.environ |= variables([secret for secret, _ in rotated])
        codes += [bench.run(*command) for command in COMMANDS if command[0] != "schema"]
        requests.put(f"{emulator.url}/_emulator/faults", json=[], timeout=5).raise_for_status()
        codes += [bench.run("plan"), bench.run("apply", "--yes", "--overwrite-drift")]
        assert 3 not in codes, bench.texts
        assert bench.found([core for _, core in (*pairs, *rotated)]) == []


BRACES = [("22222222222222{{", "2" * 14), ("2222222222222}}", "2" * 13)]


@MANY
@given(pairs=FIVE)
@example(pairs=[("1" * 12, "1" * 12), ("3" * 12, "3" * 12), *BRACES, ("5" * 12, "5" * 12)])
def test_every_byte_arrives_in_both_forms(emulator: Emulator, pairs: Any) -> None:
    service = Service(emulator.url)
    service.reset()
    secrets = [secret for secret, _ in pairs]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(a_project(folder, emulator.url), {"PROVISIONER_FINGERPRINT_KEY": "k" * 40, **variables(secrets)})
        assert bench.run("apply", "--yes") == 0
        assert bench.run("plan", "--detailed-exitcode") == 0
    sent = received(service)
    read = {
        name: {pair.part: pair.value for pair in connection_string.split(params["connectionString"])}
        for name, params in sent.items()
        if "connectionString" in params
    }
    assert sent["basic"]["password"] == secrets[0]
    assert read["text"]["password"] == secrets[1]
    assert (read["parts"]["password"], read["parts"]["options.CertificatePassword"]) == (secrets[2], secrets[3])
    assert sent["whole"] == {"connectionString": whole(secrets[4])}


BROKEN = {
    "the secret instead of its name": "name: basic\nauth: {{specName: Basic Authentication, params: {{server: h, "
    "database: d, username: u, sslMode: DISABLED, password: {literal}}}}}\n",
    "the secret as a template": "name: basic\nauth: {{specName: Basic Authentication, params: {{server: h, "
    'database: d, username: u, sslMode: DISABLED, password: "{{{{ env({quoted}) }}}}"}}}}\n',
    "a wrong property": "name: basic\nauth: {{specName: Basic Authentication, params: {{server: h, "
    "database: d, username: u, sslMode: DISABLED, pasword: {literal}}}}}\n",
    "a string that is none": "name: basic\nauth: {{specName: Connection String Based Authentication, "
    "params: {{connectionString: {literal}}}}}\n",
    "a password in a string": "name: basic\nauth: {{specName: Connection String Based Authentication, "
    "params: {{connectionString: {string}}}}}\n",
    "a name": "name: basic\nauth: {{specName: Basic Authentication, params: {{server: h, database: d, username: u, "
    "{literal}: x}}}}\n",
    "the only name": "name: basic\nauth: {{specName: Basic Authentication, params: {{{literal}: }}}}\n",
    "a name beside": "name: basic\n{literal}: \nauth: {{specName: Basic Authentication, params: {{}}}}\n",
    "an option": "name: basic\nauth: {{specName: Connection String Based Authentication, params: {{"
    "connectionString: {{server: h, database: d, username: u, password: \"{{{{ env('MYSQL_BASIC') }}}}\", "
    "options: {{{literal}: ''}}}}}}}}\n",
    "a password without quotes": "name: basic\nauth: {{specName: Connection String Based Authentication, "
    "params: {{connectionString: {unquoted}}}}}\n",
    "no YAML after it": "name: basic\nauth: {{params: {{password: {literal}\n",
}


@MANY
@given(pair=a_secret(), row=st.sampled_from([*BROKEN]))
@example(pair=("222222222222=", "222222222222"), row="a string that is none")
@example(pair=("{{222222222222=", "222222222222"), row="a string that is none")
@example(pair=("A" * 12, "A" * 12), row="the secret as a template")
@example(pair=("1" * 12, "1" * 12), row="a name")
@example(pair=("{{007|" + "A" * 12 + "}}", "A" * 12), row="the secret instead of its name")
def test_a_secret_that_was_pasted_into_a_definition_is_not_repeated(emulator: Emulator, pair: Any, row: str) -> None:
    secret, core = pair
    literal = json.dumps(secret)
    string = json.dumps(f"Server=h;Database=d;UID=u;PWD={connection_string.quote(secret)}")
    unquoted = json.dumps(f"Server=h;Database=d;UID=u;PWD=a;{secret}=")
    text = BROKEN[row].format(literal=literal, string=string, unquoted=unquoted, quoted=literal.replace('"', r"\""))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(a_project(folder, emulator.url), {"MYSQL_BASIC": secret})
        bench.project.define("basic", text)
        codes = [bench.run(*command) for command in COMMANDS if command[0] in ("validate", "plan", "apply")]
        assert set(codes) <= {1, 64}, (codes, bench.texts)
        assert bench.found([core]) == []


ECHOES = [
    lambda text: text,
    json.dumps,
    lambda text: json.dumps(text, ensure_ascii=False),
    lambda text: requests.utils.quote(text, safe=""),
    lambda text: repr(text),
    connection_string.quote,
]


@MANY
@given(
    pair=a_secret(), echo=st.sampled_from(ECHOES), place=st.sampled_from(["detail", "title", "errorMessage", "code"])
)
def test_a_service_that_quotes_what_it_refuses(emulator: Emulator, pair: Any, echo: Any, place: str) -> None:
    secret, core = pair

    def refuse(method: str, _path: str, _body: Any) -> tuple[int, Any] | None:
        return (400, {place: f"cannot sign in with {echo(secret)}"}) if method in ("POST", "PATCH") else None

    service = Service(emulator.url)
    service.reset()
    with tempfile.TemporaryDirectory() as folder, between(service, refuse) as url:
        bench = Bench(a_project(folder, url), {"AEP_ACCESS_TOKEN": "a-token-of-some-length", **variables([secret] * 5)})
        # Not in the service's own words, so whether it had an effect is unknown.
        assert bench.run("apply", "--yes", "-v") == 4, bench.texts
        assert bench.found([core]) == []


WRONG: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "the string from the environment is none": (("plan",), {"MYSQL_WHOLE": "{secret}"}),
    "a variable is missing": (("apply", "--yes"), {"MYSQL_BASIC": ""}),
    "the fingerprint key is too short": (("plan",), {"PROVISIONER_FINGERPRINT_KEY": "{core}"}),
    "no service there": (("plan",), {"AEP_ACCESS_TOKEN": "{core}-token"}),
}


@MANY
@given(pair=a_secret(), row=st.sampled_from([*WRONG]))
def test_other_ways_to_fail(emulator: Emulator, pair: Any, row: str) -> None:
    secret, core = pair
    args, more = WRONG[row]
    with tempfile.TemporaryDirectory() as folder:
        url = "http://127.0.0.1:9" if row == "no service there" else emulator.url
        bench = Bench(a_project(folder, url), variables([secret] * 5))
        code = bench.run(*args, more={name: value.format(secret=secret, core=core) for name, value in more.items()})
        assert code in (1, 64), bench.texts
        assert bench.found([core]) == []


@MANY
@given(pair=a_secret())
def test_a_bug_that_stumbles_over_a_secret(emulator: Emulator, pair: Any) -> None:
    secret, core = pair

    def stumble(*_: Any) -> None:
        raise RuntimeError(f"cannot handle {secret}")

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr("provisioner.planning.planner.make_plan", stumble)
        bench = Bench(a_project(folder, emulator.url), variables([secret] * 5))
        assert bench.run("plan") == 3
        assert len(list(bench.project.folder.glob("provisioner-report-*.txt"))) == 1
        assert bench.found([core]) == []


def test_the_search_would_find_one(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary: the same search over a run in which a secret stands in a definition, and nothing holds it back."""
    monkeypatch.setattr(SecretScanner, "origins_in", lambda *_: ())
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(a_project(folder, emulator.url), variables(["canary-4711-bird"] * 5))
        bench.project.define("basic", basic("canary-4711-bird", secret="MYSQL_BASIC"))
        assert bench.run("plan", "--offline") == 0
        assert [ways for _, ways in bench.found(["canary-4711-bird"])]
