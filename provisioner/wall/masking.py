"""Secrets as commands to a pipeline's runner, which hides them in its log from then on. Pure.

Documented: "Workflow commands for GitHub Actions". The runner masks each line of a value as well, and its own choice of
encodings.
"""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.sensitive import Sensitive


def mask_commands(secrets: Iterable[Sensitive]) -> tuple[str, ...]:
    """One command a value, each value once."""
    return tuple(dict.fromkeys(f"::add-mask::{_data(secret.reveal())}" for secret in secrets))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
