"""What is wrong with a run as a whole is said once, with what to do; and each guard is lifted by its own name."""

from __future__ import annotations

import shutil

import pytest

from tests.acceptance.support import Project, Service, basic

KEY = {"PROVISIONER_FINGERPRINT_KEY": "k" * 40}
OLD = {"PROVISIONER_FINGERPRINT_KEY_OLD": "k" * 40}


@pytest.fixture
def applied(project: Project) -> Project:
    project.define("a", basic("A"))
    assert project.run("apply", "--yes", environ=KEY).code == 0
    return project


def algorithm(project: Project) -> str:
    (made,) = project.state["records"]["a"]["secrets"].values()
    return str(made["alg"])


def test_a_forgotten_fingerprint_key_is_named_and_nothing_is_sent(applied: Project, service: Service) -> None:
    writes = len(service.writes())
    plan = applied.run("plan")
    assert plan.code == 0
    assert "PROVISIONER_FINGERPRINT_KEY is not set, and secrets are recorded with fingerprint key " in plan.err
    refused = applied.run("apply", "--yes")
    assert (refused.code, "PROVISIONER_FINGERPRINT_KEY is not set" in refused.err) == (64, True)
    assert len(service.writes()) == writes
    assert algorithm(applied) == "hmac-sha256"
    assert applied.run("plan", environ=KEY).err == ""


def test_a_key_is_given_up_by_its_name(applied: Project, service: Service) -> None:
    writes = len(service.writes())
    done = applied.run("apply", "--yes", environ=OLD)
    assert (done.code, "updated" in done.err) == (0, True)
    assert len(service.writes()) == writes
    assert algorithm(applied) == "scrypt"


def test_a_lost_state_is_named(applied: Project) -> None:
    shutil.rmtree(applied.folder / "state")
    plan = applied.run("plan", environ=KEY)
    assert plan.code == 1
    assert "`provisioner state rebuild --target here`" in plan.err


@pytest.mark.parametrize(
    ("flags", "code", "left"),
    [
        ([], 0, 1),
        (["--allow-delete"], 1, 1),
        (["--allow-delete", "--allow-mass-delete"], 0, 0),
    ],
    ids=["left alone", "held back", "deleted"],
)
def test_the_last_definition_may_go(applied: Project, service: Service, flags: list[str], code: int, left: int) -> None:
    (applied.folder / "connections/a.yaml").unlink()
    result = applied.run("apply", "--yes", *flags, environ=KEY)
    assert result.code == code, result.err
    assert len(service.items()) == left
    assert applied.run("validate").code == 1, "for whoever begins, an empty folder is a mistake"


def test_overwriting_drift_is_echoed(applied: Project, service: Service) -> None:
    service.edit(applied.id("a"), "/description", "By hand")
    plan = applied.run("plan", "--overwrite-drift", environ=KEY)
    assert "(--overwrite-drift)" in plan.out
    assert applied.run("apply", "--yes", environ=KEY).code == 1
    done = applied.run("apply", "--yes", "--overwrite-drift", environ=KEY)
    assert (done.code, "(--overwrite-drift)" in done.out) == (0, True)


def test_a_renamed_file_makes_no_second_base_connection(applied: Project, service: Service) -> None:
    text = (applied.folder / "connections/a.yaml").read_text("utf-8")
    (applied.folder / "connections/a.yaml").unlink()
    applied.define("b", text)
    held = applied.run("apply", "--yes", environ=KEY)
    assert (held.code, "this looks like a rename" in held.out) == (1, True)
    assert len(service.items()) == 1
    applied.define("b", f"key: a\n{text}")
    assert applied.run("plan", "--detailed-exitcode", environ=KEY).code == 0


@pytest.mark.parametrize(
    ("endpoint", "accepted"),
    [
        ("http://example.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com:80", False),
        ("http://localhost:8765", True),
        ("http://[::1]:8765", True),
        ("https://platform.adobe.io", True),
    ],
)
def test_where_a_token_may_go_unencrypted_is_said_with_its_line(bare: Project, endpoint: str, accepted: bool) -> None:
    bare.target(endpoint)
    bare.define("a", basic("A"))
    found = bare.run("validate")
    assert found.code == (0 if accepted else 1)
    assert accepted or "(schema.value)" in found.out + found.err
