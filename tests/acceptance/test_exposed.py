"""The value of a secret in a definition or in the project file, in whatever field and spelling, stops the run."""

from __future__ import annotations

import pytest

from tests.acceptance.support import Project, Service, basic, by_string
from tests.leaks import holds

PLAIN = "kT7-longsecret-99"
QUOTED = 'it\'s a "kT7" \\ 99: #x'
HERE = basic("Orders")
OTHER = basic("Other", secret="MYSQL_STOCK_PASSWORD")

# a second definition, which holds it
FIELDS = {
    "name": OTHER.replace("name: Other", f"name: Other {PLAIN}"),
    "description": OTHER.replace("description: A", f"description: temp pw is {PLAIN}"),
    "description, upper case": OTHER.replace("description: A", f"description: {PLAIN.upper()}"),
    "description as a block": OTHER.replace("description: A", f"description: |\n  the password\n  {PLAIN}"),
    "description, quoted and escaped": OTHER.replace("description: A", 'description: "kT7\\x2dlongsecret\\u002d99"'),
    "description over two lines": OTHER.replace("description: A", 'description: "kT7-long\\\n  secret-99"'),
    "description in base64": OTHER.replace("description: A", "description: a1Q3LWxvbmdzZWNyZXQtOTk="),
    "description in a URL": OTHER.replace("description: A", f"description: mysql://svc:{PLAIN}@db/x"),
    "description by a template": OTHER.replace("description: A", "description: \"{{ 'kT7-long' ~ 'secret-99' }}\""),
    "server": OTHER.replace("db.example.com", f"{PLAIN}.example.com"),
    "database": OTHER.replace("database: orders", f"database: {PLAIN}"),
    "username": OTHER.replace("svc_aep", PLAIN),
    "the password itself": OTHER.replace("\"{{ env('MYSQL_STOCK_PASSWORD') }}\"", PLAIN),
    "an option of a connection string": by_string("Other").replace("UID=", f"Application Name={PLAIN};UID="),
    "its database": by_string("Other").replace("Database=orders", f"Database={PLAIN}"),
    "key": f"key: {PLAIN}\n{OTHER}",
    "movedFrom": f"movedFrom: {PLAIN}\n{OTHER}",
    "targets": f"targets: [here, {PLAIN}]\n{OTHER}",
    "a property that nobody knows": f"notes: {PLAIN}\n{OTHER}",
    "the name of a property": f"{PLAIN}: x\n{OTHER}",
    "a comment": f"# was {PLAIN}\n{OTHER}",
    "a comment behind a value": OTHER.replace("svc_aep", f"svc_aep  # {PLAIN}"),
    "env() of the value": OTHER.replace("MYSQL_STOCK_PASSWORD", PLAIN),
    "an anchor": OTHER.replace("svc_aep", f"&{PLAIN} svc_aep"),
    "a second document": f"{OTHER}---\npassword: {PLAIN}\n",
    "no YAML at all": f"{OTHER}: {PLAIN}\n",
    "a definition for no target": f"targets: [elsewhere]\n{OTHER.replace('A', PLAIN)}",
}


@pytest.mark.parametrize("command", ["plan", "plan --offline --format json", "apply --yes", "import --all"])
@pytest.mark.parametrize("text", FIELDS.values(), ids=FIELDS)
def test_in_a_definition(project: Project, service: Service, text: str, command: str) -> None:
    project.define("orders", HERE)
    project.define("other", text)
    done = project.run(*command.split(), environ={"MYSQL_ORDERS_PASSWORD": PLAIN})
    said = done.out + done.err
    assert done.code == 1, said
    assert "secret.exposed" in said
    assert "the value of env(MYSQL_ORDERS_PASSWORD) appears here" in said
    assert "connections/other.yaml" in said
    assert not holds(said, PLAIN)
    assert service.seen() == []


PROJECT = {
    "a var": {"vars": {"note": PLAIN}},
    "a var that is longer": {"vars": {"note": f"x{PLAIN}x"}},
    "a property that nobody knows": {"note": PLAIN},
    "the organization": {"org_id": f"{PLAIN}@AdobeOrg"},
    "where the state lies": {"state": f"state/{PLAIN}.json"},
}


@pytest.mark.parametrize("more", PROJECT.values(), ids=PROJECT)
def test_in_the_project_file(project: Project, service: Service, more: dict[str, object]) -> None:
    project.define("orders", HERE)
    project.target(service.url, **more)
    done = project.run("plan", environ={"MYSQL_ORDERS_PASSWORD": PLAIN})
    assert done.code in (1, 64)
    assert not holds(done.out + done.err, PLAIN)
    assert service.seen() == []


@pytest.mark.parametrize("value", ['"it\'s a \\"kT7\\" \\\\ 99: #x"', "'it''s a \"kT7\" \\ 99: #x'"])
def test_one_that_yaml_writes_otherwise(project: Project, service: Service, value: str) -> None:
    project.define("orders", HERE)
    project.define("other", OTHER.replace("description: A", f"description: {value}"))
    done = project.run("plan", environ={"MYSQL_ORDERS_PASSWORD": QUOTED})
    assert (done.code, "connections/other.yaml:2:" in done.err, service.seen()) == (1, True, [])
    assert not holds(done.out + done.err, QUOTED)


@pytest.mark.parametrize("block", ["|-", ">-"])
def test_a_literal_that_is_allowed_may_be_a_block(project: Project, block: str) -> None:
    allowed = f"{block}  # provisioner: allow secret.literal\n      {PLAIN}\n"
    project.define("orders", HERE.replace("\"{{ env('MYSQL_ORDERS_PASSWORD') }}\"\n", allowed))
    assert project.run("apply", "--yes").code == 0
    project.define("other", OTHER.replace("description: A", f"description: {PLAIN}"))
    done = project.run("plan")
    assert (done.code, done.err.count("secret.exposed"), "connections/other.yaml:2:" in done.err) == (1, 1, True)
