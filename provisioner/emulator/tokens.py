"""Access tokens: issued, remembered, expired."""

from provisioner.emulator.behaviour import Behaviour

# Makes our own recognisable, so that one from before a reset is refused rather than taken for somebody else's.
_OURS = "emulator-"


class Tokens:
    """The tokens issued so far, in memory only."""

    def __init__(self) -> None:
        """None issued."""
        self._expiry: dict[str, float] = {}

    def issue(self, unique: str, now: float, seconds: int) -> str:
        """A new token, good for so many seconds."""
        if len(self._expiry) > 10_000:
            self._expiry = {token: expiry for token, expiry in self._expiry.items() if expiry > now}
        token = _OURS + unique
        self._expiry[token] = now + seconds
        return token

    def good(self, token: str, now: float, behaviour: Behaviour) -> bool:
        """Whether the gateway lets it pass."""
        if token.startswith(_OURS) or behaviour.foreign_tokens == "reject":
            return now < self._expiry.get(token, 0)
        return True

    def clear(self) -> None:
        """Forget, and so invalidate, all."""
        self._expiry.clear()
