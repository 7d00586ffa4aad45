"""Connection strings as MySQL Connector/NET reads them: split, join, quote, and recognize secrets. Pure.

``Keyword=value`` pairs are separated by ``;``. A value that contains a quote, ``=``, ``;``, white space or a control
character is quoted: with double quotes, unless it contains a double and no single quote. Inside, the quote itself is
doubled. ``==`` in a keyword means ``=``. Source: ``DbConnectionStringBuilder`` of .NET, the base class of
Connector/NET's own builder.

Source of the keywords and their synonyms: ``MySqlBaseConnectionStringBuilder``, ``MySqlConnectionStringBuilder`` and
``MySqlXConnectionStringBuilder`` of Connector/NET 8.0 to 8.4. Case does not matter.

Adobe's service reads them with these rules and keywords, as the documented form of its strings suggests (inferred:
connection-string).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SYNONYMS = {
    "server": ("server", "host", "data source", "datasource", "address", "addr", "network address"),
    "port": ("port",),
    "database": ("database", "initial catalog"),
    "username": ("uid", "user id", "userid", "username", "user name", "user"),
    "password": ("pwd", "password", "password1", "pwd1"),
}
"""The keywords of each part, in lower case. Source: Connector/NET's connection options."""

WRITTEN = {"server": "Server", "port": "Port", "database": "Database", "username": "UID", "password": "PWD"}
"""The keyword to write for each part, as Adobe's page spells it."""

REQUIRED = ("server", "database", "username", "password")

MAX_LENGTH = 16 * 1024
"""Characters of a connection string. One with every option set stays below one eighth of this."""

_PART_OF = {keyword: part for part, keywords in SYNONYMS.items() for keyword in keywords}


class Malformed(ValueError):
    """A text that is not a connection string. The message never repeats a value."""


class Repeated(Malformed):
    """A connection string with a repeated keyword. ``pairs`` omits the later ones."""

    def __init__(self, number: int, pairs: tuple[Pair, ...]) -> None:
        super().__init__(f"pair {number} repeats an earlier keyword or its synonym")
        self.pairs = pairs


@dataclass(frozen=True, slots=True)
class Pair:
    """One ``Keyword=value``: the keyword as written, the value without its quotes."""

    keyword: str
    value: str

    @property
    def part(self) -> str:
        """Return ``server``, ``port``, ``database``, ``username``, ``password`` or ``options.<keyword as written>``."""
        return _PART_OF.get(self.keyword.lower(), f"options.{self.keyword}")

    @property
    def meaning(self) -> str:
        """Return the part in a form that is equal for synonyms: ``SSL Mode`` and ``Ssl-Mode`` are ``SslMode``."""
        return self.part.lower().replace(" ", "").replace("-", "")


class _Grammar:
    """Patterns that read values. ``opaque`` matches what counts as one character."""

    def __init__(self, opaque: str) -> None:
        self.bare = re.compile(rf"((?:{opaque}|[^;])*+)(?:;|\Z)", re.DOTALL)
        self.quoted = {
            mark: re.compile(rf"{mark}((?:{opaque}|[^{mark}]|{mark}{mark})*+){mark}\s*+(?:;|\Z)", re.DOTALL)
            for mark in "'\""
        }
        self.doubled = {mark: re.compile(rf"({opaque})|{mark}{mark}", re.DOTALL) for mark in "'\""}


# Possessive throughout: no text, however hostile, is read more than once.
_KEYWORD = re.compile(r"[\s;]*+((?:[^=;]|==)++)=(?!=)\s*+")
_RENDERED = _Grammar(r"(?!)")
_TEMPLATED = _Grammar(r"\{\{(?:(?!\{\{|\}\}).)*+\}\}")


def split(text: str) -> tuple[Pair, ...]:
    """Return the pairs of a rendered connection string, in order. Raise ``Malformed``."""
    return _split(text, _RENDERED)


def split_template(text: str) -> tuple[Pair, ...]:
    """Return the pairs of a connection string in a definition: the text between ``{{`` and ``}}`` neither separates nor
    quotes anything. Raise ``Malformed``."""
    return _split(text, _TEMPLATED)


def _split(text: str, grammar: _Grammar) -> tuple[Pair, ...]:
    if len(text) > MAX_LENGTH:
        raise Malformed(f"it is longer than {MAX_LENGTH:,} characters")
    pairs: list[Pair] = []
    index = 0
    while text[index:].strip(" \t\r\n;"):
        keyword = _KEYWORD.match(text, index)
        if not keyword:
            raise Malformed(f"pair {len(pairs) + 1} is not `Keyword=value`")
        mark = text[keyword.end() : keyword.end() + 1]
        value = grammar.quoted.get(mark, grammar.bare).match(text, keyword.end())
        if not value:
            raise Malformed(f"the quote that opens the value of pair {len(pairs) + 1} is not closed at its end")
        doubled = grammar.doubled.get(mark)
        unquoted = doubled.sub(lambda match: match[1] or match[0][0], value[1]) if doubled else value[1].rstrip()
        pairs.append(Pair(keyword[1].rstrip().replace("==", "="), unquoted))
        index = value.end()
    first: dict[str, Pair] = {}
    repeated = [number for number, pair in enumerate(pairs, 1) if first.setdefault(pair.meaning, pair) is not pair]
    if repeated:
        raise Repeated(repeated[0], tuple(first.values()))
    return tuple(pairs)


def missing(pairs: Iterable[Pair]) -> tuple[str, ...]:
    """Return the keywords of the required parts that are absent, as Adobe's page spells them."""
    present = {pair.part for pair in pairs}
    return tuple(WRITTEN[part] for part in REQUIRED if part not in present)


def secrets(text: str) -> list[str]:
    """Return the secret values in a connection string; none if the text is malformed."""
    return [pair.value for pair in _well_formed_pairs(text) if is_secret(pair.keyword)]


def open_values(text: str) -> list[str]:
    """Return the values in a connection string that are not secret; none if the text is malformed."""
    return [pair.value for pair in _well_formed_pairs(text) if not is_secret(pair.keyword)]


def _well_formed_pairs(text: str) -> tuple[Pair, ...]:
    try:
        return split(text)
    except Malformed:
        return ()


_NEEDS_NO_QUOTES = re.compile(r"[^\"'=;\s\x00-\x1f\x7f-\x9f]*\Z")


def quote(value: str) -> str:
    """Return a value quoted where necessary, so that it is read back unchanged."""
    if _NEEDS_NO_QUOTES.match(value):
        return value
    mark = "'" if '"' in value and "'" not in value else '"'
    return f"{mark}{value.replace(mark, mark * 2)}{mark}"


def join(pairs: Iterable[Pair]) -> str:
    """Return the text of a connection string, each value quoted where necessary."""
    return ";".join(f"{pair.keyword.replace('=', '==')}={quote(pair.value)}" for pair in pairs)


_SENSITIVE_KEYWORDS = """
password pwd password1 pwd1 password2 pwd2 password3 pwd3
certificatepassword sslcapwd sshpassword sshpassphrase
"""
SECRET = frozenset(_SENSITIVE_KEYWORDS.split())
"""Keywords of passwords and passphrases, without blanks and hyphens: only synonyms differ in these."""

_OPEN_KEYWORDS = """
server host datasource address addr networkaddress database initialcatalog port protocol connectionprotocol dnssrv
pipe pipename sharedmemoryname compress usecompression allowbatch logging connectiontimeout connecttimeout
defaultcommandtimeout commandtimeout usedefaultcommandtimeoutforef allowloadlocalinfile allowloadlocalinfileinpath
userid uid username user persistsecurityinfo encrypt integratedsecurity defaultauthenticationplugin
allowpublickeyretrieval ociconfigfile ociconfigprofile kerberosauthmode
certificatefile certificatestorelocation certificatethumbprint sslmode sslca sslkey sslcert sslcrl sslenable
tlsversion
autoenlist includesecurityasserts allowzerodatetime convertzerodatetime useusageadvisor usageadvisor
procedurecachesize procedurecache useperformancemonitor useperfmon perfmon ignoreprepare respectbinaryflags
treattinyasboolean allowuservariables interactivesession interactive functionsreturnstring useaffectedrows oldguids
keepalive sqlservermode tablecaching tablecache defaulttablecacheage checkparameters replication
exceptioninterceptors commandinterceptors useprocedurebodies
connectionlifetime pooling minpoolsize minimumpoolsize maxpoolsize maximumpoolsize connectionreset
cacheserverproperties
characterset charset treatblobsasutf8 blobasutf8includepattern blobasutf8excludepattern
sshhostname sshport sshusername sshkeyfile auth compressionalgorithms connectionattributes
"""
OPEN = frozenset(_OPEN_KEYWORDS.split())
"""Keywords whose values anybody may read: of keys and certificates, these are only paths."""

_LIKE_PASSWORD = re.compile("pass(word|phrase|wd)|pwd", re.IGNORECASE)


def is_open(keyword: str) -> bool:
    """Return whether anybody may read the value of a keyword, because Connector/NET knows it and it holds no secret."""
    return fold_keyword(keyword) in OPEN


def is_secret(keyword: str) -> bool:
    """Return whether a keyword holds a secret. One that Connector/NET does not know does if it reads like a password:
    a mistyped keyword still holds what its author meant."""
    plain = fold_keyword(keyword)
    return plain in SECRET or (plain not in OPEN and bool(_LIKE_PASSWORD.search(plain)))


def fold_keyword(keyword: str) -> str:
    """Return a form of a keyword that is equal for its spellings: ``SSL Mode``, ``Ssl-Mode``, ``sslmode``."""
    return re.sub(r"[\s_-]", "", keyword).lower()
