"""Judging the way to the services: proxies, names, connections, TLS, clocks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.doctor.findings import Finding, failed, not_tried, passed, warned
from provisioner.doctor.site import Answer, Resolution
from provisioner.service.error_responses import explain, read_fault
from provisioner.service.messages import HttpResponse, NoResponse
from provisioner.service.origin import Origin
from provisioner.service.transport import (
    NO_CERTIFICATES,
    NOT_VERIFIED,
    TLS_FAILED,
    proxy_problem,
    proxy_variable,
    trust_variable,
)

_ABOUT_TLS = (NOT_VERIFIED, TLS_FAILED, NO_CERTIFICATES)
_TOLERATED = 60
"""Seconds between the clocks that do no harm. The service's own is used to wait; ours is in evidence and in logs, and
decides whether a certificate has expired."""


def judge_proxy(origins: Sequence[Origin], environ: Mapping[str, str]) -> Finding:
    """Judge the variables of proxies. Their values, which may hold a login, are not repeated."""
    variables = {origin.host: proxy_variable(origin, environ) for origin in origins}
    used = [name for name in dict.fromkeys(variables.values()) if name]
    facts: dict[str, Any] = {"variables": used, "direct": not all(variables.values())}
    for name in used:
        problem, remedy = proxy_problem(environ[name])
        if problem:
            return failed(f"{name}: {problem}", remedy, **facts)
    if not used:
        why = "the hosts are this machine" if all(origin.loopback for origin in origins) else "no variable names one"
        return passed(f"none: {why}", **facts)
    return passed("; ".join(f"{host}: {name or 'none'}" for host, name in variables.items()), **facts)


def judge_name(origin: Origin, resolution: Resolution) -> Finding:
    if resolution.proxy:
        return passed(f"{origin.host}: the proxy of {resolution.proxy} resolves it", by_proxy=True)
    facts: dict[str, Any] = {
        "by_proxy": False,
        "addresses": len(resolution.addresses),
        "seconds": round(resolution.seconds, 3),
    }
    if resolution.problem:
        remedy = "check the network, the VPN and the endpoint; behind a proxy, set HTTPS_PROXY"
        return failed(f"{origin.host}: {resolution.problem}", remedy, **facts)
    if resolution.addresses == (origin.host.strip("[]"),):
        return passed(f"{origin.host} is an address", **facts)
    more = len(resolution.addresses) - 1
    others = f" and {more:,} more" if more else ""
    return passed(f"{origin.host}: {resolution.addresses[0]}{others}", **facts)


def judge_reach(answer: Answer, by_adobe: bool) -> Finding:
    """Judge whether an answer arrives. ``by_adobe``: whether every answer is documented to be JSON."""
    outcome = answer.outcome
    facts: dict[str, Any] = {"seconds": round(answer.seconds, 3), "loopback": answer.origin.loopback}
    if isinstance(outcome, NoResponse):
        if _is_about_tls(outcome):
            return not_tried("no secure connection: see the line on TLS", **facts)
        return failed(f"{answer.origin}: {outcome.reason}", outcome.remedy, reason=outcome.reason, **facts)
    facts["http_status"] = outcome.status
    fault = read_fault(outcome)
    if by_adobe and fault.foreign and outcome.status < 500:
        explanation = explain(fault)
        return failed(f"{answer.origin}: {explanation.meaning}", explanation.remedy, **facts)
    if outcome.status >= 500:
        explanation = explain(fault)
        return warned(f"{answer.origin} answers with status {outcome.status}", explanation.remedy, **facts)
    return passed(f"{answer.origin} answers in {answer.seconds:.2f} s", **facts)


def judge_tls(answer: Answer, environ: Mapping[str, str]) -> Finding:
    outcome = answer.outcome
    variable = trust_variable(environ)
    trusted = variable or "the certificates that come with Python's certifi"
    facts: dict[str, Any] = {"trusted": variable or "certifi", "plain_http": answer.origin.scheme == "http"}
    if answer.origin.scheme == "http":
        return passed("none: plain HTTP, which is allowed on this machine alone", **facts)
    if isinstance(outcome, NoResponse):
        return failed(f"{answer.origin.host}: {outcome.reason} (trusted: {trusted})", outcome.remedy, **facts)
    if outcome.certificate is None:
        return warned("the connection does not show its certificate", **facts)
    certificate = outcome.certificate
    seen = f"{certificate.protocol}, issued by {certificate.issuer or 'nobody named'}; trusted: {trusted}"
    return passed(seen, issuer=certificate.issuer, protocol=certificate.protocol, **facts)


def judge_clock(answer: Answer) -> Finding:
    """Judge this machine's clock by the ``Date`` of an answer, which is in whole seconds."""
    date = answer.outcome.date if isinstance(answer.outcome, HttpResponse) else None
    if date is None:
        remedy = "nothing to do here; `provisioner` then goes by this machine's clock"
        return warned("the service sends no date, so our clock cannot be compared", remedy, seconds_off=None)
    off = round((answer.ended - date).total_seconds())
    if abs(off) <= _TOLERATED:
        return passed("agrees with that of the service", seconds_off=off)
    direction = "ahead of" if off > 0 else "behind"
    return warned(
        f"{abs(off):,} s {direction} that of the service",
        "set this machine's clock: certificates are judged by it, and times in evidence and logs are its",
        seconds_off=off,
    )


def _is_about_tls(outcome: NoResponse) -> bool:
    return any(text in outcome.reason for text in _ABOUT_TLS)
