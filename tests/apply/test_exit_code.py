"""The exit code of an apply, from its outcomes."""

from __future__ import annotations

import pytest

from provisioner.apply.outcome import Applied, Outcome, Verdict, exit_code
from provisioner.planning.plan import Action, Change
from provisioner.report.outcomes import as_summary

D, F, S, U, N = Verdict.DONE, Verdict.FAILED, Verdict.STALE, Verdict.UNKNOWN, Verdict.NOT_ATTEMPTED
CHANGE = Change("orders", "Orders", Action.CREATE, "")
BLOCKED = Change("billing", "Billing", Action.BLOCKED, "")

ROWS: list[tuple[str, list[Verdict], bool, bool, int]] = [
    ("nothing to do", [], False, False, 0),
    ("all done", [D, D], False, False, 0),
    ("only blocked", [], True, False, 1),
    ("done, and others blocked", [D], True, False, 4),
    ("all refused", [F, F], False, False, 1),
    ("some done, some refused", [D, F], False, False, 4),
    ("stale alone", [S], False, False, 5),
    ("stale and refused", [S, F], False, False, 5),
    ("some done, some stale", [D, S], False, False, 4),
    ("unknown", [U], False, False, 4),
    ("unknown before stale", [U, S], False, False, 4),
    ("none attempted", [N], False, False, 1),
    ("interrupted before everything", [D, U, N], True, True, 130),
]


@pytest.mark.parametrize(
    ("verdicts", "blocked", "interrupted", "code"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_exit_code(verdicts: list[Verdict], blocked: bool, interrupted: bool, code: int) -> None:
    outcomes = tuple(Outcome(CHANGE, verdict) for verdict in verdicts)
    assert exit_code(Applied(outcomes, (BLOCKED,) if blocked else (), interrupted)) == code


@pytest.mark.parametrize(
    ("verdicts", "blocked", "interrupted", "code"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_the_summary_says_incomplete_only_where_something_may_have_been_done(
    verdicts: list[Verdict], blocked: bool, interrupted: bool, code: int
) -> None:
    outcomes = tuple(Outcome(CHANGE, verdict) for verdict in verdicts)
    summary = as_summary(Applied(outcomes, (BLOCKED,) if blocked else (), interrupted))
    first = "complete" if code == 0 else "incomplete" if {D, U} & {*verdicts} else "Nothing applied"
    assert summary.startswith(first if first[0] == "N" else f"Apply {first}: "), summary


@pytest.mark.parametrize(
    ("verdicts", "blocked", "summary"),
    [
        ([], True, "Nothing applied: 1 blocked."),
        ([F, F, S], True, "Nothing applied: 2 failed, 1 stale, 1 blocked."),
        ([N], False, "Nothing applied: 1 not attempted. Run apply again."),
        ([D, F], False, "Apply incomplete: 1 added, 0 changed, 0 destroyed. 1 failed."),
    ],
)
def test_the_words_of_the_summary(verdicts: list[Verdict], blocked: bool, summary: str) -> None:
    outcomes = tuple(Outcome(CHANGE, verdict) for verdict in verdicts)
    assert as_summary(Applied(outcomes, (BLOCKED,) if blocked else ())) == summary
