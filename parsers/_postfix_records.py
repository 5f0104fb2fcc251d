"""
What Postfix says of each message by its queue id: deliveries, queue entries, refusals.

Each is found column by column, either by one pattern of `re` that tells them apart row
by row or, where there is much to read, by a pattern of `logster.pcre2` for each kind.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from operator import itemgetter
from typing import NamedTuple

from logster.parsers._postfix_events import RESTRICTION
from logster.parsers._postfix_lines import (
    ADDRESS_BEFORE_GUARD,
    GUARD,
    ID,
    WORD,
    Rows,
    other_fields,
    record,
    within_line,
)
from logster.pcre2 import Rewriter, UnableError, is_worth, rewriter


class Found(NamedTuple):
    """
    What some messages say.

    Attributes:
        attempts: Of each delivery tag, reuse, delay, status code and status. `USUAL_TAG`
            may be left out.

        stages: Of those sent the four delays, with slashes between them, where they are told.

        reasons: Why deliveries were deferred, where that is told.

        queue_ids: The messages that became active.

        sizes: The size and the number of recipients of each.

        restrictions: Of each the fields of `Restriction`, with tabs between them.

        rest: All other messages.
    """

    attempts: Sequence[bytes]
    stages: Sequence[bytes]
    reasons: Sequence[bytes]
    queue_ids: Sequence[bytes]
    sizes: Sequence[bytes]
    restrictions: Sequence[bytes]
    rest: Sequence[bytes]


#: The tag of most deliveries.
USUAL_TAG = b"postfix/smtp"

_DAEMON = rb"(?>[^ ]*/)[a-z]++"
_PROCESS = rb"(?:\[" + WORD + rb"|:) "
_ID = _PROCESS + rb"(" + ID + rb"): "
_MESSAGE = rb" (" + _DAEMON + rb")" + _ID
_CODE = rb"[245]\.\d{1,3}\.\d{1,3}"
_DELAYS = rb"[0-9./]{7,70}+"
# Not taken where the status is another.
_SENT = _DELAYS + rb", (?:|" + other_fields(b"dsn") + rb"++)dsn=" + _CODE + rb", status=sent"
_DELAYS_OF_SENT = rb"(?:(?=" + _SENT + rb")(" + _DELAYS + rb")|" + _DELAYS + rb")"
_QUEUED = rb", size=(\d{1,15}+, nrcpt=\d{1,9}+) \(queue a"

# Groups of all records together: tag, queue id, reuse, delay, stages, status code,
# status, reason, size and recipients, those of a restriction, and any other line.
_delivery: Callable[[tuple[bytes, ...]], tuple[bytes, ...]] = itemgetter(0, 2, 3, 5, 6)
_QUEUE_ID, _STAGES, _STATUS, _REASON, _SIZE = 1, 4, 6, 7, 8
_RESTRICTION, _ACTION, _REST = slice(9, 14), 10, 14


class Records:
    """
    What finds the records of messages.

    Args:
        excluded: Pattern that stands before the next hop of deliveries.
    """

    def __init__(self, excluded: bytes) -> None:
        self._excluded = excluded

    def read(self, messages: Sequence[bytes]) -> Found:
        """Return what *messages* say, each of which begins with a blank."""
        text = b"\n" + b"\n".join(messages)
        if is_worth(len(text)) and None not in self._rewriters:
            try:
                return self._read_fast(text, len(messages))
            except UnableError:
                pass
        return _by_row(self._find(text.replace(b"\n", GUARD)))

    def _read_fast(self, text: bytes, lines: int) -> Found:
        """Return what the *lines* of *text* say; or an `UnableError`."""
        delivery, queued, likely, others = filter(None, self._rewriters)
        records = delivery(text).split(b"\n"), queued(text).split(b"\n")
        found = _by_kind(*records, likely(text).split(b"\n"))
        told = len(found.attempts) + len(found.sizes) + len(found.restrictions) + len(found.rest)
        return found if told == lines else _by_kind(*records, others(text).split(b"\n"))

    @cached_property
    def _rewriters(self) -> list[Rewriter | None]:
        return [rewriter(*each, keep=False) for each in self._kinds()]

    @cached_property
    def _find(self) -> Callable[[bytes], Rows]:
        delivery = self._delivery(rb"(" + _DELAYS + rb")")
        queued = ADDRESS_BEFORE_GUARD + _QUEUED
        return re.compile(
            # Of the guard only the newline is named, to be found at the speed of memory.
            rb"\n..(?:" + _MESSAGE + rb"(?:to=<" + delivery + rb"|from=<" + queued + rb")"
            rb"| " + RESTRICTION + rb"|(.*))"
        ).findall

    def _kinds(self) -> Iterator[tuple[bytes, bytes]]:
        """
        Yield pattern and template: for deliveries, for queue entries, and twice for the others.

        First for those that do not begin like any of the former, which costs half; and
        where that leaves any line out, for those that are none.
        """
        usual = rb" (?:" + USUAL_TAG + rb"(?=\[\d++\]: )|(" + _DAEMON + rb"))"
        delivery = within_line(usual + _ID + rb"to=<" + self._delivery(_DELAYS_OF_SENT))
        queued = within_line(_MESSAGE + rb"from=<" + ADDRESS_BEFORE_GUARD + _QUEUED)
        either = within_line(rb" " + _DAEMON + _PROCESS + ID + rb": (?:to|from)=<")
        others = rb")(?: " + RESTRICTION + rb"|(.*))"
        yield rb"\n" + delivery, b"\n$1 $3 $4 $6 $7\n$5\n$8"
        yield rb"\n" + queued, b"\n$2\n$3"
        yield rb"\n(?!" + either + others, b"\n$1\t$2\t$3\t$4\t$5\n$6"
        # Behind the groups of the first two.
        neither = rb"\n(?!" + delivery + rb"|" + queued
        yield neither + others, b"\n$12\t$13\t$14\t$15\t$16\n$17"

    def _delivery(self, delays: bytes) -> bytes:
        return record(
            reuse=rb"(conn_use)",
            stages=delays + rb",",
            code=rb"(" + _CODE + rb"),",
            reason=rb"(?:(?<=deferred \()(.*)|)",
            excluded=self._excluded,
            guarded=True,
        )


def _by_row(rows: Rows) -> Found:
    deliveries = [row for row in rows if row[_STATUS]]
    queued = [row for row in rows if row[_SIZE]]
    return Found(
        list(map(b" ".join, map(_delivery, deliveries))),
        [row[_STAGES] for row in deliveries if row[_STATUS] == b"sent" and row[_STAGES]],
        [row[_REASON] for row in deliveries if row[_REASON]],
        [row[_QUEUE_ID] for row in queued],
        [row[_SIZE] for row in queued],
        [b"\t".join(row[_RESTRICTION]) for row in rows if row[_ACTION]],
        [row[_REST] for row in rows if row[_REST]],
    )


def _by_kind(
    deliveries: Sequence[bytes], queued: Sequence[bytes], others: Sequence[bytes]
) -> Found:
    """Return what stands in columns, each behind an empty first item."""
    return Found(
        deliveries[1::3],
        list(filter(None, deliveries[2::3])),
        list(filter(None, deliveries[3::3])),
        queued[1::2],
        queued[2::2],
        [text for text in others[1::2] if text > b"!"],
        list(filter(None, others[2::2])),
    )


@cache
def records(excluded: bytes = b"") -> Records:
    """Return what finds all records but deliveries to next hops that are *excluded*."""
    return Records(excluded)


@cache
def find_targets(excluded: bytes) -> Callable[[Sequence[bytes]], Rows]:
    """Return what finds recipient domain, next hop, delay and status of the same deliveries."""
    find = re.compile(
        rb"\n.. " + _DAEMON + _PROCESS + ID + rb": to=<(?="
        rb'(?:"(?:[^"\\\n]++|\\.)*+"|[^"<>@\n]++)@([A-Za-z0-9.-]{1,255}+)>|)(?='
        rb"" + ADDRESS_BEFORE_GUARD + rb", "
        rb"(?:relay=|orig_to=<" + ADDRESS_BEFORE_GUARD + rb", relay=)([A-Za-z0-9._-]{1,255}+)|)"
        rb"" + record(excluded=excluded, guarded=True)
    ).findall
    return lambda messages: find(GUARD + GUARD.join(messages))
