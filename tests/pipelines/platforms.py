"""The three platforms, as far as the shipped pipelines use them: they carry out the files that ``init`` writes.

A run has jobs in the order of the file; each job has a clone of its own, in which its steps run as processes, in the
shell that the platform uses. Secrets reach only the steps that the file gives them to, from the environment of the
target. Nothing is known of what a step does: all behaviour is in the files.

Not simulated: permissions of tokens, concurrency groups, time limits, and what actions and tasks do beside their
artifacts. ``ci/install`` runs with a Python that does nothing, since the command is there.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance.support import Result
from tests.pipelines.expressions import evaluate, fill_in
from tests.pipelines.github import REPOSITORY, GitHub
from tests.pipelines.repository import Repository, Runner

BASH_E, BASH = ("bash", "-e", "-c"), ("bash", "-c")
Interfere = Callable[[str, "subprocess.Popen[str]"], None]
"""Acts on a step while it runs: gets its script and its process."""


@dataclass
class Job:
    """A job that has ended. ``result`` is success, failure, cancelled, skipped, or absent if no rule lets it begin."""

    name: str
    result: str = "success"
    runner: Runner | None = None
    steps: dict[str, Result] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(result.out + result.err for result in self.steps.values())


@dataclass
class Run:
    """A run of the pipeline. ``approvals``: the targets whose plan somebody was asked to approve, with that plan."""

    jobs: dict[str, Job] = field(default_factory=dict)
    approvals: list[tuple[str, str]] = field(default_factory=list)
    artifacts: dict[str, Path] = field(default_factory=dict)
    summary: str = ""

    @property
    def results(self) -> dict[str, str]:
        return {name: job.result for name, job in self.jobs.items() if job.result not in ("skipped", "absent")}

    @property
    def text(self) -> str:
        return "".join(job.text for job in self.jobs.values())

    @property
    def failed(self) -> bool:
        return any(result in ("failure", "cancelled") for result in self.results.values())


class Platform:
    """The common part. ``secrets`` are by environment, those for pull requests of ``prod`` under ``prod-review``;
    ``approve`` is asked with the target and its plan."""

    file = ""
    shell = BASH_E

    def __init__(self, repository: Repository, secrets: Mapping[str, Mapping[str, str]]) -> None:
        self.repository = repository
        self.secrets = {target: dict(values) for target, values in secrets.items()}
        self.approve: Callable[[str, str], bool] = lambda *_: True
        self.interfere: Interfere = lambda *_: None
        self.cancelled = False
        self.attempt = 1

    @property
    def pipeline(self) -> Any:
        return yaml.safe_load((self.repository.author.folder / self.file).read_text("utf-8"))

    def review(self, branch: str, fork: bool = False) -> Run:
        """Run the pipeline for a pull request of this branch."""
        raise NotImplementedError

    def merged(self, commit: str = "main") -> Run:
        """Run it for a commit of main, by default for the newest."""
        raise NotImplementedError

    def by_hand(self, target: str, **inputs: str) -> Run:
        """Run it for a target, with inputs."""
        raise NotImplementedError

    def scheduled(self) -> Run:
        """Run it by its schedule."""
        raise NotImplementedError

    def cancel(self, process: subprocess.Popen[str]) -> None:
        """Cancel the run: interrupt the step, and wait for its end."""
        self.cancelled = True
        process.send_signal(signal.SIGINT)

    def step(self, job: Job, name: str, script: str, environ: Mapping[str, str]) -> Result:
        """Run a step that is a script."""
        assert job.runner

        def started(process: subprocess.Popen[str]) -> None:
            self.interfere(script, process)

        result = job.runner.shell(script, environ, started, self.shell)
        job.steps[name] = result
        if self.cancelled:
            job.result = "cancelled"
        elif result.code:
            job.result = "failure"
        return result


class GitHubActions(Platform):
    """``.github/workflows/provisioner.yml`` with ``ci/github``, against a fake of GitHub's API."""

    file = ".github/workflows/provisioner.yml"

    def __init__(self, repository: Repository, secrets: Mapping[str, Mapping[str, str]], github: GitHub) -> None:
        super().__init__(repository, secrets)
        self.github = github
        self.pulls: dict[str, tuple[int, str]] = {}
        for target in repository.targets:
            github.environments[f"{target}-approval"] = [{"type": "required_reviewers", "reviewers": [{}]}]

    def review(self, branch: str, fork: bool = False) -> Run:
        self.github.may_write = not fork
        head = self.repository.git("rev-parse", branch).strip()
        number, _ = self.pulls[branch] = (self.pulls.get(branch, (len(self.pulls) + 1, ""))[0], head)
        pull = {"pull_request": {"number": number, "head": {"sha": head}}}
        return self._run("pull_request", f"refs/pull/{number}/merge", branch, pull, secrets=not fork)

    def merged(self, commit: str = "main") -> Run:
        return self._run("push", "refs/heads/main", commit, {})

    def by_hand(self, target: str, **inputs: str) -> Run:
        event = {"inputs": {"target": target, **inputs}}
        return self._run("workflow_dispatch", "refs/heads/main", "main", event)

    def scheduled(self) -> Run:
        return self._run("schedule", "refs/heads/main", "main", {})

    def merge(self, branch: str, sha: str) -> None:
        """Record that the pull request of a branch was merged as this commit."""
        self.github.may_write = True
        self.github.merge(*self.pulls[branch], sha)

    def _run(self, event_name: str, ref: str, branch: str, event: Any, secrets: bool = True) -> Run:
        run = Run()
        self.cancelled = False
        definition: dict[Any, Any] = self.pipeline
        inputs = self._inputs(definition, event)
        sha = self.repository.git("rev-parse", branch).strip()
        for name, description in definition["jobs"].items():
            for matrix in _matrix(description.get("strategy", {}).get("matrix", {})):
                job = Job(name)
                run.jobs[" ".join([name, *matrix.values()])] = job
                values = {
                    "github.event_name": event_name,
                    "github.ref": ref,
                    "github.token": "job-token",
                    "github.run_id": "7",
                    "github.run_attempt": str(self.attempt),
                    **{f"inputs.{key}": value for key, value in inputs.items()},
                    **{f"matrix.{key}": value for key, value in matrix.items()},
                }
                for needed in _listed(description.get("needs", [])):
                    values[f"needs.{needed}.result"] = run.jobs[needed].result
                    outputs = run.jobs[needed].outputs
                    values |= {f"needs.{needed}.outputs.{key}": value for key, value in outputs.items()}
                needed_ok = all(run.jobs[one].result == "success" for one in _listed(description.get("needs", [])))
                if not self._holds(str(description.get("if", "success()")), values, needed_ok):
                    job.result = "skipped"
                    continue
                self._job(run, job, description, values, (branch, sha, event, secrets))
        return run

    def _job(self, run: Run, job: Job, description: Any, values: dict[str, Any], about: Any) -> None:
        branch, sha, event, with_secrets = about
        get = _getter(values)
        place = description.get("environment", {})
        environment = fill_in(place if isinstance(place, str) else place.get("name", ""), get)
        if environment.endswith("-approval"):
            target = environment.removesuffix("-approval")
            plan = run.artifacts[f"plan-{target}"].parent / "summary.md"
            run.approvals.append((target, plan.read_text("utf-8")))
            if not self.approve(*run.approvals[-1]):
                job.result = "failure"
                return
        secrets = self.secrets.get(environment, {}) if with_secrets else {}
        job.runner = self.repository.runner(branch)
        files = job.runner.folder.parent / f"{job.runner.folder.name}-files"
        files.mkdir()
        (files / "event.json").write_text(json.dumps(event), "utf-8")
        for file in ("output", "summary.md"):
            (files / file).write_text("", "utf-8")
        job.runner.environ |= {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_SERVER_URL": "https://github.example.com",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "7",
            "GITHUB_RUN_ATTEMPT": str(self.attempt),
            "GITHUB_ACTOR": "ada",
            "GITHUB_SHA": sha,
            "GITHUB_REF_NAME": values["github.ref"].removeprefix("refs/heads/"),
            "GITHUB_EVENT_NAME": values["github.event_name"],
            "GITHUB_EVENT_PATH": str(files / "event.json"),
            "GITHUB_STEP_SUMMARY": str(files / "summary.md"),
            "GITHUB_OUTPUT": str(files / "output"),
        }
        for environ in (self.pipeline["env"], description.get("env", {})):
            job.runner.environ |= {name: fill_in(str(value), get) for name, value in environ.items()}
        values |= {f"env.{name}": value for name, value in job.runner.environ.items()}
        for step in description["steps"]:
            self._step(run, job, step, values, secrets)
        run.summary += (files / "summary.md").read_text("utf-8")
        outputs = description.get("outputs", {})
        job.outputs = {name: fill_in(text, _getter(values)) for name, text in outputs.items()}

    def _step(self, run: Run, job: Job, step: Any, values: dict[str, Any], secrets: Mapping[str, str]) -> None:
        assert job.runner
        get = _getter(values | {f"secrets.{name}": value for name, value in secrets.items()})
        if not self._holds(str(step.get("if", "success()")), values, job.result == "success"):
            values[f"steps.{step.get('id')}.outcome"] = "skipped"
            return
        if "uses" in step:
            self._use(
                run, job, step["uses"].partition("@")[0], {k: fill_in(str(v), get) for k, v in step["with"].items()}
            )
            return
        environ = {name: fill_in(str(value), get) for name, value in step.get("env", {}).items()}
        before = job.result
        output = Path(job.runner.environ["GITHUB_OUTPUT"])
        result = self.step(job, step.get("name", step["run"]), step["run"], environ)
        values[f"steps.{step.get('id')}.outcome"] = "failure" if result.code else "success"
        for line in output.read_text("utf-8").splitlines():
            values[f"steps.{step.get('id')}.outputs.{line.partition('=')[0]}"] = line.partition("=")[2]
        output.write_text("", "utf-8")
        if before != "success":
            job.result = before

    def _use(self, run: Run, job: Job, action: str, given: Mapping[str, str]) -> None:
        assert job.runner
        match action:
            case "actions/checkout":
                assert given["persist-credentials"].lower() == "false"
            case "actions/setup-python":
                pass
            case "actions/upload-artifact":
                found = [path for text in given["path"].split() for path in job.runner.folder.glob(text)]
                assert found or given["if-no-files-found"] == "ignore", given
                if found:
                    folder = self.repository.folder / "artifacts" / f"{len(self.repository.runners)}-{given['name']}"
                    folder.mkdir(parents=True, exist_ok=True)
                    for path in found:
                        shutil.copy(path, folder)
                    shutil.copy(job.runner.environ["GITHUB_STEP_SUMMARY"], folder / "summary.md")
                    run.artifacts[given["name"]] = folder / found[0].name
            case "actions/download-artifact":
                shutil.copy(run.artifacts[given["name"]], job.runner.folder)
            case other:
                raise AssertionError(other)

    def _holds(self, condition: str, values: Mapping[str, Any], ok: bool) -> bool:
        text = condition.strip().removeprefix("${{").removesuffix("}}")
        status = {
            "success": lambda: ok and not self.cancelled,
            "cancelled": lambda: self.cancelled,
            "always": lambda: True,
            "failure": lambda: not ok,
        }
        if not any(f"{name}()" in text for name in status):
            text = f"success() && ({text})"
        return bool(evaluate(text, _getter(values), **status))

    def _inputs(self, definition: dict[Any, Any], event: Any) -> dict[str, Any]:
        declared = definition[True]["workflow_dispatch"]["inputs"]  # YAML 1.1 reads `on` as true
        given = event.get("inputs")
        if given is None:
            return {}
        assert given.keys() <= declared.keys()
        assert given["target"] in declared["target"]["options"]
        return {name: given.get(name, str(one.get("default", "false"))) for name, one in declared.items()}


class GitLab(Platform):
    """``.gitlab-ci.yml``. Secrets are variables of the project, which every job with the target's environment sees."""

    file = ".gitlab-ci.yml"
    _RESERVED = frozenset({"variables", "image", "stages", "default"})

    def review(self, branch: str, fork: bool = False) -> Run:
        path = "fork/databases" if fork else REPOSITORY
        variables = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_PROJECT_PATH": REPOSITORY,
            "CI_PROJECT_PATH": path,
            "CI_MERGE_REQUEST_PROJECT_URL": self.repository.origin.as_uri().removesuffix(".git"),
        }
        return self._run(branch, variables, secrets=not fork)

    def merged(self, commit: str = "main") -> Run:
        return self._run(commit, {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"})

    def by_hand(self, target: str, **inputs: str) -> Run:
        given = {"RUN_TARGET": target, **{name.upper(): value for name, value in inputs.items()}}
        declared = self.pipeline["variables"]
        assert given.keys() <= declared.keys()
        assert all(value in declared[name].get("options", [value]) for name, value in given.items())
        return self._run("main", {"CI_PIPELINE_SOURCE": "web", "CI_COMMIT_BRANCH": "main", **given})

    def scheduled(self) -> Run:
        return self._run("main", {"CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main"})

    def _run(self, branch: str, variables: Mapping[str, str], secrets: bool = True) -> Run:
        run = Run()
        self.cancelled = False
        definition = self.pipeline
        defaults = {name: one["value"] for name, one in definition["variables"].items()}
        common = {
            **defaults,
            "CI_DEFAULT_BRANCH": "main",
            "GITLAB_USER_LOGIN": "ada",
            "CI_COMMIT_SHA": self.repository.git("rev-parse", branch).strip(),
            **variables,
        }
        for name, own in definition.items():
            if name in self._RESERVED or name.startswith("."):
                continue
            description = {**definition.get(own.get("extends"), {}), **own}
            rules = [rule for rule in description["rules"] if evaluate(_gitlab_rule(rule["if"]), _getter(common))]
            for matrix in _matrix((description.get("parallel") or {}).get("matrix", [{}])[0]):
                label = " ".join([name, *matrix.values()])
                job = run.jobs[label] = Job(name)
                environ = {**common, **description.get("variables", {}), **matrix}
                if not rules:
                    job.result = "absent"
                    continue
                going = self._ready(run, description)
                if going and rules[0].get("when") == "manual":
                    going = self._start(run, description["environment"])
                if not going:
                    job.result = "skipped"
                else:
                    self._job(run, job, description, branch, environ, secrets)
        return run

    def _ready(self, run: Run, description: Any) -> bool:
        for need in description.get("needs", []):
            name, optional = (need, False) if isinstance(need, str) else (need["job"], need.get("optional", False))
            if run.jobs[name].result not in ("success", *(["absent"] if optional else [])):
                return False
        return True

    def _start(self, run: Run, target: str) -> bool:
        plan = run.artifacts[f"plan-{target}"] / "plan.md"
        run.approvals.append((target, plan.read_text("utf-8")))
        return self.approve(*run.approvals[-1])

    def _job(
        self, run: Run, job: Job, description: Any, branch: str, environ: Mapping[str, str], with_secrets: bool
    ) -> None:
        job.runner = self.repository.runner(branch)
        place = description.get("environment", "")
        scope = (place if isinstance(place, str) else place["name"]).replace("$TARGET", environ.get("TARGET", ""))
        protected = "CI_COMMIT_BRANCH" in environ  # variables of a target are; merge requests have their own
        secrets = self.secrets.get(scope if protected else f"{scope}-review", {}) if with_secrets else {}
        job.runner.environ |= {**environ, **secrets, "CI_ENVIRONMENT_NAME": scope}
        for need in description.get("needs", []):
            folder = run.artifacts.get(need if isinstance(need, str) else need["job"])
            if folder:
                shutil.copytree(folder, job.runner.folder, dirs_exist_ok=True)
        before = description.get("before_script", self.pipeline["default"]["before_script"])
        self.step(job, "script", "\n".join([*before, *description["script"]]), {})
        for line in description.get("after_script", []):
            job.steps["after_script"] = job.runner.shell(line, {})
        folder = self.repository.folder / "artifacts" / f"{len(self.repository.runners)}-{job.name}"
        for pattern in description.get("artifacts", {}).get("paths", []):
            for path in job.runner.folder.glob(pattern):
                target = folder / path.relative_to(job.runner.folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
        if folder.exists():
            run.artifacts[job.name] = folder
            if (folder / "plan.md").exists():
                run.summary += (folder / "plan.md").read_text("utf-8")


class AzurePipelines(Platform):
    """``azure-pipelines.yml``. Its template expressions are expanded first, as the platform does."""

    file = "azure-pipelines.yml"
    shell = BASH

    def review(self, branch: str, fork: bool = False) -> Run:
        return self._run("PullRequest", "refs/pull/12/merge", branch, {}, secrets=not fork)

    def merged(self, commit: str = "main") -> Run:
        return self._run("IndividualCI", "refs/heads/main", commit, {})

    def by_hand(self, target: str, **inputs: str) -> Run:
        return self._run("Manual", "refs/heads/main", "main", {"target": target, **inputs})

    def scheduled(self) -> Run:
        return self._run("Schedule", "refs/heads/main", "main", {})

    def _run(self, reason: str, ref: str, branch: str, parameters: Mapping[str, str], secrets: bool = True) -> Run:
        run = Run()
        self.cancelled = False
        definition = self.pipeline
        declared = {one["name"]: one for one in definition["parameters"]}
        assert parameters.keys() <= declared.keys()
        given = {name: parameters.get(name, one["default"]) for name, one in declared.items()}
        given |= {name: given[name].title() for name, one in declared.items() if one["type"] == "boolean"}
        assert all(given[name] in one.get("values", [given[name]]) for name, one in declared.items())
        values: dict[str, Any] = {f"parameters.{name}": value for name, value in given.items()}
        static = {one["name"]: fill_in(one["value"], _getter(values)) for one in definition["variables"]}
        values["variables"] = {**static, "Build.Reason": reason, "Build.SourceBranch": ref}
        values |= {f"variables.{name}": value for name, value in static.items()}
        going = True
        for stage in _expanded(definition["stages"], values):
            (description,) = stage["jobs"]
            job = run.jobs[stage["stage"]] = Job(stage["stage"])
            if not going and "dependsOn" not in stage:
                job.result = "skipped"
                continue
            own = {one["name"]: one["value"] for one in stage["variables"] if "name" in one}
            (group,) = [one["group"] for one in stage["variables"] if "group" in one]
            known = self.secrets.get(group.removeprefix("provisioner-"), {}) if secrets else {}
            environ = {
                **{name.upper(): value for name, value in {**static, **own}.items()},
                "TF_BUILD": "True",
                "BUILD_REASON": reason,
                "BUILD_REQUESTEDFOR": "ada",
                "BUILD_SOURCEVERSION": self.repository.git("rev-parse", branch).strip(),
            }
            if "environment" in description:
                plan = run.artifacts[f"plan-{description['environment']}"].parent / "plan.md"
                run.approvals.append((description["environment"], plan.read_text("utf-8")))
                if not self.approve(*run.approvals[-1]):
                    job.result, going = "failure", False
                    continue
                description = description["strategy"]["runOnce"]["deploy"]
            job.runner = self.repository.runner(branch)
            job.runner.environ |= environ
            del job.runner.environ["CI"]  # Azure DevOps does not set it
            for step in description["steps"]:
                self._step(run, job, step, known)
            going = job.result == "success"
        return run

    def _step(self, run: Run, job: Job, step: Any, secrets: Mapping[str, str]) -> None:
        assert job.runner
        before = job.result
        status = {
            "succeeded": lambda: job.result == "success",
            "succeededOrFailed": lambda: job.result != "cancelled",
            "failed": lambda: job.result == "failure",
            "canceled": lambda: job.result == "cancelled",
            "always": lambda: True,
        }
        if not evaluate(step.get("condition", "succeeded()"), _getter({}), **status):
            return
        if "script" in step:
            macros = {
                **secrets,
                "System.AccessToken": "job-token",
                "System.StageAttempt": str(self.attempt),
                "Pipeline.Workspace": str(self._workspace),
            }
            environ = {name: _macros(value, macros) for name, value in step.get("env", {}).items()}
            result = self.step(job, step["displayName"], step["script"], environ)
            for line in result.out.splitlines():
                if line.startswith("##vso[task.uploadsummary]"):
                    run.summary += Path(line.removeprefix("##vso[task.uploadsummary]")).read_text("utf-8")
        elif "publish" in step:
            source = job.runner.folder / step["publish"]
            if not source.exists():
                assert step.get("continueOnError") == "true", step
                return
            folder = self.repository.folder / "artifacts" / f"{len(self.repository.runners)}-{step['artifact']}"
            folder.mkdir(parents=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / source.name)
            for extra in job.runner.folder.glob("plan.md"):
                shutil.copy(extra, folder)
            run.artifacts[step["artifact"].partition("$(")[0].rstrip("-")] = folder / source.name
        elif "download" in step:
            folder = self._workspace / step["artifact"]
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(run.artifacts[step["artifact"]].parent, folder)
        else:
            assert step.keys() & {"checkout", "task"}
        if before != "success":
            job.result = before

    @property
    def _workspace(self) -> Path:
        return self.repository.folder / "workspace"


def _getter(values: Mapping[str, Any]) -> Callable[[str], Any]:
    def get(name: str) -> Any:
        if name in ("true", "false"):
            return name == "true"
        return values.get(name, "")

    return get


def _matrix(matrix: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{name: value} for name, values in matrix.items() for value in values] or [{}]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _gitlab_rule(text: str) -> str:
    """Return a rule in the words of the other platforms."""
    return text.replace('"', "'").replace("$", "")


def _macros(text: str, known: Mapping[str, str]) -> str:
    """Replace ``$(NAME)``; a variable that is not there is left as it is written."""
    for name, value in known.items():
        text = text.replace(f"$({name})", value)
    return text


def _expanded(node: Any, values: dict[str, Any]) -> Any:
    """Expand the template expressions of Azure DevOps: each, if, and values."""
    if isinstance(node, str):
        return fill_in(node, _getter(values))
    if isinstance(node, list):
        return [one for item in node for one in _expanded_item(item, values)]
    if isinstance(node, dict):
        made: dict[str, Any] = {}
        for key, value in node.items():
            for scope in _scopes(key, values):
                if scope is None:
                    made[_expanded(key, values)] = _expanded(value, values)
                else:
                    made |= _expanded(value, scope)
        return made
    return node


def _expanded_item(item: Any, values: dict[str, Any]) -> Iterator[Any]:
    if isinstance(item, dict) and len(item) == 1:
        ((key, value),) = item.items()
        scopes = list(_scopes(key, values))
        if scopes != [None]:
            for scope in scopes:
                yield from _expanded(value, scope)
            return
    yield _expanded(item, values)


def _scopes(key: str, values: dict[str, Any]) -> Iterator[dict[str, Any] | None]:
    """Yield the values with which what is below a key is inserted; None for a key that is no directive."""
    expression = key.strip()
    if not expression.startswith("${{ each ") and not expression.startswith("${{ if "):
        yield None
        return
    inner = expression.removeprefix("${{ ").removesuffix(" }}")
    if inner.startswith("if "):
        if evaluate(inner.removeprefix("if "), _getter(values)):
            yield values
        return
    name, _, sequence = inner.removeprefix("each ").partition(" in ")
    for one in evaluate(sequence, _getter(values)):
        yield {**values, name: one}
