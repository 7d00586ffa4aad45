"""Error answers in all their shapes -> one value; and that value -> meaning and remedy. Pure.

Shapes, with their standing: ``{"errorMessage", "errorDetails"}``, ``{"message"}`` (documented); problem JSON with
``type``, ``title``, ``status``, ``detail`` (codes documented, that Flow Service uses this shape inferred); the two
combined, with ``report`` in place of ``detail`` (documented for flows, inferred for connections); ``{"error_code",
"message"}`` of the gateway with the code as string or number (documented); ``{"error", "error_description"}`` of IMS
(documented). Everything else is explained by its status.

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
from provisioner.service.http import NOT_JSON, HttpResponse

WITHHELD = "(the service's text is withheld: it repeats a sensitive value)"

_LONGEST_DETAIL = 600
_FLOW_CODE = re.compile(r"(?:^|/)(?:FLOW-)?(\d{4}-\d{3})$")
"""The codes of other services (``XDM-1101-404``) have meanings of their own."""
_CODED = re.compile(r"\d{4}-(\d{3})|(\d{3})\d{3}")
_OTHER_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
_GONE_CODES = frozenset({"1101-404", "1439-404", "1439-400"})
_TOKEN_CODES = frozenset({"403010", "2114-400", "2115-400"})
_ORG_CODES = frozenset({"2001-401", "2002-401"})
_STALE_TOKEN_CODE = "2115-400"  # noqa: S105
_SAID_BY_STATUS = frozenset({407, 408, 412, 413, 429})
_BETWEEN = "Check the proxy, the firewall or VPN, and the endpoint: Adobe's services answer in JSON."
_PAGE = re.compile(r"<!doctype html|<html", re.IGNORECASE)
_NAMED_IDS = re.compile(
    r"\bid = \[([^\],\s]+)|\bresource ([\w.:-]+) (?:not found|does not exist)"
    r"|([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.IGNORECASE,
)
"""In the words that are documented, and UUIDs wherever they stand."""


@dataclass(frozen=True, slots=True)
class ServiceFault:
    """An error as the service told it. ``code`` and the texts may be "". ``foreign`` says what came in the place of the
    JSON object that every documented error of Adobe's is; then it may be the word of something in between."""

    status: int
    code: str = ""
    title: str = ""
    detail: str = ""
    foreign: str = ""

    @property
    def agreed(self) -> str:
        """The code, where the status that is part of it is the one of the answer. Else "": it means something else."""
        part = _CODED.fullmatch(self.code)
        return self.code if part is None or int(part[1] or part[2]) == self.status else ""

    @property
    def label(self) -> str:
        if not self.code:
            return f"HTTP {self.status}"
        return self.code if self.agreed else f"{self.code}, HTTP {self.status}"

    @property
    def is_stale_token(self) -> bool:
        """A fresh token may help. Nothing was done: a 401 comes from the gateway (assumed), and 2115 is a refusal."""
        return self.status == 401 or self.agreed == _STALE_TOKEN_CODE

    @property
    def is_unauthenticated(self) -> bool:
        return self.agreed in _TOKEN_CODES or (self.status == 401 and self.agreed not in _ORG_CODES)


def read_fault(answer: HttpResponse) -> ServiceFault:
    """Whatever the body is."""
    if not isinstance(answer.body, Mapping):
        return ServiceFault(answer.status, foreign=_foreign(answer))
    body = answer.body
    return ServiceFault(answer.status, _code(body), _clean(_text(body.get("title"))), _clean(_detail(body)))


def _foreign(answer: HttpResponse) -> str:
    """Return what came in the place of a JSON object; "" for one that was cut, which may be anybody's."""
    if _PAGE.search(answer.text):
        return "a page"
    if answer.defect:
        return "a text that is not JSON" if answer.defect == NOT_JSON else ""
    return "an empty body" if answer.body is None else "JSON of another form"


def refuses(answer: HttpResponse) -> bool:
    """Return whether a 4xx says by its own JSON that nothing was done.

    What stands between us and the service answers 4xx as well, also after the call had its effect: only a code of a
    catalogue or of the gateway that has the HTTP status in it, or the legacy pair, is the service's own. 408 speaks of
    time, not of refusal. A body that contradicts its status, or itself, says nothing.
    """
    body = answer.body
    if not 400 <= answer.status <= 499 or answer.status == 408 or not isinstance(body, Mapping):
        return False
    if _number(body.get("status")) not in (None, answer.status):
        return False
    fault = read_fault(answer)
    coded = {code for code in _codes(body) if _CODED.fullmatch(code)}
    if coded:
        known = fault.code in CATALOGUED or fault.code == _gateway_code(body)
        return coded == {fault.code} and bool(fault.agreed) and known
    return _legacy_pair(body) is not None


def says_gone(answer: HttpResponse, ident: str) -> bool:
    """Return whether the answer to a request for this id says that there is no such object.

    Documented: 1101-404, 1439-400, 1439-404 (shown for flows), and a 404 with the legacy pair, which names the id. Any
    other code speaks of something else, such as the sandbox, and so does an answer that names another id.
    """
    if not isinstance(answer.body, Mapping) or not refuses(answer):
        return False
    fault = read_fault(answer)
    pair = _legacy_pair(answer.body)
    words = "\n".join(filter(None, (*(_text(answer.body.get(name)) for name in _WORDS), _reported(answer.body))))
    named = _names(words, ident)
    if not named and _NAMED_IDS.search(words):
        return False
    if fault.code:
        return fault.agreed in _GONE_CODES
    return answer.status == 404 and pair is not None and _names(pair, ident)


def _names(words: str, ident: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(ident)}(?![\w-])", words, re.IGNORECASE) is not None


def _legacy_pair(body: Mapping[str, Any]) -> str | None:
    message, details = body.get("errorMessage"), body.get("errorDetails")
    both = isinstance(message, str) and isinstance(details, str) and message and details
    return f"{message}\n{details}" if both else None


def _gateway_code(body: Mapping[str, Any]) -> str:
    code = str(body.get("error_code"))
    return code if len(code) == 6 else ""


def _number(value: object) -> float | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def explain(fault: ServiceFault) -> Explanation:
    """By a code that its status agrees with, else by status, else by class of status."""
    if _is_between(fault):
        return Explanation(f"something between here and Adobe answered with {fault.foreign}", _BETWEEN)
    known = CODES.get(fault.agreed) or STATUSES.get(fault.status) or CLASSES.get(fault.status // 100)
    return known or Explanation(f"the service answered with status {fault.status}")


def explain_sign_in(fault: ServiceFault) -> Explanation:
    """Explain a refusal of the token call: neither a token nor a role is what the identity service asks for."""
    if _is_between(fault) or fault.code in SIGN_IN_CODES or not 400 <= fault.status <= 499:
        return explain(fault)
    return SIGN_IN_STATUSES.get(fault.status, SIGN_IN_REFUSED)


def _is_between(fault: ServiceFault) -> bool:
    """Return whether what came cannot be Adobe's word, and the status alone does not say what to do.

    Inferred from the documented shapes: Adobe's services refuse, and succeed, in JSON. Of 5xx a page is known from
    their gateways too.
    """
    settles = fault.status // 100 in (2, 4) and fault.status not in _SAID_BY_STATUS
    return bool(fault.foreign) and settles


def sentence(fault: ServiceFault, known: Explanation | None = None) -> str:
    """The meaning, the code in parentheses, and the service's own words where there are any."""
    meaning = f"{(known or explain(fault)).meaning} ({fault.label})"
    words = fault.detail or fault.title
    if not words:
        return meaning
    return f"{meaning} {words}" if words == WITHHELD else f'{meaning}; the service says: "{words}"'


def _code(body: Mapping[str, Any]) -> str:
    return next(_codes(body), "")


def _codes(body: Mapping[str, Any]) -> Iterator[str]:
    """From ``error_code`` (gateway), ``error`` (IMS), the end of ``type``, or a code that stands alone."""
    for name in ("error_code", "code", "errorCode", "type", "error"):
        value = body.get(name)
        raw = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if found := _FLOW_CODE.search(raw):
            yield found[1]
        elif name != "type" and _OTHER_CODE.fullmatch(raw):
            yield raw


_WORDS = ("title", "detail", "errorDetails", "errorMessage", "error_description", "message")


def _detail(body: Mapping[str, Any]) -> str:
    texts = (_text(body.get("detail")), _reported(body), *(_text(body.get(name)) for name in _WORDS[2:]))
    return next(filter(None, texts), "")


def _reported(body: Mapping[str, Any]) -> str:
    report = body.get("report")
    return _text(report.get("detailed-message")) if isinstance(report, Mapping) else ""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _clean(text: str) -> str:
    """One line that a terminal can show: no control character, no lone surrogate, not endless."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST_DETAIL else f"{line[:_LONGEST_DETAIL]}..."
