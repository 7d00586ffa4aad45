"""The main job, told as a story: `make demo`.

A copy of the sample project in a temporary folder, the installed command, and the embedded emulator. The secrets are
samples; the working tree is not touched.
"""

from __future__ import annotations

import shutil
import sys

from tests.story import ROOT, Story, say, tell


def main(story: Story) -> None:
    shutil.copy(ROOT / "provisioner.yaml", story.folder)
    for name in ("connections", "schemas"):
        shutil.copytree(ROOT / name, story.folder / name)
    story.chapter("Four YAML files in connections/ declare base connections, three of them for the target local.")
    story.show("connections/orders.yaml")
    story.run("validate")
    story.chapter("What would change? Nothing exists yet, so everything is to be added.")
    story.run("plan", "--target", "local")
    story.chapter("Apply it. The target is an emulator of Adobe's Flow Service, here on this machine.")
    story.run("apply", "--target", "local", "--yes")
    story.chapter("Plan again: what is declared is there.")
    story.run("plan", "--target", "local")
    story.chapter("Somebody moves the inventory database, and the password of the orders database is rotated.")
    story.edit("connections/inventory.yaml", "inventory.example.com", "inventory-2.example.com")
    story.export("MYSQL_ORDERS_PASSWORD", "another-sample-secret")
    story.run("plan", "--target", "local")
    story.chapter("The reviewer saw what changes and why, and no secret. Apply.")
    story.run("apply", "--target", "local", "--yes")
    story.chapter("And a mistake, before it gets anywhere.")
    story.edit("connections/orders.yaml", "sslMode: DISABLED", "sslMode: REQUIERD")
    story.edit("connections/orders.yaml", "password: \"{{ env('MYSQL_ORDERS_PASSWORD') }}\"", "password: hunter2")
    story.run("validate", expected=1)
    say("\nThat was the main job. README.md has the rest.\n")


if __name__ == "__main__":
    sys.exit(tell(main))
