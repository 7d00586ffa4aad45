"""What people write who guess: the obvious is done, or it is said what to write."""

from __future__ import annotations

import pytest

from provisioner.cli import cli
from provisioner.cli.did_you_mean import COMMANDS, FLAGS, as_key
from tests.every_command import all_commands

from .support import Project, basic

GUESSES = {
    "plan local": "--target local",
    "plan orders": "--select orders",
    "plan connections/sales/stock.yaml": "--select sales/stock",
    "plan orders local": "--select orders",
    "apply orders": "provisioner apply --select orders",
    "apply local": "provisioner apply --target local",
    "apply connections/orders.yaml": "provisioner apply --select orders",
    "apply nothing.plan": "plan --out FILE",
    "validate connections/orders.yaml": "leave it out",
    "validate orders": "leave it out",
    "validate local": "--target local",
    "state list local": "--target local",
    "output orders local": "--target local",
    "plan nonsense": "provisioner plan --help",
    "plan --auto-approve": "leave it out",
    "apply --auto-approve": "write --yes",
    "apply --force": "write --yes",
    "apply -y": "write --yes",
    "rotate orders --auto-approve": "write --yes",
    "apply --dry-run": "`provisioner plan`",
    "apply --destroy": "write --allow-delete",
    "plan --env prod": "write --target NAME",
    "plan --only orders": "write --select KEY",
    "rotate --password MYSQL_X": "write --variable NAME",
    "apply --ignore-limits": "write --exceed-limits",
    "plan --json": "write --format json",
    "validate --config x": "write --project DIR",
    "plan --var a=b": "`vars:`",
    "plan --no-color": "NO_COLOR",
    "plan --select": "",
    "plan -target=local": "write --target",
    "plan -out=x.plan": "write --out",
    "plan -out x.plan": "write --out",
    "plan -json": "write --format json",
    "plan -destroy": "write --allow-delete",
    "plan -var a=b": "`vars:`",
    "plan -refresh-only -detailed-exitcode": "write --refresh-only",
    "apply -auto-approve": "write --yes",
    "apply -parallelism=4": "write --parallelism",
    "plan -nonsense": "provisioner plan --help",
    "show": "plan --out FILE",
    "show x.plan": "plan --out FILE",
    "show orders": "provisioner plan --select orders",
    "show local": "provisioner plan --target local",
    "workspace select local": "--target NAME",
    "force-unlock 1": "holds the lock",
    "debug": "provisioner doctor",
    "ping": "provisioner test",
    "lint": "provisioner validate",
    "destroy": "--allow-delete",
    "diff": "provisioner plan",
    "version": "provisioner --version",
    "help plan": "--help",
    "list": "provisioner state list",
}


LOCAL = {"local": {"emulator": True, "env": {"MYSQL_ORDERS_PASSWORD": "sample-secret"}}}


@pytest.fixture
def project(bare: Project) -> Project:
    """A project with two definitions, whose default target is the embedded emulator."""
    bare.project_file(LOCAL, "local")
    bare.define("orders", basic("Orders"))
    bare.define("sales/stock", basic("Stock"))
    return bare


@pytest.mark.parametrize("command", GUESSES)
def test_it_is_said_what_to_write(project: Project, command: str) -> None:
    refused = project.run(*command.split())
    assert refused.code in (1, 64)
    assert GUESSES[command] in refused.err
    assert "Did you mean" not in refused.err
    assert refused.out == ""


@pytest.mark.parametrize("letters", [["-v"], ["-vv"], ["--", "-v"]])
def test_letters_behind_one_dash_stay_letters(project: Project, letters: list[str]) -> None:
    assert "No such option" not in project.run("plan", "--offline", *letters).err


@pytest.mark.parametrize("key", ["orders", "connections/orders.yaml", "./connections/orders.yaml"])
def test_the_file_of_a_definition_stands_for_its_key(project: Project, key: str) -> None:
    assert project.run("apply", "--yes", "--select", key).last == "Apply complete: 1 added, 0 changed, 0 destroyed."
    for command in (["state", "show", key], ["output", key], ["explore", key], ["rotate", key, "--yes"]):
        assert project.run(*command).code == 0, command
    assert project.run("state", "rm", key).out.startswith("removed the record of orders")


def test_the_project_file_stands_for_its_folder(project: Project) -> None:
    assert project.run("validate", "--project", "provisioner.yaml").code == 0
    assert project.run("validate", "--project", "nowhere/provisioner.yaml").code == 64


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("connections/a.yaml", "a"),
        ("connections/a/b.YML", "a/b"),
        ("connections\\a.yaml", "a"),
        ("a.yaml", "a.yaml"),
        ("connections/a", "connections/a"),
        ("connections/*.yaml", "*"),
        ("sales/*", "sales/*"),
    ],
)
def test_only_a_path_of_a_definition_is_one(word: str, key: str) -> None:
    assert as_key(word) == key


def test_no_guess_is_a_flag_or_a_command_of_ours_or_meant_twice() -> None:
    ours = {name for _, command in all_commands() for parameter in command.params for name in parameter.opts}
    ours -= {"--check"}  # of `show` alone; with `plan` and `apply`, users of other tools mean something else
    for table, taken in ((FLAGS, ours), (COMMANDS, set(cli.commands))):
        guesses = [guess for written in table.values() for guess in written.split()]
        assert len(guesses) == len(set(guesses))
        assert not taken & set(guesses)
    assert {meant.split()[0] for meant in FLAGS if meant.startswith("--")} <= ours
