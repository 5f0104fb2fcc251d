"""What the words of Squid's access log mean: results, methods, hierarchy codes, types."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from logster.parsers._access import words


_BASES = words("""
    TCP_HIT TCP_MISS TCP_REFRESH_UNMODIFIED TCP_REFRESH_FAIL_OLD TCP_REFRESH_FAIL_ERR
    TCP_REFRESH_MODIFIED TCP_REFRESH TCP_CLIENT_REFRESH_MISS TCP_IMS_HIT TCP_INM_HIT
    TCP_SWAPFAIL_MISS TCP_NEGATIVE_HIT TCP_MEM_HIT TCP_DENIED TCP_DENIED_REPLY TCP_OFFLINE_HIT
    TCP_REDIRECT TCP_TUNNEL UDP_HIT UDP_MISS UDP_DENIED UDP_INVALID UDP_MISS_NOFETCH ICP_QUERY
    NONE TCP_REFRESH_HIT TCP_REFRESH_MISS TCP_REF_FAIL_HIT TCP_SWAPFAIL TCP_CLIENT_REFRESH
    TCP_IMS_MISS
""")
#: `LogTags::isTcpHit`, and what Squid 2 called REFRESH_UNMODIFIED and REFRESH_FAIL_OLD.
_HITS = words("""
    TCP_HIT TCP_IMS_HIT TCP_INM_HIT TCP_REFRESH_FAIL_OLD TCP_REFRESH_UNMODIFIED
    TCP_NEGATIVE_HIT TCP_MEM_HIT TCP_OFFLINE_HIT TCP_REFRESH_HIT TCP_REF_FAIL_HIT
""")
_NEITHER = words("TCP_DENIED TCP_DENIED_REPLY TCP_REDIRECT NONE OTHER")
_METHODS = words("""
    GET POST HEAD CONNECT PUT DELETE OPTIONS PATCH PURGE TRACE PROPFIND ICP_QUERY NONE
""")
_HIERARCHY = words("""
    NONE DIRECT SIBLING_HIT PARENT_HIT DEFAULT_PARENT SINGLE_PARENT FIRSTUP_PARENT
    FIRST_PARENT_MISS CLOSEST_PARENT_MISS CLOSEST_PARENT CLOSEST_DIRECT NO_DIRECT_FAIL
    SOURCE_FASTEST ROUNDROBIN_PARENT CD_PARENT_HIT CD_SIBLING_HIT CARP ANY_OLD_PARENT
    USERHASH_PARENT SOURCEHASH_PARENT PINNED ORIGINAL_DST STANDBY_POOL
""")
_TYPES = words("text image video audio application font")
_BUMP_MODES = words("none client-first server-first peek stare bump splice terminate")
GROUPS = ("hit", "miss", "tunnel", "other")
_MODIFIERS = r"(?:_(?:IGNORED|TIMEDOUT|ABORTED))+\Z"


#: Stands behind the result of a CONNECT.
CONNECT = b" CONNECT"
CONNECTS = {b"CONNECT", b"CONNECT ", b"CONNECT error:"}


class Result(NamedTuple):
    """
    What requests are counted by; there is a bounded number of them.

    Attributes:
        base: The result code without modifiers, or ``OTHER``.

        modifiers: The modifiers it had.

        group: One of `GROUPS` or, for queries of other caches, ``icp``.

        status: Three digits.
    """

    base: str
    modifiers: tuple[str, ...]
    group: str
    status: str


@lru_cache(maxsize=4096)
def read_result(raw: bytes) -> Result:
    """
    Return what a result code with status says, and with the method where that is CONNECT.

    >>> read_result(b"TCP_CF_MISS_ABORTED/200")
    Result(base='TCP_MISS', modifiers=('CF', 'ABORTED'), group='miss', status='200')
    >>> read_result(b"NONE_NONE/400").base, read_result(b"TCP_X/200").base
    ('NONE', 'OTHER')
    >>> read_result(b"TCP_MISS/200" + CONNECT).group
    'tunnel'
    """
    code, _, status = raw.removesuffix(CONNECT).decode().partition("/")
    found = re.search(_MODIFIERS, code)
    modifiers = sorted(set(found[0][1:].split("_"))) if found else []
    base = code[: found.start()] if found else code
    if base.startswith(("TCP_CF", "UDP_CF", "NONE_CF", "ICP_CF")):
        base, modifiers = base.replace("_CF", "", 1), ["CF", *modifiers]
    if base in {"NONE_NONE", "TAG_NONE"}:
        base = "NONE"
    if base not in _BASES:
        base = "OTHER"
    return Result(base, tuple(modifiers), _group(base, raw.endswith(CONNECT)), status)


def _group(base: str, connect: bool) -> str:
    if base.startswith(("UDP_", "ICP_")):
        return "icp"
    if base in _HITS:
        return "hit"
    if base in _NEITHER:
        return "other"
    # Before 3.5 Squid had no code for tunnels.
    return "tunnel" if connect or base == "TCP_TUNNEL" else "miss"


def _hierarchy(code: str) -> tuple[str, ...]:
    """
    Return the metrics of a hierarchy code; Squid before 3 wrote it without ``HIER_``.

    >>> _hierarchy("TIMEOUT_HIER_DIRECT"), _hierarchy("DIRECT"), _hierarchy("HIER_X")
    (('hier_DIRECT', 'hier_TIMEOUT'), ('hier_DIRECT',), ('hier_OTHER',))
    """
    if not code:
        return ()
    base = code.removeprefix("TIMEOUT_")
    name = base.removeprefix("HIER_")
    names = ("hier_" + (name if name in _HIERARCHY else "OTHER"),)
    return names if base == code else (*names, "hier_TIMEOUT")


def _type(text: str) -> tuple[str, ...]:
    """
    Return the metric of a media type, none where there is no type.

    >>> _type("Text/HTML"), _type("x-y/z"), _type("-")
    (('mime_text',), ('mime_other',), ())
    """
    if text in {"", "-"}:
        return ()
    family = text.partition("/")[0].lower()
    return ("mime_" + (family if family in _TYPES else "other"),)


def _method(text: str) -> tuple[str, ...]:
    """
    Return the metrics of a method; any client can make up new ones.

    >>> _method("GET"), _method("- error:"), _method("BREW ")
    (('method_GET',), ('method_NONE', 'error_url'), ('method_OTHER',))
    """
    method, _, error = text.partition(" ")
    if method == "-":
        method = "NONE"
    name = "method_" + (method if method in _METHODS else "OTHER")
    return (name, "error_url") if error else (name,)


#: Which metrics a word of a line adds to.
WORDS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "method": _method,
    "hierarchy": _hierarchy,
    "type": _type,
    "bump": lambda word: (f"ssl_bump_{word}",) if word in _BUMP_MODES else (),
}
#: The words of most lines, for which patterns have None.
USUAL = {"method": "GET", "hierarchy": "HIER_NONE"}
