"""Records of what is as declared that say of a secret what is not so any more: where it comes from, or by which key its
fingerprint was made. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.planning.plan import Action, Plan
from provisioner.secrets import Sensitive
from provisioner.state.fingerprint import HMAC, KEY_VARIABLE, OLD_KEY_VARIABLE, Fingerprinter
from provisioner.state.records import Record, State

GIVE_UP_KEY = f"set it; to give that key up for good, set {OLD_KEY_VARIABLE} to it"
"""What is to be done about a forgotten key."""


def forgotten_key(state: State, fingerprinter: Fingerprinter) -> str:
    """The id of the key that secrets are recorded with, where none is set at all; "" where all is well."""
    if fingerprinter.has_any_key:
        return ""
    made = (secret.fingerprint for record in state.records for secret in record.secrets)
    return next((one.key_id for one in made if one.alg == HMAC), "")


def key_note(state: State, fingerprinter: Fingerprinter, loopback: bool) -> str:
    """Return what to say about the team's key; "" where all is well. The state of an emulator needs none."""
    if key := forgotten_key(state, fingerprinter):
        return f"{KEY_VARIABLE} is not set, and secrets are recorded with key {key}: {GIVE_UP_KEY}"
    if fingerprinter.has_key or loopback:
        return ""
    return (
        f"{KEY_VARIABLE} is not set, so whoever reads the state can try to guess secrets from their fingerprints: "
        "make a key with `openssl rand -hex 32`"
    )


def renewed(plan: Plan, fingerprinter: Fingerprinter) -> tuple[Record, ...]:
    """The records of what is as declared, with every secret that is at hand as it is recorded today: its origin, and a
    fingerprint by today's key.

    Nothing is sent for them, so that an older key can be given up after one apply, and a plan knows the variable that a
    secret comes from. Whatever is sent is recorded so anyway.
    """
    return tuple(_renewed(plan, fingerprinter))


def _renewed(plan: Plan, fingerprinter: Fingerprinter) -> Iterator[Record]:
    for change in plan.changes:
        if change.action is not Action.NO_OP or change.record is None or change.desired is None:
            continue
        record, desired = change.record, change.desired
        secrets = []
        for secret in record.secrets:
            value = desired.value(secret.path)
            if isinstance(value, Sensitive):
                secret = replace(secret, origin=value.origin)
                if not fingerprinter.is_current(secret.fingerprint):
                    made = fingerprinter.make(secret.path, value.reveal(), secret.fingerprint.salt)
                    secret = replace(secret, fingerprint=made)
            secrets.append(secret)
        if tuple(secrets) != record.secrets:
            yield replace(record, secrets=tuple(secrets))
