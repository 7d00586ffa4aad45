"""Switches for everything about the real service that is unknown or differs between installations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The behaviour of the emulator where that of the real service is unknown; the defaults follow the best evidence.

    docs/emulator.md lists every field with its evidence; a test keeps that table and these fields in step.
    """

    cloud: Literal["azure", "aws"] = "azure"
    """The form of etags, and the auth specs of MySQL. Documented (SEED, SF-AWS), the etag of AWS from one sample."""

    error_shape: Literal["combined", "documented", "legacy", "problem"] = "combined"
    """The shape of the service's error bodies; the gateway's own shape is not affected.

    ``combined``: a problem with a ``report``, and ``errorMessage`` and ``errorDetails`` beside it (LAB: documented for
    flows, inferred for connections; an error without a code in it is assumed). ``documented``: each error as older
    pages show it: ``errorMessage`` for 404 and 412 and ``message`` for an invalid spec id (OASD), the coded problem
    with its ``detail`` for the rest (ERR). ``legacy`` and ``problem``: one of these older shapes for all, but for
    ``message``, which is legacy.
    """

    error_prefix: str = "FLOW"
    """The service part of a ``type``. Documented for flows (LAB); for the codes of SRCERR assumed to be the same."""

    missing_object: Literal["1439-404", "1439-400", "1101-404"] = "1439-404"
    """Contradictory: the error for an id that does not exist. LAB has 1439 with 404, ERR has 1439-400 and 1101-404."""

    secrets_in_get: Literal["omitted", "masked"] = "omitted"
    """Unknown: the form of sensitive parameters in a GET. They are never stored, so they cannot be shown."""

    page_limit: int = 20
    """Unknown: items on a page if the request has no ``limit``."""

    page_limit_max: int = 100
    """Documented (OASD): the largest ``limit``; that larger ones are refused is assumed."""

    clients: Mapping[str, str] | None = None
    """Client ids and their secrets. None: any pair gets a token, and any api key is accepted."""

    token_seconds: int = 86399
    """Documented (DEVCON): lifetime of a token in seconds. Zero or less issues expired tokens."""

    foreign_tokens: Literal["accept", "reject"] = "accept"
    """Whether a bearer token that this emulator did not issue is valid, as a given ``AEP_ACCESS_TOKEN`` must be."""

    missing_sandbox: Literal["reject", "prod"] = "reject"
    """Contradictory: ERR has 2105-400, EDITD says that requests without ``x-sandbox-name`` go to ``prod``."""

    sandboxes: frozenset[str] | None = None
    """The existing sandboxes; None: every well-formed name. Others get 2100-404 (documented, ERR)."""

    missing_version: Literal["reject", "latest"] = "reject"
    """Contradictory: OASD documents 422 without ``connectionSpec.version``, OAS prose says latest is used."""

    auth_params: Literal["schema", "any"] = "schema"
    """Assumed: whether ``auth.params`` must satisfy the auth spec that ``/connectionSpecs`` publishes."""

    initializing_seconds: float = 0
    """Inferred (SF-AWS): seconds after a create during which the state is ``initializing`` and there is no etag."""

    initializing_writes: Literal["reject", "allow"] = "reject"
    """Unknown: whether a server-to-server token counts as the user token whose PATCH and DELETE get 1417-400."""

    noop_patch: Literal["new-etag", "same-etag"] = "new-etag"
    """Unknown: whether a PATCH that changes nothing gets a new etag. One that has a secret always does."""

    if_match_star: Literal["reject", "accept"] = "reject"
    """Unknown: whether ``If-Match: *`` matches any etag."""

    patch_spec_name: Literal["accept", "reject"] = "accept"
    """Unknown: whether ``/auth/specName`` can be patched."""

    patch_single_param: Literal["accept", "reject"] = "accept"
    """Inferred from siblings: whether ``/auth/params/<name>`` can be patched, apart from ``/auth/params``."""

    delete_status: Literal[204, 202] = 204
    """Contradictory: 204 in OAS and the delete tutorial, 202 in OASD."""

    sandbox_states: Mapping[str, str] | None = None
    """States by name of sandbox, as sandbox management lists them; the default is ``active``. Documented (SBX): the
    states; assumed: that inactive ones are listed."""

    databases: Literal["imagined", "real"] = "imagined"
    """Whether ``/test``, ``/explore`` and checks of credentials contact databases. Then sensitive parameters are kept
    in memory only, and lost at a restart."""

    check_credentials: Literal["never", "create", "write"] = "never"
    """Unknown: whether a POST, or also a PATCH of ``/auth``, first logs in to the database as ``/test`` does."""

    test_failure: Literal["result", "error"] = "result"
    """Documented (OAS): ``{"result": false}`` without a reason. ``error`` (assumed): 1100-400 with the provider's
    words, as for ``/explore`` and checks of credentials."""

    tables: Mapping[str, Mapping[str, str]] | None = None
    """The contents of every imagined database for ``/explore``: MySQL's types by column, by table (``database.table``,
    assumed). None: an empty root."""

    test_result: bool = True
    """The result of ``/test`` for an imagined database; an invalid connection is still a 200 (documented, OAS)."""
