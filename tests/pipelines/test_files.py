"""The files that ``init`` writes for a platform, and the action: valid, pinned, with no more rights than they need."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.scaffold.files import scaffold
from tests.acceptance.support import CREDENTIALS, PASSWORDS, Service
from tests.pipelines.github import GitHub, running_github
from tests.pipelines.repository import Repository, repository_for

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("dev", "stage-2", "prod")
WORKFLOW_FILE = ".github/workflows/provisioner.yml"
FILES = {"github": WORKFLOW_FILE, "gitlab": ".gitlab-ci.yml", "azure": "azure-pipelines.yml"}
SCHEMAS = {
    "github": ["vendor.github-workflows"],
    "gitlab": ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
    "azure": ["vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"],
}
WORKFLOW = yaml.safe_load(scaffold("github", STAGES)[WORKFLOW_FILE])
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
OWN_SECRETS = {"AEP_API_KEY", "AEP_CLIENT_SECRET", "PROVISIONER_FINGERPRINT_KEY", "MYSQL_ORDERS_PASSWORD"}


def check(file: Path, *schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("targets", [("prod",), STAGES], ids=len)
@pytest.mark.parametrize("platform", FILES)
def test_the_platform_accepts_it(platform: str, targets: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text(scaffold(platform, targets)[FILES[platform]], "utf-8")
    check(file, *SCHEMAS[platform])


def test_github_accepts_the_action() -> None:
    check(ROOT / "action.yml", "vendor.github-actions")


@pytest.mark.parametrize("targets", [("prod",), STAGES], ids=len)
def test_nothing_unsafe_is_found(targets: tuple[str, ...], tmp_path: Path) -> None:
    workflow = tmp_path / WORKFLOW_FILE
    workflow.parent.mkdir(parents=True)
    workflow.write_text(scaffold("github", targets)[WORKFLOW_FILE], "utf-8")
    (tmp_path / "action.yml").write_bytes((ROOT / "action.yml").read_bytes())
    zizmor = Path(sys.executable).with_name("zizmor")
    command = [str(zizmor), "--offline", "--no-progress", "--persona=auditor", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout + done.stderr


PINNED = re.compile(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


@pytest.mark.parametrize("text", [scaffold("github")[WORKFLOW_FILE], (ROOT / "action.yml").read_text("utf-8")])
def test_actions_are_pinned_by_commit(text: str) -> None:
    lines = [line.strip().removeprefix("- ") for line in text.splitlines() if re.search(r"\buses: ", line)]
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []


def test_every_download_has_a_hash() -> None:
    """Also of the tools that build provisioner where it comes from git, which has its commit instead."""
    lock = scaffold("none")["requirements.txt"]
    assert all(one.count("--hash=sha256:") for one in re.split(r"\n(?=\S)", lock) if not one.startswith("#"))
    pinned = set(re.findall(r"^([\w.-]+==\S+)", lock, re.MULTILINE))
    tested = set(re.findall(r"^([\w.-]+==\S+)", (ROOT / "requirements-dev.lock").read_text("utf-8"), re.MULTILINE))
    assert pinned <= tested, "what is installed is what was tested"
    names = {one.partition("==")[0] for one in pinned}
    assert {"click", "jinja2", "requests", "jsonschema-rs", "hatchling"} <= names
    assert re.search(r"@ git\+https://\S+@[0-9a-f]{40}$", scaffold("none")["provisioner.txt"], re.MULTILINE)


def steps(platform: str) -> Iterator[tuple[str, Any]]:
    """Yield each step with the name of its job."""
    document = yaml.safe_load(scaffold(platform, STAGES)[FILES[platform]])
    if platform == "github":
        yield from ((name, one) for name, job in document["jobs"].items() for one in job["steps"])
        return
    found: list[Any] = [document]
    while found:
        node = found.pop()
        found += node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        if isinstance(node, dict) and "script" in node:
            yield node.get("displayName", ""), node


@pytest.mark.parametrize("platform", ["github", "azure"])
def test_secrets_reach_only_the_steps_that_plan_and_apply(platform: str) -> None:
    seen = set()
    for _, one in steps(platform):
        environ = str(one.get("env", {}))
        if "secrets." in environ or "variables.secrets" in environ:
            seen.add(one.get("name", one.get("displayName")))
    assert seen == {"Plan", "Apply", *(["Look for drift"] if platform == "github" else [])}
    text = scaffold(platform, STAGES)[FILES[platform]]
    assert all(text.count(name) == (2 if platform == "github" else 1) for name in OWN_SECRETS), "in one place"


def test_no_secret_is_in_the_environment_of_a_job() -> None:
    environs = [WORKFLOW["env"], *(job.get("env", {}) for job in WORKFLOW["jobs"].values())]
    assert not [value for environ in environs for value in environ.values() if "secrets." in value or "token" in value]


@pytest.mark.parametrize("platform", ["github", "azure"])
def test_the_token_of_a_job_reaches_only_what_needs_it(platform: str) -> None:
    token = {"github": "${{ github.token }}", "azure": "$(System.AccessToken)"}[platform]
    with_token = {
        one.get("run", one.get("script")) for _, one in steps(platform) if token in one.get("env", {}).values()
    }
    state = {'sh ci/state-branch fetch "$TARGET"', 'sh ci/state-branch keep "$TARGET"'}
    shown = {'python ci/github show "$TARGET"', 'python ci/github approval "$TARGET" >> "$GITHUB_OUTPUT"'}
    assert with_token == (state | shown if platform == "github" else state)
    kept = [one for _, one in steps(platform) if "persistCredentials" in str(one)]
    assert kept == []
    checkouts = [one for _, one in steps(platform) if "actions/checkout" in one.get("uses", "")]
    assert all(one["with"] == {"persist-credentials": False} for one in checkouts)


def test_the_workflow_writes_only_where_it_must() -> None:
    assert WORKFLOW["permissions"] == {}
    writing = {
        (name.partition("-")[0], right)
        for name, job in WORKFLOW["jobs"].items()
        for right, access in job["permissions"].items()
        if access == "write"
    }
    assert writing == {("review", "pull-requests"), ("review", "statuses"), ("apply", "contents")}


def test_one_run_applies_at_a_time_and_is_not_cancelled_for_a_newer_one() -> None:
    """The platforms' own locks; nothing here can run them."""
    applying = [job["concurrency"] for name, job in WORKFLOW["jobs"].items() if name.startswith("apply-")]
    assert [one["group"] for one in applying] == [f"provisioner-apply-{target}" for target in STAGES]
    assert not any(one["cancel-in-progress"] for one in applying)
    assert WORKFLOW["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    gitlab = yaml.safe_load(scaffold("gitlab", STAGES)[FILES["gitlab"]])
    assert [gitlab[f"apply-{target}"]["resource_group"] for target in STAGES] == [f"provisioner-{t}" for t in STAGES]
    assert gitlab[".apply"]["interruptible"] is False
    assert yaml.safe_load(scaffold("azure", STAGES)[FILES["azure"]])["lockBehavior"] == "sequential"


@pytest.mark.parametrize("platform", ["github", "azure"])
def test_no_value_of_a_secret_an_event_or_an_input_stands_in_a_script(platform: str) -> None:
    scripts = [one.get("run") or one.get("script") or "" for _, one in steps(platform)]
    assert not [script for script in scripts if "${{" in script or "$(System" in script]
    assert all("${{" not in one.get("run", "") for one in ACTION["runs"]["steps"])


def test_what_could_not_be_kept_is_saved_whole() -> None:
    """State and journal; what else lies beside them is of one machine."""
    (save,) = {
        one["with"]["path"]: one for _, one in steps("github") if one.get("name") == "Save what could not be kept"
    }.values()
    paths = save["with"]["path"].replace("${{ env.TARGET }}", "prod").split()
    assert paths == ["state/prod.json", "state/prod.json.journal"]
    assert save["if"] == "always() && steps.keep.outcome != 'success'"
    keep = {one["if"] for _, one in steps("github") if one.get("name") == "Keep the state"}
    assert keep == {"always()"}


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_every_file_has_an_owner(platform: str) -> None:
    """A file that is new can take the place of another: GNUmakefile, pip.py."""
    (owners,) = [text for path, text in scaffold(platform).items() if path.endswith("CODEOWNERS")]
    assert [line.split()[0] for line in owners.splitlines() if not line.startswith("#")] == ["*"]


NONE = {
    **dict.fromkeys(("ALLOW_DELETE", "OVERWRITE_DRIFT", "REFRESH_ONLY", "IMPORT_EXISTING"), "false"),
    "SELECT": "*",
    "ROTATE": "none",
    "MORE": "none",
}
BY_HAND = "workflow_dispatch"
INPUTS: list[tuple[str, dict[str, str], str]] = [
    ("push", {}, ""),
    ("push", {"ALLOW_DELETE": "true"}, ""),
    ("IndividualCI", {"SELECT": ""}, ""),
    ("pull_request", {"AEP_API_KEY": "key"}, ""),
    ("merge_request_event", {}, "--offline"),
    ("pull_request", {"AEP_API_KEY": ""}, "--offline"),
    ("PullRequest", {"AEP_API_KEY": "$(AEP_API_KEY)"}, "--offline"),
    ("schedule", {}, "--refresh-only --detailed-exitcode"),
    ("Schedule", NONE, "--refresh-only --detailed-exitcode"),
    (BY_HAND, NONE, ""),
    (BY_HAND, NONE | {"ALLOW_DELETE": "true"}, "--allow-delete"),
    ("Manual", NONE | {"ALLOW_DELETE": "True", "IMPORT_EXISTING": "True"}, "--allow-delete --import-existing"),
    ("web", NONE | {"REFRESH_ONLY": "true", "ALLOW_DELETE": "False"}, "--refresh-only"),
    (BY_HAND, NONE | {"SELECT": "marketing/* orders"}, "--select=marketing/* --select=orders"),
    (BY_HAND, NONE | {"SELECT": "--allow-delete"}, "--select=--allow-delete"),
    (BY_HAND, NONE | {"SELECT": "`touch x`;touch x"}, "--select=`touch --select=x`;touch --select=x"),
    (BY_HAND, NONE | {"ROTATE": "A B"}, "--variable=A --variable=B --prove --resend --test"),
    (BY_HAND, NONE | {"MORE": "--allow-mass-delete --exceed-limits"}, "--allow-mass-delete --exceed-limits"),
    (BY_HAND, NONE | {"MORE": "--out=elsewhere"}, "64"),
    (BY_HAND, NONE | {"MORE": "allow-mass-delete"}, "64"),
    (BY_HAND, NONE | {"SELECT": "$(touch x)"}, "64"),
    (BY_HAND, NONE | {"SELECT": ""}, "64"),
    (BY_HAND, NONE | {"ROTATE": "  "}, "64"),
    (BY_HAND, NONE | {"ALLOW_DELETE": "yes"}, "64"),
    (BY_HAND, {}, "64"),
    ("", {}, "64"),
    ("tag", {}, "64"),
]


@pytest.mark.parametrize(("event", "environ", "flags"), INPUTS)
def test_inputs_become_flags(event: str, environ: dict[str, str], flags: str, tmp_path: Path) -> None:
    script = tmp_path / "plan-flags"
    script.write_text(scaffold("gitlab")["ci/plan-flags"], "utf-8")
    command = ["sh", str(script), *([event] if event else [])]
    environ = {"PATH": os.environ["PATH"], **environ}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout.strip() or str(done.returncode or "")) == flags
    assert [path.name for path in tmp_path.iterdir()] == ["plan-flags"], "nothing in an input is carried out"


def test_nothing_is_installed_from_nowhere(tmp_path: Path) -> None:
    files = scaffold("gitlab")
    for path in ("ci/install", "provisioner.txt", "requirements.txt"):
        (tmp_path / Path(path).name).write_text(files[path], "utf-8")
    environ = {"PATH": os.environ["PATH"], "PYTHON": "true"}
    refused = subprocess.run(["sh", "install"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (refused.returncode, "provisioner.txt does not say where" in refused.stderr) == (1, True)
    (tmp_path / "provisioner.txt").write_text("provisioner @ git+https://git.example.com/p.git@0\n", "utf-8")
    done = subprocess.run(["sh", "install"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# The action


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running_github() as github:
        yield github


@pytest.fixture
def repository(tmp_path: Path, service: Service) -> Iterator[Repository]:
    with repository_for(tmp_path, service.url) as repository:
        repository.environ |= {**CREDENTIALS, **PASSWORDS, "GITHUB_ACTION_PATH": str(ROOT)}
        repository.environ["GITHUB_STEP_SUMMARY"] = str(tmp_path / "summary.md")
        (tmp_path / "event.json").write_text("{}", "utf-8")
        repository.environ["GITHUB_EVENT_PATH"] = str(tmp_path / "event.json")
        repository.define("orders")
        yield repository


def action(name: str) -> str:
    (found,) = [one for one in ACTION["runs"]["steps"] if one.get("name") == name]
    return str(found["run"])


def test_the_action_plans_shows_and_applies(repository: Repository, service: Service, tmp_path: Path) -> None:
    runner = repository.runner()
    runner.environ |= {"TARGET": "prod", "PLAN": "saved.plan", "EXPECTED": "any", "PLANNED": "success"}
    for name in ("Validate", "Plan", "Show the plan"):
        result = runner.shell(action(name))
        assert result.code == 0, result.err
    assert service.writes() == []
    assert "1 to add" in (tmp_path / "summary.md").read_text("utf-8")
    assert runner.shell(action("Apply")).code == 0
    assert [item["name"] for item in service.items()] == ["orders"]
    assert (runner.folder / "evidence.json").exists()


def test_the_action_plans_offline_without_credentials(repository: Repository, service: Service) -> None:
    runner = repository.runner()
    runner.environ |= {"TARGET": "prod", "PLAN": "", "EXPECTED": "any", "AEP_API_KEY": ""}
    result = runner.shell(action("Plan"))
    assert (result.code, "(offline" in result.out, service.seen()) == (0, True, [])


@pytest.mark.parametrize(("given", "words"), [({"EXPECTED": ""}, "--expect-digest"), ({"TARGET": ""}, "--target")])
def test_the_action_takes_nothing_empty_for_not_given(
    repository: Repository, given: dict[str, str], words: str
) -> None:
    assert ACTION["inputs"]["expect-digest"]["default"] == "any"
    runner = repository.runner()
    runner.environ |= {"TARGET": "prod", "PLAN": "x.plan", "EXPECTED": "any", **given}
    refused = runner.shell(action("Plan"))
    assert (refused.code, f"{words} is empty" in refused.err) == (64, True)
    assert not (runner.folder / "x.plan").exists()


def test_every_input_of_the_action_is_used() -> None:
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text("utf-8")))
    assert used == set(ACTION["inputs"])


def test_the_hook_for_pre_commit_runs_the_command() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["entry"], hook["pass_filenames"]) == (
        "provisioner-validate",
        "provisioner validate",
        False,
    )
    assert all(
        re.search(hook["files"], path) for path in ("connections/a/b.yaml", "connections/a.yml", "provisioner.yaml")
    )
    assert not re.search(hook["files"], "README.md")
