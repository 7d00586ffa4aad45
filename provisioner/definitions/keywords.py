"""The keywords of MySQL Connector/NET, and which of them hold a secret. Pure.

Source: ``MySqlBaseConnectionStringBuilder``, ``MySqlConnectionStringBuilder`` and ``MySqlXConnectionStringBuilder`` of
Connector/NET 8.0 to 8.4, each keyword with its synonyms. That Adobe's service reads them is inferred from the form
of its strings. Case says nothing; blanks and hyphens differ between synonyms alone, so they are left out here.
"""

from __future__ import annotations

import re

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
