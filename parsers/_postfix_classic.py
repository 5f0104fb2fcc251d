"""The figures of logster 1.x for Postfix, and no others: the fastest way to have them."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from logster.blocks import BlockParser, newlines
from logster.metrics import Metric, MetricInfo, MetricObject
from logster.parser import Tally
from logster.parsers._postfix_lines import (
    ADRIFT,
    FACILITY,
    HOST,
    ID,
    SOLARIS,
    TAG,
    TIME,
    WORD,
    Walk,
    compiled,
    plain,
    record,
)


_TO = ID + rb": to=<"
# Most lines have a time but not the outline of a delivery, with a host or without, nor
# a tag or what Solaris writes where the queue id belongs, nor another time: they fail
# at once.
_OUTLINE = (
    rb"\n(?!{TIME}(?![^ ]++ [^ ]++ [^ ]++ "
    rb"(?:to=<|[ -3]\d \d\d:|(?<=[\]I>][:D,] ))))"
    rb"(?:{TIME}" + WORD + rb" " + TAG + _TO + rb"(?:" + record() + rb"|)|(.*))"
)
_WALK = Walk(_OUTLINE, _OUTLINE, b"\n$1 $2 $3")
_LINE = (
    TIME + rb"(?:(?:" + HOST + rb" (?:" + FACILITY + rb")?+|(?=" + WORD + rb"(?<=\]:) ))"
    rb"(?:" + TAG + rb"(?:" + SOLARIS + rb")?+" + _TO + rb""
    rb"(?:" + record() + rb"|())|" + ADRIFT + rb"())|)"
)

_STATUS = 2
_MICROSECONDS = 1_000_000


class _Figure:
    """An attribute that is brought up to date before it is read."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, parser: Any, owner: type) -> Any:
        if parser is None:
            return self
        parser.count_up()
        return parser.__dict__[self._name]

    def __set__(self, parser: Any, value: float) -> None:
        parser.__dict__[self._name] = value


class PostfixLogster(BlockParser):
    """
    The figures of 1.x under their names of 1.x.

    Attributes:
        numSent: Deliveries so far.

        numDeferred: Deliveries put off so far.

        numBounced: Deliveries that failed for good so far.
    """

    numSent = _Figure()  # noqa: N815 - the name 1.x gave it
    numDeferred = _Figure()  # noqa: N815
    numBounced = _Figure()  # noqa: N815

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.numSent = self.numDeferred = self.numBounced = 0
        self._microseconds = 0
        self._records: Counter[bytes] = Counter()

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*."""
        if not block:
            return Tally()
        if block.startswith(b"<"):
            block = plain(block)
        rows = _WALK.rows(block)
        odd = [row for row in rows if row < b"!"]
        if odd:
            rows = [row for row in rows if row > b"!"]
        self._records.update(rows)
        matched, unmatched = len(rows), 0
        for row in odd:
            match = compiled(_LINE).match(plain(row[2:]))
            if match is None or (match.lastindex or 0) > _STATUS:
                unmatched += 1
            elif match[1]:
                self._records[b"%s %s " % (match[1], match[2])] += 1
                matched += 1
        lines = newlines(block) + (not block.endswith(b"\n"))
        return Tally(matched, lines - matched - unmatched, unmatched)

    def count_up(self) -> None:
        """Bring the attributes up to date."""
        for text, times in self._records.items():
            delay, status, _ = text.split(b" ")
            if status == b"sent":
                self.__dict__["numSent"] += times
                self._microseconds += times * microseconds(delay)
            elif status == b"deferred":
                self.__dict__["numDeferred"] += times
            elif status == b"bounced":
                self.__dict__["numBounced"] += times
        self._records.clear()

    def merge(self, other: "PostfixLogster") -> None:
        """Add what *other* counted."""
        self.numSent += other.numSent
        self.numDeferred += other.numDeferred
        self.numBounced += other.numBounced
        self._microseconds += other._microseconds  # noqa: SLF001 - one of us

    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return the figures of 1.x."""
        sent, deferred, bounced = self.numSent, self.numDeferred, self.numBounced
        tried = sent + deferred + bounced
        return [
            Metric("numSent", sent, "Total Sent"),
            Metric("pctSent", percent(sent, tried), "Percentage Sent"),
            Metric("numDeferred", deferred, "Total Deferred"),
            Metric("pctDeferred", percent(deferred, tried), "Percentage Deferred"),
            Metric("numBounced", bounced, "Total Bounced"),
            Metric("pctBounced", percent(bounced, tried), "Percentage Bounced"),
            Metric("mailTxnsSec", tried / duration, "Transactions per sec"),
            Metric("mailSentSec", sent / duration, "Sends per sec"),
            Metric("avgDelay", mean_delay(self._microseconds, sent), "Average Sending Delay"),
        ]

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return the nine figures of 1.x."""
        return (
            MetricInfo("numSent", "Total Sent", "g", "Deliveries."),
            MetricInfo("pctSent", "Percentage Sent", "g", "Their share of all attempts."),
            MetricInfo("numDeferred", "Total Deferred", "g", "Deliveries put off."),
            MetricInfo("pctDeferred", "Percentage Deferred", "g", "Their share of all attempts."),
            MetricInfo("numBounced", "Total Bounced", "g", "Deliveries that failed for good."),
            MetricInfo("pctBounced", "Percentage Bounced", "g", "Their share of all attempts."),
            MetricInfo("mailTxnsSec", "Transactions per sec", "g", "Delivery attempts a second."),
            MetricInfo("mailSentSec", "Sends per sec", "g", "Deliveries a second."),
            MetricInfo(
                "avgDelay", "Average Sending Delay", "g", "Seconds from arrival to delivery."
            ),
        )


def microseconds(text: bytes) -> int:
    """
    Return a delay in whole microseconds, the finest that Postfix writes.

    >>> microseconds(b"0.07"), microseconds(b"78")
    (70000, 78000000)
    """
    return round(float(text) * _MICROSECONDS)


def mean_delay(total: int, count: int) -> float:
    """Return the mean of *count* delays of *total* microseconds, in seconds; 0 for none."""
    return total / (count * _MICROSECONDS) if count else 0


def percent(part: int, whole: int) -> float:
    """Return the share of *part* in *whole*; 0.0 where there is nothing to share."""
    return part / whole * 100 if whole else 0.0
