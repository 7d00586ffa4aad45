"""Keys and names of variables that an import proposes."""

import pytest

from provisioner.definitions.definition import KEY
from provisioner.importing.drafts import key_for, variable_for

KEYS = {
    "CRM (Europe)": "crm-europe",
    "Größe – Café": "grosse-cafe",
    "v1.2_final": "v1.2_final",
    "../../etc/passwd": "etc-passwd",
    "注文": "connection",
    "": "connection",
    "-.-": "connection",
    "x" * 300: "x" * 100,
}


@pytest.mark.parametrize(("name", "key"), KEYS.items(), ids=[name[:20] for name in KEYS])
def test_a_key_is_as_much_like_the_name_as_it_may_be(name: str, key: str) -> None:
    assert key_for(name, "", ()) == key
    assert key_for(name, "shop", ()) == f"shop/{key}"
    assert KEY.fullmatch(key)


def test_a_key_that_is_taken_gets_a_number_whatever_its_case() -> None:
    assert key_for("Orders", "", {"orders"}) == "orders-2"
    assert key_for("ORDERS", "", {"orders", "orders-2"}) == "orders-3"


def test_so_does_a_variable() -> None:
    assert variable_for("shop/orders", "password", "MYSQL_", ()) == "MYSQL_SHOP_ORDERS_PASSWORD"
    assert variable_for("shop/orders", "password", "MYSQL_", {"MYSQL_SHOP_ORDERS_PASSWORD"}).endswith("_PASSWORD_2")
