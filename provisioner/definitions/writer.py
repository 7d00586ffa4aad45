"""Plain data -> the text of a definition, and text -> a leaf that gives just that text. Pure."""

from __future__ import annotations

from typing import Any

from provisioner.definitions.templates import is_template
from provisioner.model import Json


def definition_text(data: Json, schema: str) -> str:
    """YAML that reads back as ``data``: every value in quotes, so that none can be taken for anything but text.

    ``schema`` is where editors find the schema, relative to the file.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Values in double quotes; names as they are."""

        def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
            node = super().represent_mapping(tag, mapping, flow_style)
            for _, value in node.value:
                if isinstance(value, yaml.ScalarNode):
                    value.style = '"'
            return node

    body = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return f"# yaml-language-server: $schema={schema}\n{body}"


def leaf(text: str) -> str:
    """A leaf that is rendered to ``text``."""
    if not is_template(text):
        return text
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("{%", "{' ~ '%")  # no statement, not even quoted
    return f"{{{{ '{quoted}' }}}}"
