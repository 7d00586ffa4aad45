"""Error answers without what repeats a secret: a service may quote the request that it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from provisioner.service.error_responses import WITHHELD
from provisioner.service.http import Answer, Call, Outcome, Transport


@dataclass(frozen=True, slots=True)
class Withholding:
    """A transport whose error answers repeat nothing that ``repeats`` knows; codes and what else is harmless stay."""

    transport: Transport
    repeats: Callable[[str], bool]

    def send(self, call: Call) -> Outcome:
        outcome = self.transport.send(call)
        if not isinstance(outcome, Answer) or outcome.status < 400 or not isinstance(outcome.body, dict):
            return outcome
        return replace(outcome, body={name: self._fit(value) for name, value in outcome.body.items()})

    def _fit(self, value: object) -> object:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return WITHHELD if self.repeats(text) else value
