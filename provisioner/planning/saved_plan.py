"""The file format of saved plans. A file holds a whole plan, with origins and fingerprints, and no secret.

``plan_codec.py`` has the plan itself; here is what surrounds it: the format, the checksum, and what else a file may be.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from provisioner import json_schema
from provisioner.errors import PlanFileError
from provisioner.model import Json
from provisioner.planning.approval import SavedPlan
from provisioner.planning.digest import checksum
from provisioner.planning.plan import Plan
from provisioner.planning.plan_codec import plan_from_json, plan_to_json

FORMAT_VERSION = 3
"""The format of the file. That of the digest has a number of its own."""

MAX_BYTES = 256 * 1024**2
"""A plan of 10,000 changes has about a tenth of it."""

_KIND = "provisioner-plan"
SAVE_ONE = "make one with `plan --out FILE`"
_NAME_FOLDER = "name its folder with --project DIR"

_OTHER_JSON = (
    ({"resource_changes", "digest"}, "the JSON report of a plan", SAVE_ONE),
    ({"lineage", "records"}, "a state file", "run `provisioner state list`"),
    ({"outcomes", "blocked"}, "the JSON report of an apply", SAVE_ONE),
    ({"version", "targets"}, "a project file", _NAME_FOLDER),
    ({"seal", "entries"}, "the journal of a state", "run `provisioner state list`"),
    ({"problems", "valid"}, "the JSON report of `validate`", SAVE_ONE),
)
"""Members of JSON that is no saved plan, what it is, and what to do instead."""

_OTHER_TEXTS = (
    (r"Plan for target ", "the text report of a plan", SAVE_ONE),
    (r"sha256:[0-9a-f]{64}\s*\Z", "the digest of a plan", "run `provisioner apply --expect-digest DIGEST`"),
    (r"(?i)<!doctype html", "a page", SAVE_ONE),
    (r"(?s)(?=.*^auth:).*^name:", "a definition", "run `provisioner plan --select KEY`"),
    (r"(?s).*^targets:", "a project file", _NAME_FOLDER),
    (r"\{.*\n\{", "a sequence of JSON objects, such as a journal or events", SAVE_ONE),
    (r"PK", "an archive, such as a saved plan of Terraform", SAVE_ONE),
)
"""Beginnings of texts that are no JSON objects, what they are, and what to do instead."""


def dump(plan: Plan) -> str:
    """Return the text of the file. The plan must say when it was made."""
    document = {"kind": _KIND, "format_version": FORMAT_VERSION, **plan_to_json(plan)}
    return json.dumps({**document, "checksum": checksum(document)}, separators=(",", ":"), ensure_ascii=True) + "\n"


def load(text: str) -> SavedPlan:
    """Return the saved plan. Raise ``PlanFileError`` for any text that ``dump`` has not written.

    The checksum protects from accidents: a file that was cut off, merged, or edited by hand. It does not protect from
    somebody who computes it anew. Of such a forged file, `apply` still carries out nothing but what definitions, state
    and service ask for, since it compares pins, which follow from the changes (``plan_codec.py``). `show` refuses one
    whose fields say something else (``consistency.py``); reasons and notes are free text.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise (_damaged("it was cut off, or is not JSON") if _KIND in text[:100] else _not_a_plan(text)) from None
    version = document.get("format_version") if isinstance(document, dict) and document.get("kind") == _KIND else None
    if not isinstance(version, int):
        raise _not_a_plan(document)
    if version < FORMAT_VERSION:
        raise PlanFileError("this plan was saved by an older version of provisioner", "plan again")
    if version > FORMAT_VERSION:
        message = f"this plan was saved by a newer version of provisioner (format {version}, not {FORMAT_VERSION})"
        raise PlanFileError(message, "use that version, or plan again")
    try:
        stated = document.pop("checksum", None)
        if stated != checksum(document):
            raise _damaged("its checksum does not match")
        if not _is_valid(document):
            raise _damaged("it has parts that no version has written")
        return SavedPlan(plan_from_json(document), stated)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise _damaged("its parts contradict each other") from None


def _damaged(reason: str) -> PlanFileError:
    return PlanFileError(f"the saved plan is damaged or was edited: {reason}", "plan again")


def _is_valid(document: Json) -> bool:
    schema, accepts = _schema()
    return accepts(document) or next(json_schema.errors(schema, document), None) is None


@cache
def _schema() -> tuple[Json, Any]:
    """Return the schema of a file, with the records of a state, and the function that accepts valid values."""
    schema = json_schema.load("saved-plan")
    schema = {**schema, "$defs": {**json_schema.load("state")["$defs"], **schema["$defs"]}}
    return schema, json_schema.accepts(schema)


def _not_a_plan(content: Any) -> PlanFileError:
    """Return the error for a text, or for JSON, that is no saved plan. Say what it is where that is easy to see."""
    if isinstance(content, dict):
        candidates = ((what, remedy) for members, what, remedy in _OTHER_JSON if members <= content.keys())
    else:
        beginning = content[:10_000] if isinstance(content, str) else ""
        candidates = ((what, remedy) for start, what, remedy in _OTHER_TEXTS if re.match(start, beginning, re.M))
    what, remedy = next(candidates, ("", SAVE_ONE))
    return PlanFileError(f"this is {what}, not a saved plan" if what else "this is not a saved plan", remedy)
