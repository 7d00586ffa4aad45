"""Outcomes and problems as JUnit XML, which every pipeline shows. Written by hand-me-down convention: there is no
standard, so only what all readers know is used."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from provisioner.apply.outcome import Applied, Outcome, Verdict
from provisioner.model import Problem, Severity
from provisioner.report.terminal import safe

_MARK = {
    Verdict.FAILED: "failure",
    Verdict.STALE: "failure",
    Verdict.UNTESTED: "failure",
    Verdict.UNKNOWN: "error",
    Verdict.NOT_ATTEMPTED: "skipped",
}


def outcomes(applied: Applied) -> str:
    """A case for each change: failed and stale ones are failures, unknown ones errors, blocked ones failures."""
    cases = [_outcome(outcome) for outcome in applied.outcomes]
    for change in applied.blocked:
        case = _case("blocked", change.key, change.location.file if change.location else "")
        _mark(case, "failure", change.reason, change.remedy)
        cases.append(case)
    return _suite("apply", cases)


def problems(found: Iterable[Problem]) -> str:
    """A failed case for each error, one that passed and says something for each warning; where there is neither, one
    that passed."""
    cases = []
    for problem in found:
        case = _case(problem.rule, str(problem.location), problem.location.file)
        if problem.severity is Severity.WARNING:
            words = "; ".join(filter(None, (problem.message, problem.remedy)))
            SubElement(case, "system-out").text = safe(f"warning: {words}")
        else:
            _mark(case, "failure", problem.message, problem.remedy)
        cases.append(case)
    return _suite("validate", cases or [_case("validate", "definitions", "")])


def _outcome(outcome: Outcome) -> Element:
    change = outcome.change
    case = _case(change.action.value, change.key, change.location.file if change.location else "")
    case.set("time", f"{outcome.seconds:.3f}")
    if outcome.verdict in _MARK:
        message = f"{outcome.verdict.value}: {outcome.message}"
        _mark(case, _MARK[outcome.verdict], message, outcome.remedy)
    return case


def _case(kind: str, name: str, file: str) -> Element:
    return Element(
        "testcase", {"classname": f"provisioner.{kind}", "name": safe(name), **({"file": safe(file)} if file else {})}
    )


def _mark(case: Element, mark: str, message: str, remedy: str) -> None:
    SubElement(case, mark, {"message": safe(message)}).text = safe(remedy)


def _suite(name: str, cases: list[Element]) -> str:
    numbers = {
        "tests": len(cases),
        **{
            f"{mark}s" if mark != "skipped" else mark: sum(case.find(mark) is not None for case in cases)
            for mark in ("failure", "error", "skipped")
        },
    }
    suite = Element(
        "testsuite", {"name": f"provisioner {name}", **{word: str(number) for word, number in numbers.items()}}
    )
    suite.extend(cases)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, "unicode")}\n'
