"""Fingerprints that were made with an older key, or without one, while there is a key now: made anew. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.planning.plan import Action, Plan
from provisioner.sensitive import Sensitive
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import Record


def renewed(plan: Plan, fingerprinter: Fingerprinter) -> tuple[Record, ...]:
    """The records of what is as declared, with every fingerprint made by today's key whose secret is at hand.

    Nothing is sent for them, so that the older key can be given up after one apply. Whatever is sent is recorded with
    today's key anyway.
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
            if isinstance(value, Sensitive) and not fingerprinter.is_current(secret.fingerprint):
                made = fingerprinter.make(secret.path, value.reveal(), secret.fingerprint.salt)
                secrets.append(replace(secret, fingerprint=made))
            else:
                secrets.append(secret)
        if tuple(secrets) != record.secrets:
            yield replace(record, secrets=tuple(secrets))
