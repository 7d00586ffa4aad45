"""The whole life of base connections, told as a story: `make demo-lifecycle`.

Two MySQL databases on a MariaDB server of its own, and an emulator of Adobe's Flow Service that really logs into them.
Everything is in temporary folders and ends with the story.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import requests

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from tests.mariadb import WITHOUT, Server, mariadb, missing
from tests.story import Story, say, tell

ORG = "5C1328435BF324E90A49402A@AdobeOrg"
SPEC = {"id": "26d738e0-8963-47ea-aadf-c60de735468a", "version": "1.0"}
FIRST, SECOND = "orders-sample-secret-1", "orders-sample-secret-2"
STOCK = "stock-sample-secret"
TABLES = (
    "CREATE TABLE shop.orders (id BIGINT PRIMARY KEY, customer VARCHAR(40), total DECIMAL(10,2), placed DATETIME)",
    "INSERT INTO shop.orders VALUES (1, 'Zoë', 19.90, '2026-11-02 09:15:00'), (2, 'Ali', 7.50, '2026-11-02 10:00:00')",
    "CREATE TABLE stock.items (sku VARCHAR(20) PRIMARY KEY, amount INT, checked DATE)",
)


class Hands:
    """Somebody who works by hand, with curl."""

    def __init__(self, url: str, server: Server) -> None:
        self._root = f"{url}/data/foundation/flowservice"
        self._port = str(server.port)

    def base_connection(self, name: str, database: str, user: str, password: str) -> str:
        where = {"server": "127.0.0.1", "port": self._port, "database": database, "sslMode": "DISABLED"}
        params = {**where, "username": user, "password": password}
        auth = {"specName": "Basic Authentication", "params": params}
        return self._made("connections", {"name": name, "auth": auth, "connectionSpec": SPEC})

    def dataflow(self, name: str, base: str) -> tuple[str, str]:
        """The source connection and the flow."""
        table = {"tableName": "shop.orders"}
        source = self._made(
            "sourceConnections",
            {"name": f"{name}: source", "baseConnectionId": base, "params": table, "connectionSpec": SPEC},
        )
        schedule = {"frequency": "minute", "interval": "15"}
        return source, self._made("flows", {"name": name, "sourceConnectionIds": [source], "scheduleParams": schedule})

    def etag(self, base: str) -> str:
        return str(self._call("GET", f"connections/{base}").json()["items"][0]["etag"])

    def remaining(self) -> list[str]:
        return [one["name"] for one in self._call("GET", "connections").json()["items"]]

    def delete(self, source: str, flow: str) -> None:
        self._call("DELETE", f"flows/{flow}")
        self._call("DELETE", f"sourceConnections/{source}")

    def _made(self, resource: str, body: Any) -> str:
        return str(self._call("POST", resource, body).json()["id"])

    def _call(self, method: str, path: str, body: Any = None) -> requests.Response:
        who = {"Authorization": "Bearer by-hand", "x-api-key": "by-hand"}
        where = {"x-gw-ims-org-id": ORG, "x-sandbox-name": "prod"}
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands between us and this machine
            answer = session.request(method, f"{self._root}/{path}", json=body, headers={**who, **where}, timeout=30)
        answer.raise_for_status()
        return answer


def main(story: Story) -> None:
    with mariadb() as server, Emulator(behaviour=Behaviour(databases="real")) as emulator:
        prepare(story, emulator.url)
        server.admit("svc_shop", FIRST, "shop")
        server.admit("svc_stock", STOCK, "stock")
        server.run(*TABLES)
        life(story, server, Hands(emulator.url, server))


def prepare(story: Story, url: str) -> None:
    project = {"version": 1, "default_target": "prod"}
    target = {"org_id": ORG, "sandbox": "prod", "endpoint": url}
    (story.folder / "provisioner.yaml").write_text(json.dumps({**project, "targets": {"prod": target}}), "utf-8")
    (story.folder / "connections").mkdir()
    story.environ |= {"AEP_API_KEY": "sample-api-key", "AEP_CLIENT_SECRET": "sample-client-secret"}


def life(story: Story, server: Server, hands: Hands) -> None:
    story.chapter("Two base connections were made by hand, and a dataflow reads from one of them.")
    orders = hands.base_connection("Orders", "shop", "svc_shop", FIRST)
    stock = hands.base_connection("Stock", "stock", "svc_stock", STOCK)
    source, flow = hands.dataflow("Nightly orders", orders)
    story.aside(
        f'POST /connections  "Orders"          {orders}',
        f'POST /connections  "Stock"           {stock}',
        f'POST /flows        "Nightly orders"  {flow}, every 15 minutes',
    )
    story.aside("(their databases are real: a MariaDB server that listens on this machine)")

    story.chapter("Adopt them. The service is only read; what it shows becomes YAML for review.")
    story.run("import", "--all", "--target", "prod")
    story.show("connections/orders.yaml")
    story.run("validate")

    story.chapter("The plan is empty: nothing was lost on the way. Only of the secrets nobody can tell yet.")
    before = hands.etag(orders)
    story.run("plan", "--target", "prod", "--detailed-exitcode")
    story.expect(hands.etag(orders) == before, "the live base connection has the etag that it had")

    story.chapter("Set the secrets. They were never sent from here, so each is sent once, and tested.")
    story.export("MYSQL_ORDERS_PASSWORD", FIRST)
    story.export("MYSQL_STOCK_PASSWORD", STOCK)
    story.run("apply", "--target", "prod", "--yes", "--test")
    story.run("plan", "--target", "prod", "--detailed-exitcode")

    story.chapter("What is in there?")
    story.run("explore", "orders", "--target", "prod")
    story.run("explore", "orders", "shop.orders", "--target", "prod", "--preview")

    story.chapter("Edit one: the plan says what changes and who is affected.")
    story.edit("connections/orders.yaml", 'sslMode: "DISABLED"', 'sslMode: "PREFERRED"')
    story.run("plan", "--target", "prod")
    story.run("apply", "--target", "prod", "--yes", "--test")

    story.chapter("The password of the orders database expires. A test says so before a dataflow does.")
    server.admit("svc_shop", SECOND, "shop")
    story.aside("(the administrators of the database set another one)")
    story.run("test", "--target", "prod", expected=1)

    story.chapter("Rotate, with a typing error: it is proved on a throwaway base connection and never gets further.")
    before = hands.etag(orders)
    story.export("MYSQL_ORDERS_PASSWORD", "orders-sample-secret-tpyo")
    story.run("rotate", "orders", "--target", "prod", "--yes", expected=1)
    story.expect(hands.etag(orders) == before, "the live base connection has the etag that it had")

    story.chapter("Rotate.")
    story.export("MYSQL_ORDERS_PASSWORD", SECOND)
    story.run("rotate", "orders", "--target", "prod", "--yes")
    story.run("test", "--target", "prod")

    story.chapter("Rename the file: with `movedFrom:` only its record moves.")
    story.move("connections/orders.yaml", "connections/shop.yaml")
    before = hands.etag(orders)
    story.begin("connections/shop.yaml", "movedFrom: orders")
    story.run("plan", "--target", "prod", "--detailed-exitcode", expected=2)
    story.run("apply", "--target", "prod", "--yes")
    story.expect(hands.etag(orders) == before, "the live base connection has the etag that it had")
    story.run("output", "--target", "prod")

    story.chapter("Retire it: not while a dataflow reads from it.")
    story.remove("connections/shop.yaml")
    retire = ("--target", "prod", "--allow-delete")
    story.run("plan", *retire, expected=1)
    hands.delete(source, flow)
    story.aside("(the dataflow is deleted in Experience Platform)")
    story.run("apply", *retire, "--yes")
    story.expect(hands.remaining() == ["Stock"], "only the other one is left")
    say("\nThat was a whole life. docs/adopting.md walks through a sandbox with forty of them.\n")


if __name__ == "__main__":
    if missing():
        sys.exit(WITHOUT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(tell(main))
