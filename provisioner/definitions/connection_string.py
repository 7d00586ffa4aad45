"""Connection strings as MySQL Connector/NET reads them: split, assemble, quote. Pure.

``Keyword=value`` pairs are separated by ``;``. A value that holds a quote, ``=``, ``;``, white space or a control
character stands in quotes, double ones unless it holds a double and no single quote; inside, the quote itself is
doubled. ``==`` in a keyword means ``=``. Source: ``DbConnectionStringBuilder`` of .NET, from which Connector/NET
derives its own. That Adobe's service reads the string with these rules is inferred from its documented form.

In the text of a definition a template is opaque: what stands between ``{{`` and ``}}`` neither separates nor quotes
anything. In what a template was rendered to, braces are characters like others.

The keywords of MySQL Connector/NET, and which of them hold a secret. Pure.

Source: ``MySqlBaseConnectionStringBuilder``, ``MySqlConnectionStringBuilder`` and ``MySqlXConnectionStringBuilder`` of
Connector/NET 8.0 to 8.4, each keyword with its synonyms. That Adobe's service reads them is inferred from the form
of its strings. Case says nothing; blanks and hyphens differ between synonyms alone, so they are left out here.
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
"""Our name of a part -> the keywords that mean it, in lower case. Source: Connector/NET's connection options."""

WRITTEN = {"server": "Server", "port": "Port", "database": "Database", "username": "UID", "password": "PWD"}
"""The keyword that is written for a part: the spelling of Adobe's page."""

REQUIRED = ("server", "database", "username", "password")

_PART_OF = {keyword: part for part, keywords in SYNONYMS.items() for keyword in keywords}


class Malformed(ValueError):
    """The text is no connection string. The message never repeats a value."""


class Repeated(Malformed):
    """A keyword is there twice. ``pairs`` are those without the later ones."""

    def __init__(self, number: int, pairs: tuple[Pair, ...]) -> None:
        super().__init__(f"pair {number} repeats an earlier keyword or its synonym")
        self.pairs = pairs


@dataclass(frozen=True, slots=True)
class Pair:
    """One ``Keyword=value``, the keyword as it was written, the value without its quotes."""

    keyword: str
    value: str

    @property
    def part(self) -> str:
        """``server``, ``port``, ``database``, ``username``, ``password``, or ``options.<keyword as written>``."""
        return _PART_OF.get(self.keyword.lower(), f"options.{self.keyword}")

    @property
    def meaning(self) -> str:
        """Equal for two keywords that Connector/NET takes for one: case, spaces and hyphens say nothing, ``SSL Mode``
        and ``Ssl-Mode`` are ``SslMode``."""
        return self.part.lower().replace(" ", "").replace("-", "")


MAX_LENGTH = 16 * 1024
"""Characters of a connection string. One with every option set stays below one eighth of this."""

# Possessive throughout: no text, however hostile, is read more than once.
_KEYWORD = re.compile(r"[\s;]*+((?:[^=;]|==)++)=(?!=)\s*+")


class _Grammar:
    """How values are read; ``opaque`` is the pattern of what counts as one character."""

    def __init__(self, opaque: str) -> None:
        self.bare = re.compile(rf"((?:{opaque}|[^;])*+)(?:;|\Z)", re.DOTALL)
        self.quoted = {
            mark: re.compile(rf"{mark}((?:{opaque}|[^{mark}]|{mark}{mark})*+){mark}\s*+(?:;|\Z)", re.DOTALL)
            for mark in "'\""
        }
        self.doubled = {mark: re.compile(rf"({opaque})|{mark}{mark}", re.DOTALL) for mark in "'\""}


_RENDERED = _Grammar(r"(?!)")
_DECLARED = _Grammar(r"\{\{(?:(?!\{\{|\}\}).)*+\}\}")
_NEEDS_NO_QUOTES = re.compile(r"[^\"'=;\s\x00-\x1f\x7f-\x9f]*\Z")


def split(text: str) -> tuple[Pair, ...]:
    """The pairs of a connection string, in order. Raises ``Malformed``."""
    return _split(text, _RENDERED)


def split_template(text: str) -> tuple[Pair, ...]:
    """The pairs of a connection string as a definition has it, templates kept whole. Raises ``Malformed``."""
    return _split(text, _DECLARED)


def _split(text: str, grammar: _Grammar) -> tuple[Pair, ...]:
    if len(text) > MAX_LENGTH:
        raise Malformed(f"it is longer than {MAX_LENGTH:,} characters")
    pairs: list[Pair] = []
    at = 0
    while text[at:].strip(" \t\r\n;"):
        keyword = _KEYWORD.match(text, at)
        if not keyword:
            raise Malformed(f"pair {len(pairs) + 1} is not `Keyword=value`")
        name = keyword[1].rstrip().replace("==", "=")
        mark = text[keyword.end() : keyword.end() + 1]
        pattern = grammar.quoted.get(mark, grammar.bare)
        value = pattern.match(text, keyword.end())
        if not value:
            raise Malformed(f"the quote that opens the value of pair {len(pairs) + 1} is not closed at its end")
        doubled = grammar.doubled.get(mark)
        meant = doubled.sub(lambda found: found[1] or found[0][0], value[1]) if doubled else value[1].rstrip()
        pairs.append(Pair(name, meant))
        at = value.end()
    _refuse_repetition(pairs)
    return tuple(pairs)


def _refuse_repetition(pairs: Iterable[Pair]) -> None:
    first: dict[str, Pair] = {}
    again = [number for number, pair in enumerate(pairs, 1) if first.setdefault(pair.meaning, pair) is not pair]
    if again:
        raise Repeated(again[0], tuple(first.values()))


def missing(pairs: Iterable[Pair]) -> tuple[str, ...]:
    """The keywords of required parts that are absent, as the documented pattern spells them."""
    present = {pair.part for pair in pairs}
    return tuple(WRITTEN[part] for part in REQUIRED if part not in present)


def secrets(text: str) -> list[str]:
    """The secrets in a connection string; none in what is no connection string."""
    try:
        pairs = split(text)
    except Malformed:
        return []
    return [pair.value for pair in pairs if is_secret(pair.keyword)]


def open_values(text: str) -> list[str]:
    """Return the values in a connection string that are no secrets; none in what is no connection string."""
    try:
        pairs = split(text)
    except Malformed:
        return []
    return [pair.value for pair in pairs if not is_secret(pair.keyword)]


def quote(value: str) -> str:
    """A value as it must be written so that it is read back unchanged."""
    if _NEEDS_NO_QUOTES.match(value):
        return value
    mark = "'" if '"' in value and "'" not in value else '"'
    return f"{mark}{value.replace(mark, mark * 2)}{mark}"


def join(pairs: Iterable[Pair]) -> str:
    """The text of a connection string, each value quoted where it must be."""
    return ";".join(f"{pair.keyword.replace('=', '==')}={quote(pair.value)}" for pair in pairs)


_TABLE = (
    """
    password pwd password1 pwd1 password2 pwd2 password3 pwd3
    certificatepassword sslcapwd sshpassword sshpassphrase
    """,
    """
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
    """,
)
SECRET, OPEN = (frozenset(words.split()) for words in _TABLE)
"""Passwords and what opens a key; what anybody may read, of keys and certificates the paths alone."""

_READS_LIKE_ONE = re.compile("pass(word|phrase|wd)|pwd", re.IGNORECASE)


def is_secret(keyword: str) -> bool:
    """Return whether a keyword holds a secret. One that Connector/NET does not know does where it reads like one: a
    name that is mistyped still holds what was meant."""
    plain = re.sub(r"[\s_-]", "", keyword).lower()
    return plain in SECRET or (plain not in OPEN and bool(_READS_LIKE_ONE.search(plain)))
