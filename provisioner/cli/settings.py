"""Settings from environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from provisioner.errors import UsageError
from provisioner.secrets import Sensitive


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of the tool itself, named after the placeholders in Adobe's documentation."""

    api_key: str | None = None
    client_secret: Sensitive | None = None
    scopes: str | None = None
    access_token: Sensitive | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings from the environment.

    ``variables`` are those that the project may admit to ``env()``; ``github_output`` is the file for the outputs of a
    step of GitHub Actions; ``run_url`` and ``commit`` are those of a pipeline.
    """

    variables: Mapping[str, str]
    credentials: Credentials
    org_id: str | None
    sandbox: str | None
    fingerprint_key: bytes | None
    old_fingerprint_key: bytes | None
    allow_hosts: tuple[str, ...]
    ci: bool
    github_output: Path | None
    run_url: str
    commit: str

    def __repr__(self) -> str:
        return "<Settings>"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings in an environment.

    An empty variable counts as unset, and so does ``$(NAME)``, which Azure Pipelines leaves where there is no variable
    of that name (documented).
    """
    environ = without_placeholders(environ)
    run = pipeline_run(environ)
    return Settings(
        variables=environ,
        credentials=Credentials(
            api_key=_in_a_header(environ, "AEP_API_KEY"),
            client_secret=_sensitive(environ, "AEP_CLIENT_SECRET"),
            scopes=environ.get("AEP_SCOPES") or None,
            access_token=_sensitive(environ, "AEP_ACCESS_TOKEN"),
        ),
        org_id=_in_a_header(environ, "AEP_ORG_ID"),
        sandbox=_in_a_header(environ, "AEP_SANDBOX_NAME"),
        fingerprint_key=_key(environ, "PROVISIONER_FINGERPRINT_KEY"),
        old_fingerprint_key=_key(environ, "PROVISIONER_FINGERPRINT_KEY_OLD"),
        allow_hosts=tuple(environ.get("PROVISIONER_ALLOW_HOSTS", "").replace(",", " ").split()),
        ci=in_ci(environ),
        github_output=Path(environ["GITHUB_OUTPUT"]) if environ.get("GITHUB_OUTPUT") else None,
        run_url=run.url,
        commit=run.commit,
    )


_OWN_SECRETS = (
    "AEP_CLIENT_SECRET",
    "AEP_ACCESS_TOKEN",
    "PROVISIONER_FINGERPRINT_KEY",
    "PROVISIONER_FINGERPRINT_KEY_OLD",
)


def own_secrets(environ: Mapping[str, str]) -> tuple[Sensitive, ...]:
    """Return the secrets of the tool itself."""
    return tuple(secret for secret in (_sensitive(environ, name) for name in _OWN_SECRETS) if secret)


def _sensitive(environ: Mapping[str, str], name: str) -> Sensitive | None:
    value = environ.get(name, "").strip()
    return Sensitive(value, f"env({name})", (name,)) if value else None


def _in_a_header(environ: Mapping[str, str], name: str) -> str | None:
    """Return a value for an HTTP header, without surrounding white space such as a file's last newline.

    Raise ``UsageError`` for a value that no header can carry.
    """
    value = environ.get(name, "").strip()
    strange = _NOT_IN_A_HEADER.search(value)
    if strange:
        what = f"U+{ord(strange[0]):04X} at character {strange.start() + 1}"
        remedy = "set it to the value alone: visible ASCII, without blanks, line breaks or typographic quotes"
        raise UsageError(f"{name} holds {what}, which no header can carry", remedy)
    return value or None


_NOT_IN_A_HEADER = re.compile(r"[^!-~]")


def _key(environ: Mapping[str, str], name: str) -> bytes | None:
    value = environ.get(name, "").strip()
    return value.encode("utf-8", "surrogatepass") if value else None


def in_ci(environ: Mapping[str, str]) -> bool:
    """Return whether this is a pipeline: no questions, no colour, no emulator by default."""
    return environ.get("CI", "").lower() not in ("", "0", "false", "no")


def plain(environ: Mapping[str, str]) -> bool:
    """Return whether colour is unwanted even on a terminal."""
    return bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb" or in_ci(environ)


def coloured(environ: Mapping[str, str], terminal: bool) -> bool:
    """Return whether to colour text: on a terminal unless ``plain``, elsewhere with FORCE_COLOR or CLICOLOR_FORCE.

    NO_COLOR takes precedence.
    """
    forced = any(environ.get(name, "").lower() not in ("", "0", "false") for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    return (forced and not environ.get("NO_COLOR")) or (terminal and not plain(environ))


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """A run as its CI system describes it: GitHub Actions, GitLab CI or Azure Pipelines. "" is unknown.

    ``actor`` is who started it. ``commit`` is what was checked out: for a pull request on GitHub, the merge commit.
    """

    url: str
    actor: str
    commit: str


_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR")
_COMMITS = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


def pipeline_run(environ: Mapping[str, str]) -> PipelineRun:
    """Return the run of a pipeline as its documented variables describe it."""
    environ = without_placeholders(environ)
    actor = next(filter(None, map(environ.get, _ACTORS)), "")
    commit = next(filter(_COMMIT.fullmatch, (environ.get(name, "") for name in _COMMITS)), "")
    return PipelineRun(_run_url(environ), actor, commit)


def _run_url(environ: Mapping[str, str]) -> str:
    if "GITHUB_RUN_ID" in environ:
        server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
        return f"{server}/{repository}/actions/runs/{environ['GITHUB_RUN_ID']}"
    if "BUILD_BUILDID" in environ and "SYSTEM_COLLECTIONURI" in environ:
        collection, project = environ["SYSTEM_COLLECTIONURI"].rstrip("/"), quote(environ.get("SYSTEM_TEAMPROJECT", ""))
        return f"{collection}/{project}/_build/results?buildId={environ['BUILD_BUILDID']}"
    return environ.get("CI_JOB_URL", "")


def without_placeholders(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables that are set: Azure Pipelines leaves ``$(NAME)`` where there is none of that name."""
    return {name: value for name, value in environ.items() if value != f"$({name})"}
