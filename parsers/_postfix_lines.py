r"""
The grammar that all of Postfix's log lines share, and a walk over a block of them.

How fast a pattern is depends on how it skips. `[^ ]++` runs at the speed of
memory but over the ends of lines, one range such as `[!-\xff]++` takes three
times as long, and any other set five times. So a walk first asks for a line's
outline, in words, and for the letter of it only where the outline fits.
"""

import re
from collections.abc import Callable


Rows = list[tuple[bytes, ...]]

#: A word: anything but blanks and control characters.
WORD = rb"[!-\xff]++"

#: The queue id: short (upper-case hex) or long (base 52, without vowels).
ID = rb"[0-9A-Zb-df-hj-np-tv-z]{6,}+"

#: The rest of an address behind its ``<``. Postfix puts a local part with
#: anything special in it into quotes; what these hold is not looked at.
ADDRESS = rb'(?:[^"<>\n]++|"(?:[^"\\\n]++|\\.)*+"[^"<>\n]*+|)>'

#: Host and tag: ``mx postfix/smtpd[123]: ``, with any instance and service.
HOST_TAG = WORD + rb" (?>[!-\xff]*/)" + WORD + rb" "

_RFC3164 = rb"[^\d\n].. .. ..:..:.. "
_RFC3339 = rb"\d...-..-..T..:..:..[!-\xff]*+ "

#: The time a line begins with; the last form has a month of any language.
TIME = rb"(?>" + _RFC3164 + rb"|" + _RFC3339 + rb"|[^\d\s][!-\xff]{0,30}+ {1,2}\d{1,2}+ ..:..:.. )"

_PRIORITY = re.compile(
    rb"^<\d{1,3}+>(?:1 (\S++) (\S++) (\S++) (\S++) \S++ (?:-|\[[^\n]*?\]) (?:\xef\xbb\xbf)?+)?+",
    re.MULTILINE,
)


def plain(text: bytes) -> bytes:
    """
    Return *text* without priorities, its RFC 5424 lines as RFC 3339 ones.

    >>> plain(b"<22>1 2025-02-02T09:50:42Z mx postfix/smtp 12 - - 3A1B2C3D: removed")
    b'2025-02-02T09:50:42Z mx postfix/smtp[12]: 3A1B2C3D: removed'
    """
    return _PRIORITY.sub(_rfc3339, text)


def _rfc3339(match: re.Match[bytes]) -> bytes:
    time, host, tag, pid = match.groups()
    return b"%s %s %s[%s]: " % (time, host, tag, pid) if time else b""


class Walk:
    """
    A pattern for what follows the time, applied to all lines of a block.

    A match starts at the end of the line before: `re` finds a single byte
    fastest. A line whose time has another form than that of the block's first
    line comes as a row with the whole line as its last group.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._patterns: dict[bytes, Callable[[bytes, int, int], Rows]] = {}

    def rows(self, block: bytes) -> Rows:
        """Return the groups of every line that matches, the block's first line left out."""
        time = _RFC3339 if block[:1].isdigit() else _RFC3164
        findall = self._patterns.get(time)
        if findall is None:
            pattern = rb"\n(?:" + time + self._body + rb"|(?!" + time + rb")(.*))"
            findall = self._patterns[time] = re.compile(pattern).findall
        return findall(block, 0, len(block) - block.endswith(b"\n"))
