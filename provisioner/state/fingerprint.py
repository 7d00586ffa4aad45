"""Fingerprints of sensitive values, and comparing values with them: changed, unchanged, or cannot tell.

``mac = HMAC-SHA-256(K, salt || path || value)``, each part preceded by its length in eight bytes, texts as UTF-8, the
salt as its hexadecimal text. K is the team's key or, without one, scrypt(value, salt = lineage): slow on purpose, since
anybody who can read a state file can try candidates for a value.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NoReturn

from provisioner.errors import ProvisionerError

HMAC = "hmac-sha256"
"""Algorithm of fingerprints made with the team's key."""

SCRYPT = "scrypt"
"""Algorithm of fingerprints made without a key."""

KEY_VARIABLE = "PROVISIONER_FINGERPRINT_KEY"
OLD_KEY_VARIABLE = "PROVISIONER_FINGERPRINT_KEY_OLD"
KEY_BYTES = 32

_SCRYPT_N = 2**14
_SCRYPT_R = 8
# OpenSSL counts 128 * N * r bytes and a little more; its default limit is just below that.
_SCRYPT_MAXMEM = 2 * 128 * _SCRYPT_N * _SCRYPT_R


class Comparison(StrEnum):
    """The result of comparing a value with a fingerprint."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNKNOWN = "cannot tell"

    @property
    def shown(self) -> str:
        """Return the word for people; the value is that of JSON."""
        return "unknown" if self is Comparison.UNKNOWN else self.value


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The one-way value that is stored instead of a sensitive one.

    ``alg`` is ``hmac-sha256`` or ``scrypt``; ``key_id`` the public id of the key, "" for scrypt; ``salt`` and ``mac``
    are hexadecimal.
    """

    alg: str
    key_id: str
    salt: str
    mac: str


def key_id(key: bytes) -> str:
    """Return the public id of a team's key: 8 hexadecimal digits that identify the key and reveal nothing about it."""
    return hmac.new(key, b"key-id", hashlib.sha256).hexdigest()[:8]


class Fingerprinter:
    """Makes and compares fingerprints for one state.

    ``key`` is the team's key (at least 32 bytes) or None; ``old_key`` its predecessor, used only to compare. The
    constructor raises ``ProvisionerError`` for a key that is too short.
    """

    __slots__ = ("_key", "_keys", "_lineage", "_stretched")

    def __init__(self, lineage: str, key: bytes | None, old_key: bytes | None = None) -> None:
        for variable, value in ((KEY_VARIABLE, key), (OLD_KEY_VARIABLE, old_key)):
            if value is not None and len(value) < KEY_BYTES:
                raise ProvisionerError(
                    f"{variable} is {len(value)} bytes long; at least {KEY_BYTES} are needed",
                    "make one with: openssl rand -hex 32",
                )
        self._lineage = lineage
        self._key = key
        self._keys = {key_id(known): known for known in (old_key, key) if known is not None}
        self._stretched: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "<Fingerprinter>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a fingerprinter holds keys and cannot be pickled")

    def make(self, path: str, value: str, salt: str) -> Fingerprint:
        """Return the fingerprint of ``value`` at the dotted ``path``; ``salt`` is the record's."""
        if self._key is not None:
            return Fingerprint(HMAC, key_id(self._key), salt, _mac(self._key, salt, path, value))
        if not self._lineage:
            raise ValueError("a fingerprint without a key needs the lineage of the state")
        return Fingerprint(SCRYPT, "", salt, _mac(self._stretch(value), salt, path, value))

    def compare(self, path: str, value: str, fingerprint: Fingerprint) -> Comparison:
        """Return whether ``value`` at ``path`` is the one that the fingerprint was made from."""
        if fingerprint.alg == HMAC and fingerprint.key_id in self._keys:
            key = self._keys[fingerprint.key_id]
        elif fingerprint.alg == SCRYPT and self._lineage:
            key = self._stretch(value)
        else:
            return Comparison.UNKNOWN
        mac = _mac(key, fingerprint.salt, path, value)
        same = hmac.compare_digest(mac.encode(), _encoded(fingerprint.mac))
        return Comparison.UNCHANGED if same else Comparison.CHANGED

    @property
    def has_key(self) -> bool:
        """True if there is a team's key."""
        return self._key is not None

    @property
    def has_any_key(self) -> bool:
        """True if there is a key to make fingerprints with or to compare with."""
        return bool(self._keys)

    def is_current(self, fingerprint: Fingerprint) -> bool:
        """Return False if the fingerprint should be made again with the present key.

        One made with a key is not made again without any, unless that key is given as the old one.
        """
        if self._key is None:
            return fingerprint.alg == SCRYPT or fingerprint.key_id not in self._keys
        return fingerprint.alg == HMAC and fingerprint.key_id == key_id(self._key)

    def knows_key_of(self, fingerprint: Fingerprint) -> bool:
        """Return whether values can be compared with the fingerprint."""
        return fingerprint.alg != HMAC or fingerprint.key_id in self._keys

    def _stretch(self, value: str) -> bytes:
        """Return K for a value without a team's key. Takes about 40 ms, once per distinct value."""
        if value not in self._stretched:
            self._stretched[value] = _scrypt(value, self._lineage)
        return self._stretched[value]


def _scrypt(value: str, lineage: str) -> bytes:
    try:
        return hashlib.scrypt(
            _encoded(value), salt=_encoded(lineage), n=_SCRYPT_N, r=_SCRYPT_R, p=1, maxmem=_SCRYPT_MAXMEM, dklen=32
        )
    except (AttributeError, ValueError):  # Python built without scrypt, or an OpenSSL configured to refuse it
        raise ProvisionerError(
            "this Python cannot compute scrypt", f"set {KEY_VARIABLE}: with a team key, scrypt is not needed"
        ) from None


def _mac(key: bytes, salt: str, path: str, value: str) -> str:
    return hmac.digest(key, _framed(salt) + _framed_path(path) + _framed(value), "sha256").hex()


def _framed(text: str) -> bytes:
    part = _encoded(text)
    return len(part).to_bytes(8, "big") + part


_framed_path = lru_cache(1000)(_framed)


def _encoded(text: str) -> bytes:
    # Environment variables that are not UTF-8 reach Python as lone surrogates.
    return text.encode("utf-8", "surrogatepass")
