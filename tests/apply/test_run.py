"""The run of apply around the executor: compacting the state, and the exit code."""

from __future__ import annotations

from provisioner.apply.outcome import Applied, Outcome, Verdict, exit_code
from provisioner.apply.run import Ports, compact_state
from provisioner.errors import StateError
from provisioner.planning.plan import Action, Change
from provisioner.report.outcomes import as_summary

DONE = Applied((Outcome(Change("orders", "Orders", Action.CREATE, ""), Verdict.DONE, "id-1"),))


class Unwritable:
    def compact(self) -> None:
        raise StateError("state/prod.json cannot be written: disk full")


def test_a_state_that_cannot_be_written_hides_nothing_that_was_done() -> None:
    """The journal holds it all; the exit code says to run again."""
    ports = Ports(Unwritable(), *[None] * 8)  # type: ignore[arg-type]
    applied = compact_state(ports, DONE)
    assert exit_code(applied) == 4
    assert as_summary(applied).startswith(
        "Apply incomplete: 1 added, 0 changed, 0 destroyed. The state was not written"
    )
    assert "disk full" in as_summary(applied)
