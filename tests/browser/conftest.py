"""A browser, where there is one. Without it the tests say so, by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from provisioner.planning.plan import Plan
from provisioner.report.plan_html import as_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

Opened: TypeAlias = "Callable[..., Page]"

NAMES = ("chromium", "chromium-browser", "google-chrome")
WITHOUT = "NOT DRIVEN IN A BROWSER: `make browser` installs one"


def installed(playwright: Playwright) -> str | None:
    """The path of a browser: that of the system, else the one that Playwright has installed."""
    own = Path(playwright.chromium.executable_path)
    return next(filter(None, map(shutil.which, NAMES)), str(own) if own.exists() else None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    library = pytest.importorskip("playwright.sync_api", reason=WITHOUT)
    with library.sync_playwright() as playwright:
        found = installed(playwright)
        if found is None:
            pytest.skip(WITHOUT)
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Open the page of a plan. At the end: nothing was complained of, and nothing but the file was asked for."""
    told: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_page(plan: Plan, **context: Any) -> Page:
        file = tmp_path / "plan.html"
        file.write_text(as_html(plan), "utf-8")
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.on("console", lambda message: told.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: told.append(f"error: {error}"))
        page.on("dialog", lambda dialog: told.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert told == []
    assert {url.rpartition("/")[2] for url in asked} <= {"plan.html"}
