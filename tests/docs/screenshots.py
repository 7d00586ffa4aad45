"""The pictures of the documentation, of the product as it is: `make screenshots`.

A copy of the sample project is applied to its emulator, then edited; the plan of that is drawn as a terminal shows it,
and its page as a browser does.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.browser.conftest import installed

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
COLUMNS = 100


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        flags = ("--target", "local", "--allow-delete", "--report", "html=plan.html")
        draw(on_a_terminal(folder, "plan", *flags), "provisioner plan --target local --allow-delete")
        photograph(folder / "plan.html")
    return 0


def prepare(folder: Path) -> None:
    """A project with something of everything to plan."""
    for part in ("connections", "schemas"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "provisioner.yaml", folder)
    run(folder, "apply", "--target", "local", "--yes")
    edit(folder / "connections/inventory.yaml", "inventory.example.com", "inventory-2.example.com")
    edit(folder / "provisioner.yaml", "sample-orders-secret", "another-orders-secret")
    analytics = folder / "connections/marketing/analytics.yaml"
    new = analytics.read_text("utf-8").replace("name: Analytics", "name: Campaigns")
    analytics.unlink()
    (folder / "connections/marketing/campaigns.yaml").write_text(new, "utf-8")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text, f"{file.name} holds no {old}"
    file.write_text(text.replace(old, new), "utf-8")


def run(folder: Path, *args: str) -> None:
    subprocess.run([sys.executable, "-m", "provisioner", *args], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def on_a_terminal(folder: Path, *args: str) -> str:
    """What the command writes to a terminal of this width."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    size = f'stty cols {COLUMNS} rows 200; exec "$@"'
    command = ["sh", "-c", size, "sh", sys.executable, "-m", "provisioner", *args]
    with subprocess.Popen(command, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL):
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 65536):
                text += chunk
        except OSError:  # so a terminal ends whose last process is gone
            pass
    os.close(ours)
    return text.decode("utf-8").replace("\r\n", "\n").strip()


def draw(text: str, title: str) -> None:
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text.from_ansi(text), soft_wrap=True)
    svg = console.export_svg(title=title, theme=MONOKAI, unique_id="plan")
    own = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # fonts of the reader's, none fetched
    (IMAGES / "plan-terminal.svg").write_text(own.replace("Fira Code", "monospace"), "utf-8")


def photograph(page_file: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(playwright))
        for name, size, scheme in (("page", (1100, 900), "light"), ("phone", (390, 844), "dark")):
            page = browser.new_page(
                viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, device_scale_factor=1.5
            )
            page.goto(page_file.as_uri())
            page.screenshot(path=IMAGES / f"plan-{name}.png")
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
