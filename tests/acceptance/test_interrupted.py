"""What an apply that is stopped says of changes that had no turn: one line on the terminal, each of them elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from provisioner.cli import apply
from provisioner.cli.interruption import Interruption
from provisioner.errors import Interrupted
from tests.acceptance.support import Project, Service, basic, between

MANY = 9
SUMMARY = f"Apply incomplete: 1 added, 0 changed, 0 destroyed. {MANY - 1} not attempted. Run apply again."
OUTCOMES = ["done", *["not attempted"] * (MANY - 1)]
REPORTS = ("--report", "markdown=a.md", "--report", "junit=a.xml")
HINT = "Use -v or a report to list them."


@pytest.fixture
def many(project: Project, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Nine definitions; the user interrupts while the first of them is created."""
    made: list[Interruption] = []

    class Remembered(Interruption):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    def interrupt(method: str, path: str, _: object) -> None:
        if method == "POST" and path.endswith("/connections"):
            made[-1].requested.set()

    monkeypatch.setattr(apply, "Interruption", Remembered)
    for number in range(MANY):
        project.define(f"shop-{number}", basic(f"Shop {number}"))
    with between(service, interrupt) as url:
        project.target(url, ims_endpoint=service.url)
        yield project


@pytest.mark.parametrize(
    ("flags", "lines", "last"),
    [
        ([], 0, f"{SUMMARY} {HINT}"),
        (["-v"], MANY - 1, SUMMARY),
        (["--format", "json"], 0, "}"),
        (["--format", "events"], 0, None),
    ],
    ids=["text", "verbose", "json", "events"],
)
def test_what_had_no_turn_is_a_line_each_only_where_it_was_asked_for(
    many: Project, flags: list[str], lines: int, last: str | None
) -> None:
    done = many.run("apply", "--yes", "--parallelism", "1", *flags, *REPORTS)
    assert done.code == 130
    written = [line for line in (done.out + done.err).splitlines() if line.startswith("not attempted")]
    assert len(written) == lines
    assert last in (None, done.last)
    if "json" in flags:
        assert [one["outcome"] for one in done.json["outcomes"]] == OUTCOMES
    if "events" in flags:
        events = [json.loads(line) for line in done.out.splitlines()]
        assert [one["outcome"]["outcome"] for one in events if one["type"] == "outcome"] == OUTCOMES
        assert events[-1]["message"] == SUMMARY
    assert (many.folder / "a.md").read_text().count("- not attempted `shop-") == MANY - 1
    assert (many.folder / "a.xml").read_text().count('message="not attempted') == MANY - 1
    assert many.run("apply", "--yes", "--parallelism", "1").code == 130, "one more, and the rest another time"


@pytest.mark.parametrize("command", ["apply --resend", "rotate shop"])
@pytest.mark.parametrize("function", ["_confirm", "run_apply"])
def test_before_anything_is_sent_it_says_so(
    project: Project, service: Service, monkeypatch: pytest.MonkeyPatch, command: str, function: str
) -> None:
    def interrupted(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    project.define("shop", basic("Shop"))
    assert project.run("apply", "--yes").code == 0
    writes = len(service.writes())
    monkeypatch.setattr(apply, function, interrupted)
    done = project.run(*command.split())
    assert (done.code, done.err.splitlines()[-1]) == (130, "interrupted; nothing was sent")
    assert len(service.writes()) == writes


def test_once_something_may_have_been_sent_it_says_nothing_of_the_kind() -> None:
    with pytest.raises(Interrupted, match=r"interrupted; nothing was sent"), Interruption():
        raise KeyboardInterrupt
    interruption = Interruption()
    with pytest.raises(KeyboardInterrupt), interruption, interruption.undisturbed():
        raise KeyboardInterrupt
