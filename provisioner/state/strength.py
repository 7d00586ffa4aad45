"""How hard a value is to guess for somebody who reads its fingerprint. The only module that imports zxcvbn."""

from __future__ import annotations

HARD = 12.0
"""Powers of ten of guesses. A guess at a fingerprint without a key costs a processor about 40 ms, a graphics card
perhaps a ten-thousandth of a second (assumed): 10^12 of them, three years of such a card."""

_ENOUGH = 24
_MOST = 72
"""Characters: what is hard to guess already in its first part need not be looked at whole, which takes ten times as
long; more than the second number the library refuses."""


def is_guessable(value: str) -> bool:
    """Whether fewer than 10^12 guesses find the value, by the estimate of zxcvbn: dictionaries, dates, keyboard
    patterns, repetition. It counts ten possibilities for a random character, so twelve of those are enough."""
    from zxcvbn import zxcvbn

    return all(zxcvbn(value[:length])["guesses_log10"] < HARD for length in (_ENOUGH, _MOST)) if value else False
