"""What stands in a variable where a secret should: words, marks, references and paths that nothing replaced. Pure.

A lint, by form alone. Sources: the portals of Azure and Adobe, the tokens that tools for pipelines replace, the
references of secret stores, and what GitLab, Docker and Kubernetes put in the place of a secret: the path of its file.
"""

from __future__ import annotations

import re

_SAID = r"[A-Za-z][A-Za-z0-9 _.:/-]*"
"""What stands between marks: words, and no random characters."""
_NAME = r"[\w .@+-]+"
_FOLDERS = (
    "run|var|etc|tmp|home|root|builds|mnt|opt|secrets?|srv|dev|usr|proc|users|app|data|vault|private|github|workspaces?"
    "|media|config|certs?|keys?|volumes|agent|azp|__w"
)
_PLEASE = "(insert|enter|put|type|set|add|replace([-_ ]with)?|your|my|the|some|a)[-_ ]"
_STORES = (
    "vault|secret(s|ref|key)?|(azure)?keyvault|(aws)?ssm|(aws|gcp)sm|secretsmanager|op|bws?|kms|akv|sops|conjur"
    r"|ref\+[a-z]+|env|file|base64|resolve"
)
_KINDS = (
    # words
    r"change[-_ ]?(me|it|this)|replace[-_ ]?(me|it|this)|todo|tbd|fixme|dummy|example|placeholder|test|n/?a|empty",
    rf"({_PLEASE})*(your|my|the)?([a-z]+[-_ ])*(password|passwd|pwd|secret)([-_ ](here|goes here|value))?\d{{0,4}}",
    r"none|null|nil|undefined|redacted|masked|hidden|x{3,}|[*.\u2022\u25cf\u00b7]{3,}|\[object object\]",
    # words between marks
    rf"<.*>|\{{{_SAID}\}}|\[+{_SAID}\]+|\({_SAID}\)|\(\(.*\)\)|\[\[.*|__{_SAID}__|@@.*@@|@{_SAID}@|%%.*%%|%[a-z_]\w*%",
    r"##.*|#\{.*\}#?|\$\{.*\}?|\$\(.*\)?|\$\[.*\]|\$[a-z_]\w*\$?|\{\{.*|\{%.*|%\{.*\}|~\{.*\}|\\\{.*\}",
    # references of secret stores, and what they encrypt
    r"[a-z][a-z0-9+.-]*://.*|arn:aws[\w-]*:.*|projects/[^/]+/secrets/.*|@microsoft\.keyvault\(.*",
    rf"({_STORES})[:#]\S.*",
    r"enc\[.*|enc\(.*\)|\{cipher\}.*|\$ansible_vault;.*|-----begin (age|pgp).*",
    r"!(vault|ref|sub|secret|env\w*|include)\b.*",
    r"\{\s*\".*\}",  # JSON, as a store gives it whole
    # the path of a file that holds it
    rf"/({_FOLDERS})(/{_NAME})+|(~|\.{{1,2}}|\$home)(/{_NAME})+|[a-z]:([\\/]{_NAME})+|\\\\\w+(\\{_NAME})+",
    r"[\w.-]+(/[\w.-]+)*\.(txt|env|json|ya?ml|key|pem|pfx|p12|secret|password|pwd)",
)
_PLACEHOLDER = re.compile("|".join(f"(?:{kind})" for kind in _KINDS), re.IGNORECASE | re.DOTALL)
_LONGEST = 2_000
"""Characters; no placeholder has as many."""


def is_placeholder(value: str) -> bool:
    """Return whether a value has the form of what should have been replaced by a secret."""
    said = value.strip().strip("'\"`")
    return len(said) <= _LONGEST and bool(_PLACEHOLDER.fullmatch(said))
