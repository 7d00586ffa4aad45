"""The file format of saved plans. A file holds the pins of a plan, with origins and fingerprints, and no secret."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from provisioner import __version__
from provisioner.errors import PlanFileError
from provisioner.model import Json, TargetIdentity
from provisioner.planning.approval import SavedPlan
from provisioner.planning.digest import FORMAT_VERSION, Pin, checksum
from provisioner.planning.plan import Plan, PlanOptions

_KIND = "provisioner-plan"
_OPTIONS = {
    "import_existing": "adopt",
    "allow_delete": "delete",
    "allow_mass_delete": "mass_delete",
    "allow_protected_delete": "protected_delete",
    "allow_mass_recreate": "mass_recreate",
    "refresh_only": "refresh",
}
"""Names that the file has for options, where it differs."""


def dump(plan: Plan) -> str:
    """Return the text of the file."""
    document = {
        "kind": _KIND,
        "format_version": FORMAT_VERSION,
        "provisioner_version": __version__,
        "target": {"name": plan.target, **asdict(plan.identity)},
        "lineage": plan.lineage,
        "offline": plan.offline,
        "asked": {_OPTIONS.get(name, name): value for name, value in asdict(plan.options).items()},
        "changes": [asdict(pin) for pin in plan.pins],
    }
    return json.dumps({**document, "checksum": checksum(document)}, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def load(text: str) -> SavedPlan:
    """Return the saved plan. Raise ``PlanFileError`` for any text that ``dump`` has not written."""
    try:
        document = json.loads(text)
        is_plan = isinstance(document, dict) and document.get("kind") == _KIND
        version = document["format_version"] if is_plan else None
    except (ValueError, KeyError, RecursionError):
        is_plan, version = False, None
    if not is_plan:
        raise PlanFileError("this is not a saved plan", "make one with `plan --out FILE`")
    if version == 1:
        raise PlanFileError("this plan was saved by an older version of provisioner", "plan again")
    if version != FORMAT_VERSION:
        raise PlanFileError(f"a saved plan of format {version!r}, this version reads {FORMAT_VERSION}", "plan again")
    damaged = PlanFileError("the saved plan is damaged or was edited: its checksum does not match", "plan again")
    try:
        if document.pop("checksum") != checksum(document):
            raise damaged
        return _saved_plan(document)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise damaged from None


def _saved_plan(document: Json) -> SavedPlan:
    target = {name: _text(value) for name, value in document["target"].items()}
    names = {written: name for name, written in _OPTIONS.items()}
    options = {names.get(written, written): value for written, value in document["asked"].items()}
    options["select"] = tuple(_text(glob) for glob in options["select"])
    return SavedPlan(
        target=target.pop("name"),
        identity=TargetIdentity(**target),
        lineage=_text(document["lineage"]),
        offline=document["offline"] is True,
        options=PlanOptions(**options),
        pins=tuple(_pin(item) for item in document["changes"]),
    )


def _pin(item: Json) -> Pin:
    pin = Pin(**item)
    for text in (pin.key, pin.action, pin.declared):
        _text(text)
    for mapping in (pin.secrets, pin.remote, pin.desired or {}, pin.prior or {}):
        dict(mapping)
    return pin


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value
