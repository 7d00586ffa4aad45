"""A saved plan <-> its file. Holds origins and fingerprints, no secret."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from provisioner import __version__
from provisioner.errors import PlanFileError
from provisioner.model import Json, TargetIdentity
from provisioner.planning.approval import SavedPlan
from provisioner.planning.plan import FORMAT_VERSION, Pin, Plan, PlanOptions, checksum

_KIND = "provisioner-plan"


def encoded(plan: Plan) -> str:
    """Return the text of the file."""
    document = {
        "kind": _KIND,
        "format_version": FORMAT_VERSION,
        "provisioner_version": __version__,
        "target": {"name": plan.target, **asdict(plan.identity)},
        "lineage": plan.lineage,
        "offline": plan.offline,
        "asked": asdict(plan.asked),
        "changes": [asdict(pin) for pin in plan.pins],
    }
    return json.dumps({**document, "checksum": checksum(document)}, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def decoded(text: str) -> SavedPlan:
    """Raise ``PlanFileError`` for anything but what ``encoded`` wrote."""
    try:
        document = json.loads(text)
        known = isinstance(document, dict) and document.get("kind") == _KIND
        version = document["format_version"] if known else None
    except (ValueError, KeyError, RecursionError):
        known, version = False, None
    if not known:
        raise PlanFileError("this is not a saved plan", "make one with `plan --out FILE`")
    if version == 1:
        raise PlanFileError("this plan was saved by an older version of provisioner", "plan again")
    if version != FORMAT_VERSION:
        raise PlanFileError(f"a saved plan of format {version!r}, this version reads {FORMAT_VERSION}", "plan again")
    try:
        whole = document.pop("checksum") == checksum(document)
        saved = _saved(document)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        whole = False
    if not whole:
        raise PlanFileError(
            "the saved plan is damaged, or was edited: its checksum is not that of what it holds", "plan again"
        )
    return saved


def _saved(document: Json) -> SavedPlan:
    target = dict(document["target"])
    name = _text(target.pop("name"))
    asked = dict(document["asked"])
    asked["select"] = tuple(_text(glob) for glob in asked["select"])
    return SavedPlan(
        name,
        TargetIdentity(**{field: _text(value) for field, value in target.items()}),
        _text(document["lineage"]),
        document["offline"] is True,
        PlanOptions(**asked),
        tuple(_pin(item) for item in document["changes"]),
    )


def _pin(item: Json) -> Pin:
    pin = Pin(**item)
    for text in (pin.key, pin.action, pin.declared):
        _text(text)
    for part in (pin.secrets, pin.remote, pin.desired or {}, pin.prior or {}):
        dict(part)
    return pin


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value
