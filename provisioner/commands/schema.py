"""``schema``: the JSON Schemas that editors use, and the narrow ones of each cloud."""

from __future__ import annotations

import json

from provisioner import json_schema
from provisioner.definitions import schema
from provisioner.errors import UsageError
from provisioner.model import Cloud


def schema_text(name: str, cloud: str | None) -> str:
    """Return a published schema; only that of definitions depends on the cloud. Raise ``UsageError`` for the others."""
    if cloud is None:
        return json.dumps(json_schema.load(name), indent=2, ensure_ascii=False)
    if name != "connection":
        raise UsageError("only the schema of definitions is not the same for every cloud", "leave out --cloud")
    return json.dumps(schema.narrowed(Cloud(cloud)), indent=2, ensure_ascii=False)
