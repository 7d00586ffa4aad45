"""Outcomes and problems as JUnit XML, which most CI systems show.

The format has no standard; only elements and attributes that all readers understand are used.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from provisioner.apply.outcome import Applied, Verdict
from provisioner.model import Problem, Severity
from provisioner.planning.plan import Change
from provisioner.report.terminal import safe

_RESULT = {
    Verdict.FAILED: "failure",
    Verdict.STALE: "failure",
    Verdict.UNTESTED: "failure",
    Verdict.UNKNOWN: "error",
    Verdict.NOT_ATTEMPTED: "skipped",
}
_COUNTERS = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def outcomes_as_junit(applied: Applied) -> str:
    """Return a test case for each change: failed, stale and blocked ones are failures, unknown ones errors."""
    cases = []
    for outcome in applied.outcomes:
        case = _change_case(outcome.change.action.value, outcome.change)
        case.set("time", f"{outcome.seconds:.3f}")
        if outcome.verdict in _RESULT:
            message = f"{outcome.verdict.value}: {outcome.message}"
            _add_result(case, _RESULT[outcome.verdict], message, outcome.remedy)
        cases.append(case)
    for change in applied.blocked:
        case = _change_case("blocked", change)
        _add_result(case, "failure", change.reason, change.remedy)
        cases.append(case)
    return _document("apply", cases)


def problems_as_junit(problems: Iterable[Problem]) -> str:
    """Return a failed test case for each error and a passed one with output for each warning.

    Without any problem there is a single passed test case.
    """
    cases = []
    for problem in problems:
        case = _case(problem.rule, str(problem.location), problem.location.file)
        if problem.severity is Severity.WARNING:
            message = "; ".join(filter(None, (problem.message, problem.remedy)))
            SubElement(case, "system-out").text = safe(f"warning: {message}")
        else:
            _add_result(case, "failure", problem.message, problem.remedy)
        cases.append(case)
    return _document("validate", cases or [_case("validate", "definitions", "")])


def _change_case(kind: str, change: Change) -> Element:
    return _case(kind, change.key, change.location.file if change.location else "")


def _case(kind: str, name: str, file: str) -> Element:
    attributes = {"classname": f"provisioner.{kind}", "name": safe(name)}
    return Element("testcase", {**attributes, **({"file": safe(file)} if file else {})})


def _add_result(case: Element, result: str, message: str, remedy: str) -> None:
    SubElement(case, result, {"message": safe(message)}).text = safe(remedy)


def _document(suite_name: str, cases: list[Element]) -> str:
    counters = {
        counter: str(sum(case.find(result) is not None for case in cases)) for result, counter in _COUNTERS.items()
    }
    suite = Element("testsuite", {"name": f"provisioner {suite_name}", "tests": str(len(cases)), **counters})
    suite.extend(cases)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, "unicode")}\n'
