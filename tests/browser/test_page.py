"""The page of a plan, as a person has it before them: in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from provisioner.report.plan_html import as_html
from tests.browser.conftest import Opened
from tests.report.examples import EVERYTHING, HOSTILE, NOTHING, many_alike, many_different

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ALL_BUT_UNCHANGED = ["taken", "old", "drifted", HOSTILE, "host", "rotated", "new", "gone"]
"""Keys, what must not be missed first."""

PHONE = {"width": 390, "height": 800}


def keys(page: Page) -> list[str]:
    """What can be seen, in its order. A hostile name is shown with its control characters as escapes."""
    found = page.locator("main > details:not([hidden]) > summary strong").all_text_contents()
    return [HOSTILE if text.startswith("</code>") else text for text in found]


def bodies(page: Page) -> int:
    """How many are unfolded."""
    return page.locator("main > details[open]:not([hidden])").count()


def press(page: Page, action: str) -> None:
    page.get_by_role("button", name=re.compile(rf"^{action} ")).click()


def test_everything_but_what_is_unchanged_is_shown(opened: Opened) -> None:
    page = opened(EVERYTHING)
    assert keys(page) == ALL_BUT_UNCHANGED
    assert page.get_by_role("status").inner_text() == "8 of 10 shown"
    assert bodies(page) == 8


@pytest.mark.parametrize(
    ("pressed", "shown"),
    [
        (["delete"], ["old"]),
        (["delete", "blocked"], ["taken", "old"]),
        (["update"], ["drifted", HOSTILE, "host", "rotated"]),
        (["no-op"], ["same", "unset"]),
        (["create", "create"], ALL_BUT_UNCHANGED),
    ],
)
def test_filters(opened: Opened, pressed: list[str], shown: list[str]) -> None:
    page = opened(EVERYTHING)
    for action in pressed:
        press(page, action)
    assert keys(page) == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("rotated", ["rotated"]),
        ("ROTATED", ["rotated"]),
        ("connections/host.yaml:2", ["host"]),
        ("db2.example.com", ["host"]),
        ("jane drift", ["drifted"]),
        ("MYSQL_UNSET", ["unset"]),
        ("<script>", [HOSTILE]),
        ("nowhere", []),
    ],
)
def test_search(opened: Opened, words: str, shown: list[str]) -> None:
    page = opened(EVERYTHING)
    page.get_by_role("searchbox").fill(words)
    assert keys(page) == shown
    assert page.get_by_text("No change matches.").is_visible() == (not shown)


def test_search_and_filter_together(opened: Opened) -> None:
    page = opened(EVERYTHING)
    page.get_by_role("searchbox").fill("db1.example.com")
    assert keys(page) == ["drifted", "host", "new"]
    press(page, "create")
    assert keys(page) == ["new"]


def test_keys_of_the_keyboard(opened: Opened) -> None:
    page = opened(EVERYTHING)
    page.keyboard.press("/")
    page.keyboard.type("host")
    assert keys(page) == ["host"]
    page.keyboard.press("Escape")
    assert keys(page) == ALL_BUT_UNCHANGED
    assert page.get_by_role("searchbox").input_value() == ""


def test_folding(opened: Opened) -> None:
    page = opened(EVERYTHING)
    page.get_by_role("button", name="Fold all", exact=True).click()
    assert bodies(page) == 0
    page.locator("summary", has_text="Rotated").click()
    assert bodies(page) == 1
    page.get_by_role("button", name="Unfold all").click()
    assert bodies(page) == 8


def test_a_long_plan_begins_folded(opened: Opened) -> None:
    page = opened(many_alike(30))
    assert len(keys(page)) == 30
    assert bodies(page) == 0


def test_five_thousand_changes_can_be_searched(opened: Opened) -> None:
    page = opened(many_alike(5_000))
    assert page.get_by_role("status").inner_text() == "5,000 of 5,000 shown"
    page.get_by_role("searchbox").fill("orders-04217")
    assert keys(page) == ["team-17/orders-04217"]


def test_without_changes_there_is_nothing_to_search(opened: Opened) -> None:
    page = opened(NOTHING)
    assert page.get_by_text("0 to add, 0 to change, 0 to destroy").is_visible()
    assert page.get_by_role("searchbox").count() == 0


def test_it_can_be_read_without_scripts(opened: Opened) -> None:
    page = opened(EVERYTHING, java_script_enabled=False)
    assert keys(page) == [*ALL_BUT_UNCHANGED, "same", "unset"]
    assert not page.locator(".bar").is_visible()


@pytest.mark.parametrize("make", [lambda: EVERYTHING, lambda: many_different(5)], ids=["hostile", "long values"])
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_it_fits_the_screen(opened: Opened, make: type, width: int) -> None:
    page = opened(make(), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_what_is_pressed_is_large_enough(opened: Opened) -> None:
    page = opened(EVERYTHING, viewport=PHONE)
    boxes = [one.bounding_box() for one in page.locator("button:visible, input:visible, summary:visible").all()]
    assert all(box and box["height"] >= 40 for box in boxes)


CONTRAST = """
() => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((one) => one / 255).map((one) =>
      one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = getComputedStyle(one).backgroundColor;
      if (parts(found)[3] !== 0) return found;
    }
    return getComputedStyle(document.documentElement).backgroundColor;
  };
  return [...document.querySelectorAll("body *")]
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((one) => one.checkVisibility())
    .map((one) => {
      const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
      return [(a + 0.05) / (b + 0.05), one.outerHTML.slice(0, 80)];
    }).filter(([ratio]) => ratio < 4.5);
}
"""
"""What has less contrast than WCAG 2 asks of text (4.5 to 1)."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_system_and_can_be_read(opened: Opened, scheme: str) -> None:
    page = opened(EVERYTHING, color_scheme=scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
    assert page.evaluate(CONTRAST) == []


INJECTED = """
() => new Promise((resolve) => {
  const refused = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    refused.push(event.effectiveDirective);
    if (refused.length === 3) resolve(refused.sort());
  });
  document.body.insertAdjacentHTML("beforeend",
    '<img src="http://127.0.0.1:9/x"><b onclick="alert(1)"></b><style>b { color: red }</style>');
  document.body.lastElementChild.previousElementSibling.click();
  setTimeout(() => resolve(refused.sort()), 2000);
})
"""


def test_markup_that_got_through_could_do_nothing(browser: Browser) -> None:
    """The second line of defence: the policy of the page, tried with what no name can bring in."""
    page = browser.new_page()
    page.set_content(as_html(EVERYTHING))
    assert page.evaluate(INJECTED) == ["img-src", "script-src-attr", "style-src-elem"]
    page.close()
