"""Error responses: reading them into a ``ServiceFault``, explaining it, and judging what it proves. Pure.

Shapes, with their standing: ``{"errorMessage", "errorDetails"}``, ``{"message"}`` (documented); problem JSON with
``type``, ``title``, ``status``, ``detail`` (its codes documented); the two combined, with ``report`` in place of
``detail`` (documented for flows); ``{"error_code", "message"}`` of the gateway with the code as string or number
(documented); ``{"error", "error_description"}`` of IMS (documented). Everything else is explained by its status. Errors
about base connections have one of these shapes (inferred: error-shape).

A code counts only where the HTTP status agrees with it. Whether a call had no effect, and whether an object is gone,
is never read from one of the two alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.service.error_codes import (
    CATALOGUED,
    CLASSES,
    CODES,
    SIGN_IN_CODES,
    SIGN_IN_REFUSED,
    SIGN_IN_STATUSES,
    STATUSES,
    Explanation,
)
from provisioner.service.messages import NOT_JSON, HttpResponse
from provisioner.text import mentions

WITHHELD = "(the service's text is withheld: it repeats a sensitive value)"

_MAX_DETAIL = 600
_FLOW_CODE = re.compile(r"(?:^|/)(?:FLOW-)?(\d{4}-\d{3})$")
"""The codes of other services (``XDM-1101-404``) have meanings of their own."""
_CODE_WITH_STATUS = re.compile(r"\d{4}-(\d{3})|(\d{3})\d{3}")
_OTHER_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
_GONE_CODES = frozenset({"1101-404", "1439-404", "1439-400"})
_TOKEN_CODES = frozenset({"403010", "2114-400", "2115-400"})
_ORG_CODES = frozenset({"2001-401", "2002-401"})
_STALE_TOKEN_CODE = "2115-400"  # noqa: S105
_EXPLAINED_BY_STATUS = frozenset({407, 408, 412, 413, 429})
_CHECK_PROXY = "check the proxy, the firewall or VPN, and the endpoint: Adobe's services respond in JSON"
_HTML = re.compile(r"<!doctype html|<html", re.IGNORECASE)
_NAMED_IDS = re.compile(
    r"\bid = \[([^\],\s]+)|\bresource ([\w.:-]+) (?:not found|does not exist)"
    r"|([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.IGNORECASE,
)
"""Ids in the documented messages, and UUIDs anywhere."""
_MESSAGE_FIELDS = ("title", "detail", "errorDetails", "errorMessage", "error_description", "message")


@dataclass(frozen=True, slots=True)
class ServiceFault:
    """An error as the service reported it. ``code`` and the texts may be "".

    ``foreign`` describes a body that is not the JSON object that every documented error of Adobe is; such a response
    may come from a proxy or gateway on the way. ``request_id`` is the id to quote to Adobe's support.
    """

    status: int
    code: str = ""
    title: str = ""
    detail: str = ""
    foreign: str = ""
    request_id: str = ""

    @property
    def agreed(self) -> str:
        """The code if the status contained in it is that of the response, else "": it then means something else."""
        match = _CODE_WITH_STATUS.fullmatch(self.code)
        return self.code if match is None or int(match[1] or match[2]) == self.status else ""

    @property
    def label(self) -> str:
        if not self.code:
            return f"HTTP {self.status}"
        return self.code if self.agreed else f"{self.code}, HTTP {self.status}"

    @property
    def is_stale_token(self) -> bool:
        """True if a fresh token may help. The call had no effect: a 401 comes from the gateway (assumed:
        gateway-refuses), and 2115 is a refusal."""
        return self.status == 401 or self.agreed == _STALE_TOKEN_CODE

    @property
    def is_unauthenticated(self) -> bool:
        return self.agreed in _TOKEN_CODES or (self.status == 401 and self.agreed not in _ORG_CODES)


def read_fault(response: HttpResponse) -> ServiceFault:
    """Return the fault in a response, whatever its body is."""
    body = response.body
    if not isinstance(body, Mapping):
        foreign = _describe_foreign_body(response)
        return ServiceFault(response.status, foreign=foreign, request_id=response.request_id)
    details = (_text(body.get("detail")), _reported(body), *(_text(body.get(name)) for name in _MESSAGE_FIELDS[2:]))
    return ServiceFault(
        response.status,
        code=next(_codes(body), ""),
        title=_one_line(_text(body.get("title"))),
        detail=_one_line(next(filter(None, details), "")),
        request_id=response.request_id,
    )


def refuses(response: HttpResponse) -> bool:
    """Return whether a 4xx says by its own JSON that nothing was done.

    Proxies and gateways answer 4xx as well, even after the call had its effect. Only these are the service's own: a
    catalogued or gateway code that contains the HTTP status, or the legacy pair of message and details; a call that is
    refused like this had no effect (inferred: refusal). 408 reports a timeout, not a refusal. A body that contradicts
    its status, or itself, proves nothing.
    """
    body = response.body
    if not 400 <= response.status <= 499 or response.status == 408 or not isinstance(body, Mapping):
        return False
    status = body.get("status")
    if isinstance(status, str) and status.isascii() and status.isdigit():
        status = float(status)
    if isinstance(status, int | float) and not isinstance(status, bool) and status != response.status:
        return False
    fault = read_fault(response)
    coded = {code for code in _codes(body) if _CODE_WITH_STATUS.fullmatch(code)}
    if coded:
        gateway_code = str(body.get("error_code"))
        known = fault.code in CATALOGUED or (len(gateway_code) == 6 and fault.code == gateway_code)
        return coded == {fault.code} and bool(fault.agreed) and known
    return _legacy_pair(body) is not None


def says_gone(response: HttpResponse, ident: str) -> bool:
    """Return whether the response to a request for this id says that there is no such object.

    Documented: 1101-404, 1439-400, 1439-404 (shown for flows), and a 404 with the legacy pair, which names the id. Base
    connections get one of these (inferred: gone). Any other code concerns something else, such as the sandbox, and so
    does a response that names another id.
    """
    body = response.body
    if not isinstance(body, Mapping) or not refuses(response):
        return False
    messages = "\n".join(filter(None, (*(_text(body.get(name)) for name in _MESSAGE_FIELDS), _reported(body))))
    if not mentions(messages, ident) and _NAMED_IDS.search(messages):
        return False
    fault = read_fault(response)
    if fault.code:
        return fault.agreed in _GONE_CODES
    pair = _legacy_pair(body)
    return response.status == 404 and pair is not None and mentions(pair, ident)


def explain(fault: ServiceFault) -> Explanation:
    """Return the explanation by a code that agrees with the status, else by status, else by class of status."""
    if _is_from_intermediary(fault):
        return Explanation(f"something between here and Adobe answered with {fault.foreign}", _CHECK_PROXY)
    explanation = CODES.get(fault.agreed) or STATUSES.get(fault.status) or CLASSES.get(fault.status // 100)
    return explanation or Explanation(f"the service answered with status {fault.status}")


def explain_sign_in(fault: ServiceFault) -> Explanation:
    """Return the explanation of a refused token request, where the remedy is neither a token nor a role."""
    if _is_from_intermediary(fault) or fault.code in SIGN_IN_CODES or not 400 <= fault.status <= 499:
        return explain(fault)
    return SIGN_IN_STATUSES.get(fault.status, SIGN_IN_REFUSED)


def sentence(fault: ServiceFault, explanation: Explanation | None = None) -> str:
    """Return the meaning, the code and the request id in parentheses, and the service's own message where there is one.

    A request id that the message quotes is not repeated.
    """
    message = fault.detail or fault.title
    request = f"; request {fault.request_id}" if fault.request_id and not mentions(message, fault.request_id) else ""
    meaning = f"{(explanation or explain(fault)).meaning} ({fault.label}{request})"
    if not message:
        return meaning
    return f"{meaning} {message}" if message == WITHHELD else f'{meaning}; the service says: "{message}"'


def _is_from_intermediary(fault: ServiceFault) -> bool:
    """Return whether the body cannot be Adobe's, and the status alone does not say what to do.

    Adobe's services refuse, and succeed, in JSON, as in all documented shapes (inferred: error-shape). 5xx are left
    out, since Adobe's own gateways answer those with HTML pages too.
    """
    return bool(fault.foreign) and fault.status // 100 in (2, 4) and fault.status not in _EXPLAINED_BY_STATUS


def _describe_foreign_body(response: HttpResponse) -> str:
    """Return a description of a body that is not a JSON object; "" for one that was cut, which may be anybody's."""
    if _HTML.search(response.text):
        return "a page"
    if response.defect:
        return "a text that is not JSON" if response.defect == NOT_JSON else ""
    return "an empty body" if response.body is None else "JSON of another form"


def _codes(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield codes from ``error_code`` (gateway), ``error`` (IMS), the end of ``type``, or a code that stands alone."""
    for name in ("error_code", "code", "errorCode", "type", "error"):
        value = body.get(name)
        raw = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if match := _FLOW_CODE.search(raw):
            yield match[1]
        elif name != "type" and _OTHER_CODE.fullmatch(raw):
            yield raw


def _legacy_pair(body: Mapping[str, Any]) -> str | None:
    message, details = body.get("errorMessage"), body.get("errorDetails")
    both = isinstance(message, str) and isinstance(details, str) and message and details
    return f"{message}\n{details}" if both else None


def _reported(body: Mapping[str, Any]) -> str:
    report = body.get("report")
    return _text(report.get("detailed-message")) if isinstance(report, Mapping) else ""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _one_line(text: str) -> str:
    """Return the text as one line that a terminal can show: no control character, no lone surrogate, bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MAX_DETAIL else f"{line[:_MAX_DETAIL]}..."
