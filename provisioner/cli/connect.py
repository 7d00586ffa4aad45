"""Open what a target consists of: its state, and the Flow Service or the emulator that stands for it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from provisioner.cli.settings import Settings
from provisioner.definitions.project import DEFAULT_IMS_ENDPOINT, Project, Target
from provisioner.errors import NotAuthenticated, ProvisionerError, Unreachable, UsageError
from provisioner.model import TargetIdentity
from provisioner.progress import SILENT, Progress, Waits
from provisioner.secrets import Sensitive
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.lock import Holder
from provisioner.state.store import FileStore

if TYPE_CHECKING:
    from provisioner.cli.console import Console
    from provisioner.planning.target_context import TargetContext
    from provisioner.secret_scanner import SecretScanner
    from provisioner.service.auth import ClientCredentials, FixedToken
    from provisioner.service.calls import TokenSource
    from provisioner.service.channel import Channel
    from provisioner.service.client import FlowService
    from provisioner.service.messages import Log
    from provisioner.service.origin import Origin
    from provisioner.service.retry import Policy

EMULATOR = "emulator"
EMULATOR_ORG = "EMULATOR@AdobeOrg"


def choose_target(project: Project, name: str | None, settings: Settings) -> Target:
    """Return the target of a command. Raise ``UsageError``: in CI an emulator is never chosen by default."""
    if name:
        return project.target(name)
    if project.default_target is None:
        raise UsageError("no target is named", f"--target NAME; targets: {', '.join(project.targets)}")
    target = project.target(project.default_target)
    if settings.ci and (target.emulator or _origin(target.endpoint, settings).loopback):
        message = f"no target is named, and the default, {target.name}, is an emulator: not in CI"
        raise UsageError(message, f"--target NAME; targets: {', '.join(project.targets)}")
    return target


def target_context(
    project: Project,
    target: Target,
    settings: Settings,
    scanner: SecretScanner,
    progress: Progress = SILENT,
    waits: Waits | None = None,
) -> TargetContext:
    """Return a target with what the settings add to it."""
    from provisioner.planning.target_context import TargetContext
    from provisioner.service import messages

    loopback = target.emulator or _origin(target.endpoint, settings).loopback
    return TargetContext(
        project=project,
        target=target,
        identity=_identity(target, settings),
        environment={**target.sample_env, **{name: value for name, value in settings.variables.items() if value}},
        fingerprinter=lambda lineage: Fingerprinter(lineage, settings.fingerprint_key, settings.old_fingerprint_key),
        client=EMULATOR if target.emulator else settings.credentials.api_key or "",
        deadlines=messages.LOOPBACK if loopback else messages.REMOTE,
        loopback=loopback,
        scanner=scanner,
        progress=progress,
        waits=waits or Waits(),
    )


def _identity(target: Target, settings: Settings) -> TargetIdentity:
    if target.emulator:
        # Its address changes with every run, and the organization of the environment is a real one.
        return TargetIdentity(EMULATOR, target.org_id or EMULATOR_ORG, target.sandbox or EMULATOR)
    org_id, sandbox = target.org_id or settings.org_id, target.sandbox or settings.sandbox
    return TargetIdentity(str(_origin(target.endpoint, settings)), org_id or "", sandbox or "")


def check_settings(target: Target, settings: Settings, online: bool, instead: str = "") -> None:
    """Raise ``UsageError`` or ``NotAuthenticated`` with every setting that is missing, or differs between project file
    and environment.

    ``online``: the service is going to be called. ``instead``: what the command can do without credentials.
    """
    if target.emulator:
        return
    identity = list(_identity_problems(target, settings))
    credentials = list(_missing_credentials(settings)) if online else []
    if not identity and not credentials:
        return
    remedies = (*dict.fromkeys(remedy for _, remedy in identity), *((_REMEDY, instead) if credentials else ()))
    message = "; ".join((*(message for message, _ in identity), *credentials))
    raise (UsageError if identity else NotAuthenticated)(message, "; ".join(filter(None, remedies)))


def _identity_problems(target: Target, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield message and remedy for each part of the target's identity that is missing or ambiguous."""
    for name, variable, in_project, in_environment in (
        ("org_id", "AEP_ORG_ID", target.org_id, settings.org_id),
        ("sandbox", "AEP_SANDBOX_NAME", target.sandbox, settings.sandbox),
    ):
        if in_project and in_environment and in_project != in_environment:
            message = f"the target {target.name} says {name} {in_project}, and {variable} says {in_environment}"
            yield message, f"unset {variable}, or name the target that is meant"
        elif not in_project and not in_environment:
            yield f"the target {target.name} has no {name}", f"add `{name}:` to it, or set {variable}"


def _missing_credentials(settings: Settings) -> Iterator[str]:
    from provisioner.service.auth import NO_API_KEY, NO_SECRET

    credentials = settings.credentials
    if not credentials.api_key:
        yield NO_API_KEY
    if not credentials.client_secret and not credentials.access_token:
        yield NO_SECRET


def _origin(url: str, settings: Settings) -> Origin:
    from provisioner.service.origin import check_origin

    return check_origin(url, settings.allow_hosts)


def open_store(
    project: Project, target: Target, identity: TargetIdentity, console: Console, lineage: str | None = None
) -> FileStore:
    """Return the store of a target's state. ``lineage`` is used where there is no state yet.

    Its notes are printed unchecked: they may hold an id that nothing else could record.
    """
    path = project.folder / target.state
    return FileStore(path, identity, lineage=lineage, tell=console.err_unchecked, check=console.scanner.check)


@contextmanager
def connect(
    target: TargetContext,
    settings: Settings,
    log: Log,
    repeats: Callable[[str], bool],
    interrupted: Event | None = None,
) -> Iterator[FlowService]:
    """Connect to the Flow Service of a target, or start its emulator. Raise ``NotAuthenticated``.

    Texts of error responses for which ``repeats`` is true hold a sensitive value, and are withheld. Once
    ``interrupted`` is set, nothing is waited for or sent again.
    """
    with open_channel(target, settings, log, repeats, _new_emulator_data, interrupted) as channel:
        try:
            yield flow_service(target, channel, token_source(target, settings, channel))
        except Unreachable as error:
            if channel.flow.loopback:
                error.remedy = start_emulator(channel.flow)
            raise


def start_emulator(origin: Origin) -> str:
    """Return the remedy where nothing listens on this machine."""
    return f"is `provisioner emulator` running? start it with --port {origin.port}, or correct `endpoint:`"


@contextmanager
def open_channel(
    target: TargetContext,
    settings: Settings,
    log: Log,
    repeats: Callable[[str], bool],
    emulator_data: Callable[[Path], Path | None],
    interrupted: Event | None = None,
) -> Iterator[Channel]:
    """Open the way to both services of a target, or start its emulator. Nothing is sent yet.

    ``emulator_data`` returns the file with the emulator's data in a folder; None for an emulator that keeps nothing.
    """
    from provisioner.service.channel import Channel
    from provisioner.service.transport import HttpTransport, RedactingTransport, real_timing

    with ExitStack() as stack:
        url, ims_url = target.target.endpoint, target.target.ims_endpoint
        if target.target.emulator:
            url = ims_url = stack.enter_context(_emulator(target.project, target.target, emulator_data))
        elif ims_url == DEFAULT_IMS_ENDPOINT and _origin(url, settings).loopback:
            ims_url = url  # a running emulator issues its own tokens
        timing = replace(real_timing(interrupted), waiting=target.waits)
        transport = RedactingTransport(stack.enter_context(HttpTransport(timing, log, settings.variables)), repeats)
        yield Channel(_origin(url, settings), _origin(ims_url, settings), transport, timing)


def flow_service(
    target: TargetContext, channel: Channel, tokens: TokenSource, policy: Policy | None = None
) -> FlowService:
    """Return the client of the Flow Service. ``policy`` bounds how often a call is repeated."""
    from provisioner.service.client import FlowService

    names = (target.identity.org_id, target.identity.sandbox, target.client)
    return FlowService(
        channel.flow,
        *names,
        tokens,
        channel.transport,
        channel.timing,
        policy=policy,
        progress=target.progress,
        deadlines=target.deadlines,
    )


EMULATOR_DATA = "emulator.sqlite"


def _new_emulator_data(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    ignored = folder.parent / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n", "utf-8")  # whatever the project's own says
    return folder / EMULATOR_DATA


@contextmanager
def _emulator(project: Project, target: Target, data_in: Callable[[Path], Path | None]) -> Iterator[str]:
    from provisioner.emulator.behaviour import Behaviour
    from provisioner.emulator.server import Emulator

    folder = project.folder / ".provisioner" / target.name
    with ExitStack() as stack:
        try:
            emulator = Emulator(data=data_in(folder), behaviour=Behaviour(cloud=target.cloud.value))
            running = stack.enter_context(emulator)
        except (OSError, sqlite3.Error) as error:
            reason = str(error)
            if isinstance(error, OSError) and error.filename and error.strerror:
                reason = f"{error.filename}: {error.strerror}"
            raise ProvisionerError(
                f"the emulator of target {target.name} cannot keep its data: {reason}",
                f"check permissions and room; or remove {folder}, which holds nothing but samples",
            ) from error
        yield running.url


_REMEDY = "set AEP_API_KEY and AEP_CLIENT_SECRET, or AEP_API_KEY and AEP_ACCESS_TOKEN"


def token_source(target: TargetContext, settings: Settings, channel: Channel) -> FixedToken | ClientCredentials:
    """Return the source of access tokens for a target. Raise ``NotAuthenticated`` or ``UsageError``."""
    from provisioner.service import messages
    from provisioner.service.auth import DEFAULT_SCOPES, NO_SECRET, ClientCredentials, FixedToken

    credentials = settings.credentials
    if target.target.emulator:
        return FixedToken("emulator")
    if credentials.access_token:
        return FixedToken(credentials.access_token.reveal())
    if not credentials.client_secret:
        raise NotAuthenticated(NO_SECRET, _REMEDY)
    scopes = credentials.scopes or DEFAULT_SCOPES

    def issued(token: str) -> None:
        target.scanner.register([Sensitive(token, "access token")])

    within = (messages.LOOPBACK if channel.ims.loopback else messages.REMOTE).attempt
    return ClientCredentials(
        channel.ims,
        target.client,
        credentials.client_secret,
        channel.transport,
        channel.timing,
        issued,
        scopes=scopes,
        within=within,
    )


def own_holder(command: str, settings: Settings) -> Holder:
    """Return what those who wait for the lock are told about us."""
    return Holder(
        user=user_name(),
        host=os.uname().nodename,
        pid=os.getpid(),
        command=command,
        since=datetime.now(UTC).isoformat(timespec="seconds"),
        run_url=settings.run_url,
    )


def user_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"
