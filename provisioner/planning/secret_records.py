"""Updates of recorded secrets that are unchanged, and advice about the fingerprint key. Pure.

A record says of each secret its origin and a fingerprint. Both may be outdated although the secret is not: the variable
was renamed, or the fingerprint was made with an older key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.definitions.desired import Desired
from provisioner.errors import UsageError
from provisioner.planning.plan import Action, Plan
from provisioner.secrets import Sensitive
from provisioner.state.fingerprint import HMAC, KEY_VARIABLE, OLD_KEY_VARIABLE, Fingerprinter
from provisioner.state.records import Record, SecretRecord, State

_GIVE_UP_KEY = f"set {KEY_VARIABLE} to that key; or, to stop using it, set {OLD_KEY_VARIABLE} to it instead"
"""The remedy for a key that secrets are recorded with and that is not set."""


def key_note(state: State, fingerprinter: Fingerprinter, loopback: bool) -> str:
    """Return a note about a missing fingerprint key; "" if none is needed. The state of an emulator needs no key."""
    if key := forgotten_key(state, fingerprinter):
        return f"{KEY_VARIABLE} is not set, and secrets are recorded with fingerprint key {key}: {_GIVE_UP_KEY}"
    if fingerprinter.has_key or loopback:
        return ""
    return (
        f"{KEY_VARIABLE} is not set, so anyone who can read the state can try to guess secrets from their "
        "fingerprints: make a key with `openssl rand -hex 32`"
    )


def forgotten_key(state: State, fingerprinter: Fingerprinter) -> str:
    """Return the id of the key that secrets are recorded with if no key is set at all; "" otherwise."""
    if fingerprinter.has_any_key:
        return ""
    fingerprints = (secret.fingerprint for record in state.records for secret in record.secrets)
    return next((fingerprint.key_id for fingerprint in fingerprints if fingerprint.alg == HMAC), "")


def refuse_forgotten_key(state: State, fingerprinter: Fingerprinter) -> None:
    """Raise ``UsageError`` if secrets are recorded with a key and no key is set at all."""
    if key := forgotten_key(state, fingerprinter):
        message = f"{KEY_VARIABLE} is not set, and secrets are recorded with fingerprint key {key}"
        raise UsageError(message, _GIVE_UP_KEY)


def renewed(plan: Plan, fingerprinter: Fingerprinter) -> tuple[Record, ...]:
    """Return the records that change if the secrets of unchanged base connections are recorded anew.

    They get their present origin, and a fingerprint by the present key. Nothing is sent for that: an older key can be
    given up after one apply, and a plan knows the variable that a secret comes from.
    """
    records = []
    for change in plan.changes:
        if change.action is Action.NO_OP and change.record is not None and change.desired is not None:
            secrets = tuple(_renewed_secrets(change.record, change.desired, fingerprinter))
            if secrets != change.record.secrets:
                records.append(replace(change.record, secrets=secrets))
    return tuple(records)


def _renewed_secrets(record: Record, desired: Desired, fingerprinter: Fingerprinter) -> Iterator[SecretRecord]:
    for secret in record.secrets:
        value = desired.value(secret.path)
        if not isinstance(value, Sensitive):
            yield secret
        elif fingerprinter.is_current(secret.fingerprint):
            yield replace(secret, origin=value.origin)
        else:
            fingerprint = fingerprinter.make(secret.path, value.reveal(), secret.fingerprint.salt)
            yield replace(secret, origin=value.origin, fingerprint=fingerprint)
