"""Secrets that two targets share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provisioner.definitions.desired import Desired
from provisioner.model import Problem
from provisioner.sensitive import Sensitive
from provisioner.state.fingerprint import HMAC, Comparison, Fingerprinter
from provisioner.state.records import State


def reused(desired: Iterable[Desired], target: str, other: State, fingerprinter: Fingerprinter) -> Iterator[Problem]:
    """Each secret that the state of another ``target`` remembers for the same key. Fingerprints that were made without
    a key are passed over: comparing one costs 40 ms."""
    for one in desired:
        record = other.record(one.key)
        remembered = record.secrets_as_dict if record else {}
        for path, value in one.confidential:
            there = remembered.get(path)
            if there is None or there.fingerprint.alg != HMAC or not isinstance(value, Sensitive):
                continue
            if fingerprinter.compare(path, value.reveal(), there.fingerprint) is Comparison.UNCHANGED:
                message = f"{', '.join(value.names)} holds the secret that target {target} uses as well"
                remedy = "give each target a secret of its own, so that the loss of one is not the loss of both"
                yield Problem(one.location_of(path), "secret.reused", message, remedy)
