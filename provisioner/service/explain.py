"""Error answers in all their shapes -> one value; and that value -> meaning and remedy. Pure.

Shapes, with their standing: ``{"errorMessage", "errorDetails"}``, ``{"message"}`` (documented); problem JSON with
``type``, ``title``, ``status``, ``detail`` (codes documented, that Flow Service uses this shape inferred);
``{"error_code", "message"}`` of the gateway with the code as string or number (documented); ``{"error",
"error_description"}`` of IMS (documented). Everything else is explained by its status.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.service.codes import CLASSES, CODES, STATUSES, Explanation
from provisioner.service.exchange import Answer

WITHHELD = "(the service's text is withheld: it repeats a sensitive value)"

_LONGEST_DETAIL = 600
_FLOW_CODE = re.compile(r"(?:^|[-/])(\d{4}-\d{3})$")
_OTHER_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
_SANDBOX_CODES = frozenset({"2100", "2101", "2103", "2106"})
_NOT_FOUND_CODES = frozenset({"1101", "1439"})
_TOKEN_CODES = frozenset({"401013", "403010", "2000", "2114", "2115"})
_STALE_TOKEN_CODES = frozenset({"401013", "2115"})


@dataclass(frozen=True, slots=True)
class ServiceFault:
    """An error as the service told it. ``code`` and the texts may be "". ``foreign``: no JSON, so perhaps not even
    the service's own words but those of something in between."""

    status: int
    code: str = ""
    title: str = ""
    detail: str = ""
    foreign: bool = False

    @property
    def number(self) -> str:
        """The code without the status that Flow Service appends: ``1418`` of ``1418-400``."""
        return self.code.partition("-")[0]

    @property
    def label(self) -> str:
        return self.code or f"HTTP {self.status}"

    @property
    def is_missing_object(self) -> bool:
        """The object is not there: not the sandbox, not a gateway's or a wrong server's 404. Who takes a
        lost sandbox for lost objects makes all of them anew; the legacy shape has no code, so its words count."""
        if self.number in _NOT_FOUND_CODES:
            return True
        other = self.foreign or len(self.number) == 6 or self.number in _SANDBOX_CODES
        return self.status == 404 and not other and "sandbox" not in f"{self.title} {self.detail}".lower()

    @property
    def is_stale_token(self) -> bool:
        """A fresh token may help."""
        return self.status == 401 or self.number in _STALE_TOKEN_CODES

    @property
    def is_unauthenticated(self) -> bool:
        return self.number in _TOKEN_CODES or (self.status == 401 and self.number not in CODES)


def read_fault(answer: Answer) -> ServiceFault:
    """Whatever the body is."""
    if not isinstance(answer.body, Mapping):
        return ServiceFault(answer.status, foreign=bool(answer.defect or answer.body is not None))
    body = answer.body
    return ServiceFault(answer.status, _code(body), _clean(_text(body.get("title"))), _clean(_detail(body)))


def explain(fault: ServiceFault) -> Explanation:
    """By code, else by status, else by class of status."""
    known = CODES.get(fault.number) or STATUSES.get(fault.status) or CLASSES.get(fault.status // 100)
    return known or Explanation(f"the service answered with status {fault.status}")


def sentence(fault: ServiceFault) -> str:
    """The meaning, the code in parentheses, and the service's own words where there are any."""
    meaning = f"{explain(fault).meaning} ({fault.label})"
    words = fault.detail or fault.title
    if not words:
        return meaning
    return f"{meaning} {words}" if words == WITHHELD else f'{meaning}; the service says: "{words}"'


def _code(body: Mapping[str, Any]) -> str:
    """From ``error_code`` (gateway), ``error`` (IMS), the end of ``type``, or a code that stands alone."""
    for name in ("error_code", "code", "errorCode", "type", "error"):
        value = body.get(name)
        raw = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if found := _FLOW_CODE.search(raw):
            return found[1]
        if name != "type" and _OTHER_CODE.fullmatch(raw):
            return raw
    return ""


def _detail(body: Mapping[str, Any]) -> str:
    for name in ("detail", "errorDetails", "errorMessage", "error_description", "message"):
        if text := _text(body.get(name)):
            return text
    return ""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _clean(text: str) -> str:
    """One line that a terminal can show: no control character, no lone surrogate, not endless."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST_DETAIL else f"{line[:_LONGEST_DETAIL]}..."
