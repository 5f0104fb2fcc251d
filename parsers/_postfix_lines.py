r"""
The grammar that all of Postfix's log lines share, and a walk over a block of them.

How fast a pattern is depends on how it skips. `[^ ]++` runs at the speed of
memory but over the ends of lines, one range such as `[!-\xff]++` takes three
times as long, and any other set five times. So a walk first asks for a line's
outline, in words, and for the letter of it only where the outline fits. A set
of what may be is twice as fast as one of what may not.
"""

import re
from functools import cache
from typing import Any

from logster.pcre2 import Rewriter, UnableError, is_worth, rewriter


Rows = list[tuple[bytes, ...]]

#: A word: anything but blanks and control characters.
WORD = rb"[!-\xff]++"

#: The host that sent a line: no tag, which BusyBox puts there with ``syslogd -S``.
HOST = WORD + rb"(?<!\]:)"

#: The queue id: short (upper-case hex) or long (base 52, without vowels).
ID = rb"[0-9A-Zb-df-hj-np-tv-z]{6,}+"

# Neither a quote, ``<``, ``>`` nor the end of a line.
_UNQUOTED = rb"[\0-\t\v-!#-;=?-\xff]"

#: The rest of an address behind its ``<``. Postfix puts a local part with
#: anything special in it into quotes; what these hold is not looked at.
ADDRESS = rb"(?:" + _UNQUOTED + rb'++|"(?:[^"\\\n]++|\\.)*+"' + _UNQUOTED + rb"*+|)>"

#: What each line of a text begins with in which `ADDRESS_BEFORE_GUARD` and
#: `WORD_BEFORE_GUARD` look for no end of a line, which is twice as fast: an
#: address that has none ends at the ``>``, a word at a blank, and neither is
#: followed by what follows it in a record.
GUARD = b"\n> "
ADDRESS_BEFORE_GUARD = rb'(?:(?!")|"(?:[^"\\\n]++|\\.)*+")[^>]*+>'
WORD_BEFORE_GUARD = rb"[^ ]++"


def within_line(pattern: bytes) -> bytes:
    r"""
    Return a *pattern* for what `GUARD` stands before, for lines without it.

    >>> within_line(WORD_BEFORE_GUARD)
    b'[^ \\n]++'
    """
    return pattern.replace(rb"[^>]", rb"[^>\n]").replace(rb"[^ ]", rb"[^ \n]")


#: The tag, with any instance and service: ``postfix/submission/smtpd[123]: ``.
TAG = rb"(?>[!-\xff]*/)" + WORD + rb" "

#: A delay in seconds: two digits that count, six behind the point at most.
DELAY = rb"\d{1,9}+\.?+\d{0,6}+"


def record(
    *,
    reuse: bytes = rb"conn_use",
    stages: bytes = WORD,
    code: bytes = WORD,
    reason: bytes = b"",
    excluded: bytes = b"",
    guarded: bool = False,
) -> bytes:
    """
    Return the grammar of a delivery record behind ``to=<``; its groups: delay and status.

    Whatever a stranger chooses is inside the addresses or behind the status.

    Args:
        reuse: Pattern of the name of the field ``conn_use``.

        stages: Pattern of the value of ``delays``, with its comma.

        code: Pattern of the value of ``dsn``, with its comma.

        reason: Pattern of what follows the status.

        excluded: Pattern that stands before the next hop.

        guarded: Whether lines begin with `GUARD`.
    """
    address, word = (ADDRESS_BEFORE_GUARD, WORD_BEFORE_GUARD) if guarded else (ADDRESS, WORD)
    return (
        address + rb", (?:relay=|orig_to=<" + address + rb", relay=)" + excluded + word + rb" "
        rb"(?:|" + reuse + rb"=\d++, )delay=(" + DELAY + rb"), (?:"
        rb"delays=" + stages + rb" (?:|" + other_fields(b"dsn") + rb"++)dsn=" + code + rb" "
        rb"|" + other_fields(b"status") + rb"*+)"
        rb"status=(sent|deferred|bounced|SOFTBOUNCE|deliverable|undeliverable) \(" + reason
    )


def other_fields(end: bytes) -> bytes:
    """Return the pattern of a field that is none of ours, before the field *end*."""
    return rb"(?:(?!" + end + rb"=)[a-z_]++=" + WORD + rb" )"


# The first character is neither a digit nor the end of a line.
_RFC3164 = rb"[\0-\t\v-/:-\xff].. .. ..:..:.. "
_RFC3339 = rb"\d...-..-..T..:..:..[!-\xff]*+ "

# With a month of any language; with a year or a fraction of a second; with a
# blank for the T. Other programs' logs have the last two as well, but no tag.
_MONTH = rb"[^\d\s/\[\]:]{1,30}+ {1,2}\d{1,2}+ "
_TIMES = (
    _RFC3164,
    _RFC3339,
    _MONTH + rb"..:..:.. ",
    rb"(?:" + _MONTH + rb"(?:\d{4} )?+\d\d:\d\d:\d\d(?:\.\d{1,9}+)?+ "
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9}+)?+(?:Z| ?+[+-]\d\d:?+\d\d)?+ )"
    rb"(?=" + WORD + rb" " + WORD + rb"(?<=:) )",
)

#: The time a line begins with, in any form.
TIME = rb"(?>" + b"|".join(_TIMES) + rb")"

#: What docker's driver for syslog has behind its tag: the header of a container's own line.
SECOND_HEADER = TIME + WORD + rb" "
_CONTAINER = rb"(?>[!-\xff]*/)?+[0-9a-f]{12}\[\d++\]: "

#: What BusyBox's syslogd marks a message with, before the tag.
FACILITY = rb"[a-z]{2,8}[0-7]?\.[a-z]{3,6} "

#: What Solaris marks a message with, behind the tag.
SOLARIS = rb"(?:\[ID \d{1,10}+ [a-z0-9]++\.[a-z]++\] )++"

#: A delivery behind a tag that is none of ours, or one word or a container's header late.
ADRIFT = (
    rb"(?:" + _CONTAINER + SECOND_HEADER + rb")?+"
    rb"" + WORD + rb" (?:" + WORD + rb"(?<=\]:) )??(?:" + SOLARIS + rb")?+"
    rb"" + ID + rb": to=<" + ADDRESS + rb", (?:relay=|orig_to=<).*, status="
)

# A pattern takes a millisecond to compile; those for rare lines wait for one.
compiled = cache(re.compile)

_PRIORITY = (
    rb"(?m)^<\d{1,3}+>(?:1 (\S++) (\S++) (\S++) (\S++) \S++ (?:-|\[[^\n]*?\]) (?:\xef\xbb\xbf)?+)?+"
)


def plain(text: bytes) -> bytes:
    """
    Return *text* without priorities, its RFC 5424 lines as RFC 3339 ones.

    >>> plain(b"<22>1 2025-02-02T09:50:42Z mx postfix/smtp 12 - - 3A1B2C3D: removed")
    b'2025-02-02T09:50:42Z mx postfix/smtp[12]: 3A1B2C3D: removed'
    """
    return compiled(_PRIORITY).sub(_rfc3339, text) if b"<" in text else text


def _rfc3339(match: re.Match[bytes]) -> bytes:
    time, host, tag, pid = match.groups()
    return b"%s %s %s[%s]: " % (time, host, tag, pid) if time else b""


class Walk:
    """
    A pattern for all lines of a block, each from the end of the line before.

    That is where `re` looks fastest: it finds a single byte at the speed of memory.

    Args:
        pattern: Begins with a newline; ``{TIME}`` in it stands for the form of
            time that the block's first line has.

        fast: The same for large blocks and `logster.pcre2`; none if left out.

        template: What that makes of a match: a newline, and what belongs to the row.

        keep: Whether what *fast* leaves of a line belongs to the row, too.
    """

    def __init__(
        self, pattern: bytes, fast: bytes = b"", template: bytes = b"", *, keep: bool = False
    ) -> None:
        self._pattern = pattern
        self._fast = fast
        self._template = template
        self._keep = keep
        self._finders: dict[bytes, re.Pattern[bytes]] = {}
        self._rewriters: dict[bytes, Rewriter | None] = {}

    def rows(self, block: bytes) -> list[bytes]:
        """Return the groups of every line that matches, with blanks between them."""
        time = _RFC3339 if block[:1].isdigit() else _RFC3164
        # A block with a newline put before it would be a copy, which costs as
        # much as a third of the search: only the first line gets one.
        first = b"\n" + block[: block.find(b"\n") % (len(block) + 1)]
        end = len(block) - block.endswith(b"\n")
        rewrite = self._rewriter(time, len(block))
        if rewrite:
            try:
                return rewrite(first).split(b"\n")[1:] + rewrite(block, end).split(b"\n")[1:]
            except UnableError:
                pass
        finder = self._finder(time)
        found: list[Any] = finder.findall(first) + finder.findall(block, 0, end)
        return list(map(b" ".join, found)) if finder.groups > 1 else found

    def _finder(self, time: bytes) -> re.Pattern[bytes]:
        finder = self._finders.get(time)
        if finder is None:
            finder = self._finders[time] = re.compile(self._pattern.replace(b"{TIME}", time))
        return finder

    def _rewriter(self, time: bytes, size: int) -> Rewriter | None:
        """Return what is faster for a block of that *size*, if there is one."""
        if not (self._fast and is_worth(size)):
            return None
        if time not in self._rewriters:
            fast = self._fast.replace(b"{TIME}", time)
            self._rewriters[time] = rewriter(fast, self._template, keep=self._keep)
        return self._rewriters[time]
