"""One emulator for a module, emptied before each test."""

from __future__ import annotations

from tests.acceptance.conftest import running, service

__all__ = ["running", "service"]
