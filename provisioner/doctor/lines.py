"""The lines of ``doctor``, in their order: data. Documentation and evidence name them by their ids."""

from __future__ import annotations

from provisioner.doctor import existing, local, signed_in, spec, way
from provisioner.doctor.findings import Finding, Line, passed
from provisioner.doctor.site import Site
from provisioner.model import text_or_empty
from provisioner.state.fingerprint import Fingerprinter

_HERE = "On this machine"
_WAY = "On the way"
_SERVICE = "At the service"
_SPEC = "The connection spec of MySQL, beside the schema of definitions"
_KEPT = "State and base connections"


def _target(site: Site) -> Finding:
    _ = site.channel  # an endpoint that no token may be sent to, or an emulator that does not start
    return local.judge_target(site.target)


def _identity(site: Site) -> Finding:
    site.access.check_identity(site.target)
    return local.judge_identity(site.target)


def _credentials(site: Site) -> Finding:
    return local.judge_credentials(site.access.environ, site.target.target.emulator)


def _token(site: Site) -> Finding:
    names = ("AEP_ACCESS_TOKEN", "AEP_CLIENT_SECRET")
    source = next((name for name in names if site.access.environ.get(name, "").strip()), "")
    return signed_in.judge_token(site.token, "" if site.target.target.emulator else source, site.target.client)


def _may_list(site: Site, resource: str) -> Finding:
    site.service.check_listing(resource)
    return passed("may be listed", allowed=True)


def _may_read_spec(site: Site) -> Finding:
    version = text_or_empty(site.spec.get("version"))
    return passed(f"that of MySQL, version {version or 'not shown'}", allowed=True, version=version or None)


def _specs(site: Site) -> tuple[spec.ConnectionSpec, spec.ConnectionSpec]:
    return spec.spec_of_definitions(site.target.target.cloud), spec.read_spec(site.spec)


def _fingerprinter(site: Site) -> Fingerprinter:
    return site.target.fingerprinter("")


LINES: tuple[Line[Site], ...] = (
    Line(
        _HERE,
        "versions",
        "the libraries are as new as needed",
        (),
        lambda _: local.judge_versions(local.installed_versions()),
    ),
    Line(_HERE, "project", "the project file can be read", (), lambda site: local.judge_project(site.project)),
    Line(
        _HERE,
        "schemas",
        "the schemas in the project are those of this version",
        (),
        lambda site: local.judge_schemas(site.schemas),
    ),
    Line(_HERE, "target", "the target is known, and its hosts may get a token", ("project",), _target),
    Line(_HERE, "identity", "organization and sandbox are named", ("target",), _identity),
    Line(
        _HERE,
        "definitions",
        "the definitions of the target are valid",
        ("target",),
        lambda site: local.judge_definitions(site.desired),
    ),
    Line(_HERE, "credentials", "the tool's own variables are set", ("target",), _credentials),
    Line(
        _HERE,
        "variables",
        "the variables that definitions read are set",
        ("definitions",),
        lambda site: local.judge_variables(site.desired, site.target.environment),
    ),
    Line(
        _HERE,
        "fingerprint-key",
        "there is a key to make the fingerprint of a secret with",
        ("target",),
        lambda site: local.judge_fingerprint_key(_fingerprinter(site), site.target),
    ),
    Line(
        _WAY,
        "proxy",
        "the proxy towards both hosts, if there is one, can be used",
        ("target",),
        lambda site: way.judge_proxy((site.channel.flow, site.channel.ims), site.access.environ),
    ),
    Line(
        _WAY,
        "flow-service.name",
        "the name of the Flow Service's host is resolved",
        ("proxy",),
        lambda site: way.judge_name(site.channel.flow, site.flow_name),
    ),
    Line(
        _WAY,
        "flow-service.reach",
        "the Flow Service answers",
        ("flow-service.name",),
        lambda site: way.judge_reach(site.flow_answer, by_adobe=True),
    ),
    Line(
        _WAY,
        "flow-service.tls",
        "the connection to the Flow Service is secure",
        ("flow-service.reach",),
        lambda site: way.judge_tls(site.flow_answer, site.access.environ),
    ),
    Line(
        _WAY,
        "ims.name",
        "the name of the identity service's host is resolved",
        ("proxy",),
        lambda site: way.judge_name(site.channel.ims, site.ims_name),
    ),
    Line(
        _WAY,
        "ims.reach",
        "the identity service answers",
        ("ims.name",),
        lambda site: way.judge_reach(site.ims_answer, by_adobe=False),
    ),
    Line(
        _WAY,
        "ims.tls",
        "the connection to the identity service is secure",
        ("ims.reach",),
        lambda site: way.judge_tls(site.ims_answer, site.access.environ),
    ),
    Line(
        _WAY,
        "clock",
        "this machine's clock agrees with the service's to a minute",
        ("flow-service.tls",),
        lambda site: way.judge_clock(site.flow_answer),
    ),
    Line(
        _SERVICE,
        "token",
        "there is an access token",
        ("credentials", "flow-service.tls", "ims.tls"),
        _token,
    ),
    Line(
        _SERVICE,
        "organization",
        "the credentials belong to the organization",
        ("identity", "token"),
        lambda site: signed_in.judge_organization(site.sandboxes, site.target.identity.org_id),
    ),
    Line(
        _SERVICE,
        "sandbox",
        "the sandbox exists, and is active",
        ("organization",),
        lambda site: signed_in.judge_sandbox(site.sandboxes, site.target.identity.sandbox),
    ),
    Line(
        _SERVICE,
        "cloud",
        "the sandbox is on the cloud of the target",
        ("sandbox",),
        lambda site: signed_in.judge_cloud(site.sandboxes, site.target.identity.sandbox, site.target.target.cloud),
    ),
    Line(
        _SERVICE,
        "permissions.connections",
        "base connections may be listed",
        ("sandbox",),
        lambda site: passed(f"{len(site.items):,} of MySQL listed", allowed=True),
    ),
    Line(
        _SERVICE,
        "permissions.specs",
        "connection specs may be read",
        ("sandbox",),
        _may_read_spec,
    ),
    Line(
        _SERVICE,
        "permissions.flows",
        "dataflows may be listed",
        ("sandbox",),
        lambda site: _may_list(site, "flows"),
    ),
    Line(
        _SPEC,
        "spec.auth-specs",
        "the auth specs have the same names",
        ("permissions.specs",),
        lambda site: spec.judge_auth_specs(*_specs(site), site.sound_definitions),
    ),
    Line(
        _SPEC,
        "spec.required",
        "the same parameters are required",
        ("permissions.specs",),
        lambda site: spec.judge_required(*_specs(site)),
    ),
    Line(
        _SPEC,
        "spec.parameters",
        "parameters have the same names and types",
        ("permissions.specs",),
        lambda site: spec.judge_parameters(*_specs(site)),
    ),
    Line(
        _SPEC,
        "spec.ssl-mode",
        "sslMode has the same values, in their exact spelling",
        ("permissions.specs",),
        lambda site: spec.judge_ssl_mode(*_specs(site), site.sound_definitions),
    ),
    Line(
        _SPEC,
        "spec.defaults",
        "the defaults are the same",
        ("permissions.specs",),
        lambda site: spec.judge_defaults(*_specs(site)),
    ),
    Line(
        _SPEC,
        "spec.draft-mode",
        "the spec can be read; whether there are drafts is shown",
        ("permissions.specs",),
        lambda site: spec.judge_draft_mode(spec.read_spec(site.spec)),
    ),
    Line(
        _KEPT,
        "state",
        "the state can be read, and is that of the target",
        ("identity",),
        lambda site: local.judge_state(site.state, site.files),
    ),
    Line(
        _KEPT,
        "state.journal",
        "no call has an unknown outcome",
        ("state",),
        lambda site: local.judge_journal(site.state, site.files),
    ),
    Line(_KEPT, "state.lock", "nobody is writing the state", ("target",), lambda site: local.judge_lock(site.files)),
    Line(
        _KEPT,
        "state.fingerprint-key",
        "the fingerprint of every recorded secret can be compared",
        ("state", "fingerprint-key"),
        lambda site: local.judge_fingerprints(site.state.records, _fingerprinter(site)),
    ),
    Line(
        _KEPT,
        "connections",
        "every base connection that is recorded is listed",
        ("permissions.connections", "state"),
        lambda site: existing.judge_connections(site.items, site.records, site.target.client),
    ),
    Line(
        _KEPT,
        "created-client",
        "createdClient is our API key",
        ("permissions.connections", "state"),
        lambda site: existing.judge_created_client(site.items, site.records, site.target.client),
    ),
)
"""What is looked at. A line stands after those that it depends on."""


LINE_IDS: tuple[str, ...] = tuple(line.id for line in LINES)
